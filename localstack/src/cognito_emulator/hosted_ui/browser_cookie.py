"""Cookies of an hour, for every app client of the pool, as on AWS."""

from dataclasses import dataclass

from aiohttp import web

from cognito_emulator.state import SESSION_SECONDS


@dataclass(frozen=True, slots=True)
class BrowserCookie:
    """Cookies ignore ports, so the port is in the name."""

    name: str
    secure: bool

    def read(self, request: web.Request) -> str | None:
        """The cookie that the browser brought."""
        return request.cookies.get(self.name)

    def set(self, response: web.Response, value: str) -> None:
        """Know this browser again."""
        response.set_cookie(
            self.name, value, max_age=SESSION_SECONDS, path="/", httponly=True,
            samesite="Lax", secure=self.secure,
        )  # fmt: skip

    def clear(self, response: web.Response) -> None:
        """Forget this browser."""
        response.del_cookie(self.name, path="/", httponly=True, samesite="Lax", secure=self.secure)
