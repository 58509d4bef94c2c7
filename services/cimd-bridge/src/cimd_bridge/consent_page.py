"""What the consent page tells the user (RFC 9700 §4.11, MCP: security best practices)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from cimd_bridge.consent import FORM_SECONDS, ConsentForm
from oauth_kit.records.client import Client
from oauth_kit.rules.redirect_uris import is_loopback_redirect, is_native_redirect, origin_of
from oauth_kit.rules.scopes import ScopePolicy
from oauth_kit.web.pages import Pages

_UNITS = (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1))


@dataclass(frozen=True, slots=True)
class ConsentPage:
    """scope_sentences: what each scope allows, in the user's words
    grant_seconds:    how long access can last at most, when the client may refresh it
    token_seconds:    the same when it may not
    """

    pages: Pages
    scope_policy: ScopePolicy
    scope_sentences: Mapping[str, str]
    grant_seconds: int
    token_seconds: int

    def render(self, form: ConsentForm, sealed: str) -> str:
        asked, client = form.request, form.client
        granted = self.scope_policy.expand(asked.scopes)
        supported = self.scope_policy.supported
        return self.pages.render(
            "consent.html",
            client=client,
            requester=_requester(client),
            registered_on=_day(client.issued_at) if client.issued_at else None,
            allowed=self._told((*asked.scopes, *(s for s in supported if s in granted))),
            withheld=self._told(scope for scope in supported if scope not in granted),
            resource=asked.resource,
            duration=self._duration(client),
            target=_target(asked.redirect_uri),
            redirect_uri=asked.redirect_uri,
            target_is_on_this_computer=(
                is_loopback_redirect(asked.redirect_uri) or is_native_redirect(asked.redirect_uri)
            ),
            links=_links(client),
            sealed=sealed,
            minutes=FORM_SECONDS // 60,
        )

    def _told(self, scopes: Iterable[str]) -> list[tuple[str, str | None]]:
        """Each once, with its sentence where the operator wrote one."""
        return [(scope, self.scope_sentences.get(scope)) for scope in dict.fromkeys(scopes)]

    def _duration(self, client: Client) -> str:
        if not client.metadata.allows_refresh:
            return f"{_span(self.token_seconds)}, then it has to ask again"
        return f"Until you log out in the app, or {_span(self.grant_seconds)} at most"


def _requester(client: Client) -> str:
    """How the page speaks of it: a host that its document proves, or a mere name."""
    if client.loopback_document:
        return "loopback"
    return {"document": "verified", "preregistered": "configured"}.get(client.kind, "unverified")


def _target(redirect_uri: str) -> str:
    if is_native_redirect(redirect_uri):
        return redirect_uri.partition(":")[0] + ":"
    return urlsplit(redirect_uri).netloc


def _links(client: Client) -> list[tuple[str, str]]:
    """The app's own pages, when it has proven the origin that they are at; nobody else's."""
    pages = (
        ("Website", client.metadata.client_uri),
        ("Terms of service", client.metadata.tos_uri),
        ("Privacy policy", client.metadata.policy_uri),
    )
    if client.kind != "document" or client.loopback_document:
        return []
    proven = origin_of(client.client_id)
    return [(label, url) for label, url in pages if url and origin_of(url) == proven]


def _day(seconds: int) -> str:
    day = datetime.fromtimestamp(seconds, UTC)
    return f"{day.day} {day:%B %Y}"


def _span(seconds: int) -> str:
    """In the largest unit that it fills, rounded down."""
    unit, size = next((name, size) for name, size in _UNITS if seconds >= size)
    number = seconds // size
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"
