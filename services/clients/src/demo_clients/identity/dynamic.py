"""A client that registers itself (RFC 7591 §3), once at each authorization server."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import structlog
from aiohttp import web
from pydantic import TypeAdapter

from demo_clients.addresses import is_loopback_url
from demo_clients.credentials import AuthMethod, ClientCredentials
from demo_clients.identity.port import Profile
from demo_clients.locks import locked
from demo_clients.outgoing import MAX_METADATA_BYTES, Answer, Outgoing
from demo_clients.problems import Problem
from demo_clients.sealed_records import SealedRecords
from demo_clients.server_metadata import AuthorizationServer
from demo_clients.timeline.recorder import described, passed, told
from demo_clients.timeline.vocabulary import clock_time
from oauth_kit.clock import Clock
from oauth_kit.crypto.keyed_hash import sha256_hex
from oauth_kit.crypto.sealing import Sealer
from oauth_kit.records.keys import Keyspace
from oauth_kit.redis import Redis
from oauth_kit.rules.client_metadata import clean_display_name

log = structlog.get_logger()

# shorter than any server keeps a client that is not used
_REGISTRATION_SECONDS: Final = 30 * 24 * 3600
_MAX_SHOWN_CHARACTERS: Final = 200
# public first: with PKCE nothing is gained by a secret that anybody may register
_METHODS: Final[tuple[AuthMethod, ...]] = ("none", "client_secret_basic", "client_secret_post")


@dataclass(frozen=True, slots=True)
class Registration:
    """registered_at: Unix time"""

    credentials: ClientCredentials
    registered_at: int


class Dynamic:
    """Registrations are kept sealed, one an issuer, and are never shown to another issuer."""

    def __init__(
        self,
        profile: Profile,
        outgoing: Outgoing,
        redis: Redis,
        sealer: Sealer,
        keyspace: Keyspace,
        clock: Clock,
    ) -> None:
        self._profile = profile
        self._outgoing = outgoing
        self._redis = redis
        self._records = SealedRecords(redis, sealer, TypeAdapter(Registration))
        self._keyspace = keyspace
        self._clock = clock

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return []

    def choose_issuer(self, offered: tuple[str, ...]) -> str:
        return offered[0]

    def serves(self, server: AuthorizationServer) -> bool:
        return server.registration_endpoint is not None

    async def credentials(
        self, server: AuthorizationServer, *, anew: bool = False
    ) -> ClientCredentials:
        """What is registered there; registers first when nothing is. Two at once register once.

        Whoever wants it anew takes nothing from others: they use what there is until there is more.
        """
        key = self._key(server)
        async with locked(self._redis, f"{key}:lock"):
            kept = None if anew else await self._records.read(key)
            registration = kept or await self._register(server)
            await self._records.write(key, registration, seconds=_REGISTRATION_SECONDS)
        if kept is not None:
            await _note_reuse(kept, server)
        return registration.credentials

    async def forget(self, credentials: ClientCredentials, server: AuthorizationServer) -> None:
        key = self._key(server)
        # another request may have registered anew meanwhile
        kept = await self._records.read(key)
        if kept is not None and kept.credentials == credentials:
            await self._records.delete(key)
            log.info("registration_forgotten", issuer=server.issuer)

    async def _register(self, server: AuthorizationServer) -> Registration:
        if server.registration_endpoint is None:
            raise Problem("The authorization server does not register clients.")
        method = next((one for one in _METHODS if one in server.auth_methods), None)
        if method is None:
            raise Problem(
                "The authorization server offers no way of authentication that this client has.",
                reason="token_endpoint_auth_methods_supported",
            )
        answer = await self._outgoing.send(
            "POST",
            server.registration_endpoint,
            step="registration",
            json=registration_document(self._profile, auth_method=method),
            headers={"Accept": "application/json"},
            max_bytes=MAX_METADATA_BYTES,
        )
        registered = _read_registration(answer, method)
        passed("registered")
        log.info("client_registered", issuer=server.issuer, client_id=registered.client_id)
        return Registration(registered, self._clock())

    def _key(self, server: AuthorizationServer) -> str:
        """The redirect URI is part of what is registered, so it is part of the name."""
        return self._keyspace.key(
            "client-registration", sha256_hex(f"{server.issuer} {self._profile.redirect_uri}")
        )


async def _note_reuse(kept: Registration, server: AuthorizationServer) -> None:
    """Nothing was sent: a note says where and when it was, and as whom."""
    where = server.registration_endpoint or server.issuer
    await told("registration_kept", where, {"client_id": kept.credentials.client_id})
    described(f"reused since {clock_time(str(kept.registered_at))}")


def registration_document(profile: Profile, *, auth_method: AuthMethod) -> dict[str, object]:
    """What we ask to be registered (RFC 7591 §2; MCP wants application_type)."""
    return {
        **profile.metadata(),
        "token_endpoint_auth_method": auth_method,
        "application_type": "native" if is_loopback_url(profile.redirect_uri) else "web",
    }


def _read_registration(answer: Answer, asked_method: AuthMethod) -> ClientCredentials:
    try:
        document = answer.json_object()
    except ValueError:
        document = {}
    if answer.status not in (200, 201):
        raise _refused(answer.status, document)
    client_id, secret = document.get("client_id"), document.get("client_secret")
    # what was registered counts, not what was asked for; silence means what was asked for
    registered = document.get("token_endpoint_auth_method", asked_method)
    method = next((one for one in _METHODS if one == registered), None)
    if method is None:
        raise _malformed("token_endpoint_auth_method")
    if not isinstance(client_id, str) or not client_id:
        raise _malformed("client_id")
    if method == "none":
        return ClientCredentials("dynamic", client_id, "none")
    if not isinstance(secret, str) or not secret:
        raise _malformed("client_secret")
    return ClientCredentials("dynamic", client_id, method, secret)


def _refused(status: int, document: Mapping[str, object]) -> Problem:
    """Registration is a call of ours to a server we chose, so its words are worth showing."""
    parts = [document.get("error"), document.get("error_description")]
    said = ": ".join(part for part in parts if isinstance(part, str))
    shown = clean_display_name(said, _MAX_SHOWN_CHARACTERS)
    return Problem(
        f"The authorization server refused the registration ({shown or f'status {status}'}).",
        reason=f"register: status {status}",
    )


def _malformed(reason: str) -> Problem:
    return Problem(
        "The authorization server's registration answer is malformed.",
        reason=f"register: {reason}",
    )
