"""What the front remembers, with a clock of the test's own."""

import json
import stat
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from cognito_emulator import snapshot
from cognito_emulator.rules.claims import Authentication
from cognito_emulator.state import (
    PRUNE_EVERY,
    AuthorizationCode,
    EmulatorState,
    RefreshGrant,
    Session,
    Step,
    digest,
)

NOW = 1_800_000_000
SIGN_IN = Authentication(
    pool_id="us-east-1_a",
    client_id="client",
    username="user",
    sub="subject",
    scopes=("openid", "email"),
    resource="https://example.com/mcp",
    auth_time=NOW,
    origin_jti="origin",
    event_id="event",
)


@dataclass
class StoppedClock:
    """A clock that moves when it is told to."""

    now: int = NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
def state(clock: StoppedClock) -> EmulatorState:
    return EmulatorState(clock)


def code(sign_in: Authentication = SIGN_IN) -> AuthorizationCode:
    return AuthorizationCode(sign_in, "https://example.com/cb", "nonce", None, NOW + 300)


def session() -> Session:
    return Session("us-east-1_a", "user", "subject", NOW, NOW + 3600)


@pytest.mark.parametrize(("after_seconds", "good"), [(0, True), (299, True), (300, False)])
def test_a_code_lives_for_five_minutes(
    state: EmulatorState, clock: StoppedClock, after_seconds: int, good: bool
) -> None:
    value = state.add_code(code())
    clock.now += after_seconds
    assert (state.take_code(value, "client") is not None) is good
    assert state.take_code(value, "client") is None


def test_a_code_is_given_to_its_client_only(state: EmulatorState) -> None:
    value = state.add_code(code())
    assert state.take_code(value, "thief") is None
    assert state.take_code(value, "client") == code()


@pytest.mark.parametrize(("after_seconds", "good"), [(3599, True), (3600, False)])
def test_a_session_lives_for_an_hour(
    state: EmulatorState, clock: StoppedClock, after_seconds: int, good: bool
) -> None:
    cookie = state.add_session(session())
    clock.now += after_seconds
    assert (state.find_session(cookie, "us-east-1_a") is not None) is good


def test_a_session_counts_for_its_pool_until_it_ends(state: EmulatorState) -> None:
    cookie = state.add_session(session())
    assert state.find_session(cookie, "us-east-1_b") is None
    assert state.find_session(None, "us-east-1_a") is None
    assert state.find_session("made up", "us-east-1_a") is None
    state.end_session(cookie)
    assert state.find_session(cookie, "us-east-1_a") is None


def test_a_refresh_token_ends_at_its_time(state: EmulatorState, clock: StoppedClock) -> None:
    value = state.add_refresh(RefreshGrant(SIGN_IN, NOW + 10))
    clock.now += 9
    assert state.find_refresh(value) is not None
    clock.now += 1
    assert state.find_refresh(value) is None


def test_a_revoked_grant_is_remembered_for_its_access_tokens(state: EmulatorState) -> None:
    value = state.add_refresh(RefreshGrant(SIGN_IN, NOW + 10))
    assert not state.is_revoked("origin")
    state.revoke_refresh(value)
    grant = state.find_refresh(value)
    assert grant is not None
    assert grant.revoked
    assert state.is_revoked("origin")
    assert not state.is_revoked("not ours")


def test_ending_a_user_ends_nobody_else(state: EmulatorState) -> None:
    others = [
        replace(SIGN_IN, sub="another", origin_jti="1"),
        replace(SIGN_IN, pool_id="us-east-1_b", origin_jti="2"),
    ]
    waiting = state.add_code(code())
    state.add_refresh(RefreshGrant(SIGN_IN, NOW + 10))
    for other in others:
        state.add_refresh(RefreshGrant(other, NOW + 10))
    state.revoke_user("us-east-1_a", "subject")
    assert state.is_revoked("origin")
    assert not state.is_revoked("1")
    assert not state.is_revoked("2")
    assert state.take_code(waiting, "client") is None


def step() -> Step:
    return Step(
        purpose="sign_up",
        pool_id="us-east-1_a",
        username="ada@example.com",
        sub="subject",
        destination="a***@e***",
        browser=digest("browser"),
        expires_at=NOW + 3600,
    )


@pytest.mark.parametrize(("after_seconds", "good"), [(3599, True), (3600, False)])
def test_a_step_lives_for_an_hour(
    state: EmulatorState, clock: StoppedClock, after_seconds: int, good: bool
) -> None:
    value = state.add_step(step())
    clock.now += after_seconds
    assert (state.find_step(value, "browser", "us-east-1_a") is not None) is good


@pytest.mark.parametrize(
    ("value", "browser", "pool_id"),
    [
        (None, "another", "us-east-1_a"),
        (None, "", "us-east-1_a"),
        (None, None, "us-east-1_a"),
        (None, "browser", "us-east-1_b"),
        ("made up", "browser", "us-east-1_a"),
    ],
)
def test_a_step_is_of_one_browser_in_one_pool(
    state: EmulatorState, value: str | None, browser: str | None, pool_id: str
) -> None:
    real = state.add_step(step())
    assert state.find_step(value or real, browser, pool_id) is None
    assert state.find_step(real, "browser", "us-east-1_a") == step()
    state.change_step(real, None)
    assert state.find_step(real, "browser", "us-east-1_a") is None


def test_what_has_expired_does_not_pile_up(state: EmulatorState, clock: StoppedClock) -> None:
    for _ in range(PRUNE_EVERY - 1):
        state.add_code(code())
    clock.now += 300
    state.add_code(replace(code(), expires_at=clock.now + 300))
    assert len(state.codes) == 1


def test_state_of_forgotten_pools_is_dropped(state: EmulatorState) -> None:
    value = state.add_refresh(RefreshGrant(SIGN_IN, NOW + 10))
    cookie = state.add_session(session())
    reached = state.add_step(step())
    state.client_secrets["client"] = "secret"
    state.unconfirmed_passwords["subject"] = "hash"
    state.keep_pools(["us-east-1_a"])
    assert state.find_refresh(value) is not None
    assert state.find_step(reached, "browser", "us-east-1_a") is not None
    state.keep_pools([])
    assert state.find_refresh(value) is None
    assert state.find_session(cookie, "us-east-1_a") is None
    assert state.find_step(reached, "browser", "us-east-1_a") is None
    assert state.client_secrets == state.unconfirmed_passwords == {}


def test_a_snapshot_brings_everything_back_and_holds_no_token(
    state: EmulatorState, clock: StoppedClock, tmp_path: Path
) -> None:
    path = tmp_path / "front.json"
    waiting, token = state.add_code(code()), state.add_refresh(RefreshGrant(SIGN_IN, NOW + 10))
    revoked = state.add_refresh(RefreshGrant(replace(SIGN_IN, origin_jti="r"), NOW + 10))
    cookie = state.add_session(session())
    state.client_secrets["client"] = "secret"
    state.unconfirmed_passwords["subject"] = "hash"
    reached, mailed = state.add_step(step()), state.verification.issue("ada", 60, opens=True)
    state.verification.request("ada")
    state.revoke_refresh(revoked)
    snapshot.save(state, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["front.json"]
    text = path.read_text()
    assert not any(secret in text for secret in (waiting, token, revoked, cookie, reached))
    again = EmulatorState(clock)
    assert snapshot.load(again, path)
    assert again == state
    assert again.is_revoked("r")
    again.verification.redeem("ada", mailed)
    assert again.take_code(waiting, "client") == code()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        '{"version": 2}',
        '{"version": 99}',
        json.dumps({"version": 2, "codes": {"a": {}}, "refresh": {}, "sessions": {}}),
        json.dumps({"version": 2, "codes": [], "refresh": {}, "sessions": {}}),
        json.dumps(
            {"version": 1, "codes": {}, "refresh": {}, "sessions": {}, "client_secrets": {}}
        ),
    ],
)
def test_a_snapshot_that_cannot_be_read_is_none(
    state: EmulatorState, tmp_path: Path, content: str
) -> None:
    path = tmp_path / "front.json"
    path.write_text(content)
    assert not snapshot.load(state, path)
    assert not snapshot.load(state, tmp_path / "missing")
