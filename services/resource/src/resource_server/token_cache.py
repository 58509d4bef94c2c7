"""Verified tokens, remembered by their hash: a repeated token costs a dictionary look-up."""

from collections import OrderedDict

from oauth_kit.clock import Clock
from resource_server.principal import Principal

TokenKey = tuple[bytes, str]
"""SHA-256 of the token, and the resource it was verified for."""


class TokenCache:
    """Least recently used entries go first. A token's bytes are not kept."""

    def __init__(self, capacity: int, clock: Clock, *, leeway_seconds: int) -> None:
        self._capacity = capacity
        self._clock = clock
        self._leeway_seconds = leeway_seconds
        self._entries: OrderedDict[TokenKey, Principal] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, key: TokenKey) -> Principal | None:
        principal = self._entries.get(key)
        if principal is None:
            return None
        if self._clock() >= principal.claims.expires_at + self._leeway_seconds:
            del self._entries[key]
            return None
        self._entries.move_to_end(key)
        return principal

    def keep(self, key: TokenKey, principal: Principal) -> None:
        self._entries[key] = principal
        self._entries.move_to_end(key)
        if len(self._entries) > self._capacity:
            self._entries.popitem(last=False)

    def drop(self, key: TokenKey) -> None:
        self._entries.pop(key, None)

    def clear(self) -> None:
        self._entries.clear()
