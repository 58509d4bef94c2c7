"""Which addresses may be dialled for a stranger (RFC 6890)."""

from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauth_kit.rules.public_address import PrivateTargets, is_public_address

SPECIAL_NETWORKS = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.31.196.0/24",
    "192.52.193.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "192.175.48.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/128",
    "::1/128",
    "::/96",
    "::ffff:10.0.0.0/104",
    "::ffff:127.0.0.0/104",
    "::ffff:169.254.0.0/112",
    "64:ff9b::/96",
    "64:ff9b:1::/48",
    "100::/64",
    "2001::/23",
    "2001:db8::/32",
    "2002::/16",
    "2620:4f:8000::/48",
    "3fff::/20",
    "4000::/3",
    "5f00::/16",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
]


@pytest.mark.requirement("CI10")
@pytest.mark.parametrize("network", SPECIAL_NETWORKS)
def test_the_edges_of_special_networks_are_refused(network: str) -> None:
    edges = ip_network(network)
    assert not is_public_address(str(edges[0]))
    assert not is_public_address(str(edges[-1]))


@pytest.mark.requirement("CI10")
@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "169.254.169.254",
        "192.0.0.192",
        "192.0.0.255",
        "192.0.0.9",
        "255.255.255.255",
        "::ffff:127.0.0.1",
        "::ffff:7f00:1",
        "::127.0.0.1",
        "::ffff:0:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2002:7f00::",
        "2001:0:7f00:1::",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "2606:4700::1111%eth0",
        "2606:4700::5efe:127.0.0.1",
        "2606:4700::200:5efe:10.0.0.1",
        "2606:4700::100:5efe:8.8.8.8",
        "2606:4700::300:5efe:8.8.8.8",
    ],
)
def test_addresses_that_lead_inside_are_refused(address: str) -> None:
    assert not is_public_address(address)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "h.example",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "1.1.1.1 ",
        "1.1.1.1/32",
        "::g",
    ],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    assert not is_public_address(address)


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "8.8.8.8",
        "100.63.255.255",
        "100.128.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "192.88.98.255",
        "192.88.100.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "::ffff:8.8.8.8",
        "2001:200::1",
        "2606:4700:4700::1111",
        "2a00:1450::200e",
        "2606:4700::5eff:808:808",
        "3ffe::1",
    ],
)
def test_public_addresses_are_accepted(address: str) -> None:
    assert is_public_address(address)


@given(st.ip_addresses() | st.text())
def test_an_arbitrary_address_is_judged_without_an_error(address: object) -> None:
    assert is_public_address(str(address)) in {True, False}


@given(st.ip_addresses(v=4))
def test_a_mapped_address_is_judged_as_the_one_it_maps(address: IPv4Address) -> None:
    assert is_public_address(f"::ffff:{address}") is is_public_address(str(address))


@given(st.ip_addresses(v=6))
def test_public_means_global_unicast(address: IPv6Address) -> None:
    if is_public_address(str(address)):
        assert address.ipv4_mapped or address in ip_network("2000::/3")
        assert address.ipv4_mapped or not (address.is_private or address.sixtofour)


def test_without_exceptions_only_public_addresses_are_permitted() -> None:
    nothing = PrivateTargets()
    assert nothing.permit("localhost", 3003, "1.1.1.1")
    assert not nothing.permit("localhost", 3003, "127.0.0.1")
    assert not nothing.includes("localhost", 3003)
    assert nothing.dialled("[::1]", 80) == ("::1", 80)


@pytest.mark.requirement("CI11")
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_the_loopback_exception_is_for_loopback_names_and_addresses(host: str) -> None:
    loopback = PrivateTargets(loopback=True)
    assert loopback.includes(host, 3003)
    assert loopback.permit(host, 3003, "127.0.0.1")
    assert loopback.permit(host, 3003, "::1")
    assert not loopback.permit(host, 3003, "10.0.0.1")
    assert not loopback.permit(host, 3003, "1.1.1.1")
    assert not loopback.permit(host, 3003, "nonsense")
    assert not loopback.permit("rebinding.example", 3003, "127.0.0.1")
    assert not loopback.includes("rebinding.example", 3003)


def test_a_pair_of_the_host_map_is_exact_and_replaces_loopback() -> None:
    mapped = PrivateTargets(host_map={("localhost", 3003): ("clients", 8080)}, loopback=True)
    assert mapped.includes("localhost", 3003)
    assert mapped.dialled("localhost", 3003) == ("clients", 8080)
    assert mapped.permit("localhost", 3003, "172.18.0.5")
    assert not mapped.includes("localhost", 3005)
    assert not mapped.permit("localhost", 3005, "127.0.0.1")
    assert mapped.dialled("localhost", 3005) == ("localhost", 3005)


def test_a_named_private_host_is_taken_as_it_comes() -> None:
    named = PrivateTargets(hosts=frozenset({"clients.test"}))
    assert named.includes("clients.test", 443)
    assert named.permit("clients.test", 443, "172.18.0.5")
    assert not named.permit("x.clients.test", 443, "172.18.0.5")
