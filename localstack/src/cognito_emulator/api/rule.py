"""The link of the chain: what every rule of the API gets and gives."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Service = Literal["cognito-idp", "dynamodb"]


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One call of the AWS API. access_key_id: who signed it, "" for what makes no sense"""

    service: Service
    operation: str
    body: Mapping[str, Any] = field(repr=False)
    signed: bool
    access_key_id: str = ""


@dataclass(frozen=True, slots=True)
class ApiAnswer:
    """What MiniStack, or a rule in its place, answers."""

    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Did the operation succeed?"""
        return self.status == 200

    def json(self) -> dict[str, Any]:
        """The body as an object; empty for an empty body."""
        parsed: dict[str, Any] = json.loads(self.body) if self.body.strip() else {}
        return parsed

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> "ApiAnswer":
        """A success of our own."""
        return cls(200, json.dumps(body).encode())

    def replacing(self, body: Mapping[str, Any]) -> "ApiAnswer":
        """The same answer with another body; a checksum of the old one is dropped."""
        headers = {k: v for k, v in self.headers.items() if k.lower() != "x-amz-crc32"}
        return ApiAnswer(self.status, json.dumps(body).encode(), headers)


Forward = Callable[[ApiCall], Awaitable[ApiAnswer]]


class ApiRule(Protocol):
    """Refuses a call (ApiError), answers it, or passes it on, changed or not."""

    async def apply(self, call: ApiCall, forward: Forward) -> ApiAnswer:
        """Judge one call. `forward` is the rest of the chain, MiniStack at its end."""


def chain(rules: Sequence[ApiRule], last: Forward) -> Forward:
    """The rules in their order, as one function."""
    forward = last
    for rule in reversed(rules):
        forward = _linked(rule, forward)
    return forward


def _linked(rule: ApiRule, forward: Forward) -> Forward:
    async def apply(call: ApiCall) -> ApiAnswer:
        return await rule.apply(call, forward)

    return apply
