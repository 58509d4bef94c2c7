"""From the authorization request to the code: consent, log-in, redirect (RFC 6749 §4.1)."""

import secrets
import webbrowser
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import parse_qs, urlencode, urlsplit

import aiohttp

from authstack.smoke.browser import Arrival, Browser, Page, origin_of
from authstack.smoke.discovery import Server
from authstack.smoke.forms import Form
from authstack.smoke.identity import Introduced
from authstack.smoke.problems import SmokeFailure
from oauth_kit.rules.pkce import challenge_of

APPROVE = ("decision", "approve")
_MAX_PAGES = 5

Timed = Callable[[str], AbstractContextManager[None]]


class Person(Protocol):
    """Whoever sits in front of the browser."""

    async def log_in(self, url: str, redirect_uri: str, timed: Timed) -> str:
        """Open the authorization URL; return the address that the browser is sent to."""
        ...


@dataclass(frozen=True, slots=True)
class ScriptedPerson:
    """Approves on the consent page, types a name and a password into the log-in page."""

    session: aiohttp.ClientSession
    username: str
    password: str

    async def log_in(self, url: str, redirect_uri: str, timed: Timed) -> str:
        browser = Browser(self.session, redirect_uri)
        with timed("authorize"):
            shown = await browser.open(url)
        for _ in range(_MAX_PAGES):
            if isinstance(shown, Arrival):
                return shown.url
            name, form, sent = self._fill(shown)
            with timed(name):
                shown = await browser.submit(shown, form, sent)
        raise SmokeFailure("the log-in does not come to an end")

    def _fill(self, page: Page) -> tuple[str, Form, list[tuple[str, str]]]:
        for form in page.forms():
            if form.has_button(*APPROVE):
                return "consent", form, form.filled({}, APPROVE)
            if form.password_field and form.has_field("username"):
                typed = {"username": self.username, form.password_field: self.password}
                return "log in", form, form.filled(typed)
        raise SmokeFailure(
            f"{origin_of(page.url)}{urlsplit(page.url).path} shows a page ({page.status}) that is "
            "neither consent nor log-in; try --browser"
        )


@dataclass(frozen=True, slots=True)
class BrowserPerson:
    """A real browser; its user pastes the address where it ends."""

    ask: Callable[[str], str]

    async def log_in(self, url: str, redirect_uri: str, timed: Timed) -> str:
        with timed("authorize"):
            webbrowser.open(url)
            return self.ask(
                f"Log in at {url}\nThe browser ends at an address below {redirect_uri} that may "
                "not load. Paste that address: "
            ).strip()


@dataclass(frozen=True, slots=True)
class Code:
    """What the client redeems, with the verifier that only it knows."""

    value: str
    verifier: str


async def obtain_code(
    server: Server, client: Introduced, person: Person, scope: str, resource: str, timed: Timed
) -> Code:
    """One authorization request and its answer, state and `iss` checked (RFC 9207)."""
    verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(24)
    request = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": client.redirect_uri,
        "scope": scope,
        "state": state,
        "code_challenge": challenge_of(verifier),
        "code_challenge_method": "S256",
        "resource": resource,
    }
    endpoint = server.endpoint("authorization_endpoint")
    separator = "&" if "?" in endpoint else "?"
    arrived = await person.log_in(
        endpoint + separator + urlencode(request), client.redirect_uri, timed
    )
    with timed("callback"):
        return Code(_read_code(arrived, state, server), verifier)


def _read_code(arrived: str, state: str, server: Server) -> str:
    found = parse_qs(urlsplit(arrived).query, keep_blank_values=True)
    if any(len(values) > 1 for values in found.values()):
        raise SmokeFailure("a parameter of the redirect is repeated")
    answer = {name: values[0] for name, values in found.items()}
    if answer.get("state") != state:
        raise SmokeFailure("the redirect does not carry our state")
    promised = server.metadata.get("authorization_response_iss_parameter_supported") is True
    if (promised or "iss" in answer) and answer.get("iss") != server.issuer:
        raise SmokeFailure("the redirect's iss is not the issuer")
    if "error" in answer:
        raise SmokeFailure(f"the authorization server refuses: {answer['error']}")
    if not answer.get("code"):
        raise SmokeFailure("the redirect carries no code")
    return answer["code"]
