"""A client whose id is the URL of a document about it."""

import pytest
from fakes.client_world import PUBLIC_URL, MakeWorld

from demo_clients.identity.metadata_document import MetadataDocument
from demo_clients.identity.port import Profile
from oauth_kit.rules.client_document import (
    MAX_DOCUMENT_BYTES,
    check_document_url,
    read_client_document,
)
from oauth_kit.rules.client_metadata import MetadataPolicy

POLICY = MetadataPolicy(native_schemes=frozenset())


@pytest.mark.requirement("CL19")
async def test_our_document_passes_the_rules_of_the_bridge(make_world: MakeWorld) -> None:
    world = await make_world("metadata_document")
    page = await world.browser.get("/client-metadata.json")
    assert page.status == 200
    assert page.headers["Cache-Control"] == "public, max-age=300"
    client_id = f"{PUBLIC_URL}/client-metadata.json"
    check_document_url(client_id, allow_loopback_http=True)
    body = page.text.encode()
    assert len(body) <= MAX_DOCUMENT_BYTES
    metadata = read_client_document(client_id, page.headers["Content-Type"], body, POLICY)
    assert metadata.redirect_uris == (f"{PUBLIC_URL}/callback",)
    assert metadata.token_endpoint_auth_method == "none"
    assert metadata.allows_refresh
    assert metadata.client_name


@pytest.mark.requirement("CL19")
def test_a_deployed_document_is_an_https_url_with_a_path() -> None:
    identity = MetadataDocument(
        Profile("Demo", "https://client.example", "https://client.example/callback")
    )
    assert (
        check_document_url(identity.client_id).url == "https://client.example/client-metadata.json"
    )
    assert identity.document()["client_id"] == identity.client_id


@pytest.mark.parametrize("kind", ["preregistered", "dynamic"])
async def test_only_the_document_client_serves_one(make_world: MakeWorld, kind: str) -> None:
    world = await make_world(kind)
    assert (await world.browser.get("/client-metadata.json")).status == 404


@pytest.mark.requirement("CL6")
async def test_a_document_comes_before_registration(make_world: MakeWorld) -> None:
    world = await make_world("metadata_document")
    page = await world.browser.do("log-in")
    assert page.says("client-id") == f"{PUBLIC_URL}/client-metadata.json"
    assert "/register" not in world.issuer.paths()


@pytest.mark.requirement("CL6")
async def test_without_documents_it_registers(make_world: MakeWorld) -> None:
    world = await make_world("metadata_document")
    world.issuer.metadata["client_id_metadata_document_supported"] = None
    page = await world.browser.do("log-in")
    assert page.is_logged_in
    assert page.says("client-id").startswith("registered-")
    assert "dynamic registration" in page.text


@pytest.mark.requirement("CL6")
async def test_with_neither_the_visitor_is_told(make_world: MakeWorld) -> None:
    world = await make_world("metadata_document")
    world.issuer.metadata["client_id_metadata_document_supported"] = None
    world.issuer.metadata["registration_endpoint"] = None
    page = await world.browser.do("log-in")
    assert "neither reads client metadata documents nor registers" in page.says("status")
