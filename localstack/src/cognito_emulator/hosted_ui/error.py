"""GET /error: where browsers end that must not be sent to an app."""

from collections.abc import Iterable

from aiohttp import web

from cognito_emulator.hosted_ui.pages import error_page
from cognito_emulator.rules.parameters import Parameters

MAX_SHOWN_CHARS = 200


class ErrorPageEndpoint:
    """Shows what the address says, as Cognito's page does."""

    def routes(self) -> Iterable[web.RouteDef]:
        return [web.get("/error", self.handle, allow_head=False)]

    async def handle(self, request: web.Request) -> web.Response:
        try:
            parameters = Parameters.parse(request.raw_path.partition("?")[2])
        except ValueError:
            parameters = Parameters(())
        error = parameters.get("error") or "unknown"
        client_id = parameters.get("client_id") or ""
        return error_page(error[:MAX_SHOWN_CHARS], client_id[:MAX_SHOWN_CHARS])
