"""The one way to refuse: an OAuth error with its HTTP status (RFC 6749 §5.2, RFC 6750 §3.1)."""

from typing import Final, Literal

ErrorCode = Literal[
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "unsupported_response_type",
    "invalid_scope",
    "invalid_target",
    "access_denied",
    "server_error",
    "temporarily_unavailable",
    "invalid_redirect_uri",
    "invalid_client_metadata",
    "invalid_token",
    "insufficient_scope",
    "unsupported_token_type",
    "request_not_supported",
    "login_required",
    "consent_required",
    "interaction_required",
]

_STATUSES: Final[dict[ErrorCode, int]] = {
    "invalid_client": 401,
    "invalid_token": 401,
    "access_denied": 403,
    "insufficient_scope": 403,
    "server_error": 500,
    "temporarily_unavailable": 503,
}
_RETRY_AFTER_SECONDS: Final = 5


class OAuthError(Exception):
    """A refusal.

    description: a constant sentence for strangers, in the charset of RFC 6749 §5.2
    reason:      what exactly was wrong, for the log only
    """

    def __init__(
        self,
        code: ErrorCode,
        description: str,
        *,
        reason: str = "",
        status: int | None = None,
        retry_after_seconds: int | None = None,
    ) -> None:
        super().__init__(f"{code}: {reason or description}")
        if retry_after_seconds is None and code == "temporarily_unavailable":
            retry_after_seconds = _RETRY_AFTER_SECONDS
        self.code: ErrorCode = code
        self.description = description
        self.reason = reason
        self.status = _STATUSES.get(code, 400) if status is None else status
        self.retry_after_seconds = retry_after_seconds


class AuthorizationError(OAuthError):
    """A refusal of the authorization endpoint (RFC 6749 §4.1.2.1).

    redirect_uri: where the client learns of it; None means a page, never a redirect
    """

    def __init__(
        self,
        code: ErrorCode,
        description: str,
        *,
        reason: str = "",
        redirect_uri: str | None = None,
        state: str | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(code, description, reason=reason, status=status)
        self.redirect_uri = redirect_uri
        self.state = state
