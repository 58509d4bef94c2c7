"""Answers to a browser in an authorization: back to the client, or a page (RFC 6749 §4.1.2)."""

from dataclasses import dataclass

from aiohttp import web

from cimd_bridge.explanations import explain
from cimd_bridge.records.transactions import Outcome
from oauth_kit.records.client import Client
from oauth_kit.rules.errors import AuthorizationError, OAuthError
from oauth_kit.rules.redirect_uris import (
    is_loopback_redirect,
    is_native_redirect,
    origin_of,
    with_parameters,
)
from oauth_kit.web.answering import html_page, redirect
from oauth_kit.web.middleware import REQUEST_ID
from oauth_kit.web.pages import Pages


@dataclass(frozen=True, slots=True)
class FrontChannel:
    """Every answer to the client carries our issuer (RFC 9207), on success and on error."""

    issuer: str
    pages: Pages

    def success_location(self, redirect_uri: str, code: str, state: str | None) -> str:
        return self._location(redirect_uri, [("code", code)], state)

    def error_location(self, redirect_uri: str, error: str, state: str | None) -> str:
        return self._location(redirect_uri, [("error", error)], state)

    def refuse_request(
        self, request: web.Request, error: AuthorizationError, client: Client
    ) -> web.Response:
        """A refusal before the user was asked anything.

        Straight to the client where that cannot serve a phisher; otherwise a page that names the
        target, since anybody can register a redirect URI and write a link (RFC 9700 §4.11.2).
        """
        if error.redirect_uri is None:
            raise error
        location = self._location(
            error.redirect_uri,
            [("error", error.code), ("error_description", error.description)],
            error.state,
        )
        if _is_safe_target(error.redirect_uri, client):
            return redirect(location)
        return self._page(
            "interstitial.html",
            status=_shown_status(error),
            code=error.code,
            detail=error.description,
            reference=request[REQUEST_ID],
            origin=origin_of(error.redirect_uri) or error.redirect_uri,
            location=location,
        )

    def already_page(self, request: web.Request, outcome: Outcome) -> web.Response:
        """What a person sees who opens the callback's address again."""
        return self._page(
            "already.html",
            status=200 if outcome == "completed" else 400,
            code=None,
            detail=None,
            reference=request[REQUEST_ID],
            outcome=outcome,
        )

    def error_page(self, request: web.Request, error: OAuthError, reference: str) -> web.Response:
        """What a person sees when nothing can be sent anywhere."""
        told = explain(error)
        return self._page(
            "error.html",
            status=_shown_status(error),
            code=error.code,
            detail=error.description if told.names_rule else None,
            reference=reference,
            told=told,
        )

    def _page(self, template: str, *, status: int, **values: object) -> web.Response:
        return html_page(self.pages.render(template, status=status, **values), status=status)

    def _location(
        self, redirect_uri: str, parameters: list[tuple[str, str]], state: str | None
    ) -> str:
        answered = [*parameters, ("iss", self.issuer)]
        if state is not None:
            answered.insert(len(parameters), ("state", state))
        return with_parameters(redirect_uri, answered)


def _shown_status(error: OAuthError) -> int:
    """401 would have to carry a challenge; on a page it is the link that is wrong."""
    return 400 if error.status == 401 else error.status


def _is_safe_target(redirect_uri: str, client: Client) -> bool:
    if client.kind == "preregistered":
        return True
    if is_loopback_redirect(redirect_uri) or is_native_redirect(redirect_uri):
        return True
    return client.kind == "document" and origin_of(redirect_uri) == origin_of(client.client_id)
