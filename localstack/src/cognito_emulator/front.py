"""The strict front: one origin for the API, the hosted UI and the token endpoints."""

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from cognito_emulator.api.app_clients import AppClientRule
from cognito_emulator.api.client_api import ClientApi
from cognito_emulator.api.client_secrets import ClientSecretRule
from cognito_emulator.api.credentials import CredentialsRule
from cognito_emulator.api.endpoint import ApiEndpoint
from cognito_emulator.api.forgotten_password import ForgottenPasswordRule
from cognito_emulator.api.model_rule import ModelRule
from cognito_emulator.api.registration_table import RegistrationTableRule
from cognito_emulator.api.rule import ApiRule, chain
from cognito_emulator.api.self_service import SelfService
from cognito_emulator.api.service_model import ServiceModel
from cognito_emulator.api.sign_up import SignUpRule
from cognito_emulator.api.token_revocation import TokenRevocationRule
from cognito_emulator.api.unset_fields import UnsetFieldsRule
from cognito_emulator.api.usernames import UsernameRule
from cognito_emulator.hosted_ui.authorize import AuthorizeEndpoints
from cognito_emulator.hosted_ui.browser_cookie import BrowserCookie
from cognito_emulator.hosted_ui.error import ErrorPageEndpoint
from cognito_emulator.hosted_ui.forgotten_password import ForgottenPasswordEndpoints
from cognito_emulator.hosted_ui.logout import LogoutEndpoint
from cognito_emulator.hosted_ui.page_requests import PageRequests
from cognito_emulator.hosted_ui.sign_in import SignIn
from cognito_emulator.hosted_ui.sign_up import SignUpEndpoints
from cognito_emulator.hosted_ui.steps import Steps
from cognito_emulator.mailbox import Mailbox
from cognito_emulator.middleware import answer_refusals, log_request
from cognito_emulator.ministack_client import MiniStackClient
from cognito_emulator.oauth.discovery import DiscoveryEndpoints
from cognito_emulator.oauth.revoke import RevokeEndpoint
from cognito_emulator.oauth.token import TokenEndpoint
from cognito_emulator.oauth.userinfo import UserInfoEndpoint
from cognito_emulator.settings import Settings
from cognito_emulator.signing_keys import SigningKeys
from cognito_emulator.state import EmulatorState
from cognito_emulator.tokens import TokenMinter
from cognito_emulator.user_pools import UserPools

# DynamoDB's BatchWriteItem takes 16 MB.
MAX_BODY_BYTES = 17 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Front:
    """What the front is made of, as far as others need it."""

    app: web.Application
    pools: UserPools
    keys: SigningKeys


def build_front(settings: Settings, ministack: MiniStackClient, state: EmulatorState) -> Front:
    """The whole front. A rule that comes later is one module and one line in `rules`."""
    pools = UserPools(ministack, state)
    keys = SigningKeys(ministack, settings.state_dir / "ministack" / "cognito-pool-keys")
    tokens = TokenMinter(keys, pools, settings.region, state.clock)
    cookie = _cookie(settings, "")
    requests = PageRequests(pools, settings.public_url)
    sign_in = SignIn(state, pools, cookie)
    steps = Steps(state, _cookie(settings, "-browser"))
    mailbox = Mailbox(
        state.verification,
        {"sign_up": settings.sign_up_code_seconds, "password": settings.password_code_seconds},
    )
    self_service = SelfService(pools)
    rules: Sequence[ApiRule] = (
        ModelRule(
            {
                "cognito-idp": ServiceModel.load("cognito-idp/2016-04-18"),
                "dynamodb": ServiceModel.load("dynamodb/2012-08-10", refusal="ValidationException"),
            }
        ),
        CredentialsRule(settings.access_key_id),
        RegistrationTableRule(settings.registration_table, settings.region),
        UsernameRule(pools),
        SignUpRule(state, pools, self_service, mailbox),
        ForgottenPasswordRule(state, pools, self_service, mailbox),
        UnsetFieldsRule(),
        AppClientRule(pools),
        ClientSecretRule(state),
        TokenRevocationRule(state, pools, tokens),
    )
    call_api = chain(rules, ministack.call)
    api = ClientApi(call_api)
    endpoints = (
        ApiEndpoint(call_api),
        AuthorizeEndpoints(state, requests, pools, ministack, sign_in, steps),
        SignUpEndpoints(requests, pools, api, steps, sign_in, mailbox),
        ForgottenPasswordEndpoints(requests, pools, api, steps, mailbox),
        LogoutEndpoint(state, pools, cookie),
        ErrorPageEndpoint(),
        TokenEndpoint(state, pools, tokens),
        RevokeEndpoint(state, pools),
        UserInfoEndpoint(state, pools, tokens),
        DiscoveryEndpoints(settings, ministack, pools),
    )
    app = web.Application(
        middlewares=[log_request, answer_refusals], client_max_size=MAX_BODY_BYTES
    )
    for endpoint in endpoints:
        app.add_routes(endpoint.routes())
    return Front(app, pools, keys)


def _cookie(settings: Settings, suffix: str) -> BrowserCookie:
    name = f"emulator-{settings.port}{suffix}"
    return BrowserCookie(name, secure=settings.public_url.startswith("https:"))
