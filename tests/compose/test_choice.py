"""One provider, chosen by COMPOSE_PROFILES: everything else stops with a sentence that helps."""

import pytest
from compose.containers import System


def refusal(system: System, service: str, profiles: str) -> str:
    """What a one-shot says, with this choice, beside the system that runs."""
    alone = ("run", "--rm", "--no-deps", "-T", service)
    command = ("check",) if service == "check" else ()
    done = system.compose(*alone, *command, check=False, environment={"COMPOSE_PROFILES": profiles})
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stderr


@pytest.mark.parametrize(
    ("profiles", "complaint"),
    [
        ("", "mcp-authstack: COMPOSE_PROFILES is not set: write one of"),
        ("dynamodb", "mcp-authstack: COMPOSE_PROFILES names dynamodb, which is no profile"),
        ("keycloak,localstack", "names keycloak and localstack: choose one"),
        (
            "cognito",
            "is not set up (docs/operations.md says how). Missing:\n  PROVIDER_ISSUER in .env",
        ),
    ],
)
def test_nothing_starts_without_one_provider(system: System, profiles: str, complaint: str) -> None:
    assert complaint in refusal(system, "init", profiles)


def test_a_profile_of_the_command_line_that_disagrees_is_noticed(system: System) -> None:
    """`--profile X` starts X, whatever COMPOSE_PROFILES told the services."""
    told = "localstack" if system.profile == "keycloak" else "keycloak"
    complaint = refusal(system, "check", told)
    assert f"COMPOSE_PROFILES is {told}, but {system.profile} is running" in complaint
    assert "by COMPOSE_PROFILES alone, not by --profile" in complaint


def test_a_setting_that_cannot_be_ends_the_service_and_is_named(system: System) -> None:
    done = system.compose(
        *("run", "--rm", "--no-deps", "-T", "resource"),
        check=False,
        environment={"RATE_LIMITS": "sometimes", "MAX_CONTEXTS": "0"},
    )
    # gunicorn's "a worker failed to boot"; 1 when the second worker fails while it halts
    assert done.returncode in (1, 3)
    assert "RATE_LIMITS: " in done.stdout + done.stderr
    assert "MAX_CONTEXTS: " in done.stdout + done.stderr
