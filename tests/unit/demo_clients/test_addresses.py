"""URLs from hostile metadata are refused before anything is called or opened."""

import pytest

from demo_clients.addresses import check_server_url
from demo_clients.problems import Problem

HOSTILE = [
    "javascript:alert(1)",
    "JavaScript://localhost/%0aalert(1)",
    "data:text/html,x",
    "file:///etc/passwd",
    "vbscript:x",
    "ftp://as.example/authorize",
    "//as.example/authorize",
    "/authorize",
    "",
    "https://",
    "https:///authorize",
    "https:as.example/authorize",
    " https://as.example/authorize",
    "https://as.example/author ize",
    "https://as.example/authorize\n",
    "ht\ttps://as.example/authorize",
    "https://as.example\\@evil.example/authorize",
    "https://user:secret@as.example/authorize",
    "https://as.example@evil.example/authorize",
    "https://as.example/authorize#fragment",
    "https://as.example/authorize#",
    "https://as.example/a/../authorize",
    "https://as.example/%2e%2e/authorize",
    "https://as.example/$(touch /tmp/x)",
    "https://as.example/`id`",
    'https://as.example/";calc;"',
    "http://as.example/authorize",
    "http://localhost.evil.example/authorize",
    "http://127.0.0.1.evil.example/authorize",
    "http://127.0.0.2/authorize",
    "http://2130706433/authorize",
    "http://0.0.0.0/authorize",
    "https://10.0.0.1/authorize",
    "https://169.254.169.254/latest/meta-data",
    "https://[::ffff:127.0.0.1]/authorize",
    "https://as.example:99999/authorize",
    "https://as.example/" + "a" * 2048,
    None,
    17,
    ["https://as.example/authorize"],
]


@pytest.mark.requirement("CL16")
@pytest.mark.parametrize("loopback_allowed", [True, False])
@pytest.mark.parametrize("url", HOSTILE)
def test_a_hostile_url_is_refused(url: object, loopback_allowed: bool) -> None:
    with pytest.raises(Problem):
        check_server_url(url, "authorization_endpoint", loopback_allowed=loopback_allowed)


@pytest.mark.requirement("CL16")
@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:3004/authorize",
        "http://127.0.0.1:3004/authorize",
        "http://[::1]:3004/authorize",
        "https://localhost/authorize",
        "https://keycloak:8443/authorize",
        "https://as.localhost/authorize",
        "https://as.corp.internal/authorize",
        "https://printer.local/authorize",
    ],
)
def test_a_private_host_is_for_a_resource_on_this_computer_only(url: str) -> None:
    assert check_server_url(url, "issuer", loopback_allowed=True) == url
    with pytest.raises(Problem):
        check_server_url(url, "issuer", loopback_allowed=False)


@pytest.mark.parametrize("loopback_allowed", [True, False])
@pytest.mark.parametrize(
    "url",
    [
        "https://as.example",
        "https://as.example/authorize?tenant=1",
        "https://as.example:8443/a%20b",
        "https://as.example/" + "a" * (2048 - len("https://as.example/")),
    ],
)
def test_an_https_url_is_returned_as_it_is(url: str, loopback_allowed: bool) -> None:
    assert check_server_url(url, "issuer", loopback_allowed=loopback_allowed) == url


def test_a_refusal_shows_the_member_and_not_the_url() -> None:
    with pytest.raises(Problem) as refusal:
        check_server_url("javascript:alert(1)", "token_endpoint", loopback_allowed=True)
    assert "token_endpoint" in refusal.value.message
    assert "javascript" not in refusal.value.message + refusal.value.reason
