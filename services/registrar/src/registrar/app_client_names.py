"""Names of our app clients: readable in the provider's console, and found again by their mark."""

import re
import unicodedata
from dataclasses import dataclass

from oauth_kit.crypto.key_ring import KeyRing
from oauth_kit.crypto.keyed_hash import KeyedHash

_DISPLAY_CHARACTERS = 40
# Cognito's ClientName is [\w\s+=,.@-]+; narrower than that in what we let through of a name
_FOREIGN = re.compile(r"[^A-Za-z0-9_+=,.@ -]+")
_FINGERPRINT_CHARACTERS = 32
_MARK_CHARACTERS = 8
_OURS = re.compile(
    rf"mcp .{{1,{_DISPLAY_CHARACTERS}}} (?P<mark>[0-9a-f]{{{_MARK_CHARACTERS}}})"
    rf"-(?P<fingerprint>[0-9a-f]{{{_FINGERPRINT_CHARACTERS}}})"
)


@dataclass(frozen=True, slots=True)
class AppClientNames:
    """`mcp <display name> <mark>-<fingerprint>`.

    marks: this deployment's, newest first. They come from its keys, so two deployments that share
    a pool never take each other's app clients for orphans, and one that lost its store still
    knows its own. The display name is a stranger's; the mark has its fixed place after it.
    """

    marks: tuple[str, ...]

    @classmethod
    def of(cls, upstream_keys: KeyRing) -> "AppClientNames":
        digests = KeyedHash(upstream_keys.derive("app-client-mark")).digests("deployment")
        return cls(tuple(digest[:_MARK_CHARACTERS] for digest in digests))

    def name(self, display_name: str, fingerprint: str) -> str:
        """fingerprint: as `short_fingerprint` gives it."""
        return f"mcp {_readable(display_name)} {self.marks[0]}-{fingerprint}"

    def fingerprint_in(self, name: str) -> str | None:
        """The fingerprint in a name that is ours, None for anybody else's."""
        found = _OURS.fullmatch(name)
        return found["fingerprint"] if found and found["mark"] in self.marks else None


def short_fingerprint(sha256_hex: str) -> str:
    """128 bits: enough against a second preimage, and it fits a name of 128 characters."""
    return sha256_hex[:_FINGERPRINT_CHARACTERS]


def _readable(display_name: str) -> str:
    ascii_name = unicodedata.normalize("NFKD", display_name).encode("ascii", "ignore").decode()
    words = _FOREIGN.sub(" ", ascii_name).split()
    return " ".join(words)[:_DISPLAY_CHARACTERS].strip() or "client"
