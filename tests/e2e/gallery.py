"""Where pages are looked at: a stack that knows an app with a domain, and a visitor."""

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from e2e.pages import ClientPage, ConsentPage, SignInPage
from fakes.document_host import HOST, REDIRECT_URI, document_host
from fakes.private_ca import PrivateCa
from fakes.processes import free_ports
from fakes.stack_command import Command, running_stack
from playwright.sync_api import Browser, BrowserContext, Page, Response, expect

from authstack.layout import Layout
from authstack.leftovers import all_gone
from cimd_bridge.consent import FORM_SECONDS, BrowserCookie, ConsentForms
from oauth_kit.crypto.key_ring import KeyRing
from oauth_kit.rules.pkce import challenge_of

READ, WRITE = "mcp-api/read", "mcp-api/write"
APP, NAMELESS = f"https://{HOST}/app.json", f"https://{HOST}/nameless.json"
MUTE = "https://gone.example/app.json"
NOBODY = "https://nobody.example/cb"


@dataclass(frozen=True)
class Gallery:
    """A running stack and what is needed to bring each of its pages about."""

    command: Command
    status: dict[str, Any]

    @property
    def issuer(self) -> str:
        return str(self.status["issuer"])

    @property
    def emulator(self) -> str:
        return self.layout.url("emulator")

    @property
    def layout(self) -> Layout:
        return Layout(self.command.data, self.command.port_offset)

    @property
    def demo_user(self) -> tuple[str, str]:
        user = self.status["demo_user"]
        return user["username"], user["password"]

    def client(self, kind: str) -> str:
        return str(self.status["clients"][kind])

    @contextmanager
    def without(self, *services: str) -> Iterator[None]:
        """These are not there, as after a crash; started again at the end."""
        victims = [self.command.identities()[name] for name in services]
        for victim in victims:
            victim.send(signal.SIGTERM)
        assert all_gone(victims, 30)
        try:
            yield
        finally:
            assert self.command.run("up").returncode == 0

    @contextmanager
    def paused(self, service: str) -> Iterator[None]:
        """It takes connections and does nothing with them."""
        process = self.command.identities()[service]
        process.send(signal.SIGSTOP)
        try:
            yield
        finally:
            process.send(signal.SIGCONT)

    @contextmanager
    def provider_to_discover(self) -> Iterator[None]:
        """As with most providers, its log-in page is known from its metadata only."""
        file = self.layout.provider_file
        known = file.read_text()
        config = json.loads(known)
        del config["authorize_url"]
        config["issuer"] = self.emulator
        file.write_text(json.dumps(config))
        try:
            yield
        finally:
            file.write_text(known)

    def logged(self, reference: str) -> list[dict[str, Any]]:
        """The bridge's lines about one request."""
        lines = self.layout.log("bridge").read_text().splitlines()
        return [json.loads(line) for line in lines if reference in line]

    def ten_minutes_ago(self, sealed: str, browser_id: str) -> str:
        """The same form, made at a time when it would have expired by now."""
        keys = (self.layout.secrets / "bridge" / "master_keys").read_text().strip()
        forms = ConsentForms(KeyRing.parse(keys))
        form = forms.open(sealed, browser_id, now=0)
        return forms.seal(replace(form, issued_at=form.issued_at - FORM_SECONDS), browser_id)


@contextmanager
def open_gallery(port_offset: int, folder: Path) -> Iterator[Gallery]:
    ca = PrivateCa.create(folder)
    (closed,) = free_ports(1)
    with document_host(ca) as port:
        document_client = 3003 + port_offset
        pairs = {
            f"{HOST}:443": f"127.0.0.1:{port}",
            "gone.example:443": f"127.0.0.1:{closed}",
            f"localhost:{document_client}": f"127.0.0.1:{document_client}",
        }
        environment = {
            "RATE_LIMITS": "off",
            "OUTBOUND_CA_FILE": str(ca.certificate),
            "HOST_MAP": ",".join(f"{public}={real}" for public, real in pairs.items()),
        }
        with running_stack(port_offset, environment) as command:
            yield Gallery(command, command.status())


@dataclass
class Visitor:
    """Somebody with a browser of his own, on the way to a page."""

    gallery: Gallery
    context: BrowserContext
    page: Page
    afterwards: ExitStack = field(default_factory=ExitStack)

    def register(self, redirect_uri: str) -> str:
        """A client that nobody has checked; returns its id."""
        asked = {
            "client_name": "Holiday planner",
            "redirect_uris": [redirect_uri],
            "token_endpoint_auth_method": "none",
        }
        answer = self.context.request.post(
            f"{self.gallery.status['registrar']}/register", data=asked
        )
        return str(answer.json()["client_id"])

    def question(self, client_id: str, redirect_uri: str, **changes: str) -> str:
        """The address of an authorization request."""
        parameters = {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": redirect_uri,
            "code_challenge": challenge_of("v" * 43),
            "code_challenge_method": "S256",
            "state": "st",
            "scope": READ,
            "resource": str(self.gallery.status["resource"]),
        }
        return f"{self.gallery.issuer}/authorize?{urlencode(parameters | changes)}"

    def go(self, address: str) -> Response | None:
        return self.page.goto(address)

    def ask(self, client_id: str = APP, redirect_uri: str = REDIRECT_URI, **changes: str) -> None:
        self.go(self.question(client_id, redirect_uri, **changes))

    def start_at(self, kind: str) -> ClientPage:
        """The consent page that a demo client leads to."""
        client = ClientPage(self.page, self.gallery.client(kind)).open()
        client.press("log-in")
        ConsentPage(self.page).expect_here(self.gallery.issuer)
        return client

    def log_in_at(self, kind: str) -> ClientPage:
        client = self.start_at(kind)
        ConsentPage(self.page).approve()
        SignInPage(self.page).sign_in(*self.gallery.demo_user)
        return client.expect_here()

    def answer(self, decision: str) -> None:
        self.page.get_by_test_id(decision).click()

    def browser_id(self) -> str:
        port = int(self.gallery.issuer.rpartition(":")[2])
        name = BrowserCookie(self.gallery.issuer, port).name
        (value,) = [one["value"] for one in self.context.cookies() if one["name"] == name]
        return value

    def alter_form(self, sealed: str) -> None:
        self.page.locator("input[name=form]").evaluate(
            "(field, value) => field.value = value", sealed
        )

    def sealed_form(self) -> str:
        return self.page.locator("input[name=form]").input_value()

    def shows(self, test_id: str, text: str | None = None) -> None:
        found = self.page.get_by_test_id(test_id)
        expect(found).to_be_visible()
        if text is not None:
            expect(found).to_have_text(text)


Way = Callable[[Visitor], None]
"""How a visitor comes to see a page."""


@contextmanager
def visiting(gallery: Gallery, chromium: Browser, **options: Any) -> Iterator[Visitor]:
    context = chromium.new_context(**options)
    context.set_default_timeout(20_000)
    visitor = Visitor(gallery, context, context.new_page())
    try:
        with visitor.afterwards:
            yield visitor
    finally:
        context.close()
