"""The consent form: a request sealed into a field, bound to one browser, good once."""

import json
import re
import secrets
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from cimd_bridge.records.handles import new_id
from cimd_bridge.refusals import COOKIE_MISSING, FORM_EXPIRED, FORM_FOREIGN
from oauth_kit.crypto.key_ring import KeyRing
from oauth_kit.crypto.sealing import Sealer
from oauth_kit.records.client import Client
from oauth_kit.rules.authorization_request import AuthorizationRequest
from oauth_kit.rules.errors import OAuthError

FORM_SECONDS = 600
_COOKIE_SECONDS = 180 * 86_400
_BROWSER_ID = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class ConsentForm:
    """One authorization request on its way through the user's hands; nothing of it is stored."""

    form_id: str
    issued_at: int
    client: Client
    request: AuthorizationRequest


class ConsentForms:
    """Seals and opens forms.

    The seal is authenticated together with the browser's id, which only the cookie holds, so it
    is the form's CSRF token as well: a form shown to one browser opens in no other.
    """

    def __init__(self, master_keys: KeyRing) -> None:
        self._sealer = Sealer(master_keys.derive("consent-form"))

    def issue(self, client: Client, request: AuthorizationRequest, now: int) -> ConsentForm:
        return ConsentForm(new_id(), now, client, request)

    def seal(self, form: ConsentForm, browser_id: str) -> str:
        document = {
            "form_id": form.form_id,
            "issued_at": form.issued_at,
            "client": form.client.to_document(),
            "request": _request_document(form.request),
        }
        return self._sealer.seal(json.dumps(document).encode(), _context(browser_id))

    def open(self, sealed: str | None, browser_id: str | None, now: int) -> ConsentForm:
        """Raises OAuthError("access_denied", 403) for a foreign, absent or expired form."""
        if not sealed:
            raise _refused("the form is missing")
        if not browser_id:
            raise _refused("the browser's cookie is missing", COOKIE_MISSING)
        try:
            document = json.loads(self._sealer.open(sealed, _context(browser_id)))
        except ValueError as error:
            raise _refused("the form was made for another browser") from error
        form = ConsentForm(
            form_id=document["form_id"],
            issued_at=document["issued_at"],
            client=Client.from_document(document["client"]),
            request=_read_request(document["request"]),
        )
        if now >= form.issued_at + FORM_SECONDS:
            raise _refused("the form has expired", FORM_EXPIRED)
        return form


@dataclass(frozen=True, slots=True)
class BrowserCookie:
    """A random id for each browser, by which forms and callbacks are bound to it.

    Cookies ignore ports, so the name carries ours. `__Host-` and Secure need https: browsers
    disagree about them on http://localhost.

    purpose: tells several cookies apart; the one that lasts has none
    """

    issuer: str
    port: int
    purpose: str = ""
    lives_seconds: int = _COOKIE_SECONDS

    @property
    def name(self) -> str:
        name = "-".join(part for part in ("bridge", str(self.port), self.purpose) if part)
        return f"__Host-{name}" if self._secure else name

    @property
    def _secure(self) -> bool:
        return self.issuer.startswith("https://")

    def read(self, request: web.Request) -> str | None:
        value = request.cookies.get(self.name, "")
        return value if _BROWSER_ID.fullmatch(value) else None

    def give(self, response: web.StreamResponse, browser_id: str) -> None:
        response.set_cookie(
            self.name,
            browser_id,
            max_age=self.lives_seconds,
            path="/",
            httponly=True,
            secure=self._secure,
            samesite="Lax",
        )

    def take_back(self, response: web.StreamResponse) -> None:
        response.del_cookie(self.name, path="/", httponly=True, secure=self._secure, samesite="Lax")


def new_browser_id() -> str:
    return secrets.token_urlsafe(32)


def check_same_origin(request: web.Request, issuer: str) -> None:
    """Refuse a form that another site posted.

    Browsers send Origin or Sec-Fetch-Site; a caller without either is no browser, and the seal
    decides alone. Raises OAuthError("access_denied", 403).
    """
    origins = request.headers.getall("Origin", [])
    sites = request.headers.getall("Sec-Fetch-Site", [])
    if any(origin != _origin(issuer) for origin in origins):
        raise _refused("posted from another origin")
    if any(site != "same-origin" for site in sites):
        raise _refused("posted from another site")


def _origin(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"


def _context(browser_id: str) -> str:
    return f"consent-form:{browser_id}"


def _request_document(request: AuthorizationRequest) -> dict[str, object]:
    return {
        "client_id": request.client_id,
        "redirect_uri": request.redirect_uri,
        "redirect_uri_was_sent": request.redirect_uri_was_sent,
        "code_challenge": request.code_challenge,
        "scopes": list(request.scopes),
        "resource": request.resource,
        "state": request.state,
        "prompt": sorted(request.prompt),
    }


def _read_request(document: dict[str, Any]) -> AuthorizationRequest:
    return AuthorizationRequest(
        **document | {"scopes": tuple(document["scopes"]), "prompt": frozenset(document["prompt"])}
    )


def _refused(reason: str, description: str = FORM_FOREIGN) -> OAuthError:
    return OAuthError("access_denied", description, reason=reason)
