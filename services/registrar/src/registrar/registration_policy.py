"""Which registrations this deployment accepts, and as what (RFC 7591 §2, §3.2.1)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from oauth_kit.rules.client_metadata import ClientMetadata, MetadataPolicy, read_registration
from oauth_kit.rules.errors import OAuthError
from oauth_kit.rules.redirect_uris import is_loopback_redirect, is_native_redirect
from oauth_kit.rules.scopes import ScopePolicy, without_ignored


@dataclass(frozen=True, slots=True)
class RegistrationPolicy:
    """What RFC 7591 leaves to the server.

    web_clients_on_loopback: an `application_type` of web may come with redirects of this computer;
                             OpenID forbids it, tools that run in a local browser do it
    """

    metadata: MetadataPolicy
    scopes: ScopePolicy
    web_clients_on_loopback: bool

    def accept(self, document: Mapping[str, object]) -> ClientMetadata:
        """The metadata to register, which is what the client is told.

        Raises OAuthError("invalid_redirect_uri" or "invalid_client_metadata").
        """
        asked = read_registration(document, self.metadata)
        if asked.application_type == "web" and not self.web_clients_on_loopback:
            _refuse_local_redirects(asked.redirect_uris)
        return replace(asked, scope=self._supported(asked.scope))

    def _supported(self, asked: tuple[str, ...] | None) -> tuple[str, ...] | None:
        """Scopes we do not know are dropped; None, no restriction, is never made of a wish."""
        named = without_ignored(asked or ())
        kept = tuple(scope for scope in named if scope in self.scopes.supported)
        if named and not kept:
            raise OAuthError("invalid_client_metadata", "None of the scopes is supported here")
        return kept or None


def _refuse_local_redirects(redirect_uris: tuple[str, ...]) -> None:
    if any(is_loopback_redirect(uri) or is_native_redirect(uri) for uri in redirect_uris):
        raise OAuthError(
            "invalid_redirect_uri",
            "A web client's redirect URIs must be https",
            reason="web client",
        )
