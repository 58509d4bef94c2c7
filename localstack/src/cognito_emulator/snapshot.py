"""The front's state between a graceful stop and the next start: one file, mode 0600."""

import contextlib
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cognito_emulator.rules.claims import Authentication
from cognito_emulator.state import AuthorizationCode, EmulatorState, RefreshGrant, Session, Step
from cognito_emulator.verification import Attempts, IssuedCode

# 2: sign-up. A pool of version 1 has user names, and nobody could sign up there by e-mail.
VERSION = 2


def write_private(path: Path, text: str) -> None:
    """Replace a file at once, readable by its owner only."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()


def save(state: EmulatorState, path: Path) -> None:
    """Write what has not expired."""
    state.prune()
    document = {
        "version": VERSION,
        "codes": {key: asdict(code) for key, code in state.codes.items()},
        "refresh": {key: asdict(grant) for key, grant in state.refresh.items()},
        "sessions": {key: asdict(session) for key, session in state.sessions.items()},
        "client_secrets": state.client_secrets,
        "steps": {key: asdict(step) for key, step in state.steps.items()},
        "unconfirmed_passwords": state.unconfirmed_passwords,
        "verification_codes": {k: asdict(code) for k, code in state.verification.codes.items()},
        "verification_attempts": {k: asdict(a) for k, a in state.verification.attempts.items()},
    }
    write_private(path, json.dumps(document))


def load(state: EmulatorState, path: Path) -> bool:
    """Fill the state from the file. False when there is none, or none that can be read."""
    try:
        document = json.loads(path.read_text())
        if document["version"] != VERSION:
            return False
        codes = {k: AuthorizationCode(**_with_sign_in(v)) for k, v in document["codes"].items()}
        refresh = {k: RefreshGrant(**_with_sign_in(v)) for k, v in document["refresh"].items()}
        sessions = {k: Session(**v) for k, v in document["sessions"].items()}
        client_secrets = dict(document["client_secrets"])
        steps = {k: Step(**v) for k, v in document["steps"].items()}
        unconfirmed_passwords = dict(document["unconfirmed_passwords"])
        issued = {k: IssuedCode(**v) for k, v in document["verification_codes"].items()}
        attempts = {k: Attempts(**v) for k, v in document["verification_attempts"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False
    state.codes, state.refresh, state.sessions = codes, refresh, sessions
    state.client_secrets, state.steps = client_secrets, steps
    state.unconfirmed_passwords = unconfirmed_passwords
    state.verification.codes, state.verification.attempts = issued, attempts
    state.index()
    return True


def _with_sign_in(stored: dict[str, Any]) -> dict[str, Any]:
    sign_in = {**stored["sign_in"], "scopes": tuple(stored["sign_in"]["scopes"])}
    return {**stored, "sign_in": Authentication(**sign_in)}
