"""Reading a token request: an authorization code or a refresh token (RFC 6749 §4.1.3, §6)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from oauth_kit.rules.errors import OAuthError
from oauth_kit.rules.pkce import check_verifier
from oauth_kit.rules.scopes import ScopePolicy, parse_scope, without_ignored


@dataclass(frozen=True, slots=True)
class CodeRequest:
    """redirect_uri: None when it was not sent, which OAuth 2.1 §10.2 allows."""

    code: str = field(repr=False)
    redirect_uri: str | None
    code_verifier: str = field(repr=False)
    resources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RefreshRequest:
    refresh_token: str = field(repr=False)
    scope: str | None = None
    resources: tuple[str, ...] = ()


def read_token_request(
    form: Mapping[str, str], resources: Sequence[str]
) -> CodeRequest | RefreshRequest:
    """The grant that a client wants to use.

    form:      the body's parameters, each once; an empty one counts as absent
    resources: every `resource` parameter
    Raises OAuthError: invalid_request, unsupported_grant_type, or invalid_grant for a malformed
    code verifier.
    """
    targets = tuple(value for value in resources if value)
    match _required(form, "grant_type"):
        case "authorization_code":
            return CodeRequest(
                code=_required(form, "code"),
                redirect_uri=form.get("redirect_uri") or None,
                code_verifier=check_verifier(form.get("code_verifier")),
                resources=targets,
            )
        case "refresh_token":
            return RefreshRequest(
                refresh_token=_required(form, "refresh_token"),
                scope=form.get("scope") or None,
                resources=targets,
            )
        case _:
            raise OAuthError("unsupported_grant_type", "This grant type is not supported")


def narrow_refresh_scope(
    asked: str | None, granted: tuple[str, ...], policy: ScopePolicy
) -> tuple[str, ...]:
    """The scopes of the next access token: what was granted, or the part of it that is asked for.

    Raises OAuthError("invalid_scope") for anything that was not granted (RFC 6749 §6).
    """
    wanted = without_ignored(parse_scope(asked)) if asked else ()
    if not policy.covers(granted, wanted):
        raise OAuthError("invalid_scope", "The scope exceeds what was granted")
    return wanted or granted


def _required(form: Mapping[str, str], name: str) -> str:
    value = form.get(name)
    if not value:
        raise OAuthError("invalid_request", f"{name} is missing")
    return value
