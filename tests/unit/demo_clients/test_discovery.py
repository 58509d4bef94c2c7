"""From a 401 to the authorization server, over real sockets."""

import pytest
from fakes.client_world import MakeWorld, World

PATH = "/.well-known/oauth-protected-resource/mcp"
ROOT = "/.well-known/oauth-protected-resource"


@pytest.mark.requirement("CL1")
@pytest.mark.parametrize(
    ("challenge", "served", "asked"),
    [
        ('Bearer resource_metadata="{origin}/else/where"', ("/else/where",), ["/else/where"]),
        ("Bearer", (PATH, ROOT), [PATH]),
        ('Basic realm="x", Bearer scope="mcp-api/read"', (PATH, ROOT), [PATH]),
        ("Bearer", (ROOT,), [PATH, ROOT]),
        ("", (ROOT,), [PATH, ROOT]),
        ('Basic resource_metadata="{origin}/trap"', (PATH,), [PATH]),
        ('Bearer x_resource_metadata="{origin}/trap"', (PATH,), [PATH]),
        ('Bearer realm="resource_metadata={origin}/trap"', (PATH,), [PATH]),
    ],
)
async def test_the_challenge_says_where_else_path_then_root(
    world: World, challenge: str, served: tuple[str, ...], asked: list[str]
) -> None:
    world.resource.challenge = challenge
    world.resource.metadata_paths = served
    page = await world.browser.do("log-in")
    assert page.is_logged_in
    assert [path for path in world.resource.paths() if path != "/mcp"] == asked


@pytest.mark.requirement("CL1")
async def test_a_resource_without_metadata_stops_the_login(world: World) -> None:
    world.resource.metadata_paths = ()
    page = await world.browser.do("log-in")
    assert page.says("status") == "The resource server publishes no metadata."
    assert world.issuer.seen == []


@pytest.mark.requirement("CL2")
@pytest.mark.parametrize("resource", ["https://evil.example/mcp", "{origin}/mcp/", "{origin}"])
async def test_metadata_of_another_resource_stops_before_the_authorization_server(
    world: World, resource: str
) -> None:
    world.resource.metadata["resource"] = resource.format(origin=world.resource.origin)
    page = await world.browser.do("log-in")
    assert "another resource" in page.says("status")
    assert world.issuer.seen == []


AS_8414, AS_OIDC = "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"


@pytest.mark.requirement("CL3")
@pytest.mark.parametrize(
    ("issuer_path", "order"),
    [
        ("", [AS_8414, AS_OIDC]),
        ("/t", [f"{AS_8414}/t", f"{AS_OIDC}/t", f"/t{AS_OIDC}"]),
    ],
)
async def test_authorization_server_metadata_is_tried_in_order(
    make_world: MakeWorld, issuer_path: str, order: list[str]
) -> None:
    for count in range(1, len(order) + 1):
        world = await make_world()
        world.issuer.issuer_path = issuer_path
        world.issuer.metadata_paths = (order[count - 1],)
        assert (await world.browser.do("log-in")).is_logged_in
        assert world.issuer.paths()[:count] == order[:count]
        assert "well-known" not in world.issuer.paths()[count]


@pytest.mark.requirement("CL4")
async def test_another_issuers_document_is_refused_and_not_skipped(world: World) -> None:
    world.issuer.metadata["issuer"] = "https://evil.example"
    world.issuer.metadata_paths = (AS_8414, AS_OIDC)
    page = await world.browser.do("log-in")
    assert "another issuer" in page.says("status")
    assert world.issuer.paths() == [AS_8414]
    assert world.issuer.clients == {}


@pytest.mark.requirement("CL5")
@pytest.mark.parametrize("methods", [None, [], ["plain"]])
async def test_a_server_without_s256_is_refused_before_we_register(
    world: World, methods: list[str] | None
) -> None:
    world.issuer.metadata["code_challenge_methods_supported"] = methods
    page = await world.browser.do("log-in")
    assert "S256" in page.says("status")
    assert world.issuer.clients == {}


@pytest.mark.requirement("CL16")
@pytest.mark.parametrize(
    ("member", "url"),
    [
        ("authorization_endpoint", "javascript:alert(document.cookie)"),
        ("authorization_endpoint", "file:///etc/passwd"),
        ("authorization_endpoint", "data:text/html,hello"),
        ("authorization_endpoint", "http://as.example/authorize"),
        ("token_endpoint", "http://169.254.169.254/token"),
        ("registration_endpoint", "https://user@as.example/register"),
        ("revocation_endpoint", "ftp://as.example/revoke"),
    ],
)
async def test_a_hostile_endpoint_is_neither_called_nor_opened(
    world: World, member: str, url: str
) -> None:
    world.issuer.metadata[member] = url
    page = await world.browser.do("log-in")
    assert member in page.says("status")
    assert url not in page.text
    assert world.issuer.clients == {}


async def test_hostile_places_of_metadata_are_not_called(world: World) -> None:
    world.resource.challenge = 'Bearer resource_metadata="file:///etc/passwd"'
    assert "resource_metadata" in (await world.browser.do("log-in")).says("status")
    world.resource.challenge = "Bearer"
    world.resource.metadata["authorization_servers"] = ["http://169.254.169.254"]
    assert "issuer" in (await world.browser.do("log-in")).says("status")


async def test_a_metadata_document_without_end_is_cut_off(world: World) -> None:
    world.issuer.metadata["padding"] = "x" * (64 * 1024)
    page = await world.browser.do("log-in")
    assert page.says("status") == "A server's answer is too large."


async def test_a_server_that_is_away_is_named_as_such(world: World) -> None:
    world.resource.metadata["authorization_servers"] = ["http://127.0.0.1:9"]
    page = await world.browser.do("log-in")
    assert "cannot be reached" in page.says("status")


async def test_a_resource_without_protection_starts_no_login(world: World) -> None:
    world.issuer.access_tokens[""] = "mcp-api/read"
    page = await world.browser.do("log-in")
    assert page.says("status") == "The resource server did not ask for authorization."
