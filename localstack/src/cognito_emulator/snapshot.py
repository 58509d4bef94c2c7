"""The front's state between a graceful stop and the next start: one file, mode 0600."""

import contextlib
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cognito_emulator.rules.claims import Authentication
from cognito_emulator.state import AuthorizationCode, EmulatorState, RefreshGrant, Session

VERSION = 1


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
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False
    state.codes, state.refresh, state.sessions = codes, refresh, sessions
    state.client_secrets = client_secrets
    state.index()
    return True


def _with_sign_in(stored: dict[str, Any]) -> dict[str, Any]:
    sign_in = {**stored["sign_in"], "scopes": tuple(stored["sign_in"]["scopes"])}
    return {**stored, "sign_in": Authentication(**sign_in)}
