"""Scope selection: the challenge, else the resource's list, with everything asked before."""

import pytest

from demo_clients.problems import Problem
from demo_clients.scopes_to_ask import scopes_to_ask
from demo_clients.server_metadata import (
    AuthorizationServer,
    ProtectedResource,
    read_authorization_server,
)
from oauth_kit.rules.bearer import Challenge


def server(*scopes: str) -> AuthorizationServer:
    issuer = "https://as.example"
    document: dict[str, object] = {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": list(scopes),
    }
    return read_authorization_server(document, issuer=issuer, loopback_allowed=False)


def ask(
    challenge: str | None,
    listed: tuple[str, ...] = (),
    *,
    already: tuple[str, ...] = (),
    offered: tuple[str, ...] = (),
) -> tuple[str, ...]:
    return scopes_to_ask(
        Challenge("bearer", {} if challenge is None else {"scope": challenge}),
        ProtectedResource("https://mcp.example/mcp", ("https://as.example",), listed),
        server(*offered),
        already=already,
    )


@pytest.mark.requirement("CL10")
def test_the_challenge_comes_before_the_resources_list() -> None:
    assert ask("read", ("read", "write", "admin")) == ("read",)


@pytest.mark.requirement("CL10")
def test_without_a_challenge_the_resources_list_is_asked_for() -> None:
    assert ask(None, ("read", "write")) == ("read", "write")
    assert ask("", ("read", "write")) == ("read", "write")


@pytest.mark.requirement("CL10")
def test_without_either_no_scope_is_named() -> None:
    assert ask(None) == ()
    assert ask(None, offered=("offline_access",)) == ()


@pytest.mark.requirement("CL10")
def test_offline_access_is_asked_for_only_where_it_is_offered() -> None:
    assert ask("read", offered=("read", "offline_access")) == ("read", "offline_access")
    assert ask("read", offered=("read",)) == ("read",)


@pytest.mark.requirement("CL11")
def test_a_step_up_asks_for_the_union() -> None:
    assert ask("write", already=("read", "mail")) == ("read", "mail", "write")
    assert ask("write read", already=("read",)) == ("read", "write")


@pytest.mark.parametrize("scope", ['a"b', "a  b", " a", "a\\b", "ä", "a\tb"])
def test_a_malformed_scope_is_refused(scope: str) -> None:
    with pytest.raises(Problem, match="malformed"):
        ask(scope)
    with pytest.raises(Problem, match="malformed"):
        ask(None, (scope,))


@pytest.mark.requirement("CL11")
def test_a_challenge_for_everything_there_is_is_refused() -> None:
    scopes = [f"scope-{number}" for number in range(31)]
    assert len(ask(" ".join(scopes[:30]))) == 30
    with pytest.raises(Problem, match="31 scopes"):
        ask(" ".join(scopes))
    with pytest.raises(Problem, match="31 scopes"):
        ask(scopes[30], already=tuple(scopes[:30]))
