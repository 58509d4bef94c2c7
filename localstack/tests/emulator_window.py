"""A browser window without a browser: opens pages, follows links, fills in forms.

And the people in front of it.
"""

import html
import re
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

MAX_REDIRECTS = 5
NEW_PASSWORD = "Own-Passw0rd-1!"

# Of the emulator's answers: what Cognito says.
MISMATCH = "Invalid verification code provided, please try again."
EXPIRED = "Invalid code provided, please request a code again."
TOO_MANY = "Attempt limit exceeded, please try after some time."
ATTEMPTS = 5

FOREIGN_HEADERS = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://evil.example:4566", "Host": "evil.example:4566"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:3000"},
]
"""Of forms that another page sends, the third after its name was given our address."""


@dataclass
class Window:
    """What is shown, and where; `visitor` makes the requests and has the cookies."""

    visitor: Any
    address: str = ""
    shown: Any = None
    addresses: list[str] = field(default_factory=list)

    async def open(self, path: str = "/signup", **changes: str | None) -> "Window":
        """A page of this visitor's authorization."""
        parameters = self.visitor.parameters(**changes)
        return await self._follow(await self.visitor.request("GET", path, params=parameters), path)

    async def go(self, address: str) -> "Window":
        """An address as it is."""
        return await self._follow(await self.visitor.request("GET", address), address)

    async def click(self, text: str) -> "Window":
        """Follow the link of this text."""
        found = re.search(rf'<a href="([^"]*)">{re.escape(text)}</a>', self.shown.text)
        assert found is not None, self.shown.text
        return await self.go(html.unescape(found[1]))

    async def send(
        self, typed: dict[str, str], action: str | None = None, **options: Any
    ) -> "Window":
        """Send the form that goes to this path; the first one otherwise."""
        actions = [html.unescape(found) for found in re.findall(r'action="([^"]*)"', self.text)]
        target = next(a for a in actions if action in (None, urlsplit(a).path))
        answer = await self.visitor.request("POST", target, data=typed, **options)
        return await self._follow(answer, target)

    async def _follow(self, answer: Any, address: str) -> "Window":
        """Over redirects to the page that is shown, or to the app's address."""
        for _ in range(MAX_REDIRECTS):
            self.addresses.append(address)
            self.address, self.shown = address, answer
            location = answer.headers.get("Location", "")
            if not location.startswith("/"):
                return self
            address = location
            answer = await self.visitor.request("GET", address)
        raise AssertionError("too many redirects")

    @property
    def text(self) -> str:
        return str(self.shown.text)

    @property
    def path(self) -> str:
        """Of the page, or `app` when the app has got its answer."""
        return "app" if "Location" in self.shown.headers else urlsplit(self.address).path

    @property
    def problem(self) -> str:
        """What the page complains about."""
        found = re.search(r'id="problem" role="alert">([^<]*)<', self.text)
        return html.unescape(found[1]) if found else ""

    @property
    def parameters(self) -> dict[str, str]:
        """Of the page's address."""
        return {k: v[0] for k, v in parse_qs(urlsplit(self.address).query).items()}

    @property
    def mailed_code(self) -> str:
        """What the emulator's mailbox shows."""
        found = re.search(r'<code id="mailed-code">(\d{6})</code>', self.text)
        assert found is not None, self.text
        return found[1]

    @property
    def wrong_code(self) -> str:
        """Any other."""
        return f"{(int(self.mailed_code) + 1) % 1_000_000:06}"


def somebody(**changes: str) -> dict[str, str]:
    """What a new person types."""
    address = f"new-{secrets.token_hex(8)}@example.com"
    return {"username": address, "password": NEW_PASSWORD, **changes}


def confirmation(code: str) -> dict[str, str]:
    return {"confirmation_code": code}


async def signed_up(window: Window, typed: dict[str, str]) -> Window:
    """The window in front of the page that asks for the code."""
    await window.open("/signup")
    await window.send(typed)
    assert window.path == "/confirm", window.text
    return window


def own(visitor: Any, emulator: Any) -> None:
    """Let the visitor use this emulator's seeded client."""
    visitor.emulator = emulator
    visitor.client_id = emulator.provider["client_id"]
    visitor.secret = emulator.provider["client_secret"]
