"""GET /authorize: check the whole request, then ask the user (RFC 6749 §4.1.1, MCP: consent)."""

from collections.abc import Iterable
from dataclasses import dataclass

import structlog
from aiohttp import web

from cimd_bridge.client_resolver import ClientResolver
from cimd_bridge.consent import BrowserCookie, ConsentForm, ConsentForms, new_browser_id
from cimd_bridge.consent_page import ConsentPage
from cimd_bridge.front_channel import FrontChannel
from cimd_bridge.login_start import LoginStart
from cimd_bridge.refusals import REDIRECT_NOT_REGISTERED
from oauth_kit.clock import Clock
from oauth_kit.records.client import Client
from oauth_kit.rules.authorization_request import (
    AuthorizationRequest,
    read_authorization_request,
    read_client_id,
)
from oauth_kit.rules.errors import AuthorizationError
from oauth_kit.rules.redirect_uris import pick_redirect_uri
from oauth_kit.rules.scopes import ScopePolicy
from oauth_kit.web.answering import html_page, redirect
from oauth_kit.web.rate_limits import RateLimits
from oauth_kit.web.reading import TrustedProxies, query_parameters

log = structlog.get_logger()

AUTHORIZE_PATH = "/authorize"


@dataclass(frozen=True, slots=True)
class AuthorizeEndpoint:
    clients: ClientResolver
    forms: ConsentForms
    page: ConsentPage
    login: LoginStart
    front_channel: FrontChannel
    cookie: BrowserCookie
    scope_policy: ScopePolicy
    resource: str
    require_resource: bool
    rate_limits: RateLimits
    limit: str
    proxies: TrustedProxies
    clock: Clock

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return [web.get(AUTHORIZE_PATH, self.handle, allow_head=False)]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        parameters = query_parameters(request)
        client_id, asked_redirect_uri = read_client_id(parameters)
        caller = self.proxies.caller_block(request)
        await self.rate_limits.check("authorize", caller, self.limit)
        client = await self.clients.resolve(
            client_id, caller=caller, sec_fetch_site=request.headers.get("Sec-Fetch-Site")
        )
        try:
            asked = self._read(parameters, client, asked_redirect_uri)
        except AuthorizationError as error:
            log.info("authorization_refused", client_id=client_id, code=error.code)
            return self.front_channel.refuse_request(request, error, client)
        log.info("authorization_requested", client_id=client_id, scopes=asked.scopes)
        browser_id = self.cookie.read(request) or new_browser_id()
        form = self.forms.issue(client, asked, self.clock())
        response = await self._ask(form, browser_id)
        self.cookie.give(response, browser_id)
        return response

    def _read(
        self, parameters: list[tuple[str, str]], client: Client, asked_redirect_uri: str | None
    ) -> AuthorizationRequest:
        redirect_uri = pick_redirect_uri(client.metadata.redirect_uris, asked_redirect_uri)
        if redirect_uri is None:
            raise AuthorizationError("invalid_request", REDIRECT_NOT_REGISTERED)
        return read_authorization_request(
            parameters,
            redirect_uri=redirect_uri,
            redirect_uri_was_sent=asked_redirect_uri is not None,
            registered_scope=_scope_limit(client),
            scope_policy=self.scope_policy,
            resource=self.resource,
            require_resource=self.require_resource,
        )

    async def _ask(self, form: ConsentForm, browser_id: str) -> web.Response:
        if form.client.trusted:
            return redirect(await self.login.approve(form, browser_id))
        return html_page(self.page.render(form, self.forms.seal(form, browser_id)), has_form=True)


def _scope_limit(client: Client) -> tuple[str, ...] | None:
    """What the operator allows a client of his own.

    A limit that a client set for itself protects nobody, and would break step-up: clients register
    with the scope of the first challenge and ask for more later. The user decides (ADR 0010).
    """
    return client.metadata.scope if client.kind == "preregistered" else None
