"""What this deployment makes of a registration, apart from HTTP."""

import pytest

from oauth_kit.rules.client_metadata import MetadataPolicy
from oauth_kit.rules.errors import OAuthError
from oauth_kit.rules.scopes import ScopePolicy
from registrar.registration_policy import RegistrationPolicy

POLICY = RegistrationPolicy(
    MetadataPolicy(native_schemes=frozenset({"cursor"})),
    ScopePolicy(
        supported=("mcp-api/read", "mcp-api/write"),
        default=("mcp-api/read",),
        implies=ScopePolicy.parse_hierarchy("mcp-api/write>mcp-api/read"),
    ),
    web_clients_on_loopback=False,
)
GOOD = {"redirect_uris": ["https://client.example/cb"]}


@pytest.mark.requirement("REG16")
@pytest.mark.parametrize("asked", ["mcp:admin", "openid", "offline_access mcp:admin"])
def test_a_wish_that_leaves_nothing_is_refused(asked: str) -> None:
    with pytest.raises(OAuthError) as caught:
        POLICY.accept({**GOOD, "scope": asked})
    assert (caught.value.code, caught.value.status) == ("invalid_client_metadata", 400)


@pytest.mark.requirement("REG16")
@pytest.mark.parametrize("asked", [None, "", "offline_access"])
def test_a_client_that_names_no_scope_of_ours_is_not_restricted(asked: str | None) -> None:
    assert POLICY.accept({**GOOD, "scope": asked}).scope is None


@pytest.mark.requirement("REG16")
def test_the_order_that_was_asked_for_stays() -> None:
    accepted = POLICY.accept({**GOOD, "scope": "mcp-api/write x mcp-api/read"})
    assert accepted.scope == ("mcp-api/write", "mcp-api/read")


@pytest.mark.requirement("REG8")
@pytest.mark.parametrize(
    "uri", ["http://localhost/cb", "http://[::1]/cb", "com.example.app:/cb", "cursor://x/cb"]
)
def test_a_web_client_beside_an_https_redirect_has_no_local_one(uri: str) -> None:
    body = {"redirect_uris": ["https://client.example/cb", uri]}
    with pytest.raises(OAuthError) as caught:
        POLICY.accept({**body, "application_type": "web"})
    assert caught.value.code == "invalid_redirect_uri"
    for application_type in (None, "native"):
        accepted = POLICY.accept({**body, "application_type": application_type})
        assert accepted.redirect_uris == ("https://client.example/cb", uri)
