"""`python -m registrar`: one process, configured by its environment."""

from oauth_kit.settings import load_settings
from oauth_kit.web.service import run_service
from registrar.app import create_app
from registrar.settings import Settings

if __name__ == "__main__":
    run_service(create_app, load_settings(Settings))
