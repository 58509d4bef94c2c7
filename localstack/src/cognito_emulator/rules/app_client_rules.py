"""What CreateUserPoolClient and UpdateUserPoolClient refuse beyond the shape of single fields.

API reference, CreateUserPoolClient. Lengths, patterns and enumerations of single fields come from
the service model (`service_model.py`); here are the rules between fields.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cognito_emulator.rules.app_client import TokenKind, lifetime_seconds
from cognito_emulator.rules.errors import ApiError
from cognito_emulator.rules.scopes import NEEDS_OPENID, STANDARD_SCOPES
from cognito_emulator.rules.urls import callback_url_problem

OAUTH_FIELDS = ("AllowedOAuthFlows", "AllowedOAuthScopes", "CallbackURLs", "LogoutURLs")

LIFETIME_RANGE_SECONDS: Mapping[TokenKind, tuple[int, int]] = {
    "AccessToken": (5 * 60, 86400),
    "IdToken": (5 * 60, 86400),
    "RefreshToken": (3600, 3650 * 86400),
}


@dataclass(frozen=True, slots=True)
class PoolFacts:
    """What of the pool an app client may refer to."""

    custom_scopes: frozenset[str]
    identity_providers: frozenset[str]


def check_app_client(client: Mapping[str, Any], pool: PoolFacts, *, has_secret: bool) -> None:
    """Raise the ApiError that Cognito would answer; `client` is the whole client, as it would be.

    client:     field name → value, of the types that the service model names
    has_secret: whether the client has, or will have, a secret
    """
    _check_secret_choice(client)
    _check_oauth_switch(client)
    _check_flows(client, has_secret=has_secret)
    _check_scopes(client, pool)
    _check_urls(client)
    _check_identity_providers(client, pool)
    _check_lifetimes(client)
    _check_auth_flows(client)
    if client.get("EnablePropagateAdditionalUserContextData") and not has_secret:
        raise _invalid("EnablePropagateAdditionalUserContextData needs a client secret.")


def _invalid(message: str) -> ApiError:
    return ApiError("InvalidParameterException", message)


def _check_secret_choice(client: Mapping[str, Any]) -> None:
    if client.get("GenerateSecret") and client.get("ClientSecret"):
        raise _invalid("ClientSecret cannot be specified when GenerateSecret is true.")


def _check_oauth_switch(client: Mapping[str, Any]) -> None:
    switched_on = client.get("AllowedOAuthFlowsUserPoolClient") is True
    for name in OAUTH_FIELDS:
        if client.get(name) and not switched_on:
            raise _invalid(f"AllowedOAuthFlowsUserPoolClient must be true to configure {name}.")
    if switched_on and not (client.get("AllowedOAuthFlows") and client.get("AllowedOAuthScopes")):
        raise _invalid(
            "AllowedOAuthFlows and AllowedOAuthScopes are required if user pool client "
            "is allowed to use OAuth flows."
        )


def _check_flows(client: Mapping[str, Any], *, has_secret: bool) -> None:
    flows = set(client.get("AllowedOAuthFlows") or ())
    if "client_credentials" in flows:
        if len(flows) > 1:
            raise ApiError(
                "InvalidOAuthFlowException",
                "client_credentials flow can not be selected along with code flow "
                "or implicit flow.",
            )
        if not has_secret:
            raise ApiError(
                "InvalidOAuthFlowException",
                "client_credentials flow can not be selected if client does not have "
                "a client secret.",
            )
    elif flows and not client.get("CallbackURLs"):
        raise ApiError(
            "InvalidOAuthFlowException", "code flow and implicit flow require a callback URL."
        )


def _check_scopes(client: Mapping[str, Any], pool: PoolFacts) -> None:
    scopes = client.get("AllowedOAuthScopes") or ()
    for scope in scopes:
        if scope not in STANDARD_SCOPES and scope not in pool.custom_scopes:
            raise ApiError("ScopeDoesNotExistException", f"Invalid scope requested: {scope}")
    if NEEDS_OPENID.intersection(scopes) and "openid" not in scopes:
        raise _invalid("Scopes phone, email and profile require the scope openid.")


def _check_urls(client: Mapping[str, Any]) -> None:
    for name in ("CallbackURLs", "LogoutURLs"):
        for url in client.get(name) or ():
            problem = callback_url_problem(url)
            if problem:
                raise _invalid(f"Invalid value in {name}: '{url}' {problem}.")
    default = client.get("DefaultRedirectURI")
    if default and default not in (client.get("CallbackURLs") or ()):
        raise _invalid("DefaultRedirectURI must be in the list of CallbackURLs.")


def _check_identity_providers(client: Mapping[str, Any], pool: PoolFacts) -> None:
    for provider in client.get("SupportedIdentityProviders") or ():
        if provider != "COGNITO" and provider not in pool.identity_providers:
            raise _invalid(f"The provider {provider} does not exist for this user pool.")


def _check_lifetimes(client: Mapping[str, Any]) -> None:
    for kind, (least, most) in LIFETIME_RANGE_SECONDS.items():
        seconds = lifetime_seconds(client, kind)
        if not least <= seconds <= most:
            raise _invalid(
                f"Invalid range for token validity: {kind}Validity is {seconds} seconds, "
                f"must be between {least} and {most}."
            )
    refresh = lifetime_seconds(client, "RefreshToken")
    for kind in ("AccessToken", "IdToken"):
        if lifetime_seconds(client, kind) > refresh:
            raise _invalid(f"{kind}Validity must not exceed RefreshTokenValidity.")


def _check_auth_flows(client: Mapping[str, Any]) -> None:
    flows = client.get("ExplicitAuthFlows") or ()
    allow = [flow for flow in flows if flow.startswith("ALLOW_")]
    if allow and len(allow) != len(flows):
        raise _invalid("ExplicitAuthFlows cannot mix legacy values with values that begin ALLOW_.")
    rotation = client.get("RefreshTokenRotation") or {}
    if rotation.get("Feature") == "ENABLED":
        if "ALLOW_REFRESH_TOKEN_AUTH" in allow or not flows:
            raise _invalid("ALLOW_REFRESH_TOKEN_AUTH cannot be used with refresh token rotation.")
        raise _invalid("Refresh token rotation is not available in this emulator.")
