"""Talks to MiniStack's port on loopback: the API, the password check, the signing keys."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp

from cognito_emulator.api.rule import ApiAnswer, ApiCall, Service
from cognito_emulator.rules.app_client import AppClient
from cognito_emulator.rules.errors import ApiError

TARGET_PREFIXES: Mapping[Service, str] = {
    "cognito-idp": "AWSCognitoIdentityProviderService",
    "dynamodb": "DynamoDB_20120810",
}
# The one key that MiniStack knows from the start.
ACCESS_KEY_ID = "test"
PASSED_HEADERS = ("x-amzn-errortype", "x-amz-crc32")
# What AWS calls a request that its service cannot make sense of.
NOT_UNDERSTOOD: Mapping[Service, str] = {
    "cognito-idp": "InvalidParameterException",
    "dynamodb": "ValidationException",
}


class MiniStackUnavailableError(Exception):
    """MiniStack does not answer; the process is ending, or was killed."""


@dataclass(frozen=True, slots=True)
class MiniStackClient:
    """One connection pool to the child, and one access key for all callers: one account."""

    session: aiohttp.ClientSession
    url: str
    region: str

    async def call(self, call: ApiCall) -> ApiAnswer:
        """Pass an API call on. What MiniStack itself chokes on becomes a 400, as on AWS."""
        headers = {
            "X-Amz-Target": f"{TARGET_PREFIXES[call.service]}.{call.operation}",
            "Content-Type": "application/x-amz-json-1.1",
        }
        if call.signed:
            headers |= self._authorization(call.service)
        status, body, answered = await self._send("POST", "/", json.dumps(call.body), headers)
        if status >= 500:
            raise ApiError(NOT_UNDERSTOOD[call.service], "The request was not understood.")
        kept = {name: answered[name] for name in PASSED_HEADERS if name in answered}
        return ApiAnswer(status, body, kept)

    async def cognito(self, operation: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Call Cognito for the front itself. Raises ApiError with Cognito's own type."""
        answer = await self.call(ApiCall("cognito-idp", operation, body, signed=True))
        if answer.ok:
            return answer.json()
        error = answer.json()
        raise ApiError(error.get("__type", "InternalErrorException"), error.get("message", ""))

    async def list_tables(self) -> None:
        """Touch DynamoDB, so that MiniStack has surely read what it saved of it."""
        await self.call(ApiCall("dynamodb", "ListTables", {}, signed=True))

    async def password_is_right(
        self, client: AppClient, redirect_uri: str, username: str, password: str
    ) -> bool:
        """Ask MiniStack's own log-in form. Its code is not used and ends by itself.

        The form, not InitiateAuth: an app client need not allow a password flow of the API.
        """
        form = {
            "client_id": client.client_id,
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "username": username,
            "password": password,
        }
        status, _body, answered = await self._send("POST", "/login", form, {})
        location = answered.get("Location", "")
        return status == 302 and "code" in parse_qs(urlsplit(location).query)

    async def jwks(self, pool_id: str) -> dict[str, Any] | None:
        """The pool's public keys, None when there is no such pool."""
        status, body, _ = await self._send("GET", f"/{pool_id}/.well-known/jwks.json", None, {})
        if status != 200:
            return None
        keys: dict[str, Any] = json.loads(body)
        return keys

    async def is_ready(self) -> bool:
        """Does MiniStack say that it is ready?"""
        try:
            status, _, _ = await self._send("GET", "/_ministack/ready", None, {})
        except MiniStackUnavailableError:
            return False
        return status == 200

    def _authorization(self, service: Service) -> dict[str, str]:
        # MiniStack judges scope and date, but no signature.
        now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        scope = f"{ACCESS_KEY_ID}/{now[:8]}/{self.region}/{service}/aws4_request"
        credential = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
        return {"Authorization": credential, "X-Amz-Date": now}

    async def _send(
        self, method: str, path: str, data: Any, headers: Mapping[str, str]
    ) -> tuple[int, bytes, Mapping[str, str]]:
        try:
            async with self.session.request(
                method, self.url + path, data=data, headers=headers, allow_redirects=False
            ) as answer:
                return answer.status, await answer.read(), answer.headers
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise MiniStackUnavailableError from error
