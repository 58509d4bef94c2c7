"""An http or https URL read as the raw string it is, never normalised (RFC 3986 §3, §6.2.1)."""

import re
from dataclasses import dataclass
from typing import Final

LOOPBACK_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})

PORT: Final = (
    "(?:6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3})"
)
_PATH: Final = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*"
_QUERY: Final = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?]|%[0-9A-Fa-f]{2})*"
# Lower case only: a page that shows a host must not show `paypaI.example` for `paypai.example`.
_WEB_URL: Final = re.compile(
    rf"(https?)://(\[::1\]|[a-z0-9.-]+)(?::({PORT}))?"
    rf"(/{_PATH})?(?:\?({_QUERY}))?(?:\#({_QUERY}))?"
)
_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DNS_NAME: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_MAX_DNS_CHARACTERS: Final = 253
# Browsers and resolvers read a name that ends so as an IPv4 address, octal and hex included.
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_LOOPBACK_LOOKALIKE: Final = re.compile(r"(?:localhost|(?:[0-9]+\.){3}[0-9]+)\.")
_ENCODED_SEPARATOR: Final = re.compile(r"%2f|%5c", re.IGNORECASE)
_ENCODED_DOT: Final = re.compile(r"%2e", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class WebUrl:
    """The parts of a URL, raw; what it does not have is None."""

    scheme: str
    host: str
    port: int | None
    path: str
    query: str | None
    fragment: str | None

    @property
    def is_loopback(self) -> bool:
        return self.host in LOOPBACK_HOSTS


def parse_web_url(url: str) -> WebUrl:
    """Split `url`; its host is a DNS name or one of LOOPBACK_HOSTS.

    Raises ValueError with the rule that it breaks, never with a part of it.
    """
    match = _WEB_URL.fullmatch(url)
    if match is None:
        raise ValueError("is not an absolute http or https URL in its plain form")
    scheme, host, port, path, query, fragment = match.groups()
    if host not in LOOPBACK_HOSTS and not is_dns_name(host):
        raise ValueError("has a host that is not a plain DNS name")
    if has_dot_segment(path or ""):
        raise ValueError("has a dot segment")
    return WebUrl(scheme, host, int(port) if port else None, path or "", query, fragment)


def is_dns_name(host: str) -> bool:
    """A host name in lower case that is no address, no IDN and no imitation of loopback."""
    labels = host.split(".")
    return (
        len(host) <= _MAX_DNS_CHARACTERS
        and _DNS_NAME.fullmatch(host) is not None
        and _NUMBER.fullmatch(labels[-1]) is None
        and not any(label.startswith("xn--") for label in labels)
        and _LOOPBACK_LOOKALIKE.match(host) is None
    )


def has_dot_segment(path: str) -> bool:
    """`.` or `..` between slashes, in any percent-encoding of either."""
    decoded = _ENCODED_DOT.sub(".", _ENCODED_SEPARATOR.sub("/", path))
    return not {".", ".."}.isdisjoint(decoded.split("/"))
