"""A client that registers itself, once at each authorization server."""

import asyncio
import json

import pytest
from fakes.client_world import PUBLIC_URL, World

from demo_clients.identity.dynamic import registration_document
from demo_clients.identity.port import Profile
from oauth_kit.rules.client_metadata import MetadataPolicy, read_registration


def registrations(world: World) -> list[dict[str, object]]:
    return [json.loads(seen.body) for seen in world.issuer.seen if seen.path == "/register"]


@pytest.mark.requirement("CL7")
async def test_a_registration_says_what_we_are(world: World) -> None:
    await world.browser.do("log-in")
    (sent,) = registrations(world)
    assert sent == {
        "client_name": "Demo client, dynamically registered",
        "client_uri": PUBLIC_URL,
        "redirect_uris": [f"{PUBLIC_URL}/callback"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "application_type": "native",
    }


@pytest.mark.requirement("CL7")
@pytest.mark.parametrize(
    ("public_url", "application_type"),
    [("https://client.example", "web"), ("http://localhost:3002", "native")],
)
def test_a_client_says_whether_it_is_on_the_web(public_url: str, application_type: str) -> None:
    document = registration_document(
        Profile("Demo", public_url, f"{public_url}/callback"), auth_method="none"
    )
    assert document["application_type"] == application_type
    metadata = read_registration(document, MetadataPolicy(native_schemes=frozenset()))
    assert metadata.allows_refresh
    assert metadata.application_type == application_type


@pytest.mark.requirement("CL7")
async def test_a_refused_registration_is_explained_without_markup(world: World) -> None:
    world.issuer.registration_error = {
        "error": "invalid_redirect_uri",
        "error_description": "No <b>loopback\u202e</b>" + "!" * 300,
    }
    page = await world.browser.do("log-in")
    assert "invalid_redirect_uri: No <b>loopback</b>!" in page.says("status")
    assert "<b>loopback" not in page.text
    assert "\u202e" not in page.text
    assert "!" * 201 not in page.text


@pytest.mark.parametrize(
    ("methods", "asked"),
    [
        (["client_secret_post", "client_secret_basic"], "client_secret_basic"),
        (["client_secret_post"], "client_secret_post"),
        (["private_key_jwt", "none"], "none"),
        (None, "client_secret_basic"),
    ],
)
async def test_the_method_is_one_that_the_server_has(
    world: World, methods: list[str] | None, asked: str
) -> None:
    world.issuer.metadata["token_endpoint_auth_methods_supported"] = methods
    page = await world.browser.do("log-in")
    assert page.is_logged_in
    (sent,) = registrations(world)
    assert sent["token_endpoint_auth_method"] == asked
    assert (await world.browser.do("refresh")).succeeded
    dump = await world.dump()
    secrets = [client.get("client_secret") for client in world.issuer.clients.values()]
    assert not [secret for secret in secrets if secret and str(secret) in dump]


async def test_a_server_with_no_method_of_ours_is_refused(world: World) -> None:
    world.issuer.metadata["token_endpoint_auth_methods_supported"] = ["private_key_jwt"]
    page = await world.browser.do("log-in")
    assert "no way of authentication" in page.says("status")
    assert registrations(world) == []


async def test_two_logins_at_once_register_once(world: World) -> None:
    token = await world.browser.form_token()
    form = {"form_token": token}
    posts = [
        world.browser.client.post("/login", data=form, allow_redirects=False) for _ in range(4)
    ]
    answers = await asyncio.gather(*posts)
    assert {answer.status for answer in answers} == {303}
    assert len(registrations(world)) == 1


async def test_a_registration_is_used_again(world: World) -> None:
    for _ in range(3):
        await world.browser.do("log-in")
        await world.browser.do("log-out")
    assert len(registrations(world)) == 1


@pytest.mark.requirement("CL8")
async def test_a_client_that_was_forgotten_registers_anew_and_goes_on(world: World) -> None:
    callback = await world.browser.authorize(await world.browser.press("fetch"))
    world.issuer.clients = {"someone-else": {}}
    location = await world.browser.return_with(callback)
    assert location.startswith(f"{world.issuer.origin}/authorize?")
    assert await world.browser.return_with(await world.browser.authorize(location)) == "/"
    page = await world.browser.home()
    assert page.says("status") == "The resource server sent its data."
    assert len(registrations(world)) == 2


@pytest.mark.requirement("CL8")
async def test_a_server_that_forgets_at_once_is_not_asked_for_ever(world: World) -> None:
    callback = await world.browser.authorize(await world.browser.press("log-in"))
    world.issuer.clients = {"someone-else": {}}
    callback = await world.browser.authorize(await world.browser.return_with(callback))
    world.issuer.clients = {"someone-else": {}}
    assert await world.browser.return_with(callback) == "/"
    page = await world.browser.home()
    assert page.says("status") == "The authorization server does not know this client."
    assert len(registrations(world)) == 2


@pytest.mark.requirement("CL8")
async def test_a_client_that_is_forgotten_between_refreshes_logs_in_anew(world: World) -> None:
    await world.browser.do("log-in")
    world.issuer.clients = {"someone-else": {}}
    world.time.now += 300
    page = await world.browser.do("fetch")
    assert page.succeeded
    assert len(registrations(world)) == 2


async def test_register_again_forgets_what_the_server_has_lost(world: World) -> None:
    """At /authorize an unknown client sees the server's own page, and never comes back."""
    nothing = await world.browser.do("forget")
    assert "No registration is in use" in nothing.says("status")
    await world.browser.press("log-in")
    assert (await world.browser.do("forget")).succeeded
    await world.browser.do("log-in")
    assert len(registrations(world)) == 2


@pytest.mark.parametrize(
    "changed",
    [
        {"client_id": ""},
        {"client_id": 7},
        {"token_endpoint_auth_method": "private_key_jwt"},
        {"token_endpoint_auth_method": "client_secret_basic"},
        {"token_endpoint_auth_method": "client_secret_basic", "client_secret": ""},
        {"token_endpoint_auth_method": "client_secret_post", "client_secret": 7},
    ],
)
async def test_a_malformed_registration_is_not_kept(
    world: World, changed: dict[str, object]
) -> None:
    world.issuer.registration = changed
    page = await world.browser.do("log-in")
    assert page.says("status") == "The authorization server's registration answer is malformed."
    assert "client-registration" not in await world.dump()
