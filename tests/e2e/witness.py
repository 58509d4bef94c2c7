"""What a browser has seen, and what of it no page, store or address may hold."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urlsplit

from playwright.sync_api import BrowserContext, Page, Request, Response

from authstack.layout import Layout

SHAPES = re.compile(
    r"eyJ[\w-]{10,}\."  # a JWT
    r"|(?<![\w.-])[\w-]{22}\.[\w-]{43,}"  # a code or a refresh token of ours
    r"|(?i:bearer) [\w-]{16}"
    r"|(?<![\w-])[\w-]{86}(?![\w-])"  # a code verifier of a demo client
)
SHORTEST_SECRET = 16  # the tests' own links hold shorter values, which stand in any text

NEVER_IN_AN_ADDRESS = {
    *("access_token", "refresh_token", "id_token", "id_token_hint", "token", "client_secret"),
    *("client_assertion", "code_verifier", "password", "username", "email", "form", "form_token"),
}
OF_A_CALLBACK = {"code", "state"}
STORED = "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"
"""What a script could read there; the cookies of all parties are out of its reach."""


@dataclass
class Witness:
    """Of one browser context, from its first request on.

    provider: where its log-in page is, which has the state in its address
    known:    secrets that only the services have
    """

    context: BrowserContext
    provider: str | None = None
    known: set[str] = field(default_factory=set)
    addresses: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.context.on("request", self._sent)
        self.context.on("response", self._answered)

    def _sent(self, request: Request) -> None:
        self.addresses.append(request.url)

    def _answered(self, response: Response) -> None:
        if location := response.headers.get("location"):
            self.addresses.append(location)

    def values(self, *names: str) -> set[str]:
        """Of these parameters, in any address."""
        pairs = (pair for address in self.addresses for pair in parse_qsl(urlsplit(address).query))
        return {value for name, value in pairs if name in names}

    def cookies(self) -> set[str]:
        return {cookie["value"] for cookie in self.context.cookies()}

    def leaks_in_addresses(self) -> list[str]:
        return [leak for address in self.addresses for leak in leaks_of(address)]

    def leaks_in(self, page: Page) -> list[str]:
        """In its source and in what scripts could store."""
        text = page.content() + page.evaluate(STORED)
        if self.provider and page.url.startswith(self.provider):
            for state in self.values("state"):
                text = text.replace(state, "")
        secrets = self.known | self.values("code", "state") | self.cookies()
        return leaks(text, (secret for secret in secrets if len(secret) >= SHORTEST_SECRET))


def leaks(text: str, secrets: Iterable[str]) -> list[str]:
    return [*SHAPES.findall(text), *(secret for secret in secrets if secret in text)]


def leaks_of(address: str) -> list[str]:
    """A callback has parameters of its own; all that is left must be nobody's secret."""
    parts = urlsplit(address)
    pairs = parse_qsl(parts.query) + parse_qsl(parts.fragment)
    own = OF_A_CALLBACK if parts.path.endswith("/callback") else {"state"}
    named = [name for name, _ in pairs if name in (NEVER_IN_AN_ADDRESS | {"code"}) - own]
    others = urlencode([pair for pair in pairs if pair[0] not in own])
    return [*named, *SHAPES.findall(others), *SHAPES.findall(parts.path)]


def secrets_on_disk(layout: Layout) -> set[str]:
    """Keys and secrets that the services were given, and the parts of key rings."""
    found = set()
    for file in layout.secrets.rglob("*"):
        if file.is_file():
            value = file.read_text().strip()
            found |= {value, *re.split(r"[,:]", value)}
    found.add(json.loads(layout.provider_file.read_text())["client_secret"])
    return {value for value in found if len(value) >= 16}
