"""An issuer's metadata and signing keys, discovered and kept in memory (RFC 8414 §3.3)."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal

import aiohttp
import structlog
from jwt import PyJWK

from oauth_kit.clock import Clock, system_clock
from oauth_kit.metrics import uncounted
from oauth_kit.outbound.http import read_answer
from oauth_kit.outbound.jws import (
    UnverifiedJws,
    check_signature,
    invalid_token,
    read_jws,
    read_signing_keys,
)
from oauth_kit.rules.access_token import check_jose_header
from oauth_kit.rules.errors import OAuthError
from oauth_kit.rules.json_object import parse_json_object

log = structlog.get_logger()

SIGNING_ALGORITHMS: Final = frozenset({"RS256", "ES256"})
_METADATA_AGE_SECONDS: Final = 3600
_RETRY_SECONDS: Final = 2

KeyLookup = Literal["hit", "stale", "miss"]
"""The key id is known, known from keys that are past their age, or unknown."""


class RemoteIssuer:
    """One issuer that we trust, as far as it can be known from its own documents.

    metadata_urls:     where its metadata may be; the first that answers 200 decides
    jwks_url:          the operator's word, where discovery does not tell it or tells another
                       host; then no metadata is needed for keys
    max_age_seconds:   after that the keys are fetched again before they are used
    stale_seconds:     how long they serve when that fails
    cooldown_seconds:  how often an unknown `kid` may cause a fetch
    on_key_removed:    called when a key that we had is no longer published
    count_lookup:      told how each search for a key went
    count_failure:     told of each fetch that failed
    """

    def __init__(
        self,
        issuer: str,
        session: aiohttp.ClientSession,
        *,
        metadata_urls: Sequence[str] = (),
        jwks_url: str | None = None,
        clock: Clock = system_clock,
        max_age_seconds: int = 300,
        stale_seconds: int = 3600,
        cooldown_seconds: int = 10,
        on_key_removed: Callable[[], None] | None = None,
        count_lookup: Callable[[KeyLookup], None] = uncounted,
        count_failure: Callable[[], None] = uncounted,
    ) -> None:
        self.issuer = issuer
        self._count_lookup = count_lookup
        self._count_failure = count_failure
        self.on_key_removed = on_key_removed
        self._session = session
        self._metadata_urls = tuple(metadata_urls)
        self._jwks_url = jwks_url
        self._clock = clock
        self._max_age_seconds = max_age_seconds
        self._stale_seconds = stale_seconds
        self._cooldown_seconds = cooldown_seconds
        self._metadata: dict[str, object] | None = None
        self._metadata_read_at = 0
        self._keys: dict[str, PyJWK] = {}
        self._keys_read_at: int | None = None
        self._failed_at: int | None = None
        self._forced_at: int | None = None
        self._fetch: asyncio.Task[None] | None = None

    async def metadata(self) -> Mapping[str, object]:
        """The issuer's metadata document, whose `issuer` is ours byte for byte.

        Raises OAuthError("temporarily_unavailable") when it cannot be had.
        """
        try:
            return await self._current_metadata()
        except _FETCH_ERRORS as error:
            raise self._unavailable(error) from error

    async def key(self, kid: str, alg: str) -> PyJWK:
        """The key of that id, for that algorithm only.

        Raises OAuthError: invalid_token, or temporarily_unavailable when no key is known at all.
        """
        await self._ensure_keys()
        found = self._keys.get(kid)
        if found is None:
            self._count_lookup("miss")
            await self._look_again()
            found = self._keys.get(kid)
        else:
            self._count_lookup("stale" if self._is_old() else "hit")
        if found is None or found.algorithm_name != alg:
            raise invalid_token("no such signing key")
        return found

    async def refresh(self) -> None:
        """Fetch the keys now; callers at the same time share one fetch.

        Raises OAuthError("temporarily_unavailable"); the keys that are known stay.
        """
        if self._fetch is None:
            self._fetch = asyncio.create_task(self._fetch_keys())
            self._fetch.add_done_callback(self._fetch_ended)
        # shielded: a caller who leaves must not take the answer away from the others
        await asyncio.shield(self._fetch)

    async def keep_fresh(self) -> None:
        """Fetch the keys before they grow old, for as long as the process lives."""
        while True:
            try:
                await self.refresh()
                pause = self._max_age_seconds / 2
            except OAuthError:
                pause = _RETRY_SECONDS
            await asyncio.sleep(pause)

    async def not_ready(self) -> str | None:
        """A readiness check: are there keys to verify with?"""
        return None if self._usable() else f"no signing keys of {self.issuer}"

    async def _ensure_keys(self) -> None:
        # One caller waits for an issuer that hangs, the others go on with what there is.
        if self._is_old() and not (self._fetch is not None and self._usable()):
            await self._refresh_or_keep()
        if not self._usable():
            raise self._unavailable(None)

    async def _look_again(self) -> None:
        """Fetch for the sake of an unknown key id, or join the fetch that is under way."""
        if self._fetch is None:
            if not self._may_force():
                return
            self._forced_at = self._clock()
        await self._refresh_or_keep()

    async def _refresh_or_keep(self) -> None:
        failed_at = self._failed_at
        just_failed = failed_at is not None and self._clock() - failed_at < _RETRY_SECONDS
        if just_failed and self._fetch is None:
            return
        with contextlib.suppress(OAuthError):
            await self.refresh()

    def _is_old(self) -> bool:
        read_at = self._keys_read_at
        return read_at is None or self._clock() - read_at >= self._max_age_seconds

    def _usable(self) -> bool:
        bound = self._max_age_seconds + self._stale_seconds
        return self._keys_read_at is not None and self._clock() - self._keys_read_at < bound

    def _may_force(self) -> bool:
        return self._forced_at is None or self._clock() - self._forced_at >= self._cooldown_seconds

    def _fetch_ended(self, fetch: asyncio.Task[None]) -> None:
        self._fetch = None
        if not fetch.cancelled():
            fetch.exception()

    async def _fetch_keys(self) -> None:
        try:
            url = self._jwks_url or self._jwks_uri(await self._current_metadata())
            keys = read_signing_keys(parse_json_object(await self._get(url)))
            if not keys:
                raise ValueError("no usable signing key")
        except _FETCH_ERRORS as error:
            self._failed_at = self._clock()
            self._metadata = None  # the keys may have moved
            raise self._unavailable(error) from error
        self._failed_at = None
        self._keys_read_at = self._clock()
        self._adopt(keys)

    def _adopt(self, keys: dict[str, PyJWK]) -> None:
        gone = [kid for kid, key in self._keys.items() if not _same(key, keys.get(kid))]
        self._keys = keys
        if gone:
            log.info("signing_keys_removed", issuer=self.issuer, kids=gone)
            if self.on_key_removed is not None:
                self.on_key_removed()

    async def _current_metadata(self) -> dict[str, object]:
        fresh = self._clock() - self._metadata_read_at < _METADATA_AGE_SECONDS
        if self._metadata is None or not fresh:
            self._metadata = await self._discover()
            self._metadata_read_at = self._clock()
        return self._metadata

    async def _discover(self) -> dict[str, object]:
        failure: Exception = ValueError("no metadata address is known")
        for url in self._metadata_urls:
            try:
                body = await self._get(url)
            except _FETCH_ERRORS as error:
                failure = error
                continue
            document = parse_json_object(body)
            if document.get("issuer") != self.issuer:
                raise ValueError("the metadata names another issuer")
            return document
        raise failure

    async def _get(self, url: str) -> bytes:
        headers = {"Accept": "application/json"}
        async with self._session.get(url, allow_redirects=False, headers=headers) as response:
            if response.status != 200:
                raise ValueError(f"status {response.status}")
            return await read_answer(response)

    def _jwks_uri(self, metadata: Mapping[str, object]) -> str:
        uri = metadata.get("jwks_uri")
        if not isinstance(uri, str):
            raise ValueError("the metadata has no jwks_uri")
        both_plain = uri.startswith("http://") and self.issuer.startswith("http://")
        if not uri.startswith("https://") and not both_plain:
            raise ValueError("jwks_uri is not https")
        return uri

    def _unavailable(self, error: Exception | None) -> OAuthError:
        reason = f"issuer {self.issuer}: {_describe(error)}"
        if error is not None:
            log.warning("issuer_unreachable", issuer=self.issuer, reason=_describe(error))
            self._count_failure()
        return OAuthError(
            "temporarily_unavailable",
            "The authorization server cannot be reached, try again shortly",
            reason=reason,
        )


async def verify_jws(
    token: str, issuer: RemoteIssuer, *, algorithms: frozenset[str] = SIGNING_ALGORITHMS
) -> tuple[dict[str, object], dict[str, object]]:
    """Header and claims of a token that `issuer` signed; the claims' meaning is not judged here.

    Raises OAuthError: invalid_token, or temporarily_unavailable when no key is known.
    """
    return await verify_read_jws(read_jws(token), issuer, algorithms=algorithms)


async def verify_read_jws(
    token: UnverifiedJws, issuer: RemoteIssuer, *, algorithms: frozenset[str] = SIGNING_ALGORITHMS
) -> tuple[dict[str, object], dict[str, object]]:
    """`verify_jws` for a caller who had to look inside first, to know whom to ask."""
    kid = check_jose_header(token.unverified_header, algorithms)
    key = await issuer.key(kid, str(token.unverified_header["alg"]))
    check_signature(token, key)
    return token.unverified_header, token.unverified_claims


_FETCH_ERRORS = (aiohttp.ClientError, OSError, TimeoutError, ValueError)


def _same(ours: PyJWK, theirs: PyJWK | None) -> bool:
    return theirs is not None and bool(ours.key == theirs.key)


def _describe(error: Exception | None) -> str:
    if error is None:
        return "nothing is cached"
    # our own ValueErrors are constant sentences; a library's text may quote what it was given
    return str(error) if type(error) is ValueError else type(error).__name__
