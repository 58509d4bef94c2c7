"""Names of app clients: what strangers put in them, and whose they are."""

import pytest

from oauth_kit.crypto.key_ring import KeyRing
from registrar.app_client_names import AppClientNames, short_fingerprint

OLD, NEW = KeyRing.generate("old"), KeyRing.generate("new")
NAMES = AppClientNames.of(KeyRing.parse(NEW))
FINGERPRINT = short_fingerprint("0123456789abcdef" * 4)


@pytest.mark.parametrize(
    ("display_name", "shown"),
    [
        ("Claude Code (contexts)", "Claude Code contexts"),
        ("Cursor\u2122", "CursorTM"),
        ("a/b:c", "a b c"),
        ("Café\u202e", "Cafe"),
        ("\U0001f600", "client"),
        ("", "client"),
        ("  \t\n ", "client"),
        ("<script>", "script"),
        ("x" * 300, "x" * 40),
        ("word " * 20, "word word word word word word word word"),
        ("名前", "client"),
    ],
)
def test_a_strangers_name_fits_the_providers_charset(display_name: str, shown: str) -> None:
    name = NAMES.name(display_name, FINGERPRINT)
    assert name == f"mcp {shown} {NAMES.marks[0]}-{FINGERPRINT}"
    assert len(name) <= 128
    assert NAMES.fingerprint_in(name) == FINGERPRINT


def repr_without_mark(name: str) -> str:
    """The mark is random: two processes of one run must give a case the same id."""
    return repr(name.replace(NAMES.marks[0], "MARK"))


@pytest.mark.parametrize(
    "name",
    [
        "",
        "mcp",
        "mcp-authstack bridge",
        f"mcp client {FINGERPRINT}",
        f"mcp client 00000000-{FINGERPRINT}",
        f"web {NAMES.marks[0]}-{FINGERPRINT}",
        f"mcp client {NAMES.marks[0]}-{FINGERPRINT[:-1]}",
        f"mcp client {NAMES.marks[0]}-{FINGERPRINT}0",
        f"mcp client {NAMES.marks[0]}-{FINGERPRINT}\n",
        f"mcp client {NAMES.marks[0]}-{FINGERPRINT} copy",
        f"mcp client {NAMES.marks[0]}-{FINGERPRINT.upper()}",
    ],
    ids=repr_without_mark,
)
def test_a_name_without_our_mark_is_somebody_elses(name: str) -> None:
    assert NAMES.fingerprint_in(name) is None


def test_a_display_name_cannot_carry_another_fingerprint() -> None:
    forged = f"{NAMES.marks[0]}-{'f' * 32}"
    assert NAMES.fingerprint_in(NAMES.name(forged, FINGERPRINT)) == FINGERPRINT


def test_another_deployment_has_another_mark() -> None:
    theirs = AppClientNames.of(KeyRing.parse(OLD))
    assert NAMES.fingerprint_in(theirs.name("client", FINGERPRINT)) is None


def test_names_of_an_older_key_are_still_ours() -> None:
    rotated = AppClientNames.of(KeyRing.parse(f"{NEW},{OLD}"))
    older = AppClientNames.of(KeyRing.parse(OLD))
    assert rotated.fingerprint_in(older.name("client", FINGERPRINT)) == FINGERPRINT
    assert rotated.name("client", FINGERPRINT) == NAMES.name("client", FINGERPRINT)
