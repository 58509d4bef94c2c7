"""What the registrar asks of the store of registered clients."""

from typing import Protocol

from oauth_kit.records.client import Client


class RegistrationsFullError(Exception):
    """As many clients are registered as this deployment allows, and all of them are in use."""


class Registrations(Protocol):
    """Registered clients that vanish when nobody uses them.

    A new one lives for the unused period; each use grants it the longer used period. Every method
    raises OAuthError("temporarily_unavailable") when the store does not answer.
    """

    async def create(self, client: Client) -> None:
        """Keep a client under an id nobody has; temporarily_unavailable when somebody has it.

        At the cap the oldest client that was never used gives way to it. Raises
        RegistrationsFullError when there is none.
        """
        ...

    async def get(self, client_id: str) -> Client | None:
        """The client, or None when it was never registered or has expired."""
        ...

    async def touch(self, client_id: str) -> bool:
        """Note a use; False when there is no such client."""
        ...
