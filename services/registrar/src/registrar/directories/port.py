"""What the registrar asks of an identity provider's administration API."""

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class AppClientRequest:
    """A confidential client of the code flow, as we want it to be.

    name:                unique among ours, already in the charset of the provider
    callback_url:        the only redirect URI it may use: the bridge's
    scopes:              what we ask for upstream (`openid profile email`), never the MCP scopes
    identity_providers:  who may log users in through it (`COGNITO`, or federated ones)
    """

    name: str
    callback_url: str
    scopes: tuple[str, ...]
    identity_providers: tuple[str, ...] = ("COGNITO",)


@dataclass(frozen=True, slots=True)
class AppClientCredentials:
    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AppClient:
    client_id: str
    name: str


class DirectoryError(Exception):
    """The directory did not do what it was asked; `reason` is for the log.

    may_have_happened: the answer was lost, so the change may have been made
    """

    def __init__(self, reason: str, *, may_have_happened: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.may_have_happened = may_have_happened


class DirectoryFullError(DirectoryError):
    """The provider's quota of app clients is used up."""


class AppClientNotFoundError(DirectoryError):
    """No app client has that id."""


class ClientDirectory(Protocol):
    """App clients at the identity provider. Every method raises DirectoryError."""

    async def create(self, asked: AppClientRequest) -> AppClientCredentials:
        """Make one. Names are not unique to a provider: two calls make two."""
        ...

    async def find(self, name: str) -> AppClient | None:
        """The app client of exactly that name, the first one if there are several."""
        ...

    async def exists(self, client_id: str) -> bool:
        """False only when the provider says so; one that is disabled exists."""
        ...

    async def update(self, client_id: str, asked: AppClientRequest) -> None:
        """Bring it to the given shape; id, secret and what we do not manage stay as they are."""
        ...

    async def delete(self, client_id: str) -> None:
        """Remove it; one that is gone already is no error."""
        ...

    async def list(self) -> list[AppClient]:
        """All of them, ours and others'."""
        ...
