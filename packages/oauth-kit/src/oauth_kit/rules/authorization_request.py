"""Reading an authorization request: what may be redirected, what must not (RFC 6749 §4.1.1)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from oauth_kit.rules.errors import AuthorizationError, ErrorCode, OAuthError
from oauth_kit.rules.pkce import check_challenge
from oauth_kit.rules.resource_indicators import canonical_resource
from oauth_kit.rules.scopes import ScopePolicy

MAX_STATE_BYTES = 4096

_ONCE = frozenset(
    {
        *("response_type", "response_mode", "scope", "state", "prompt"),
        *("code_challenge", "code_challenge_method", "request", "request_uri"),
    }
)
_CLIENT_ID = re.compile(r"[\x20-\x7E]+")  # RFC 6749 appendix A.1

Parameters = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """What a client asks a user to agree to.

    redirect_uri:          the raw value that will be used
    redirect_uri_was_sent: the client named it, rather than leaving it to its registration
    scopes, resource:      narrowed and canonical already
    state:                 as sent, None when absent
    """

    client_id: str
    redirect_uri: str
    redirect_uri_was_sent: bool
    code_challenge: str
    scopes: tuple[str, ...]
    resource: str
    state: str | None = field(repr=False)
    prompt: frozenset[str]


def read_client_id(parameters: Parameters) -> tuple[str, str | None]:
    """The client's id and the redirect URI it asks for, None when it names none.

    Raises AuthorizationError that is never redirected: until both are proven, whoever wrote the
    link could choose where the answer goes.
    """
    for name in ("client_id", "redirect_uri"):
        if len(_all(parameters, name)) > 1:
            raise AuthorizationError("invalid_request", f"{name} is repeated")
    client_id = _first(parameters, "client_id")
    if client_id is None:
        raise AuthorizationError("invalid_request", "client_id is missing")
    if not _CLIENT_ID.fullmatch(client_id):
        raise AuthorizationError("invalid_request", "client_id is malformed")
    return client_id, _first(parameters, "redirect_uri")


def read_authorization_request(
    parameters: Parameters,
    *,
    redirect_uri: str,
    redirect_uri_was_sent: bool,
    registered_scope: tuple[str, ...] | None,
    scope_policy: ScopePolicy,
    resource: str,
    require_resource: bool,
) -> AuthorizationRequest:
    """The whole request, once `redirect_uri` is known to be the client's.

    Unknown parameters are ignored, empty ones count as absent (RFC 6749 §3.1).
    Raises AuthorizationError with the redirect URI and the state.
    """
    client_id, _ = read_client_id(parameters)
    state = _echoable_state(parameters)
    try:
        _check_protocol(parameters)
        return AuthorizationRequest(
            client_id=client_id,
            redirect_uri=redirect_uri,
            redirect_uri_was_sent=redirect_uri_was_sent,
            code_challenge=check_challenge(
                _first(parameters, "code_challenge"), _first(parameters, "code_challenge_method")
            ),
            scopes=scope_policy.narrow_request(_first(parameters, "scope"), registered_scope),
            resource=canonical_resource(
                _all(parameters, "resource"), known=resource, required=require_resource
            ),
            state=state,
            prompt=_read_prompt(_first(parameters, "prompt")),
        )
    except OAuthError as error:
        raise AuthorizationError(
            error.code,
            error.description,
            reason=error.reason,
            redirect_uri=redirect_uri,
            state=state,
        ) from error


def _check_protocol(parameters: Parameters) -> None:
    names = [name for name, _ in parameters if name in _ONCE]
    if len(names) != len(set(names)):
        raise OAuthError("invalid_request", "A parameter is repeated")
    if _is_too_long(_first(parameters, "state")):
        raise OAuthError("invalid_request", "state is too long")
    if _first(parameters, "request") or _first(parameters, "request_uri"):
        raise OAuthError("request_not_supported", "Request objects are not supported")
    if _first(parameters, "response_mode") not in (None, "query"):
        raise OAuthError("invalid_request", "response_mode must be query")
    response_type = _first(parameters, "response_type")
    if response_type is None:
        raise OAuthError("invalid_request", "response_type is missing")
    if response_type != "code":
        raise OAuthError("unsupported_response_type", "response_type must be code")


def _read_prompt(prompt: str | None) -> frozenset[str]:
    values = frozenset((prompt or "").split())
    if "none" in values:
        code: ErrorCode = "consent_required" if len(values) == 1 else "invalid_request"
        raise OAuthError(code, "The user has to be asked, prompt cannot be none")
    return values


def _echoable_state(parameters: Parameters) -> str | None:
    """The state that a refusal carries; none when it is doubled or too long to be echoed."""
    state = _first(parameters, "state")
    doubled = len(_all(parameters, "state")) > 1
    return None if doubled or _is_too_long(state) else state


def _is_too_long(state: str | None) -> bool:
    return state is not None and len(state.encode("utf-8", "replace")) > MAX_STATE_BYTES


def _all(parameters: Parameters, name: str) -> list[str]:
    return [value for key, value in parameters if key == name]


def _first(parameters: Parameters, name: str) -> str | None:
    return next((value for value in _all(parameters, name) if value), None)
