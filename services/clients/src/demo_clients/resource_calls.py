"""Calls to the resource server with a token: the header only, one server only (RFC 6750 §2.1)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from demo_clients.outgoing import Answer, Outgoing
from demo_clients.problems import MoreScopeNeeded, Problem, TokenRefused
from demo_clients.timeline.exchange import Step


@dataclass(frozen=True, slots=True)
class ResourceServer:
    """The MCP endpoint and the REST collection beside it, both from our own settings."""

    outgoing: Outgoing
    mcp_url: str
    contexts_url: str

    async def list_contexts(self, token: str) -> Answer:
        return await self.send("GET", self.contexts_url, token, step="rest")

    async def create_context(self, token: str, title: str, content: str) -> Answer:
        document = {"title": title, "content": content}
        return await self.send("POST", self.contexts_url, token, step="rest", json=document)

    async def send(
        self,
        method: str,
        url: str,
        token: str | None,
        *,
        step: Step,
        json: object | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Raises TokenRefused, MoreScopeNeeded, or Problem when there is no answer to act on."""
        sent = {"Accept": "application/json", **(headers or {})}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        answer = await self.outgoing.send(method, url, step=step, headers=sent, json=json)
        if answer.status == 401:
            raise TokenRefused(answer.bearer_challenge())
        if answer.status == 403:
            challenge = answer.bearer_challenge()
            if challenge and challenge.parameters.get("error") == "insufficient_scope":
                raise MoreScopeNeeded(challenge)
        if answer.status == 503:
            raise Problem(
                "The resource server cannot answer now. Try again shortly.", reason="status 503"
            )
        return answer


def pretty(answer: Answer) -> str:
    """A body for the page: JSON laid out, anything else as text."""
    try:
        return json.dumps(json.loads(answer.body), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return answer.body.decode("utf-8", "replace")
