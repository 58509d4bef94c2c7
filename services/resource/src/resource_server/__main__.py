"""`python -m resource_server`: one process, settings from the environment."""

from oauth_kit.settings import load_settings
from oauth_kit.web.service import run_service
from resource_server.app import create_app
from resource_server.settings import ResourceSettings


def main() -> None:
    run_service(create_app, load_settings(ResourceSettings))


if __name__ == "__main__":
    main()
