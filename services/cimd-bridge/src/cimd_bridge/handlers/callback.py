"""GET /callback: the provider's answer becomes a code for the client (OIDC Core §3.1.2.5)."""

from collections.abc import Iterable
from dataclasses import dataclass

import structlog
from aiohttp import web

from cimd_bridge.consent import BrowserCookie
from cimd_bridge.front_channel import FrontChannel
from cimd_bridge.grant_opening import GrantOpening
from cimd_bridge.records.outcomes import Unknown
from cimd_bridge.records.transactions import (
    AlreadyCompleted,
    Outcome,
    Taken,
    Transaction,
    Transactions,
    WrongBrowser,
)
from cimd_bridge.refusals import LOGIN_OF_ANOTHER_BROWSER, LOGIN_UNKNOWN
from oauth_kit.providers.port import UpstreamRefusedError, UpstreamUnavailableError
from oauth_kit.rules.errors import ErrorCode, OAuthError
from oauth_kit.web.answering import redirect
from oauth_kit.web.reading import query_parameters

log = structlog.get_logger()

CALLBACK_PATH = "/callback"


@dataclass(frozen=True, slots=True)
class CallbackEndpoint:
    transactions: Transactions
    opening: GrantOpening
    front_channel: FrontChannel
    cookie: BrowserCookie

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return [web.get(CALLBACK_PATH, self.handle, allow_head=False)]

    async def handle(self, request: web.Request) -> web.Response:
        if "prefetch" in request.headers.get("Sec-Purpose", request.headers.get("Purpose", "")):
            raise OAuthError("invalid_request", "This address cannot be fetched ahead")
        answer = _read_once(query_parameters(request))
        taken = await self._take(answer.get("state", ""), self.cookie.read(request) or "")
        if isinstance(taken, AlreadyCompleted):
            return self.front_channel.already_page(request, taken.outcome)
        transaction = taken.transaction
        outcome: Outcome = "failed"
        try:
            location = await self._location(transaction, answer)
            outcome = "completed"
        except _ClientError as error:
            outcome = "denied" if error.code == "access_denied" else "failed"
            location = self.front_channel.error_location(
                transaction.redirect_uri, error.code, transaction.client_state
            )
        finally:
            await self.transactions.finish(taken.form_id, outcome)
        return redirect(location)

    async def _take(self, state: str, browser_id: str) -> Taken | AlreadyCompleted:
        taken = await self.transactions.take(state, browser_id)
        match taken:
            case Taken() | AlreadyCompleted():
                return taken
            case WrongBrowser():
                log.warning("callback_from_another_browser")
                raise OAuthError("access_denied", LOGIN_OF_ANOTHER_BROWSER)
            case Unknown():
                raise OAuthError(
                    "invalid_request",
                    LOGIN_UNKNOWN,
                    reason="unknown or expired state",
                )

    async def _location(self, transaction: Transaction, answer: dict[str, str]) -> str:
        """Where the client learns of its code. Raises _ClientError for what it learns instead."""
        client_id = transaction.client.client_id
        try:
            if "error" in answer:
                raise _provider_error(answer["error"])
            if "code" not in answer:
                raise _ClientError("server_error", "the provider sent neither code nor error")
            code = await self.opening.open(transaction, answer["code"], answer.get("iss"))
        except UpstreamRefusedError as error:
            log.warning("login_refused", client_id=client_id, reason=error.code)
            raise _ClientError("server_error", error.code) from error
        except UpstreamUnavailableError as error:
            log.warning("provider_unavailable", client_id=client_id, reason=str(error))
            raise _ClientError("temporarily_unavailable", str(error)) from error
        return self.front_channel.success_location(
            transaction.redirect_uri, code, transaction.client_state
        )


class _ClientError(Exception):
    """What the client is told: a code of ours, never the provider's text."""

    def __init__(self, code: ErrorCode, reason: str) -> None:
        super().__init__(reason)
        self.code: ErrorCode = code


def _provider_error(code: str) -> _ClientError:
    log.info("provider_refused_login", code=code[:64])
    if code == "access_denied":
        return _ClientError("access_denied", "denied at the provider")
    unavailable = code == "temporarily_unavailable"
    return _ClientError("temporarily_unavailable" if unavailable else "server_error", code[:64])


def _read_once(parameters: list[tuple[str, str]]) -> dict[str, str]:
    answer: dict[str, str] = {}
    for name, value in parameters:
        if name in answer:
            raise OAuthError("invalid_request", "A parameter is repeated")
        answer[name] = value
    return answer
