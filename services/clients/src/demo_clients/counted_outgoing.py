"""Calls to the servers, with those counted that came to nothing for the server's sake."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from demo_clients.metrics import UpstreamFailure
from demo_clients.outgoing import Answer, Outgoing
from demo_clients.problems import Problem
from oauth_kit.metrics import uncounted


@dataclass(frozen=True, slots=True)
class CountedOutgoing(Outgoing):
    count_failure: Callable[[UpstreamFailure], None] = uncounted

    async def send(self, method: str, url: str, **options: Any) -> Answer:
        try:
            answer = await Outgoing.send(self, method, url, **options)
        except Problem:
            self.count_failure("unavailable")
            raise
        if answer.status >= 500:
            self.count_failure("unavailable")
        return answer
