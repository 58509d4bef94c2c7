"""GET /oauth2/authorize and /login: what may go on, what goes back to the app, what must not.

Developer guide, "The redirect and authorization endpoint".
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from cognito_emulator.rules import pkce
from cognito_emulator.rules.app_client import AppClient
from cognito_emulator.rules.errors import AuthorizationError, ErrorPage
from cognito_emulator.rules.parameters import Parameters
from cognito_emulator.rules.scopes import granted_scopes
from cognito_emulator.rules.urls import is_resource_indicator

PROMPTS = frozenset({"none", "login", "select_account", "consent"})

# A list of its own, so that an unexpected parameter never travels on to the log-in page.
KNOWN_PARAMETERS = (
    "response_type",
    "client_id",
    "redirect_uri",
    "state",
    "scope",
    "code_challenge",
    "code_challenge_method",
    "nonce",
    "resource",
    "prompt",
    "login_hint",
    "lang",
    "identity_provider",
)


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A request that may be answered with a code."""

    client: AppClient
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str | None
    nonce: str | None
    code_challenge: str | None
    resource: str | None
    prompts: frozenset[str]
    login_hint: str
    parameters: Mapping[str, str] = field(repr=False)


def client_id_of(parameters: Parameters) -> str:
    """The one client_id, or Cognito's error page."""
    client_id = parameters.only("client_id")
    if not client_id:
        raise ErrorPage("Required String parameter 'client_id' is not present")
    return client_id


def proven_redirect_uri(parameters: Parameters, client: AppClient) -> str:
    """The redirect URI, exactly as registered; from here on errors may go to the app."""
    redirect_uri = parameters.only("redirect_uri")
    if not redirect_uri:
        raise ErrorPage("Required String parameter 'redirect_uri' is not present", client.client_id)
    if redirect_uri not in client.callback_urls:
        raise ErrorPage("redirect_mismatch", client.client_id)
    if not client.identity_providers or not client.flows:
        raise ErrorPage("unauthorized_client", client.client_id)
    return redirect_uri


def parse(parameters: Parameters, client: AppClient, redirect_uri: str) -> AuthorizationRequest:
    """Judge the rest of the request. Raises AuthorizationError, to be sent to redirect_uri."""
    for name in KNOWN_PARAMETERS:
        if parameters.count(name) > 1:
            raise AuthorizationError("invalid_request", f"{name} is given more than once")
    _check_response_type(parameters.get("response_type"), client)
    state = parameters.get("state")
    if state is not None and _is_json(state):
        raise AuthorizationError("invalid_request", "state must not be a JSON string")
    provider = parameters.get("identity_provider")
    if parameters.count("idp_identifier") or (
        provider is not None and provider not in client.identity_providers
    ):
        raise AuthorizationError("invalid_request", "the identity provider does not exist")
    return AuthorizationRequest(
        client=client,
        redirect_uri=redirect_uri,
        scopes=granted_scopes(parameters.get("scope"), client.scopes),
        state=state,
        nonce=parameters.get("nonce"),
        code_challenge=_code_challenge(parameters),
        resource=_resource(parameters.get("resource")),
        prompts=_prompts(parameters.get("prompt")),
        login_hint=parameters.get("login_hint") or "",
        parameters={
            name: value for name in KNOWN_PARAMETERS if (value := parameters.get(name)) is not None
        },
    )


def _check_response_type(asked: str | None, client: AppClient) -> None:
    if asked not in {"code", "token"}:
        raise AuthorizationError("invalid_request", "response_type must be code or token")
    if ("code" if asked == "code" else "implicit") not in client.flows:
        raise AuthorizationError("unauthorized_client", "the flow is not allowed for this client")
    if asked == "token":
        raise AuthorizationError(
            "unsupported_response_type", "this emulator does not have the implicit grant"
        )


def _code_challenge(parameters: Parameters) -> str | None:
    challenge = parameters.get("code_challenge")
    method = parameters.get("code_challenge_method")
    if challenge is None and method is None:
        return None
    if method != "S256":
        raise AuthorizationError("invalid_request", "code_challenge_method must be S256")
    if challenge is None or not pkce.is_challenge(challenge):
        raise AuthorizationError("invalid_request", "code_challenge is missing or malformed")
    return challenge


def _resource(asked: str | None) -> str | None:
    if asked is not None and not is_resource_indicator(asked):
        raise AuthorizationError("invalid_request", "resource must be https or http://localhost")
    return asked


def _prompts(asked: str | None) -> frozenset[str]:
    prompts = frozenset((asked or "").split())
    if not prompts <= PROMPTS or ("none" in prompts and len(prompts) > 1):
        raise AuthorizationError("invalid_request", "prompt is not valid")
    return prompts


def _is_json(state: str) -> bool:
    """Objects and arrays: "You can't set the value of state to a URL-encoded JSON string"."""
    if not state.lstrip().startswith(("{", "[")):
        return False
    try:
        json.loads(state)
    except (ValueError, RecursionError):
        return False
    return True
