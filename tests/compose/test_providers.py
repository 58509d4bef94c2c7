"""A provider of the operator's own, by variables and one secret: a user pool, or any other."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest
from compose.containers import PROVIDER_HOSTS, System
from compose.visitor import a_visitor
from e2e.pages import ClientPage
from e2e.test_demo_clients import KINDS, log_in, open_client

__all__ = ["log_in", "open_client"]

PROVIDER_VARIABLES = ("authorize_url", "token_url", "jwks_url", "revoke_url", "logout_url")
REALM = "http://localhost:8080/realms/mcp"
OWN_HOSTS = {"localstack": "user-pool", "keycloak": "openid-provider"}
SECRET = "provider_client_secret"
ONE_SHOT = ("run", "--rm", "--no-deps", "-T")


@dataclass(frozen=True, slots=True)
class Provider:
    client_secret: str
    profile: str
    settings: dict[str, str]


@pytest.fixture(scope="module")
def own(system: System) -> Iterator[System]:
    """The same containers, told about a provider that the compose file does not know."""
    own_host = OWN_HOSTS[system.profile]
    beside = replace(system, files=(*system.files, f"tests/compose/{own_host}.yml"))
    system.compose("rm", "--stop", "--force", PROVIDER_HOSTS[system.profile])
    beside.compose("up", "--detach", "--wait", "--wait-timeout", "180", "--no-deps", own_host)
    provider = USED_AS[own_host](beside)
    beside.compose(*ONE_SHOT, "init", "secret", SECRET, given=provider.client_secret)
    own = replace(
        beside,
        profile=provider.profile,
        settings=(*system.settings, *provider.settings.items()),
    )
    own.up()
    yield own
    beside.compose("rm", "--stop", "--force", own_host)
    beside.compose(*ONE_SHOT, "--entrypoint", "rm", "init", f"/volumes/operator/{SECRET}")
    system.up()


def user_pool(beside: System) -> Provider:
    """Profile `cognito`, with the emulator at the addresses that AWS has otherwise."""
    pool = json.loads(beside.read("user-pool", "/state/provider.json"))
    addresses = {f"PROVIDER_{name.upper()}": pool[name] for name in PROVIDER_VARIABLES}
    named = {"PROVIDER_ISSUER": pool["issuer"], "PROVIDER_CLIENT_ID": pool["client_id"]}
    return Provider(pool["client_secret"], "cognito", {**named, **addresses})


def openid_provider(beside: System) -> Provider:
    """No profile: what is where comes from the issuer's discovery document."""
    named = {"PROVIDER": "oidc", "PROVIDER_ISSUER": REALM, "PROVIDER_CLIENT_ID": "mcp-bridge"}
    hosts = "localhost:3003=client-metadata:3003,localhost:8080=openid-provider:8080"
    secret = beside.read("openid-provider", "/run/authstack/bridge_secret")
    return Provider(secret, "", {**named, "BRIDGE_HOST_MAP": hosts})


USED_AS: dict[str, Callable[[System], Provider]] = {
    "user-pool": user_pool,
    "openid-provider": openid_provider,
}


async def test_a_refresh_asks_it_and_waits_while_it_is_away(own: System) -> None:
    host = next(host for host in OWN_HOSTS.values() if own.containers(host))
    async with a_visitor() as visitor:
        own.compose("stop", host)
        assert (await visitor.ask_for_refresh()).status == 503
        own.compose("up", "--detach", "--wait", "--no-deps", host)
        renewed = await visitor.ask_for_refresh()
        assert renewed.status == 200, renewed


@pytest.mark.parametrize("kind", KINDS)
def test_every_client_logs_in_through_it(
    own: System, log_in: Callable[[str], ClientPage], kind: str
) -> None:
    client = log_in(kind)
    client.press("fetch")
    client.expect_status("The resource server sent its data.")
    client.press("refresh")
    client.expect_status("The tokens are new.")


def test_every_client_goes_through_the_one_shared_client(own: System) -> None:
    assert own.read("cimd-bridge", "/run/authstack/upstream_clients") == "shared"
    assert '"app_client_created"' not in own.logs("registrar")


def test_the_registrar_holds_no_rights_over_it(own: System) -> None:
    kept = own.run_in("registrar", "ls", "/run/authstack").stdout.split()
    assert "provider_admin_client_secret" not in kept
    assert "aws_credentials" not in kept
