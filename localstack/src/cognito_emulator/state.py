"""What the front remembers itself: codes, refresh tokens, sign-in sessions, sign-ups under way.

In memory; written to one file at a graceful stop, as MiniStack does with its own state. Codes of
the protocol, tokens and cookies are kept as SHA-256 only. Every change is one synchronous step, so
two requests can never spend the same code.
"""

import hashlib
import secrets
import string
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from cognito_emulator.clock import Clock
from cognito_emulator.rules.claims import Authentication
from cognito_emulator.verification import Purpose, Verification

CODE_SECONDS = 300
SESSION_SECONDS = 3600
STEP_SECONDS = 3600
PRUNE_EVERY = 256
GENERATED_SECRET_CHARS = 52
SECRET_ALPHABET = string.ascii_lowercase + string.digits

KeepSignIn = Callable[[Authentication], bool]


@dataclass(frozen=True, slots=True)
class AuthorizationCode:
    """A sign-in that waits for its client, five minutes at most."""

    sign_in: Authentication
    redirect_uri: str
    nonce: str | None
    code_challenge: str | None
    expires_at: int


@dataclass(frozen=True, slots=True)
class RefreshGrant:
    """A refresh token's meaning. Revoked ones stay until they expire, for their access tokens."""

    sign_in: Authentication
    expires_at: int
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class Session:
    """Who is signed in to a pool in one browser: Cognito's cookie lives for an hour."""

    pool_id: str
    username: str
    sub: str
    auth_time: int
    expires_at: int


@dataclass(frozen=True, slots=True)
class Step:
    """A page between the first and the last of a sign-up or a password reset, in one browser."""

    purpose: Purpose
    pool_id: str
    username: str
    sub: str | None
    """The account, in a sign-up. A reset does not know whether there is one."""
    destination: str
    browser: str
    """Digest of the cookie of the browser that came so far."""
    expires_at: int
    is_resent: bool = False
    is_done: bool = False


@dataclass(slots=True)
class EmulatorState:
    """All of it. Names of the fields are names in the state file."""

    clock: Clock
    codes: dict[str, AuthorizationCode] = field(default_factory=dict)
    refresh: dict[str, RefreshGrant] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    client_secrets: dict[str, str] = field(default_factory=dict, repr=False)
    steps: dict[str, Step] = field(default_factory=dict)
    unconfirmed_passwords: dict[str, str] = field(default_factory=dict, repr=False)
    """Hashes, by the user's sub."""
    verification: Verification = field(init=False)
    _origins: dict[str, str] = field(default_factory=dict)
    _additions: int = field(default=0, compare=False)

    def __post_init__(self) -> None:
        self.verification = Verification(self.clock)

    def add_code(self, code: AuthorizationCode) -> str:
        """Keep a code; its value is only ever in the redirect."""
        value = secrets.token_urlsafe(32)
        self.codes[digest(value)] = code
        self._prune_sometimes()
        return value

    def take_code(self, value: str, client_id: str) -> AuthorizationCode | None:
        """Spend the code. One of another client stays: a stranger cannot end a sign-in."""
        key = digest(value)
        code = self.codes.get(key)
        if code is None or code.sign_in.client_id != client_id:
            return None
        del self.codes[key]
        return code if self.clock() < code.expires_at else None

    def add_refresh(self, grant: RefreshGrant) -> str:
        """Keep a grant and make its refresh token."""
        value = secrets.token_urlsafe(64)
        self.refresh[digest(value)] = grant
        self._origins[grant.sign_in.origin_jti] = digest(value)
        self._prune_sometimes()
        return value

    def find_refresh(self, value: str) -> RefreshGrant | None:
        """The grant of a refresh token, revoked ones too; None when unknown or expired."""
        grant = self.refresh.get(digest(value))
        return grant if grant is not None and self.clock() < grant.expires_at else None

    def revoke_refresh(self, value: str) -> None:
        """End the grant of this refresh token."""
        self._revoke([digest(value)])

    def revoke_user(self, pool_id: str, sub: str) -> None:
        """End every grant and every waiting code of a user."""
        self._revoke([k for k, g in self.refresh.items() if _is_of(g.sign_in, pool_id, sub)])
        for key in [k for k, c in self.codes.items() if _is_of(c.sign_in, pool_id, sub)]:
            del self.codes[key]

    def is_revoked(self, origin_jti: str) -> bool:
        """Has the sign-in that an access token comes from been revoked?

        No for one that is not ours: MiniStack answers for the tokens of its own InitiateAuth.
        """
        grant = self.refresh.get(self._origins.get(origin_jti, ""))
        return grant is not None and grant.revoked

    def add_session(self, session: Session) -> str:
        """Keep a session and make its cookie."""
        value = secrets.token_urlsafe(32)
        self.sessions[digest(value)] = session
        self._prune_sometimes()
        return value

    def find_session(self, cookie: str | None, pool_id: str) -> Session | None:
        """The session of this cookie, if it is one of this pool."""
        session = self.sessions.get(digest(cookie)) if cookie else None
        if session is None or session.pool_id != pool_id or self.clock() >= session.expires_at:
            return None
        return session

    def end_session(self, cookie: str | None) -> None:
        """Sign this browser out."""
        if cookie:
            self.sessions.pop(digest(cookie), None)

    def add_step(self, step: Step) -> str:
        """Keep a step; its value is in the address of the page."""
        value = secrets.token_urlsafe(32)
        self.steps[digest(value)] = step
        self._prune_sometimes()
        return value

    def find_step(self, value: str, cookie: str | None, pool_id: str) -> Step | None:
        """The step of this address, if this browser came so far in this pool."""
        step = self.steps.get(digest(value))
        if step is None or step.pool_id != pool_id or self.clock() >= step.expires_at:
            return None
        return step if cookie and step.browser == digest(cookie) else None

    def change_step(self, value: str, step: Step | None) -> None:
        """Keep the step as it is now; None ends it."""
        if step is None:
            self.steps.pop(digest(value), None)
        else:
            self.steps[digest(value)] = step

    def client_secret(self, client_id: str) -> str:
        r"""The secret that callers see, made when it is first needed.

        MiniStack's own secrets are not of Cognito's shape, `[\w+]+`.
        """
        return self.client_secrets.setdefault(client_id, generated_secret())

    def forget_client(self, client_id: str) -> None:
        """A deleted app client takes its secret and its grants along."""
        self.client_secrets.pop(client_id, None)
        self._keep_only(lambda sign_in: sign_in.client_id != client_id)

    def keep_pools(self, pool_ids: Iterable[str]) -> None:
        """Drop what belongs to pools that MiniStack no longer has."""
        kept = set(pool_ids)
        self._keep_only(lambda sign_in: sign_in.pool_id in kept)
        self.sessions = {k: s for k, s in self.sessions.items() if s.pool_id in kept}
        self.steps = {k: s for k, s in self.steps.items() if s.pool_id in kept}
        if not kept:
            self.client_secrets.clear()
            self.unconfirmed_passwords.clear()

    def prune(self) -> None:
        """Drop what has expired."""
        now = self.clock()
        self.codes = {k: c for k, c in self.codes.items() if now < c.expires_at}
        self.refresh = {k: g for k, g in self.refresh.items() if now < g.expires_at}
        self.sessions = {k: s for k, s in self.sessions.items() if now < s.expires_at}
        self.steps = {k: s for k, s in self.steps.items() if now < s.expires_at}
        self.verification.prune()
        self.index()

    def index(self) -> None:
        """Rebuild the way from `origin_jti` to the grant."""
        self._origins = {g.sign_in.origin_jti: key for key, g in self.refresh.items()}

    def _keep_only(self, keep: KeepSignIn) -> None:
        self.codes = {k: c for k, c in self.codes.items() if keep(c.sign_in)}
        self.refresh = {k: g for k, g in self.refresh.items() if keep(g.sign_in)}
        self.index()

    def _revoke(self, keys: Iterable[str]) -> None:
        for key in keys:
            self.refresh[key] = replace(self.refresh[key], revoked=True)

    def _prune_sometimes(self) -> None:
        self._additions += 1
        if self._additions % PRUNE_EVERY == 0:
            self.prune()


def generated_secret() -> str:
    """52 lower-case letters and digits, as Cognito generates them."""
    return "".join(secrets.choice(SECRET_ALPHABET) for _ in range(GENERATED_SECRET_CHARS))


def digest(value: str) -> str:
    """SHA-256: the values have 256 random bits and more, so no key is needed."""
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()


def _is_of(sign_in: Authentication, pool_id: str, sub: str) -> bool:
    return sign_in.pool_id == pool_id and sign_in.sub == sub
