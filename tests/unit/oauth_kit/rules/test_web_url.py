"""URLs are read as they are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauth_kit.rules.web_url import WebUrl, has_dot_segment, is_dns_name, parse_web_url


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("https://h.example", ("https", "h.example", None, "", None, None)),
        ("https://h.example:443/c", ("https", "h.example", 443, "/c", None, None)),
        ("https://h.example/a%2Fb?", ("https", "h.example", None, "/a%2Fb", "", None)),
        ("https://h/c?q=/?#f?", ("https", "h", None, "/c", "q=/?", "f?")),
        ("http://[::1]:65535/", ("http", "[::1]", 65535, "/", None, None)),
        ("https://h/c#", ("https", "h", None, "/c", None, "")),
        ("https://h?q", ("https", "h", None, "", "q", None)),
    ],
)
def test_a_url_is_split_without_changing_a_byte(
    url: str, parts: tuple[str, str, int | None, str, str | None, str | None]
) -> None:
    assert parse_web_url(url) == WebUrl(*parts)


@pytest.mark.parametrize(
    "url",
    [
        "https://h:0/",
        "https://h:65536/",
        "https://h:/",
        "https://h:080/",
        "https://h:1:2/",
        "https:///c",
        "https:h/c",
        "https:/h/c",
        "https://[::2]/c",
        "https://::1/c",
        "https://h/%",
        "https://h/%zz",
        "https://h/\N{CYRILLIC SMALL LETTER A}",
        "https://h/c\n",
        "https://h/[c]",
        "https://h/c?a[]=1",
    ],
)
def test_a_url_in_another_form_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="absolute"):
        parse_web_url(url)


@pytest.mark.parametrize(
    "host", ["h", "h.example", "a-b.example", "localhost", "1.example", "a1", "x" * 63 + ".example"]
)
def test_plain_names_are_dns_names(host: str) -> None:
    assert is_dns_name(host)


@pytest.mark.requirement("CI10")
@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "0",
        "0x",
        "h.0x1f",
        "h.example.",
        ".h.example",
        "h..example",
        "-h.example",
        "h-.example",
        "h_x.example",
        "H.example",
        "x" * 64 + ".example",
        ".".join(["x" * 60] * 5),
        "xn--80ak6aa92e.example",
        "h.xn--p1ai",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "",
    ],
)
def test_addresses_idns_and_imitations_are_no_dns_names(host: str) -> None:
    assert not is_dns_name(host)


@pytest.mark.requirement("CI1")
@pytest.mark.parametrize(
    "path",
    [
        "/.",
        "/..",
        "/a/../b",
        "/a/./b",
        "/%2e%2e/b",
        "/.%2E/b",
        "/%2e",
        "/a%2f..",
        "/a%2F%2e%2E%5cb",
    ],
)
def test_a_dot_segment_is_seen_in_any_encoding(path: str) -> None:
    assert has_dot_segment(path)


@pytest.mark.parametrize(
    "path", ["", "/", "/.well-known/x", "/a..b", "/...", "/a./b", "/%252e%252e"]
)
def test_other_dots_are_no_dot_segments(path: str) -> None:
    assert not has_dot_segment(path)


def test_a_dns_name_has_at_most_253_characters() -> None:
    longest = ".".join(["x" * 62] * 4) + ".y"
    assert len(longest) == 253
    assert is_dns_name(longest)
    assert not is_dns_name(longest + "z")


def test_the_three_loopback_names_are_loopback() -> None:
    for host in ("localhost", "127.0.0.1", "[::1]"):
        assert parse_web_url(f"http://{host}:1/").is_loopback
    assert not parse_web_url("https://h.example/").is_loopback


@given(st.text() | st.text(alphabet="htps:/.@?#[]%2e0189aA\\\n\t ").map("https://".__add__))
def test_an_arbitrary_string_is_split_exactly_or_refused(url: str) -> None:
    try:
        parts = parse_web_url(url)
    except ValueError:
        return
    port = "" if parts.port is None else f":{parts.port}"
    query = "" if parts.query is None else f"?{parts.query}"
    fragment = "" if parts.fragment is None else f"#{parts.fragment}"
    assert f"{parts.scheme}://{parts.host}{port}{parts.path}{query}{fragment}" == url
