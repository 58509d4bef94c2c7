"""A document is believed only when it speaks for the one we asked about."""

from typing import Any

import pytest

from demo_clients.problems import Problem
from demo_clients.server_metadata import (
    check_issuer,
    read_authorization_server,
    read_protected_resource,
)

RESOURCE = "https://mcp.example/mcp"
ISSUER = "https://as.example"
PRM: dict[str, object] = {"resource": RESOURCE, "authorization_servers": [ISSUER]}
AS: dict[str, object] = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
    "code_challenge_methods_supported": ["S256"],
}


def read_prm(document: dict[str, object]) -> Any:
    return read_protected_resource(document, resource=RESOURCE, loopback_allowed=False)


def read_as(document: dict[str, object]) -> Any:
    return read_authorization_server(document, issuer=ISSUER, loopback_allowed=False)


@pytest.mark.requirement("CL2")
@pytest.mark.parametrize(
    "resource",
    [
        "https://evil.example/mcp",
        "https://mcp.example/mcp/",
        "https://mcp.example/MCP",
        "https://mcp.example",
        "HTTPS://mcp.example/mcp",
        "https://mcp.example:443/mcp",
        "",
        None,
        [RESOURCE],
    ],
)
def test_metadata_of_another_resource_is_refused(resource: object) -> None:
    with pytest.raises(Problem, match="mismatch"):
        read_prm({**PRM, "resource": resource})


@pytest.mark.parametrize(
    "servers",
    [None, [], "https://as.example", [1], ["javascript:x"], [ISSUER, "http://evil.example"],
     [f"{ISSUER}?tenant=1"], [f"{ISSUER}#x"], [ISSUER] * 101],
)  # fmt: skip
def test_authorization_servers_that_cannot_be_used_are_refused(servers: object) -> None:
    with pytest.raises(Problem):
        read_prm({**PRM, "authorization_servers": servers})


def test_a_resource_names_its_servers_and_scopes() -> None:
    document = {**PRM, "authorization_servers": [ISSUER, "https://b.example/t"]}
    read = read_prm({**document, "scopes_supported": ["a", "b"]})
    assert read.authorization_servers == (ISSUER, "https://b.example/t")
    assert read.scopes_supported == ("a", "b")
    assert read_prm(PRM).scopes_supported == ()
    assert len(read_prm({**PRM, "scopes_supported": ["a"] * 100}).scopes_supported) == 100


@pytest.mark.requirement("CL4")
@pytest.mark.parametrize(
    "issuer",
    ["https://evil.example", f"{ISSUER}/", "https://AS.example", f"{ISSUER}:443", "", None],
)
def test_metadata_of_another_issuer_is_refused(issuer: object) -> None:
    with pytest.raises(Problem, match="issuer mismatch"):
        read_as({**AS, "issuer": issuer})


@pytest.mark.requirement("CL5")
@pytest.mark.parametrize("methods", [None, [], ["plain"], ["s256"], "S256", ["S256", 1]])
def test_a_server_without_s256_is_refused(methods: object) -> None:
    document = {**AS, "code_challenge_methods_supported": methods}
    if methods is None:
        del document["code_challenge_methods_supported"]
    with pytest.raises(Problem):
        read_as(document)


@pytest.mark.requirement("CL16")
@pytest.mark.parametrize(
    "member",
    ["authorization_endpoint", "token_endpoint", "registration_endpoint", "revocation_endpoint"],
)
@pytest.mark.parametrize("url", ["javascript:alert(1)", "http://as.example/x", "file:///x", 1, ""])
def test_a_hostile_endpoint_spoils_the_whole_document(member: str, url: object) -> None:
    with pytest.raises(Problem, match=member):
        read_as({**AS, member: url})


@pytest.mark.parametrize("member", ["authorization_endpoint", "token_endpoint"])
def test_an_endpoint_that_is_needed_must_be_there(member: str) -> None:
    document = dict(AS)
    del document[member]
    with pytest.raises(Problem, match=member):
        read_as(document)


def test_what_a_server_does_not_say_it_does_not_do() -> None:
    server = read_as(AS)
    assert not server.promises_iss
    assert not server.supports_documents
    assert server.registration_endpoint is None
    assert server.revocation_endpoint is None
    assert server.auth_methods == ("client_secret_basic",)


@pytest.mark.parametrize("value", ["true", 1, None, ["true"]])
def test_only_true_is_a_promise(value: object) -> None:
    flags = ("authorization_response_iss_parameter_supported",
             "client_id_metadata_document_supported")  # fmt: skip
    server = read_as({**AS, **dict.fromkeys(flags, value)})
    assert not server.promises_iss
    assert not server.supports_documents
    kept = read_as({**AS, **dict.fromkeys(flags, True)})
    assert kept.promises_iss
    assert kept.supports_documents


def test_an_issuer_has_no_query() -> None:
    assert check_issuer(f"{ISSUER}/tenant", loopback_allowed=False) == f"{ISSUER}/tenant"
    with pytest.raises(Problem):
        check_issuer(f"{ISSUER}/tenant?x=1", loopback_allowed=False)
