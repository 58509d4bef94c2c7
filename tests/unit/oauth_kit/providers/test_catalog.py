"""Which provider: from the settings, or from a file that may appear, change and vanish."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from oauth_kit.providers.catalog import LoginSettings, ProviderFile
from oauth_kit.providers.dialects import DIALECTS
from oauth_kit.rules.errors import OAuthError

SEEDED: dict[str, Any] = {
    "generation": "2026-11-24 us-east-1_A",
    "provider": "cognito",
    "issuer": "http://localhost:4566/us-east-1_A",
    "client_id": "app-client",
    "client_secret": "canary-secret",
    "authorize_url": "http://localhost:4566/oauth2/authorize",
    "pool_id": "us-east-1_A",
    "region": None,
}
BY_HAND: dict[str, Any] = {
    "provider_issuer": "https://idp.example",
    "provider_client_id": "id",
    "provider_client_secret": "canary-secret",
}


def replace_file(path: Path, **changes: Any) -> None:
    """As a seed does: a new file in the old one's place."""
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps(SEEDED | changes))
    os.replace(beside, path)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        json.dumps({name: value for name, value in SEEDED.items() if name != "client_secret"}),
        json.dumps(SEEDED | {"provider": "unknown"}),
        json.dumps(SEEDED | {"client_secret": None}),
        json.dumps(SEEDED | {"client_secret": ""}),
        json.dumps(SEEDED | {"issuer": 1}),
        json.dumps(SEEDED | {"authorize_url": ["x"]}),
        "\xff",
    ],
    ids=range(12),
)
def test_a_file_that_is_not_whole_is_no_provider_yet(tmp_path: Path, content: str) -> None:
    path = tmp_path / "provider.json"
    path.write_text(content, encoding="latin-1")
    source = ProviderFile(path)
    with pytest.raises(OAuthError) as refused:
        source.current()
    assert (refused.value.code, refused.value.status) == ("temporarily_unavailable", 503)
    assert "canary" not in str(refused.value)
    replace_file(path)
    assert source.current().client_id == "app-client"


def test_a_new_generation_is_seen_at_once(tmp_path: Path) -> None:
    path = tmp_path / "provider.json"
    source = ProviderFile(path)
    with pytest.raises(OAuthError):
        source.current()
    replace_file(path)
    first = source.current()
    assert (first.generation, first.region) == (SEEDED["generation"], None)
    assert source.current() is first
    replace_file(path, generation="2026-11-24 us-east-1_B", pool_id="us-east-1_B")
    second = source.current()
    assert (second.generation, second.pool_id) == ("2026-11-24 us-east-1_B", "us-east-1_B")
    assert second != first
    path.unlink()
    with pytest.raises(OAuthError):
        source.current()
    replace_file(path)
    assert source.current() == first


def test_the_same_size_and_time_in_another_file_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "provider.json"
    replace_file(path, client_id="aaaa")
    source = ProviderFile(path)
    assert source.current().client_id == "aaaa"
    status = path.stat()
    replace_file(path, client_id="bbbb")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert source.current().client_id == "bbbb"


@pytest.mark.requirement("OP1")
def test_the_secret_is_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "provider.json"
    replace_file(path)
    assert "canary" not in repr(ProviderFile(path).current())
    assert "canary" not in repr(LoginSettings(**BY_HAND))
    assert "canary" not in repr(LoginSettings(**BY_HAND).provider_source())


@pytest.mark.requirement("OP4")
@pytest.mark.parametrize("missing", [(name,) for name in BY_HAND] + [tuple(BY_HAND)])
def test_what_is_missing_is_named(missing: tuple[str, ...]) -> None:
    given = {name: value for name, value in BY_HAND.items() if name not in missing}
    with pytest.raises(ValueError, match="PROVIDER_FILE") as refused:
        LoginSettings(**given).provider_source()
    for name in BY_HAND:
        assert (name.upper() in str(refused.value)) is (name in missing)
    assert "canary" not in str(refused.value)


def test_a_provider_by_hand_is_of_the_generation_that_its_settings_make() -> None:
    first = LoginSettings(**BY_HAND).provider_source().current()
    assert (first.provider, first.issuer, first.client_secret) == (
        "oidc",
        "https://idp.example",
        "canary-secret",
    )
    assert first == LoginSettings(**BY_HAND).provider_source().current()
    for changes in ({"provider_issuer": "https://b.example"}, {"provider_client_id": "b"}):
        other = LoginSettings(**{**BY_HAND, **changes}).provider_source().current()
        assert other.generation != first.generation


def test_the_file_wins_over_settings(tmp_path: Path) -> None:
    path = tmp_path / "provider.json"
    replace_file(path)
    settings = LoginSettings(**BY_HAND, provider_file=path)
    assert settings.provider_source().current().client_id == "app-client"


@pytest.mark.requirement("CB6")
def test_each_dialect_stands_under_its_name() -> None:
    assert {name: dialect.name for name, dialect in DIALECTS.items()} == {
        name: name for name in ("cognito", "keycloak", "oidc")
    }
    assert [name for name, dialect in DIALECTS.items() if dialect.always_sends_iss] == ["keycloak"]
