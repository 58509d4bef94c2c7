"""Whose client metadata documents may be asked for at all
(draft-ietf-oauth-client-id-metadata-document-02 §8.6).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from oauth_kit.rules.client_document import DocumentUrl, check_document_url
from oauth_kit.rules.errors import OAuthError
from oauth_kit.rules.public_address import PrivateTargets
from oauth_kit.rules.web_url import LOOPBACK_HOSTS

# The public ports of a stack share one hundred; the management and internal ports of all of them,
# its clients' included, are in the next two.
_HUNDRED: Final = 100
_LOOPBACK_NAMES: Final = frozenset(host.strip("[]") for host in LOOPBACK_HOSTS)


@dataclass(frozen=True, slots=True)
class DocumentTargets:
    """Everybody but ourselves.

    own_hosts: names of our services, loopback left out
    own_ports: their ports, refused wherever one of development's exceptions leads
    private:   those exceptions
    """

    own_hosts: frozenset[str]
    own_ports: frozenset[int]
    private: PrivateTargets

    @classmethod
    def excluding(
        cls, own_urls: Iterable[str], own_ports: Iterable[int], private: PrivateTargets
    ) -> "DocumentTargets":
        """Leave out the services at `own_urls`.

        own_ports: further ports that our services listen on; those of a loopback URL are known,
                   with the management and internal ports of its stack
        """
        hosts, ports = set[str](), set(own_ports)
        for own_url in own_urls:
            parts = urlsplit(own_url)
            if parts.hostname in _LOOPBACK_NAMES:
                port = parts.port or (443 if parts.scheme == "https" else 80)
                next_hundred = (port // _HUNDRED + 1) * _HUNDRED
                ports.update((port, *range(next_hundred, next_hundred + 2 * _HUNDRED)))
            elif parts.hostname:
                hosts.add(parts.hostname)
        return cls(frozenset(hosts), frozenset(ports), private)

    def check(self, client_id: str, *, sec_fetch_site: str | None = None) -> DocumentUrl:
        """The URL to fetch. Raises OAuthError("invalid_client") before anybody is contacted.

        sec_fetch_site: the header of the request that named it; a foreign page must not make a
                        browser's user probe his own machine through us
        """
        loopback = self.private.loopback or bool(self.private.host_map)
        url = check_document_url(client_id, allow_loopback_http=loopback)
        if url.is_loopback:
            self._check_loopback(url, sec_fetch_site)
        elif url.host in self.own_hosts:
            raise _refusal("names a service of ours")
        if self.private.includes(url.host, url.port):
            ports = {url.port, self.private.dialled(url.host, url.port)[1]}
            if not ports.isdisjoint(self.own_ports):
                raise _refusal("names a port of ours")
        return url

    def _check_loopback(self, url: DocumentUrl, sec_fetch_site: str | None) -> None:
        if not self.private.includes(url.host, url.port):
            raise _refusal("is on loopback and not in the host map")
        if sec_fetch_site == "cross-site":
            raise _refusal("is on loopback and was named by a foreign page")


def _refusal(reason: str) -> OAuthError:
    return OAuthError(
        "invalid_client",
        "The client_id is no URL of a client metadata document.",
        reason=f"client_id URL {reason}",
    )
