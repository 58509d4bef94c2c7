"""A ClientDirectory in memory, which can be told to fail."""

import re
import secrets
from dataclasses import dataclass, field

from registrar.directories.port import (
    AppClient,
    AppClientCredentials,
    AppClientNotFoundError,
    AppClientRequest,
    DirectoryError,
    DirectoryFullError,
)

_NAME = re.compile(r"[A-Za-z0-9_\s+=,.@-]{1,128}")


@dataclass
class MemoryDirectory:
    """quota: clients it holds at most
    failures: what the next calls raise, by method, first come first served
    makes_before_failing: a failing `create` has made its client all the same
    """

    quota: int = 1000
    clients: dict[str, AppClientRequest] = field(default_factory=dict)
    failures: dict[str, list[DirectoryError]] = field(default_factory=dict)
    makes_before_failing: bool = False
    calls: list[str] = field(default_factory=list)

    def names(self) -> list[str]:
        return [asked.name for asked in self.clients.values()]

    async def create(self, asked: AppClientRequest) -> AppClientCredentials:
        failure = self._called("create")
        if failure and not self.makes_before_failing:
            raise failure
        self._check(asked)
        if len(self.clients) >= self.quota:
            raise DirectoryFullError("LimitExceededException")
        made = AppClientCredentials(secrets.token_hex(13), secrets.token_hex(26))
        self.clients[made.client_id] = asked
        if failure:
            raise failure
        return made

    async def find(self, name: str) -> AppClient | None:
        self._raise_if_told("find")
        return next((client for client in self._all() if client.name == name), None)

    async def exists(self, client_id: str) -> bool:
        self._raise_if_told("exists")
        return client_id in self.clients

    async def update(self, client_id: str, asked: AppClientRequest) -> None:
        self._raise_if_told("update")
        self._check(asked)
        if client_id not in self.clients:
            raise AppClientNotFoundError("ResourceNotFoundException")
        self.clients[client_id] = asked

    async def delete(self, client_id: str) -> None:
        self._raise_if_told("delete")
        self.clients.pop(client_id, None)

    async def list(self) -> list[AppClient]:
        self._raise_if_told("list")
        return self._all()

    def _all(self) -> "list[AppClient]":
        return [AppClient(client_id, asked.name) for client_id, asked in self.clients.items()]

    def _check(self, asked: AppClientRequest) -> None:
        if not _NAME.fullmatch(asked.name):
            raise DirectoryError("InvalidParameterException")

    def _raise_if_told(self, method: str) -> None:
        if failure := self._called(method):
            raise failure

    def _called(self, method: str) -> DirectoryError | None:
        self.calls.append(method)
        planned = self.failures.get(method)
        return planned.pop(0) if planned else None
