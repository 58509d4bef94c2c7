"""Client ID Metadata Documents: fetched once for all replicas, checked, kept as long as they allow
(draft-ietf-oauth-client-id-metadata-document-02 §4, §8.7; RFC 9111).
"""

import asyncio
import contextlib
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import structlog
from aiohttp import web
from redis.exceptions import LockError

from cimd_bridge.kept_document import KeptDocument
from cimd_bridge.limits import DocumentLimits
from cimd_bridge.metrics import DocumentLookup, UpstreamFailure
from oauth_kit.clock import Clock, system_clock
from oauth_kit.metrics import uncounted
from oauth_kit.outbound.public_fetch import Fetched, FetchFailed, PublicFetch
from oauth_kit.records.client import Client
from oauth_kit.records.keys import Keyspace
from oauth_kit.redis import Redis, store_errors
from oauth_kit.rules.cache_lifetime import cache_lifetime
from oauth_kit.rules.client_document import DOCUMENT_REFUSED, DocumentUrl, read_client_document
from oauth_kit.rules.client_metadata import MetadataPolicy
from oauth_kit.rules.document_targets import DocumentTargets
from oauth_kit.rules.errors import OAuthError
from oauth_kit.web.rate_limits import RateLimits

log = structlog.get_logger()

_STALE_SECONDS: Final = 3600
_KNOWN_SECONDS: Final = 7 * 86_400
# Longer than a fetch may take, so that a lock outlives its owner only when that one died.
_LOCK_SECONDS: Final = 10
_LOCK_WAIT_SECONDS: Final = 6
_LOCK_POLL_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True)
class _Flight:
    caller: str
    landed: asyncio.Task[KeptDocument]


@dataclass(frozen=True, slots=True)
class Documents:
    """The clients that are known by a URL."""

    redis: Redis
    keyspace: Keyspace
    fetch: PublicFetch
    targets: DocumentTargets
    policy: MetadataPolicy
    rate_limits: RateLimits
    limits: DocumentLimits
    max_documents: int = 10_000
    clock: Clock = system_clock
    count_lookup: Callable[[DocumentLookup], None] = uncounted
    count_failure: Callable[[UpstreamFailure], None] = uncounted
    _flights: dict[str, _Flight] = field(default_factory=dict, init=False)

    async def resolve(self, client_id: str, *, caller: str, sec_fetch_site: str | None) -> Client:
        """The client whose document `client_id` is.

        caller: the block of addresses that the request came from, for the rate limits
        Raises OAuthError: invalid_client, or temporarily_unavailable with 503 (no store) or
        429 (asked too often).
        """
        url = self.targets.check(client_id, sec_fetch_site=sec_fetch_site)
        kept = await self._fly(url, caller)
        return Client(
            client_id=client_id,
            kind="document",
            metadata=kept.metadata,
            issued_at=kept.confirmed_at,
            verified_host=None if url.is_loopback else url.host,
            loopback_document=url.is_loopback,
        )

    async def close(self, application: web.Application | None = None) -> None:
        self.fetch.close()

    async def _fly(self, url: DocumentUrl, caller: str) -> KeptDocument:
        """One look at a URL at a time in this process: whoever comes meanwhile gets its outcome.

        Another caller's exhausted limit is not an outcome: then it is the next one's turn.
        """
        while True:
            flight = self._flights.get(url.url)
            if flight is None:
                flight = _Flight(caller, asyncio.create_task(self._look(url, caller)))
                self._flights[url.url] = flight
            try:
                # Shielded: a caller who leaves must not take the answer away from the others.
                return await asyncio.shield(flight.landed)
            except OAuthError as error:
                if error.status != 429 or flight.caller == caller:
                    raise

    async def _look(self, url: DocumentUrl, caller: str) -> KeptDocument:
        try:
            kept = await self._read(url)
            if kept is not None and self._is_fresh(kept):
                self.count_lookup("hit")
                return kept
            return await self._renew(url, caller)
        except OAuthError as error:
            if error.code == "invalid_client":
                log.warning("client_document_failed", host=url.host, reason=error.reason)
            raise
        finally:
            del self._flights[url.url]

    async def _renew(self, url: DocumentUrl, caller: str) -> KeptDocument:
        """One fetch of a URL at a time among all replicas: the others then find it in the store."""
        lock = self.redis.lock(
            self._key(url, "lock"),
            timeout=_LOCK_SECONDS,
            sleep=_LOCK_POLL_SECONDS,
            blocking_timeout=_LOCK_WAIT_SECONDS,
            thread_local=False,
        )
        async with store_errors():
            locked = await lock.acquire()
        try:
            kept = await self._read(url)
            if kept is not None and self._is_fresh(kept):
                self.count_lookup("hit")
                return kept
            if not locked:
                return self._stale(url, kept, "is slow and being fetched elsewhere")
            known = await self._was_good(url, kept)
            await self._charge(url, caller, known)
            return await self._ask(url, kept, known)
        finally:
            if locked:
                async with store_errors():
                    with contextlib.suppress(LockError):
                        await lock.release()

    async def _was_good(self, url: DocumentUrl, kept: KeptDocument | None) -> bool:
        async with store_errors():
            return kept is not None or await self.redis.exists(self._key(url, "known")) == 1

    async def _charge(self, url: DocumentUrl, caller: str, known: bool) -> None:
        check = self.rate_limits.check
        await check("cimd-caller", f"{caller} {url.host}", self.limits.per_caller)
        if not known:
            await check("cimd-new", url.host, self.limits.new_per_host)
        await check("cimd-host", url.host, self.limits.per_host)

    async def _ask(self, url: DocumentUrl, kept: KeptDocument | None, known: bool) -> KeptDocument:
        """Ask the host. What it answers wrongly is forgotten; while it fails the stale serves."""
        try:
            confirmed = await self._fetch(url, kept, known)
        except FetchFailed as failure:
            self.count_failure("unavailable")
            return self._stale(url, kept, failure.reason)
        except OAuthError:
            self.count_failure("refused")
            await self._forget(url)
            raise
        self.count_lookup("miss")
        if kept is not None and kept.metadata != confirmed.metadata:
            log.warning("client_document_changed", host=url.host, path=url.path)
        await self._keep(url, confirmed)
        return confirmed

    async def _fetch(
        self, url: DocumentUrl, kept: KeptDocument | None, known: bool
    ) -> KeptDocument:
        """Raises FetchFailed while the host fails, OAuthError for an answer that is no good."""
        try:
            etag = kept.etag if kept else None
            answer = await self.fetch.get(url, etag=etag, known=known)
        except FetchFailed as failure:
            if failure.answered:
                raise _refusal(failure.reason) from failure
            raise
        if answer.status >= 500 or answer.status == 429:
            raise FetchFailed(f"has status {answer.status}")
        return self._judge(url, answer, kept)

    def _judge(self, url: DocumentUrl, answer: Fetched, kept: KeptDocument | None) -> KeptDocument:
        """Exactly 200 with a good document, or 304 to a question that had a condition."""
        if answer.status == 304 and kept is not None and kept.etag is not None:
            unchanged = not answer.cache_control
            return KeptDocument(
                metadata=kept.metadata,
                etag=answer.etag or kept.etag,
                lifetime=kept.lifetime if unchanged else cache_lifetime(answer.cache_control),
                confirmed_at=self.clock(),
            )
        if answer.status != 200:
            raise _refusal(f"has status {answer.status}")
        return KeptDocument(
            metadata=read_client_document(url.url, answer.content_type, answer.body, self.policy),
            etag=answer.etag,
            lifetime=cache_lifetime(answer.cache_control),
            confirmed_at=self.clock(),
        )

    def _stale(self, url: DocumentUrl, kept: KeptDocument | None, reason: str) -> KeptDocument:
        if (
            kept is not None
            and kept.lifetime.serve_stale
            and self.clock() < kept.fresh_until + _STALE_SECONDS
        ):
            log.warning("client_document_stale", host=url.host, reason=reason)
            self.count_lookup("stale")
            return kept
        raise _refusal(reason)

    def _is_fresh(self, kept: KeptDocument) -> bool:
        return self.clock() < kept.fresh_until

    async def _read(self, url: DocumentUrl) -> KeptDocument | None:
        async with store_errors():
            text = await self.redis.get(self._key(url))
        return None if text is None else KeptDocument.from_json(str(text))

    async def _keep(self, url: DocumentUrl, kept: KeptDocument) -> None:
        async with store_errors():
            await self._make_room(url)
            await self.redis.set(self._key(url, "known"), "1", ex=_KNOWN_SECONDS)
            if kept.lifetime.store:
                seconds = kept.lifetime.fresh_seconds + _STALE_SECONDS
                await self.redis.set(self._key(url), kept.to_json(), ex=seconds)
            else:
                await self.redis.delete(self._key(url))

    async def _make_room(self, url: DocumentUrl) -> None:
        """Count the URL on a roll; beyond its length the one that was good longest ago goes.

        Otherwise whoever owns a wildcard domain could fill the store with documents.
        """
        roll, digest, now = self.keyspace.key("cimd-roll"), _digest(url.url), self.clock()
        await self.redis.zremrangebyscore(roll, "-inf", now)
        await self.redis.zadd(roll, {digest: now + _KNOWN_SECONDS})
        if await self.redis.zcard(roll) <= self.max_documents:
            return
        for oldest in map(str, await self.redis.zrange(roll, 0, 0)):
            await self.redis.zrem(roll, oldest)
            key = self.keyspace.key("cimd", oldest)
            await self.redis.delete(key, f"{key}:known")
            log.info("client_document_evicted")

    async def _forget(self, url: DocumentUrl) -> None:
        async with store_errors():
            await self.redis.delete(self._key(url), self._key(url, "known"))
            await self.redis.zrem(self.keyspace.key("cimd-roll"), _digest(url.url))

    def _key(self, url: DocumentUrl, *parts: str) -> str:
        return self.keyspace.key("cimd", _digest(url.url), *parts)


def _digest(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()


def _refusal(reason: str) -> OAuthError:
    return OAuthError("invalid_client", DOCUMENT_REFUSED, reason=f"client document {reason}")
