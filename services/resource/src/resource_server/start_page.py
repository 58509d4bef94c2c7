"""The page for people who open the server in a browser: what it is, and how to connect a client.

Checked against what the products document (2026-11); all of it comes from configuration.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from oauth_kit.rules.metadata_documents import authorization_server_metadata_urls, metadata_url
from oauth_kit.settings import LOOPBACK_HOSTS
from oauth_kit.web.pages import Pages

_SLUG_GAPS = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class StartPage:
    """clients: demo clients to try, as (label, URL)"""

    name: str
    resource: str
    contexts_url: str
    issuers: Sequence[str]
    first_scopes: Sequence[str]
    other_scopes: Sequence[str]
    clients: Sequence[tuple[str, str]]

    def render(self, pages: Pages) -> str:
        return pages.render(
            "start.html",
            name=self.name or "MCP server",
            resource=self.resource,
            contexts_url=self.contexts_url,
            resource_metadata=metadata_url(self.resource),
            issuers=[
                (issuer, authorization_server_metadata_urls(issuer)[0]) for issuer in self.issuers
            ],
            first_scopes=self.first_scopes,
            other_scopes=self.other_scopes,
            clients=self.clients,
            slug=self._slug(),
            vscode=_as_json({"servers": {self._slug(): {"type": "http", "url": self.resource}}}),
            cursor=_as_json({"mcpServers": {self._slug(): {"url": self.resource}}}),
            only_on_this_computer=urlsplit(self.resource).hostname in LOOPBACK_HOSTS,
        )

    def _slug(self) -> str:
        """What clients may call the server: letters, digits and hyphens."""
        return _SLUG_GAPS.sub("-", self.name.lower()).strip("-") or "mcp-server"


def _as_json(document: object) -> str:
    return json.dumps(document, indent=2)
