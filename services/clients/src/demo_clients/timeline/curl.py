"""A request as a command for a shell, with variables where the secrets are."""

import re
import shlex
from typing import Final

from demo_clients.timeline.exchange import Exchange
from demo_clients.timeline.secrets import PLACEHOLDER

_BREAK: Final = " \\\n  "


def curl_command(exchange: Exchange) -> str:
    """POSIX shell. Everything is quoted; only our own placeholders are variables."""
    parts = [f"curl -i -g -X {_quoted(exchange.method)} {_quoted(exchange.url)}"]
    parts += [f"-H {_quoted(f'{name}: {value}')}" for name, value in exchange.request.headers]
    parts += [f"--data-urlencode {_quoted(f'{n}={value}')}" for n, value in exchange.request.form]
    if exchange.request.body:
        parts.append(f"--data-raw {_quoted(exchange.request.body)}")
    return _BREAK.join(parts)


def _quoted(text: str) -> str:
    """One shell word: what is between placeholders in single quotes, they in double quotes."""
    pieces = re.split(f"({PLACEHOLDER.pattern})", text)
    quoted = [
        f'"{piece}"' if PLACEHOLDER.fullmatch(piece) else shlex.quote(piece)
        for piece in pieces
        if piece
    ]
    return "".join(quoted) or "''"
