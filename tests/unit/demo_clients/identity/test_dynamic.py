"""A client that registers itself, once at each authorization server."""

import asyncio
import json
import re

import pytest
from fakes.client_world import PUBLIC_URL, MakeWorld, World

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


async def test_register_again_needs_no_login_and_registers_at_the_next_one(world: World) -> None:
    await world.browser.do("log-in")
    await world.browser.do("log-out")
    page = await world.browser.do("forget")
    assert page.says("status") == "Your next log-in registers this client anew."
    assert len(registrations(world)) == 1
    for _ in range(2):
        page = await world.browser.do("log-in")
        await world.browser.do("log-out")
    assert len(registrations(world)) == 2
    assert page.says("client-id") == list(world.issuer.clients)[-1]


async def test_register_again_helps_when_the_server_has_lost_us(world: World) -> None:
    """At /authorize an unknown client sees the server's own page, and never comes back."""
    await world.browser.press("log-in")
    world.issuer.clients = {"someone-else": {}}
    await world.browser.do("forget")
    assert (await world.browser.do("log-in")).is_logged_in
    assert len(registrations(world)) == 2


async def test_register_again_is_for_whoever_pressed_it(world: World) -> None:
    await world.browser.do("log-in")
    await world.browser.do("log-out")
    await world.browser.do("forget")
    jar = world.browser.client.session.cookie_jar
    ((name, morsel),) = [(one.key, one.value) for one in jar]
    jar.clear()
    await world.browser.do("log-in")
    assert len(registrations(world)) == 1
    jar.update_cookies({name: morsel}, world.browser.client.make_url("/"))
    await world.browser.do("log-in")
    assert len(registrations(world)) == 2


async def test_a_registration_that_fails_is_tried_again_and_the_old_one_is_kept(
    world: World,
) -> None:
    await world.browser.do("log-in")
    await world.browser.do("log-out")
    await world.browser.do("forget")
    world.issuer.registration_error = {"error": "invalid_client_metadata"}
    assert not (await world.browser.do("log-in")).is_logged_in
    world.issuer.registration_error = None
    assert (await world.browser.do("log-in")).is_logged_in
    assert len(registrations(world)) == 3


async def test_a_registration_that_is_used_again_is_noted_and_nothing_is_made_up(
    world: World,
) -> None:
    await world.browser.do("log-in")
    world.time.now += 3600
    world.browser.client.session.cookie_jar.clear()
    page = await world.browser.do("log-in")
    timeline = (await world.browser.get("/timeline")).text
    (note,) = re.findall(
        r'<details [^>]*data-step="registration_kept".*?</details>', timeline, re.S
    )
    assert "Registered earlier" in note
    assert "reused since 2027-01-15 08:00:00 UTC" in note
    assert page.says("client-id") in note
    assert re.findall("<h4>.*?</h4>", note) == ["<h4>Kept from then</h4>"]
    for made_up in ("data-status", "curl", 'class="method"', 'class="status'):
        assert made_up not in note
    steps = re.findall(r'data-step="(\w+)"', timeline)
    place = steps.index("registration_kept")
    assert (steps[place - 1], steps[place + 1]) == ("server_metadata", "authorization_request")
    archive = json.loads((await world.browser.get("/timeline/export")).text)
    assert "registration_kept" not in [one["_step"] for one in archive["log"]["entries"]]
    (told,) = [one for one in archive["log"]["_notes"] if one["_step"] == "registration_kept"]
    assert json.loads(told["text"]) == {"client_id": page.says("client-id")}


@pytest.mark.parametrize(
    ("kind", "offered"), [("dynamic", True), ("preregistered", False), ("metadata_document", False)]
)
async def test_only_a_client_that_registers_offers_to_do_it_again(
    make_world: MakeWorld, kind: str, offered: bool
) -> None:
    world = await make_world(kind)
    assert (await world.browser.home()).has("forget") == offered
    await world.browser.press("log-in")
    assert (await world.browser.home()).has("forget") == offered


async def test_a_document_that_nobody_reads_is_no_way_and_registering_is(
    make_world: MakeWorld,
) -> None:
    world = await make_world("metadata_document")
    world.issuer.metadata["client_id_metadata_document_supported"] = None
    await world.browser.press("log-in")
    assert (await world.browser.home()).has("forget")
    await world.browser.do("forget")
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
