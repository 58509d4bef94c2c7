"""Whose documents may be asked for."""

import pytest

from oauth_kit.rules.document_targets import DocumentTargets
from oauth_kit.rules.errors import OAuthError
from oauth_kit.rules.public_address import PrivateTargets

LOCAL_URLS = ["http://localhost:3004", "http://localhost:3001/mcp", "http://localhost:3005"]
FURTHER_PORTS = [4566]


def targets(private: PrivateTargets, own_urls: list[str] | None = None) -> DocumentTargets:
    return DocumentTargets.excluding(
        LOCAL_URLS if own_urls is None else own_urls, FURTHER_PORTS, private
    )


def refused(checked: DocumentTargets, client_id: str, sec_fetch_site: str | None = None) -> bool:
    try:
        checked.check(client_id, sec_fetch_site=sec_fetch_site)
    except OAuthError as error:
        assert error.code == "invalid_client"  # noqa: PT017 - the question is whether it is raised
        return True
    return False


LOOPBACK = targets(PrivateTargets(loopback=True))
PRODUCTION = targets(
    PrivateTargets(),
    ["https://auth.example", "https://mcp.example:8443/mcp", "https://register.example"],
)


@pytest.mark.requirement("CI11")
@pytest.mark.parametrize(
    "client_id",
    [
        "http://localhost:3003/client-metadata.json",
        "https://localhost/client-metadata.json",
        "https://127.0.0.1:3003/client-metadata.json",
        "http://client.example/c.json",
    ],
)
def test_loopback_is_refused_without_the_exception(client_id: str) -> None:
    assert refused(PRODUCTION, client_id)


@pytest.mark.parametrize(
    "client_id",
    [
        "https://auth.example/c.json",
        "https://auth.example:9000/c.json",
        "https://mcp.example/c.json",
        "https://mcp.example:8443/c.json",
        "https://register.example/c.json",
    ],
)
def test_our_own_hosts_are_refused_on_every_port(client_id: str) -> None:
    assert refused(PRODUCTION, client_id)


def test_everybody_else_is_asked_on_any_port() -> None:
    assert PRODUCTION.check("https://client.example:8443/c").port == 8443
    assert PRODUCTION.check("https://client.example:3205/c").port == 3205
    assert not refused(LOOPBACK, "https://client.example/c", "cross-site")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
@pytest.mark.parametrize(
    "port", [3001, 3004, 3005, 3100, 3101, 3102, 3103, 3104, 3105, 3205, 3299, 4566]
)
def test_no_port_of_ours_is_asked_on_loopback(host: str, port: int) -> None:
    assert refused(LOOPBACK, f"http://{host}:{port}/c.json")
    assert refused(LOOPBACK, f"https://{host}:{port}/c.json")


@pytest.mark.parametrize("port", [443, 3000, 3002, 3003, 3099, 3300, 8080])
def test_the_demo_client_and_others_are_asked_on_loopback(port: int) -> None:
    assert LOOPBACK.check(f"http://localhost:{port}/c.json").port == port


@pytest.mark.parametrize(
    ("sec_fetch_site", "expected"),
    [
        (None, False),
        ("same-site", False),
        ("same-origin", False),
        ("none", False),
        ("cross-site", True),
    ],
)
def test_a_foreign_page_cannot_have_loopback_asked(
    sec_fetch_site: str | None, expected: bool
) -> None:
    assert refused(LOOPBACK, "http://localhost:3003/c.json", sec_fetch_site) is expected


def test_with_a_host_map_only_its_pairs_are_asked() -> None:
    mapped = targets(
        PrivateTargets(
            host_map={
                ("localhost", 3003): ("clients", 3003),
                ("localhost", 3001): ("resource", 3001),
                ("localhost", 3006): ("registrar", 3205),
            },
            loopback=True,
        )
    )
    assert not refused(mapped, "http://localhost:3003/c.json")
    assert refused(mapped, "http://127.0.0.1:3003/c.json")
    assert refused(mapped, "http://localhost:8080/c.json")
    assert refused(mapped, "http://localhost:3001/c.json")
    assert refused(mapped, "http://localhost:3006/c.json")
    assert refused(mapped, "http://localhost:3003/c.json", "cross-site")


def test_a_loopback_issuer_without_a_port_has_the_port_of_its_scheme() -> None:
    for own_url, port in (("http://localhost", 80), ("https://localhost", 443)):
        checked = targets(PrivateTargets(loopback=True), [own_url])
        assert refused(checked, f"https://localhost:{port}/c.json")
        assert refused(checked, f"https://localhost:{port + 100}/c.json")
        assert refused(checked, f"https://localhost:{port + 200}/c.json")
        assert not refused(checked, "https://localhost:3003/c.json")


def test_an_own_url_may_have_a_host_that_no_stranger_may_have() -> None:
    checked = targets(PrivateTargets(), ["https://10.0.0.5:3004", "https://xn--bcher-kva.example"])
    assert checked.own_hosts == {"10.0.0.5", "xn--bcher-kva.example"}
    assert targets(PrivateTargets(), ["http://[::1]:3004"]).own_ports >= {3004, 3104, 3204}


def test_a_named_private_host_is_asked_but_not_on_our_ports() -> None:
    named = targets(PrivateTargets(hosts=frozenset({"clients.test"})), ["https://auth.test"])
    assert named.check("https://clients.test/c").host == "clients.test"
    assert refused(named, "https://clients.test:4566/c")
    assert refused(named, "https://auth.test/c")
