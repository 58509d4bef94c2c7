"""Which browser is asking: an opaque cookie, and forms that only our own pages can send."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from demo_clients.sessions import SessionId, Sessions
from oauth_kit.crypto.keyed_hash import KeyedHash
from oauth_kit.rules.errors import OAuthError
from oauth_kit.web.reading import Form, read_form

_SESSION_ID: Final = re.compile(r"[A-Za-z0-9_-]{43}")
FORM_TOKEN: Final = "form_token"


class CookieMissing(OAuthError):
    """A browser that keeps no cookie of ours: nothing that needs two requests can work."""

    def __init__(self, *, status: int) -> None:
        super().__init__(
            "access_denied",
            "Your browser did not send this site's cookie, so we cannot tell that it is the same "
            "browser as before. Nothing was done, and nothing was sent to anybody",
            reason="no session cookie",
            status=status,
        )


@dataclass(frozen=True, slots=True)
class Visitors:
    """public_url: our own origin, which every form of ours is sent from."""

    public_url: str
    cookie_name: str
    form_tokens: KeyedHash

    def recognise(self, request: web.Request) -> SessionId | None:
        value = request.cookies.get(self.cookie_name, "")
        return SessionId(value) if _SESSION_ID.fullmatch(value) else None

    def recognise_or_welcome(self, request: web.Request) -> SessionId:
        return self.recognise(request) or Sessions.new_id()

    def remember(self, response: web.Response, session_id: SessionId) -> None:
        """A session cookie: no script reads it, no other site's form sends it."""
        response.set_cookie(
            self.cookie_name,
            session_id,
            path="/",
            httponly=True,
            samesite="Lax",
            secure=self.public_url.startswith("https:"),
        )

    def form_token(self, session_id: SessionId) -> str:
        return self.form_tokens.digest(session_id)

    async def read_own_form(self, request: web.Request) -> tuple[SessionId, Form]:
        """A form that a page of ours has sent for this browser.

        Raises OAuthError("access_denied"), 403, for anything else; CookieMissing is one.
        """
        self._check_sender(request.headers)
        form = await read_form(request)
        session_id = self.recognise(request)
        if session_id is None:
            raise CookieMissing(status=403)
        if not self.form_tokens.matches(session_id, form.get(FORM_TOKEN, "")):
            raise _refused("form token")
        return session_id, form

    def refuse_other_pages(self, request: web.Request) -> None:
        """Raises OAuthError("access_denied") when a page that is not ours makes a browser ask."""
        if request.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none"):
            raise _refused("sec-fetch-site")

    def _check_sender(self, headers: Mapping[str, str]) -> None:
        """Neither header: no browser, and the form token decides."""
        origin = headers.get("Origin")
        if origin is not None and origin != self.public_url:
            raise _refused("origin")
        if headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
            raise _refused("sec-fetch-site")


def _refused(reason: str) -> OAuthError:
    return OAuthError(
        "access_denied",
        "This form is out of date or not from here. Nothing was done with it",
        reason=reason,
    )
