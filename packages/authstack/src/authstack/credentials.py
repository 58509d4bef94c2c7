"""Keys and secrets of a stack: made once, mode 0600, one folder a service with what it needs."""

import secrets
from collections.abc import Callable
from pathlib import Path

from authstack.files import make_private_folder, write_private
from authstack.layout import CLIENT_KINDS, Layout
from authstack.services import PREREGISTERED_CLIENT_ID, client_service
from oauth_kit.crypto.key_ring import KeyRing
from oauth_kit.rules.client_authentication import hash_secret

RESOURCE_SERVER_ID = "demo-resource-server"
OPERATOR = "operator"

_CLIENTS_TEMPLATE = """\
[[clients]]
client_id = "{client_id}"
name = "Pre-registered demo client"
secret_hash = "{client_secret_hash}"
redirect_uris = ["{redirect_uri}"]
scopes = ["mcp-api/read", "mcp-api/write"]
grant_types = ["authorization_code", "refresh_token"]

[[clients]]
kind = "resource_server"
client_id = "{resource_server_id}"
secret_hash = "{resource_server_secret_hash}"
resource = "{resource}"
"""


def make_credentials(layout: Layout) -> None:
    """Make what is missing; never change what is there."""
    _share(layout, "upstream_keys", _new_key_ring, "bridge", "registrar")
    _share(layout, "internal_token", _new_secret, "bridge", "registrar")
    _share(layout, "master_keys", _new_key_ring, "bridge")
    make_private_folder(secrets_folder(layout, "resource"))  # it needs none
    for kind in CLIENT_KINDS:
        _share(layout, "session_keys", _new_key_ring, client_service(kind))
    client_secret = _share(
        layout, "preregistered_client_secret", _new_secret, client_service("preregistered")
    )
    resource_server_secret = _share(layout, "resource_server_secret", _new_secret, OPERATOR)
    # Rewritten at each start, because its URLs move with the port offset.
    write_private(
        layout.preregistered_clients,
        _CLIENTS_TEMPLATE.format(
            client_id=PREREGISTERED_CLIENT_ID,
            client_secret_hash=hash_secret(client_secret),
            redirect_uri=layout.url("preregistered") + "/callback",
            resource_server_id=RESOURCE_SERVER_ID,
            resource_server_secret_hash=hash_secret(resource_server_secret),
            resource=layout.resource,
        ),
    )


def secrets_folder(layout: Layout, service: str) -> Path:
    return layout.secrets / service


def preregistered_secret_file(layout: Layout) -> Path:
    return secrets_folder(layout, client_service("preregistered")) / "preregistered_client_secret"


def _share(layout: Layout, name: str, make: Callable[[], str], *services: str) -> str:
    """One secret in the folder of each service that needs it; the first one's file decides."""
    folders = [secrets_folder(layout, service) for service in services]
    for folder in folders:
        make_private_folder(folder)
    first = folders[0] / name
    if not first.exists():
        write_private(first, make())
    value = first.read_text(encoding="utf-8")
    for folder in folders[1:]:
        write_private(folder / name, value)
    return value


def _new_key_ring() -> str:
    return KeyRing.generate("k1")


def _new_secret() -> str:
    return secrets.token_urlsafe(32)
