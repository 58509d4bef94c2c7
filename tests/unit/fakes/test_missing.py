"""A person's machine may lack a browser or Java; that of a CI run must have all."""

import pytest
from _pytest.outcomes import Failed, Skipped
from fakes.keycloak_process import running_keycloak
from fakes.missing import missing


@pytest.mark.parametrize(
    ("variable", "outcome"), [(None, Skipped), ("", Skipped), ("1", Failed), ("true", Failed)]
)
def test_what_is_missing_fails_the_tests_of_a_ci_run(
    monkeypatch: pytest.MonkeyPatch, variable: str | None, outcome: type[BaseException]
) -> None:
    monkeypatch.delenv("CI", raising=False)
    if variable is not None:
        monkeypatch.setenv("CI", variable)
    with pytest.raises(outcome, match="no browser"):
        missing("no browser")


def test_a_ci_run_without_java_or_keycloak_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for name in ("JAVA_HOME", "KEYCLOAK_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CI", "1")
    folder = tmp_path_factory.mktemp("programs")
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("HOME", str(folder))
    with pytest.raises(Failed, match="Java"), running_keycloak():
        pass
    (folder / "java").touch(0o755)
    with pytest.raises(Failed, match=r"no Keycloak 26\.7"), running_keycloak():
        pass
