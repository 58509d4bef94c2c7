"""What the consent page tells the user (RFC 9700 §4.11, MCP: security best practices)."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from cimd_bridge.consent import ConsentForm
from oauth_kit.records.client import Client
from oauth_kit.rules.redirect_uris import is_loopback_redirect, is_native_redirect
from oauth_kit.web.pages import Pages


@dataclass(frozen=True, slots=True)
class ConsentPage:
    """scope_sentences: what each scope allows, in the user's words."""

    pages: Pages
    product_name: str
    scope_sentences: Mapping[str, str]

    def render(self, form: ConsentForm, sealed: str) -> str:
        asked = form.request
        return self.pages.render(
            "consent.html",
            product_name=self.product_name,
            client=form.client,
            requester=_requester(form.client),
            target=_target(asked.redirect_uri),
            redirect_uri=asked.redirect_uri,
            target_is_loopback=is_loopback_redirect(asked.redirect_uri),
            target_is_native=is_native_redirect(asked.redirect_uri),
            resource=asked.resource,
            scopes=[(scope, self.scope_sentences.get(scope)) for scope in asked.scopes],
            sealed=sealed,
        )


def _requester(client: Client) -> str:
    """How the page speaks of it: a host that its document proves, or a mere name."""
    if client.loopback_document:
        return "loopback"
    return {"document": "verified", "preregistered": "configured"}.get(client.kind, "unverified")


def _target(redirect_uri: str) -> str:
    if is_native_redirect(redirect_uri):
        return redirect_uri.partition(":")[0] + ":"
    return urlsplit(redirect_uri).netloc
