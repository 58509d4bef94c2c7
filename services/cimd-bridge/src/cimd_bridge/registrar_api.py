"""What the bridge asks the registrar over its internal API."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote

import aiohttp
import structlog
from yarl import URL

from oauth_kit.metrics import uncounted
from oauth_kit.outbound.http import read_answer
from oauth_kit.records.client import Client
from oauth_kit.rules.errors import OAuthError
from oauth_kit.rules.json_object import parse_json_object

log = structlog.get_logger()

_CHECK_TIMEOUT = aiohttp.ClientTimeout(total=2)
_FAILURES = (aiohttp.ClientError, asyncio.TimeoutError, OSError, ValueError)


@dataclass(frozen=True, slots=True)
class RegistrarApi:
    session: aiohttp.ClientSession
    base_url: str
    token: str = field(repr=False)
    count_failure: Callable[[], None] = uncounted

    async def find_client(self, client_id: str) -> Client | None:
        """What Redis does not hold. Raises temporarily_unavailable: a miss is never a guess."""
        status, document = await self._call("GET", f"/internal/clients/{quote(client_id, safe='')}")
        if status == 404:
            return None
        if status != 200:
            raise _unavailable(f"registrar answered {status}")
        try:
            client = Client.from_document(document)
        except (KeyError, TypeError, AttributeError) as error:
            raise _unavailable("registrar sent something else than a client") from error
        if client.client_id != client_id:
            raise _unavailable("registrar sent another client")
        return client

    async def make_upstream_client(
        self, client_id: str, *, fingerprint: str, name: str, subject: str
    ) -> str:
        """Have an upstream client made or found; returns what became of it, for the log.

        Raises temporarily_unavailable; the caller stays with the shared one.
        """
        body = {
            "client_id": client_id,
            "fingerprint": fingerprint,
            "name": name,
            "subject": subject,
        }
        status, document = await self._call("POST", "/internal/upstream-clients", body)
        return str(document.get("status", status)) if status == 200 else f"refused {status}"

    async def upstream_client_is_gone(self, client_id: str) -> bool:
        """Ask the provider whether it still has the client's upstream client.

        A log-in waits for the answer, but not for long. Raises temporarily_unavailable.
        """
        status, document = await self._call(
            "POST",
            "/internal/upstream-clients/check",
            {"client_id": client_id},
            timeout=_CHECK_TIMEOUT,
        )
        if status != 200:
            raise _unavailable(f"registrar answered {status}")
        return document.get("status") == "gone"

    async def renew(self, client_id: str) -> None:
        """The client was used: its registration lives on. Raises temporarily_unavailable."""
        path = f"/internal/clients/{quote(client_id, safe='')}/used"
        status, _ = await self._call("POST", path)
        if status != 204:
            raise _unavailable(f"registrar answered {status}")

    async def _call(
        self,
        method: str,
        path: str,
        body: dict[str, str] | None = None,
        *,
        timeout: aiohttp.ClientTimeout | None = None,
    ) -> tuple[int, dict[str, object]]:
        headers = {"Authorization": f"Bearer {self.token}"}
        url = URL(self.base_url + path, encoded=True)  # an id such as `..` must stay a segment
        try:
            async with self.session.request(
                method,
                url,
                headers=headers,
                json=body,
                allow_redirects=False,
                timeout=timeout,
            ) as response:
                content = await read_answer(response)
                if response.status >= 500:
                    self.count_failure()
                return response.status, parse_json_object(content) if content else {}
        except _FAILURES as error:
            self.count_failure()
            raise _unavailable(f"registrar: {type(error).__name__}") from error


def _unavailable(reason: str) -> OAuthError:
    return OAuthError(
        "temporarily_unavailable", "The service is unavailable, try again shortly", reason=reason
    )
