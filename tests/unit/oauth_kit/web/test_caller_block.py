"""By which network a caller is counted: nobody chooses his own."""

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from oauth_kit.web.reading import TrustedProxies

PROXIES = "10.0.0.0/8, 2001:db8:ffff::/48"


def block(remote: str, *forwarded: str, proxies: str = PROXIES, name: str = "") -> str:
    headers = CIMultiDict((name or "X-Forwarded-For", value) for value in forwarded)
    request = make_mocked_request("GET", "/", headers).clone(remote=remote)
    return TrustedProxies(proxies).caller_block(request)


@pytest.mark.requirement("C2", "OP3")
@pytest.mark.parametrize(
    ("remote", "forwarded"),
    [
        ("192.0.2.7", ["198.51.100.1"]),
        ("192.0.2.7", ["198.51.100.1, 10.0.0.1"]),
        ("192.0.2.7", ["10.0.0.1"]),
        ("192.0.2.7", ["198.51.100.1", "203.0.113.1"]),
        ("10.0.0.1", ["192.0.2.7"]),
        ("10.0.0.1", ["198.51.100.1, 192.0.2.7"]),
        ("10.0.0.1", ["198.51.100.1", "192.0.2.7"]),
        ("10.0.0.1", ["192.0.2.7, 10.0.0.9"]),
        ("10.0.0.1", ["198.51.100.1,192.0.2.7 ,, 10.9.9.9,"]),
        ("10.0.0.1", ["garbage, 192.0.2.7"]),
        ("::ffff:10.0.0.1", ["198.51.100.1, 192.0.2.7"]),
        ("10.0.0.1", ["198.51.100.1, ::ffff:192.0.2.7"]),
        ("10.0.0.1", ["192.0.2.7, ::ffff:10.0.0.2"]),
        ("2001:db8:ffff::1", ["198.51.100.1, 192.0.2.7"]),
        ("::ffff:192.0.2.7", ["198.51.100.1"]),
    ],
)
def test_only_what_a_trusted_proxy_added_counts(remote: str, forwarded: list[str]) -> None:
    assert block(remote, *forwarded) == "192.0.2.0/24"


@pytest.mark.requirement("C2", "OP3")
def test_without_trusted_proxies_the_header_is_ignored() -> None:
    assert block("10.0.0.1", "198.51.100.1", proxies="") == "10.0.0.0/24"
    assert block("10.0.0.1", proxies=PROXIES) == "10.0.0.0/24"
    assert block("10.0.0.1", "10.1.1.1, 10.2.2.2") == "10.1.1.0/24"


@pytest.mark.requirement("C2", "OP3")
@pytest.mark.parametrize("name", ["Forwarded", "X-Real-IP", "X-Client-IP", "True-Client-IP"])
def test_other_headers_say_nothing(name: str) -> None:
    assert block("10.0.0.1", "for=192.0.2.7", name=name) == "10.0.0.0/24"


@pytest.mark.requirement("C2")
def test_addresses_of_one_ipv6_network_count_together() -> None:
    one, other = "2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"
    assert block(one) == block(other) == "2001:db8:1:2::/64"
    assert block("2001:db8:1:3::1") == "2001:db8:1:3::/64"
    assert block("fe80::1%eth0") == "fe80::/64"


@pytest.mark.requirement("C2")
def test_addresses_of_one_ipv4_network_count_together() -> None:
    assert block("192.0.2.0") == block("192.0.2.255") == "192.0.2.0/24"
    assert block("192.0.3.0") == "192.0.3.0/24"


@pytest.mark.requirement("C2")
@pytest.mark.parametrize("hop", ["unknown", "_hidden", "192.0.2.7:4711", "[2001:db8::1]", "٣"])
def test_what_is_no_address_shares_one_window(hop: str) -> None:
    assert block("10.0.0.1", f"198.51.100.1, {hop}") == "unknown"


def test_a_unix_socket_has_no_address() -> None:
    assert block("") == "unknown"


@pytest.mark.requirement("OP4")
@pytest.mark.parametrize("proxies", ["10.0.0.1/8", "proxy.example", "10.0.0.0/33", "*"])
def test_proxies_are_networks(proxies: str) -> None:
    with pytest.raises(ValueError, match=r"network|appear|host bits"):
        TrustedProxies(proxies)
