"""How Cognito says no. Each kind of refusal is answered in exactly one place, `middleware.py`."""

from typing import Literal

TokenErrorCode = Literal[
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "invalid_scope",
    "unauthorized_client",
    "unsupported_grant_type",
    "unsupported_token_type",
]

AuthorizationErrorCode = Literal[
    "invalid_request",
    "invalid_scope",
    "unauthorized_client",
    "unsupported_response_type",
    "login_required",
]


class ApiError(Exception):
    """A refusal of the AWS API: HTTP 400 with `__type` and `message` (AWS JSON 1.1)."""

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.message = message


class ErrorPage(Exception):
    """A refusal that must not reach the app: Cognito shows its own `/error` page.

    Raised as long as client and redirect URI are not proven ("redirect_mismatch").
    """

    def __init__(self, error: str, client_id: str | None = None) -> None:
        super().__init__(error)
        self.error = error
        self.client_id = client_id


class AuthorizationError(Exception):
    """A refusal sent to the proven redirect URI (authorization endpoint, "Negative responses")."""

    def __init__(self, code: AuthorizationErrorCode, description: str) -> None:
        super().__init__(description)
        self.code = code
        self.description = description


class TokenError(Exception):
    """A refusal of the token or revocation endpoint: JSON `{"error": …}`.

    `invalid_client` is 400 at the token endpoint and 401 at the revocation endpoint.
    """

    def __init__(
        self, code: TokenErrorCode, description: str | None = None, status: int = 400
    ) -> None:
        super().__init__(description or code)
        self.code = code
        self.description = description
        self.status = status
