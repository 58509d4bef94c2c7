"""Run one demo client as one process: `python -m demo_clients`."""

from demo_clients.app import create_app
from demo_clients.settings import ClientSettings
from oauth_kit.settings import load_settings
from oauth_kit.web.service import run_service

if __name__ == "__main__":
    run_service(create_app, load_settings(ClientSettings))
