"""One known token guards an endpoint (RFC 6750 §2.1, §3)."""

import hmac
from dataclasses import dataclass

from aiohttp import web
from pydantic import SecretStr

from oauth_kit.rules.bearer import read_bearer
from oauth_kit.rules.errors import OAuthError
from oauth_kit.web.answering import json_answer


@dataclass(frozen=True, slots=True)
class BearerGuard:
    token: SecretStr

    def refusal(self, request: web.Request) -> web.Response | None:
        """None for the bearer of the token, else the 401 to answer with."""
        try:
            presented = read_bearer(request.headers.getall("Authorization", []))
        except OAuthError:
            presented = ""
        if presented is None:
            return _unauthorized("Bearer", "A bearer token is needed")
        expected = self.token.get_secret_value()
        if hmac.compare_digest(presented.encode(), expected.encode()):
            return None
        return _unauthorized('Bearer error="invalid_token"', "The bearer token is not accepted")


def _unauthorized(challenge: str, description: str) -> web.Response:
    return json_answer(
        {"error": "invalid_token", "error_description": description},
        status=401,
        headers={"WWW-Authenticate": challenge},
    )
