"""The demo's REST resource beside the MCP endpoint."""

from dataclasses import dataclass

import aiohttp

from authstack.smoke.answers import read_json, text_of
from authstack.smoke.browser import origin_of
from authstack.smoke.problems import NotOffered, SmokeFailure
from oauth_kit.rules.bearer import parse_challenges

_CONTEXT = {"title": "Smoke test", "content": "Written by authstack smoke."}


@dataclass(frozen=True, slots=True)
class Contexts:
    session: aiohttp.ClientSession
    resource: str

    @property
    def url(self) -> str:
        return origin_of(self.resource) + "/v1/contexts"

    async def read(self, token: str) -> None:
        async with self.session.get(self.url, headers=_bearer(token)) as answer:
            if answer.status == 404:
                raise NotOffered("the server has no /v1/contexts")
            await read_json(answer, expected=200)

    async def write(self, token: str) -> None:
        """Create one context and read it back."""
        async with self.session.post(self.url, json=_CONTEXT, headers=_bearer(token)) as answer:
            created = await read_json(answer, expected=201)
        address = f"{self.url}/{text_of(created, 'id')}"
        async with self.session.get(address, headers=_bearer(token)) as answer:
            found = await read_json(answer, expected=200)
        if found.get("content") != _CONTEXT["content"]:
            raise SmokeFailure("the context that was written is not the one that is read")

    async def scope_to_write(self, token: str) -> str | None:
        """The scope that a write still needs (RFC 6750 §3.1), None when the token has it."""
        async with self.session.post(self.url, json=_CONTEXT, headers=_bearer(token)) as answer:
            if answer.status in (201, 404):
                return None
            challenges = parse_challenges(answer.headers.getall("WWW-Authenticate", []))
        for challenge in challenges:
            if answer.status == 403 and challenge.parameters.get("error") == "insufficient_scope":
                return challenge.parameters.get("scope")
        raise SmokeFailure(f"a write without its scope answers {answer.status}, expected 403")


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
