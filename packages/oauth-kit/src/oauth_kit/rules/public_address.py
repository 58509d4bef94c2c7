"""May we connect to this address for a stranger? Only if it is public (RFC 6890)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

from oauth_kit.rules.web_url import LOOPBACK_HOSTS

Target = tuple[str, int]

# Complete lists: `is_global` lacks some of them, and differs between versions of Python.
_SPECIAL_IPV4: Final = tuple(
    IPv4Network(network)
    for network in (
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
    )
)
_UNICAST_IPV6: Final = IPv6Network("2000::/3")
_SPECIAL_IPV6: Final = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "2620:4f:8000::/48",
        "3fff::/20",
    )
)
# RFC 5214 §6.1: [u/g bits]00-5E-FE in front of an embedded IPv4 address.
_ISATAP: Final = 0x00005EFE
_ISATAP_MASK: Final = 0xFCFFFFFF


def is_public_address(address: str) -> bool:
    """True for a global unicast address; an IPv4-mapped one is judged by what it maps."""
    parsed = _parse(address)
    if isinstance(parsed, IPv4Address):
        return parsed.is_global and not any(parsed in network for network in _SPECIAL_IPV4)
    if isinstance(parsed, IPv6Address):
        return (
            parsed in _UNICAST_IPV6
            and parsed.is_global
            and not any(parsed in network for network in _SPECIAL_IPV6)
            and (int(parsed) >> 32) & _ISATAP_MASK != _ISATAP
        )
    return False


@dataclass(frozen=True, slots=True)
class PrivateTargets:
    """What may be dialled although it is not public: development's exceptions, empty otherwise.

    host_map: (host, port) of a URL → (host, port) to dial in its place
    hosts:    names whose addresses are taken as they come
    loopback: the loopback names reach loopback, unless there is a host map
    """

    host_map: Mapping[Target, Target] = field(default_factory=dict)
    hosts: frozenset[str] = frozenset()
    loopback: bool = False

    def dialled(self, host: str, port: int) -> Target:
        """The place to look up and connect to for a URL of `host` and `port`."""
        return self.host_map.get((host, port), (host.strip("[]"), port))

    def includes(self, host: str, port: int) -> bool:
        return (host, port) in self.host_map or host in self.hosts or self._is_loopback(host)

    def permit(self, host: str, port: int, address: str) -> bool:
        """Whether `address` may be dialled for a URL of `host` and `port`."""
        if (host, port) in self.host_map or host in self.hosts:
            return True
        if self._is_loopback(host):
            parsed = _parse(address)
            return parsed is not None and parsed.is_loopback
        return is_public_address(address)

    def _is_loopback(self, host: str) -> bool:
        return self.loopback and not self.host_map and host in LOOPBACK_HOSTS


def _parse(address: str) -> IPv4Address | IPv6Address | None:
    """None for what is no address, and for one with a zone: that is link-local by nature."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address):
        if parsed.scope_id is not None:
            return None
        return parsed.ipv4_mapped or parsed
    return parsed
