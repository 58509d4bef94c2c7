"""Query strings and forms, read once and exactly."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

MAX_FIELDS = 64


@dataclass(frozen=True, slots=True)
class Parameters:
    """Names and values in their order; a name may occur more than once."""

    pairs: Sequence[tuple[str, str]]

    @classmethod
    def parse(cls, text: str) -> "Parameters":
        """Decode application/x-www-form-urlencoded text. Raises ValueError when it is none."""
        if not text.isascii():
            raise ValueError("not percent-encoded")
        return cls(
            parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
        )

    def count(self, name: str) -> int:
        """How often the name occurs."""
        return sum(1 for given, _ in self.pairs if given == name)

    def get(self, name: str) -> str | None:
        """The first value of the name."""
        return next((value for given, value in self.pairs if given == name), None)

    def only(self, name: str) -> str | None:
        """The value when there is exactly one, else None."""
        return self.get(name) if self.count(name) == 1 else None

    def repeated(self) -> bool:
        """Does any name occur twice? (RFC 6749 §3.2 forbids it at the token endpoint.)"""
        names = [name for name, _ in self.pairs]
        return len(set(names)) != len(names)
