"""Keys and secrets: who holds what, with which mode, and that they stay."""

import stat
import tomllib
from pathlib import Path

import pytest

from authstack.credentials import make_credentials, preregistered_secret_file
from authstack.files import write_private
from authstack.layout import Layout
from authstack.services import PREREGISTERED_CLIENT_ID
from cimd_bridge.preregistered import load_preregistered
from oauth_kit.crypto.key_ring import KeyRing
from oauth_kit.rules.client_authentication import hash_secret
from oauth_kit.rules.client_metadata import MetadataPolicy

HOLDINGS = {
    "bridge": {"master_keys", "upstream_keys", "internal_token"},
    "registrar": {"upstream_keys", "internal_token"},
    "resource": set(),
    "client-preregistered": {"session_keys", "preregistered_client_secret"},
    "client-dynamic": {"session_keys"},
    "client-metadata-document": {"session_keys"},
    "operator": {"resource_server_secret"},
}


def every_file(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_each_service_holds_only_what_it_needs(layout: Layout) -> None:
    make_credentials(layout)
    found = {
        folder.name: {path.name for path in folder.iterdir()} for folder in layout.secrets.iterdir()
    }
    assert found == HOLDINGS


def test_nobody_else_can_read_a_secret(layout: Layout) -> None:
    make_credentials(layout)
    files = [*every_file(layout.secrets), layout.preregistered_clients]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    folders = [layout.secrets, *(layout.secrets / name for name in HOLDINGS)]
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in folders} == {0o700}


def test_secrets_stay_the_same_over_starts(layout: Layout) -> None:
    make_credentials(layout)
    before = {path: path.read_text() for path in every_file(layout.secrets)}
    make_credentials(layout)
    assert {path: path.read_text() for path in every_file(layout.secrets)} == before


def test_no_two_secrets_are_equal_but_the_shared_ones(layout: Layout) -> None:
    make_credentials(layout)
    values = [path.read_text() for path in every_file(layout.secrets)]
    assert len(values) - len(set(values)) == 2
    for shared in ("upstream_keys", "internal_token"):
        bridge, registrar = layout.secrets / "bridge", layout.secrets / "registrar"
        assert (bridge / shared).read_text() == (registrar / shared).read_text()


@pytest.mark.parametrize("name", ["bridge/master_keys", "client-dynamic/session_keys"])
def test_key_rings_can_be_read(layout: Layout, name: str) -> None:
    make_credentials(layout)
    assert KeyRing.parse((layout.secrets / name).read_text()).keys


def test_the_clients_file_holds_hashes_that_the_bridge_reads(layout: Layout) -> None:
    moved = Layout(layout.data, 7000)
    make_credentials(moved)
    found = load_preregistered(
        moved.preregistered_clients,
        MetadataPolicy(native_schemes=frozenset()),
        loopback_issuer=True,
    )
    secret = preregistered_secret_file(moved).read_text()
    client = found.clients[PREREGISTERED_CLIENT_ID]
    assert client.secret_hash == hash_secret(secret)
    assert client.metadata.redirect_uris == ("http://localhost:10000/callback",)
    assert found.resource_servers["demo-resource-server"].resource == moved.resource
    assert secret not in moved.preregistered_clients.read_text()


def test_urls_of_the_clients_file_follow_the_offset(layout: Layout) -> None:
    make_credentials(layout)
    make_credentials(Layout(layout.data, 1000))
    document = tomllib.loads(layout.preregistered_clients.read_text())
    assert document["clients"][0]["redirect_uris"] == ["http://localhost:4000/callback"]


def test_a_private_file_replaces_an_open_one(tmp_path: Path) -> None:
    path = tmp_path / "state"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, "new")
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("new", 0o600)
    assert list(tmp_path.iterdir()) == [path]
