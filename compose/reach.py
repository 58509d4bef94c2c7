"""What follows from where the system is reached: on this machine, or under https names.

Names on localhost mean another container inside of one, a document on localhost is a stranger's to
the bridge, and the demo clients are on localhost: what opens that is given for a loopback issuer
only, and beside it in development only. The services refuse it otherwise.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

BRIDGE, REGISTRAR, RESOURCE = "cimd-bridge", "registrar", "resource"
CLIENTS = ("client-preregistered", "client-dynamic", "client-metadata")
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")

_OF_A_CLIENT = (
    "localhost:3001=resource:3001,localhost:3004=cimd-bridge:3004,localhost:3005=registrar:3005"
)
HOST_MAPS = {
    # the one demo client whose metadata document it fetches; no other container
    BRIDGE: "localhost:3003=client-metadata:3003",
    RESOURCE: "localhost:3004=cimd-bridge:3004",
    **dict.fromkeys(CLIENTS, _OF_A_CLIENT),
}
DEMO_CLIENTS = (
    "pre-registered=http://localhost:3000 dynamic=http://localhost:3002 "
    "metadata-document=http://localhost:3003"
)
BY_REACH = frozenset({"environment", "host_map", "cimd_allow_loopback", "demo_clients"})
"""Every setting that is chosen here."""

DEMO_CLIENT_ENTRY = """\
[[clients]]
client_id = "{client_id}"
name = "Pre-registered demo client"
secret_hash = "sha256:{client_secret_hash}"
redirect_uris = ["{redirect_uri}"]
scopes = ["mcp-api/read", "mcp-api/write"]
grant_types = ["authorization_code", "refresh_token"]

"""
RESOURCE_SERVER_ENTRY = """\
[[clients]]
kind = "resource_server"
client_id = "demo-resource-server"
secret_hash = "sha256:{resource_server_secret_hash}"
resource = "{resource}"
"""


def is_on_this_machine(environment: Mapping[str, str]) -> bool:
    return urlsplit(environment["ISSUER"]).hostname in LOOPBACK_HOSTS


def environment_of(environment: Mapping[str, str]) -> str:
    """`production` for an https issuer, unless somebody says otherwise."""
    local = "development" if is_on_this_machine(environment) else "production"
    return environment.get("ENVIRONMENT") or local


def settings_by_reach(service: str, environment: Mapping[str, str]) -> dict[str, str]:
    """What a service is told; a variable of the same name overrides it."""
    told = {"environment": environment_of(environment)}
    if not is_on_this_machine(environment):
        return told
    if service in HOST_MAPS:
        told["host_map"] = HOST_MAPS[service]
    if told["environment"] == "development" and service == BRIDGE:
        told["cimd_allow_loopback"] = "true"
    if told["environment"] == "development" and service == RESOURCE:
        told["demo_clients"] = DEMO_CLIENTS
    return told


def clients_toml(environment: Mapping[str, str], hashes: Mapping[str, str]) -> str:
    """Who is known to the bridge from the start; hashes: of secrets, by `<their name>_hash`."""
    demo = DEMO_CLIENT_ENTRY if environment_of(environment) == "development" else ""
    return f"{demo}{RESOURCE_SERVER_ENTRY}".format(
        **hashes,
        client_id=environment["PREREGISTERED_CLIENT_ID"],
        redirect_uri=environment["PREREGISTERED_REDIRECT_URI"],
        resource=environment["RESOURCE"],
    )
