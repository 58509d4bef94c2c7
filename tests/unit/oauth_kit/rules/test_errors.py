"""Status and Retry-After by error code (RFC 6749 §5.2, RFC 6750 §3.1)."""

import pytest

from oauth_kit.rules.errors import AuthorizationError, ErrorCode, OAuthError


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("invalid_request", 400),
        ("invalid_grant", 400),
        ("invalid_client", 401),
        ("invalid_token", 401),
        ("access_denied", 403),
        ("insufficient_scope", 403),
        ("server_error", 500),
        ("temporarily_unavailable", 503),
    ],
)
def test_an_error_has_the_status_of_its_code_unless_told_otherwise(
    code: ErrorCode, status: int
) -> None:
    assert OAuthError(code, "No.").status == status
    assert OAuthError(code, "No.", status=429).status == 429


@pytest.mark.requirement("TK24", "TK29")
def test_only_what_is_temporary_says_when_to_retry() -> None:
    assert OAuthError("temporarily_unavailable", "No.").retry_after_seconds == 5
    assert (
        OAuthError("temporarily_unavailable", "No.", retry_after_seconds=60).retry_after_seconds
        == 60
    )
    assert OAuthError("invalid_grant", "No.").retry_after_seconds is None


def test_the_reason_stays_out_of_the_description() -> None:
    error = OAuthError("invalid_grant", "The code is not valid.", reason="verifier differs")
    assert error.description == "The code is not valid."
    assert str(error) == "invalid_grant: verifier differs"
    assert str(OAuthError("invalid_grant", "The code is not valid.")).endswith("not valid.")


def test_an_authorization_error_without_a_redirect_is_for_a_page() -> None:
    page = AuthorizationError("invalid_request", "No.")
    assert (page.redirect_uri, page.state) == (None, None)
    answer = AuthorizationError(
        "access_denied", "No.", reason="denied", redirect_uri="https://c.example/cb", state="s"
    )
    assert (answer.redirect_uri, answer.state, answer.status) == ("https://c.example/cb", "s", 403)
    assert answer.reason == "denied"
