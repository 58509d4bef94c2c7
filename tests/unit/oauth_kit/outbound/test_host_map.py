"""The host map: exact pairs, and nothing that could be read in two ways."""

import pytest

from oauth_kit.outbound.host_map import HostMap


@pytest.mark.requirement("OP4")
@pytest.mark.parametrize(
    "text",
    [
        "localhost:3001",
        "localhost=resource:3001",
        "localhost:3001=resource",
        "localhost:3001:resource:3001",
        "localhost:3001=resource:0",
        "localhost:0=resource:1",
        "localhost:3001=resource:65536",
        "localhost:3001=resource:-1",
        "localhost:3001=resource:٣",
        "*:3001=resource:3001",
        "http://localhost:3001=resource:3001",
        "user@localhost:3001=resource:3001",
        "localhost:3001=a:1=b:2",
        "localhost:3001=a:1,localhost:3001=b:2",
        "localhost:3001=a:1,LOCALHOST:3001=a:1",
        "::1:3001=resource:3001",
        "local host:1=a:1",
    ],
)
def test_anything_but_exact_pairs_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"pair|twice"):
        HostMap.parse(text)


@pytest.mark.parametrize("text", ["", " ", ",", " , "])
def test_no_pairs_map_nothing(text: str) -> None:
    assert HostMap.parse(text).pairs == {}


def test_only_the_exact_name_and_port_are_mapped() -> None:
    mapped = HostMap.parse(" localhost:3001=Resource:8001 , [::1]:3004=[2001:DB8::1]:65535,")
    assert mapped.find("localhost", 3001) == ("resource", 8001)
    assert mapped.find("LocalHost", 3001) == ("resource", 8001)
    assert mapped.find("::1", 3004) == ("2001:db8::1", 65535)
    for host, port in (
        ("localhost", 3002),
        ("localhost.", 3001),
        ("x.localhost", 3001),
        ("", 3001),
    ):
        assert mapped.find(host, port) is None
