"""What a service is told: everything wrong is said at once, nothing secret is ever said."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import Field, SecretStr, ValidationError, field_validator

from oauth_kit.crypto.key_ring import KeyRing
from oauth_kit.settings import (
    BearerSecret,
    RateLimit,
    ServiceSettings,
    check_public_url,
    load_settings,
)

SECRET = "canary-canary-canary-canary-canary"


class Sample(ServiceSettings):
    """A service with one secret and one structure."""

    port: int = Field(default=3000, ge=1, le=65535)
    sample_keys: SecretStr
    sentences: dict[str, str] = Field(default={})
    limit: RateLimit = "20/minute"
    token: BearerSecret | None = None

    @field_validator("sample_keys")
    @classmethod
    def _check_keys(cls, value: SecretStr) -> SecretStr:
        KeyRing.parse(value.get_secret_value())
        return value


GOOD: dict[str, Any] = {
    "redis_url": f"redis://:{SECRET}@localhost",
    "sample_keys": KeyRing.generate("k1"),
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("REDIS_URL", GOOD["redis_url"])
    monkeypatch.setenv("SAMPLE_KEYS", GOOD["sample_keys"])
    return monkeypatch


def sample(**changes: Any) -> Sample:
    return Sample(**{**GOOD, **changes})


@pytest.mark.requirement("OP4", "ASM16")
@pytest.mark.parametrize(
    "url",
    [
        "http://auth.example",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "http://0.0.0.0:3004",
        "http://127.0.0.2",
        "https://auth.example/",
        "http://localhost:3004/",
        "https://auth.example/t1/",
        "https://auth.example//t1",
        "https://auth.example/a/../t1",
        "https://auth.example/%2e%2E/t1",
        "https://auth.example?",
        "https://auth.example?a=b",
        "https://auth.example#",
        "https://user@auth.example",
        "https://auth.example\\@evil.example",
        "https://Auth.example",
        "HTTPS://auth.example",
        " https://auth.example",
        "https://auth.example\n",
        "https://auth\t.example",
        "https://auth.example:443",
        "http://localhost:80",
        "https://auth.example:0",
        "https://auth.example:65536",
        "https://auth.example:",
        "https://",
        "https:///t1",
        "ftp://auth.example",
        "auth.example",
        "//auth.example",
    ],
)
def test_a_public_url_is_https_and_in_its_one_form(url: str) -> None:
    with pytest.raises(ValueError, match="must"):
        check_public_url(url)


@pytest.mark.requirement("OP4", "ASM16")
@pytest.mark.parametrize("environment_name", ["production", "development"])
def test_every_public_url_is_checked(environment_name: str) -> None:
    plain = "http://auth.example"
    with pytest.raises(ValidationError) as refused:
        sample(environment=environment_name, issuer=plain, resource=plain, registrar_url=plain)
    named = [error["loc"] for error in refused.value.errors()]
    assert named == [("issuer",), ("resource",), ("registrar_url",)]


@pytest.mark.requirement("ASM2", "ASM16")
@pytest.mark.parametrize(
    "url",
    [
        "https://auth.example",
        "https://auth.example:8443/t1",
        "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbC",
        "https://10.0.0.5/realms/x%20y",
        "https://xn--bcher-kva.example",
        "https://[2001:db8::1]:8443",
        "http://localhost:3004",
        "http://127.0.0.1:3004/t1",
        "http://[::1]:3004",
    ],
)
def test_a_public_url_stays_as_it_is(url: str) -> None:
    assert check_public_url(url) == url


@pytest.mark.requirement("OP4")
@pytest.mark.parametrize(
    "changes",
    [
        {"environment": "prod"},
        {"port": 0},
        {"port": 65_536},
        {"port": 65_500},
        {"port": "http"},
        {"management_port": 3000},
        {"management_port": -1},
        {"redis_url": "localhost:6379"},
        {"redis_url": ""},
        {"scopes_supported": ""},
        {"scopes_supported": 'a "b"', "default_scopes": "a"},
        {"scopes_supported": "a é", "default_scopes": "a"},
        {"default_scopes": "mcp-api/admin"},
        {"scope_hierarchy": "write"},
        {"scope_hierarchy": "a>b,b>a"},
        {"outbound_timeout_seconds": 0},
        {"outbound_timeout_seconds": 61},
        {"outbound_ca_file": "/nonexistent/ca.pem"},
        {"outbound_ca_file": __file__},
        {"rate_limits": "maybe"},
        {"trusted_proxies": "10.0.0.1/8"},
        {"trusted_proxies": "*"},
        {"log_level": "loud"},
        {"host_map": "localhost"},
        {"host_map": "localhost:1=a:2,localhost:1=b:2"},
        {"host_map": "localhost:1=a:2", "issuer": "https://auth.example"},
    ],
    ids=str,
)
def test_a_setting_that_cannot_work_stops_the_start(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refused:
        sample(**changes)
    assert SECRET not in str(refused.value)


def test_a_host_map_is_for_a_loopback_issuer() -> None:
    assert sample(host_map="localhost:3001=resource:3001").issuer_is_loopback
    assert not sample(issuer="https://auth.example").issuer_is_loopback
    assert not sample(issuer="https://localhost.example").issuer_is_loopback


@pytest.mark.requirement("OP4")
def test_all_problems_are_told_at_once_without_their_values(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.delenv("REDIS_URL")
    environment.setenv("SAMPLE_KEYS", f"k1:{SECRET}")
    environment.setenv("ISSUER", "http://auth.example")
    environment.setenv("PORT", SECRET)
    with pytest.raises(SystemExit) as ended:
        load_settings(Sample)
    assert ended.value.code == 2
    output = capsys.readouterr()
    lines = output.err.splitlines()
    assert sorted(line.partition(":")[0] for line in lines) == [
        "ISSUER",
        "PORT",
        "REDIS_URL",
        "SAMPLE_KEYS",
    ]
    assert SECRET not in output.err + output.out


@pytest.mark.requirement("OP4")
def test_a_problem_between_settings_is_told_too(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("DEFAULT_SCOPES", "other")
    with pytest.raises(SystemExit):
        load_settings(Sample)
    expected = "settings: Value error, DEFAULT_SCOPES must be among SCOPES_SUPPORTED"
    assert capsys.readouterr().err.splitlines() == [expected]


@pytest.mark.requirement("OP4")
def test_a_structure_that_cannot_be_parsed_is_one_line(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("SENTENCES", SECRET)
    with pytest.raises(SystemExit) as ended:
        load_settings(Sample)
    assert ended.value.code == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "sentences" in line
    assert SECRET not in line


@pytest.mark.requirement("OP1", "B17")
def test_secrets_are_not_shown() -> None:
    settings = sample()
    for text in (repr(settings), str(settings)):
        assert SECRET not in text
        assert GOOD["sample_keys"] not in text


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        sample().port = 1  # type: ignore[misc]


@pytest.mark.parametrize("name", ["sample_keys", "SAMPLE_KEYS"])
def test_secrets_come_from_files_without_their_last_newline(
    environment: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    environment.delenv("SAMPLE_KEYS")
    (tmp_path / name).write_text(GOOD["sample_keys"] + "\n")
    (tmp_path / "unrelated").write_text(SECRET)
    environment.setenv("SECRETS_DIR", str(tmp_path))
    settings = load_settings(Sample)
    assert settings.sample_keys.get_secret_value() == GOOD["sample_keys"]


def test_the_environment_wins_over_files(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "sample_keys").write_text(KeyRing.generate("other"))
    environment.setenv("SECRETS_DIR", str(tmp_path))
    assert load_settings(Sample).sample_keys.get_secret_value() == GOOD["sample_keys"]


def test_an_empty_variable_is_like_none(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "port").write_text("4000")
    environment.chdir(tmp_path)
    for name in ("SECRETS_DIR", "ISSUER", "PORT", "HOST_MAP", "ENVIRONMENT"):
        environment.setenv(name, "")
    settings = load_settings(Sample)
    assert (settings.port, settings.environment) == (3000, "production")


@pytest.mark.requirement("OP4")
def test_a_secrets_folder_that_is_a_file_is_one_line(
    environment: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text(SECRET)
    environment.setenv("SECRETS_DIR", str(tmp_path / "file"))
    with pytest.raises(SystemExit) as ended:
        load_settings(Sample)
    assert ended.value.code == 2
    assert SECRET not in capsys.readouterr().err


@pytest.mark.requirement("OP4", "OP6")
@pytest.mark.parametrize(
    "limit",
    [
        *("", "often", "20", "20/", "/minute", "20/fortnight", "20/minute x"),
        *("0/minute", "-1/minute", "1e3/minute", "1.5/minute"),
        # only the first of several would count
        *("20/minute;100/hour", "20/minute, 100/hour"),
    ],
)
def test_a_limit_that_limits_nothing_or_everything_is_none(limit: str) -> None:
    with pytest.raises(ValidationError, match="must be one limit like 20/minute"):
        sample(limit=limit)


@pytest.mark.parametrize("limit", ["20/minute", "1/second", "100 per 5 minutes", "10/hour"])
def test_a_limit_is_a_number_and_a_time(limit: str) -> None:
    assert sample(limit=limit).limit == limit


@pytest.mark.requirement("OP4")
@pytest.mark.parametrize(
    "token", ["", "x" * 31, "x" * 31 + "=", "x" * 31 + " ", "x" * 40 + "\n", "ü" * 40, "=" * 40]
)
def test_a_token_that_could_be_guessed_or_not_be_presented_is_none(token: str) -> None:
    with pytest.raises(ValidationError, match="at least 32 letters"):
        sample(token=token)
    assert sample(token="x" * 32 + "==").token is not None


def test_what_follows_from_the_settings() -> None:
    settings = sample(
        port=3500,
        scopes_supported="a, b  c",
        default_scopes="a",
        scope_hierarchy="b>a",
        native_redirect_schemes="cursor,zed",
    )
    assert settings.listening_ports() == (3500, 3600)
    assert sample(management_port=9).listening_ports() == (3000, 9)
    assert settings.keyspace.key("client", "x") == "mcp:production:client:x"
    policy = settings.scope_policy()
    assert (policy.supported, policy.default) == (("a", "b", "c"), ("a",))
    assert policy.implies == {"b": frozenset({"a"})}
    assert settings.metadata_policy().native_schemes == {"cursor", "zed"}
