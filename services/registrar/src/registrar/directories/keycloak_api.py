"""Keycloak's admin REST API, called as a service account of the realm (RFC 6749 §4.4)."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import aiohttp
import structlog

from oauth_kit.clock import Clock, system_clock
from oauth_kit.outbound.http import read_answer
from oauth_kit.rules.json_object import parse_json_object
from registrar.directories.port import AppClientNotFoundError, DirectoryError

log = structlog.get_logger()

ATTEMPTS = 4
_FIRST_PAUSE_SECONDS = 0.2
# a token that ends on the way is a wasted request
_TOKEN_MARGIN_SECONDS = 30
_CONFLICT = 409
_TOO_MANY = 429

# nothing was sent, so nothing can have happened
_NOT_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
_FAILURES = (aiohttp.ClientError, TimeoutError, OSError, ValueError)

Pause = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """Who we are in the realm.

    admin_url: the realm's admin API; None = beside the issuer, where Keycloak has it
    """

    client_id: str
    client_secret: str = field(repr=False)
    admin_url: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """content: the JSON of the body, None when there is none."""

    status: int
    content: object


class KeycloakApi:
    """Requests with a token that is kept until shortly before it ends.

    Faults and conflicts are retried with jitter, a bounded number of times.
    """

    def __init__(
        self,
        account: ServiceAccount,
        session: aiohttp.ClientSession,
        *,
        admin_url: str,
        token_url: str,
        pause: Pause = asyncio.sleep,
        clock: Clock = system_clock,
    ) -> None:
        self._account = account
        self._session = session
        self._admin_url = admin_url
        self._token_url = token_url
        self._pause = pause
        self._clock = clock
        self._token: str | None = None
        self._token_ends_at = 0
        self._signing_in = asyncio.Lock()

    async def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, object] | None = None,
        returned: frozenset[int] = frozenset(),
    ) -> Answer:
        """The answer, when it is 2xx or one of `returned`. Raises DirectoryError otherwise."""
        attempt, may_have_happened = 0, False
        while True:
            try:
                answer = await self._attempt(method, path, query, body)
            except _FAILURES as error:
                reason = type(error).__name__
                may_have_happened |= not isinstance(error, _NOT_SENT)
            else:
                if answer.status < 300 or answer.status in returned:
                    return answer
                reason = f"{method} answered {answer.status}"
                may_have_happened |= answer.status >= 500
                if not _worth_retrying(answer.status):
                    raise _refused(answer.status, reason, may_have_happened)
            if attempt == ATTEMPTS - 1:
                raise DirectoryError(reason, may_have_happened=may_have_happened)
            log.info("directory_retry", operation=method, reason=reason)
            await self.back_off(attempt)
            attempt += 1

    async def back_off(self, attempt: int) -> None:
        ceiling = _FIRST_PAUSE_SECONDS * 2**attempt
        await self._pause(ceiling * random.uniform(0.5, 1))  # noqa: S311 - jitter, no secret

    async def _attempt(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: Mapping[str, object] | None,
    ) -> Answer:
        token = await self._current_token()
        async with self._session.request(
            method,
            self._admin_url + path,
            params=query,
            json=body,
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
            allow_redirects=False,
        ) as response:
            content = await read_answer(response)
        if response.status == 401 and token == self._token:
            # revoked, or signed with a key that the realm has no more: the next attempt signs in
            self._token = None
        is_json = response.status == 200 and content
        return Answer(response.status, json.loads(content) if is_json else None)

    async def _current_token(self) -> str:
        async with self._signing_in:
            if self._token is None or self._clock() >= self._token_ends_at:
                self._token, lives_seconds = await self._sign_in()
                self._token_ends_at = self._clock() + lives_seconds - _TOKEN_MARGIN_SECONDS
            return self._token

    async def _sign_in(self) -> tuple[str, int]:
        """A token and how long it lives. A refusal is a DirectoryError, which nobody retries."""
        async with self._session.post(
            self._token_url,
            data={
                "grant_type": "client_credentials",
                "client_id": self._account.client_id,
                "client_secret": self._account.client_secret,
            },
            allow_redirects=False,
        ) as response:
            body = await read_answer(response)
        if response.status in (400, 401, 403):
            raise DirectoryError(f"the service account was refused with {response.status}")
        if response.status != 200:
            raise ValueError(f"token endpoint answered {response.status}")
        answer = parse_json_object(body)
        token, lives_seconds = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(token, str) or not isinstance(lives_seconds, int):
            raise ValueError("the token answer cannot be used")
        return token, lives_seconds


def admin_url_of(issuer: str) -> str:
    """`https://host/admin/realms/<realm>` of `https://host/realms/<realm>`. Raises ValueError."""
    base, found, realm = issuer.rpartition("/realms/")
    if not found or not realm or "/" in realm:
        raise ValueError("a Keycloak issuer ends in /realms/<realm>")
    return f"{base}/admin/realms/{realm}"


def _worth_retrying(status: int) -> bool:
    return status >= 500 or status in (401, _CONFLICT, _TOO_MANY)


def _refused(status: int, reason: str, may_have_happened: bool) -> DirectoryError:
    kind = AppClientNotFoundError if status == 404 else DirectoryError
    return kind(reason, may_have_happened=may_have_happened)
