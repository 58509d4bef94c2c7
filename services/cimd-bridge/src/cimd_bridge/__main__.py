"""`python -m cimd_bridge`: one process, without gunicorn."""

from cimd_bridge.app import create_app
from cimd_bridge.settings import Settings
from oauth_kit.settings import load_settings
from oauth_kit.web.service import run_service

if __name__ == "__main__":
    run_service(create_app, load_settings(Settings))
