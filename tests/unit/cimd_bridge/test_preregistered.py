"""clients.toml: an operator's slip stops the start, and never opens a door."""

from pathlib import Path

import pytest

from cimd_bridge.preregistered import Preregistered, load_preregistered
from oauth_kit.rules.client_authentication import hash_secret
from oauth_kit.rules.client_metadata import MetadataPolicy

POLICY = MetadataPolicy(native_schemes=frozenset())
HASH = hash_secret("canary-secret")
DEMO = 'client_id = "demo"\nredirect_uris = ["https://app.example/cb"]\n'
SECRET = f'secret_hash = "{HASH}"\n'


def load(tmp_path: Path, *entries: str, loopback_issuer: bool = False) -> Preregistered:
    path = tmp_path / "clients.toml"
    path.write_text("".join(f"[[clients]]\n{entry}\n" for entry in entries))
    return load_preregistered(path, POLICY, loopback_issuer=loopback_issuer)


@pytest.mark.requirement("OP4")
@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (DEMO + "trusted = true", "confidential"),
        (DEMO + SECRET + 'trusted = "false"', "trusted has the wrong type"),
        (DEMO + SECRET + "trusted = 1", "trusted has the wrong type"),
        (DEMO + SECRET + 'token_endpoint_auth_method = "none"\ntrusted = true', "contradict"),
        (DEMO + SECRET + 'token_endpoint_auth_method = "none"', "contradict"),
        (DEMO + 'token_endpoint_auth_method = "client_secret_basic"', "contradict"),
        (DEMO + 'token_endpoint_auth_method = "private_key_jwt"', "not supported"),
        (DEMO + 'secret_hash = ""', "secret_hash is"),
        (DEMO + 'secret_hash = "canary-secret"', "secret_hash is"),
        (DEMO + f'secret_hash = "{HASH.upper()}"', "secret_hash is"),
        (DEMO + f'secret_hash = "{HASH}0"', "secret_hash is"),
        (DEMO + f'secret_hash = "{HASH[:-1]}g"', "secret_hash is"),
        (DEMO + "secret_hash = 1", "wrong type"),
        (DEMO + 'client_secret = "canary-secret"', "client_secret is not known here"),
        (DEMO + 'scope = "mcp-api/read"', "scope is not known here"),
        (DEMO + 'scopes = "mcp-api/read"', "scopes has the wrong type"),
        (DEMO + "scopes = [1]", "scopes has the wrong type"),
        (DEMO + "scopes = []", "scopes is empty"),
        (DEMO + 'scopes = ["a\\"b"]', "scope is malformed"),
        (DEMO + 'kind = "resource-server"', "kind is"),
        (DEMO + 'kind = ""', "kind is"),
        (DEMO + 'grant_types = ["client_credentials"]', "grant_types"),
        (DEMO + "name = 1", "name has the wrong type"),
        ('client_id = "demo"', "redirect_uris"),
        ('client_id = "demo"\nredirect_uris = []', "redirect_uris"),
        ('client_id = "demo"\nredirect_uris = "https://app.example/cb"', "wrong type"),
        ('client_id = "demo"\nredirect_uris = ["http://app.example/cb"]', "demo"),
        ('client_id = "demo"\nredirect_uris = ["https://app.example/*"]', "demo"),
        ('redirect_uris = ["https://app.example/cb"]', "client_id None is missing"),
        ('client_id = ""\nredirect_uris = ["https://a.example/cb"]', "missing or malformed"),
        ('client_id = 5\nredirect_uris = ["https://a.example/cb"]', "missing or malformed"),
        ('client_id = "a b"\nredirect_uris = ["https://a.example/cb"]', "missing or malformed"),
        (f'client_id = "{"x" * 201}"', "missing or malformed"),
        ('client_id = "https://app.example/c.json"\nredirect_uris = []', "metadata document"),
        ('client_id = "http://localhost/c.json"\nredirect_uris = []', "metadata document"),
        ('kind = "resource_server"\nclient_id = "rs"\nresource = "https://r"', "needs secret_hash"),
        ('kind = "resource_server"\nclient_id = "rs"\n' + SECRET, "needs secret_hash"),
        (f'kind = "resource_server"\nclient_id = "rs"\n{SECRET}resource = ""', "needs secret_hash"),
        (f'kind = "resource_server"\nclient_id = "rs"\n{SECRET}resource = ["x"]', "wrong type"),
        (f'kind = "resource_server"\nclient_id = "rs"\n{SECRET}trusted = true', "not known"),
    ],
)
def test_an_entry_that_cannot_be_meant_stops_the_start(
    tmp_path: Path, entry: str, problem: str
) -> None:
    with pytest.raises(ValueError, match=problem) as refused:
        load(tmp_path, entry)
    assert "clients.toml: " in str(refused.value)
    assert "canary" not in str(refused.value)


@pytest.mark.requirement("OP4")
@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("clients = 'x'", "nothing but"),
        ("clients = ['x']", "nothing but"),
        ("[clients]\nclient_id = 'demo'", "nothing but"),
        ("[[client]]\nclient_id = 'demo'", "nothing but"),
        ("version = 1", "nothing but"),
        ("[[clients", "PREREGISTERED_CLIENTS_FILE"),
        ("client_id = '\udcff'", "PREREGISTERED_CLIENTS_FILE"),
    ],
)
def test_a_file_of_another_shape_stops_the_start(
    tmp_path: Path, content: str, problem: str
) -> None:
    path = tmp_path / "clients.toml"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(ValueError, match=problem):
        load_preregistered(path, POLICY, loopback_issuer=False)


@pytest.mark.requirement("OP4")
def test_a_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="No such file"):
        load_preregistered(tmp_path / "none.toml", POLICY, loopback_issuer=False)
    assert load_preregistered(None, POLICY, loopback_issuer=False) == Preregistered({}, {})


@pytest.mark.requirement("A12")
@pytest.mark.parametrize(
    "second", [DEMO, f'kind = "resource_server"\nclient_id = "demo"\n{SECRET}']
)
def test_an_id_stands_for_one_entry(tmp_path: Path, second: str) -> None:
    with pytest.raises(ValueError, match="demo: client_id is repeated"):
        load(tmp_path, DEMO, second)


@pytest.mark.requirement("A1")
@pytest.mark.parametrize(
    ("redirect_uri", "loopback_issuer", "allowed"),
    [
        ("https://house.example/cb", False, True),
        ("https://house.example/cb", True, True),
        ("http://localhost:3000/cb", True, True),
        ("http://localhost:3000/cb", False, False),
        ("com.example.app:/cb", True, False),
    ],
)
def test_only_safe_redirects_go_without_consent(
    tmp_path: Path, redirect_uri: str, loopback_issuer: bool, allowed: bool
) -> None:
    entry = (
        f'client_id = "house"\n{SECRET}trusted = true\n'
        f'redirect_uris = ["https://house.example/other", "{redirect_uri}"]'
    )
    if allowed:
        loaded = load(tmp_path, entry, loopback_issuer=loopback_issuer)
        assert loaded.clients["house"].trusted
    else:
        with pytest.raises(ValueError, match="trusted"):
            load(tmp_path, entry, loopback_issuer=loopback_issuer)


def test_entries_become_clients_and_resource_servers(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        DEMO + 'kind = "client"\nname = "Demo"\nscopes = ["mcp-api/read"]',
        f'client_id = "web"\n{SECRET}redirect_uris = ["https://web.example/cb"]\n'
        'token_endpoint_auth_method = "client_secret_post"\ngrant_types = ["authorization_code"]',
        f'client_id = "plain"\n{SECRET}redirect_uris = ["https://web.example/cb"]',
        f'kind = "resource_server"\nclient_id = "rs"\n{SECRET}resource = "https://r.example/mcp"',
    )
    demo, web, plain = loaded.clients["demo"], loaded.clients["web"], loaded.clients["plain"]
    assert {client.kind for client in (demo, web, plain)} == {"preregistered"}
    assert (demo.secret_hash, demo.metadata.token_endpoint_auth_method) == (None, "none")
    assert (demo.metadata.client_name, demo.metadata.scope) == ("Demo", ("mcp-api/read",))
    assert demo.metadata.allows_refresh
    assert not demo.trusted
    assert (web.secret_hash, web.method_was_defaulted) == (HASH, False)
    assert web.metadata.token_endpoint_auth_method == "client_secret_post"
    assert not web.metadata.allows_refresh
    assert (plain.metadata.token_endpoint_auth_method, plain.method_was_defaulted) == (
        "client_secret_basic",
        True,
    )
    assert (plain.metadata.client_name, plain.metadata.scope) == ("plain", None)
    server = loaded.resource_servers["rs"]
    assert (server.client_id, server.secret_hash) == ("rs", HASH)
    assert server.resource == "https://r.example/mcp"
    assert set(loaded.clients) == {"demo", "web", "plain"}
