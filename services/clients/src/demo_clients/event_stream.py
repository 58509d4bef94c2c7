"""Server-sent events, read (WHATWG HTML §9.2.6)."""

import re
from collections.abc import Iterator


def read_events(body: bytes) -> Iterator[bytes]:
    """The data of each event: lines may end in CR, LF or both."""
    data: list[bytes] = []
    for line in [*re.split(rb"\r\n|\r|\n", body), b""]:
        if not line:
            if data:
                yield b"\n".join(data)
            data = []
        elif line.startswith(b"data:"):
            data.append(line[5:].removeprefix(b" "))
