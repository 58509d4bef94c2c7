"""Every identity provider keeps the port's promises: the fake, Cognito's emulator, a real Keycloak,
and the same Keycloak as any OpenID provider that is known by issuer, client id and secret alone.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode, urlsplit

import aiohttp
import pytest
from fakes.keycloak_process import ROTATING_REALM, Keycloak
from fakes.upstream_world import (
    CALLBACK_URL,
    LOGOUT_URL,
    SCOPES,
    Asked,
    UpstreamWorld,
    cognito_world,
    fake_world,
    keycloak_world,
    unverified_claims,
)

from oauth_kit.outbound.http import open_session
from oauth_kit.providers.oidc import OidcProvider
from oauth_kit.providers.port import (
    UpstreamCredentials,
    UpstreamRefusedError,
    UpstreamTokens,
    UpstreamUnavailableError,
)


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session(timeout_seconds=30) as session:
        yield session


@pytest.fixture(
    params=["fake", "cognito", "keycloak", pytest.param("oidc", marks=pytest.mark.keycloak)]
)
async def world(
    request: pytest.FixtureRequest, http: aiohttp.ClientSession
) -> AsyncIterator[UpstreamWorld]:
    match request.param:
        case "fake":
            opened = fake_world(http)
        case "cognito":
            opened = cognito_world(request.getfixturevalue("emulator"), http)
        case name:
            opened = keycloak_world(request.getfixturevalue("keycloak"), http, name)
    async with opened as world:
        yield world


@pytest.fixture
async def realm(keycloak: Keycloak, http: aiohttp.ClientSession) -> AsyncIterator[UpstreamWorld]:
    async with keycloak_world(keycloak, http) as world:
        yield world


@pytest.mark.requirement("CB6")
async def test_the_response_must_come_from_the_provider(world: UpstreamWorld) -> None:
    issuer = world.provider.config.issuer
    assert await world.provider.accepts_issuer(issuer)
    for foreign in ("", f"{issuer}/", issuer.upper(), "https://evil.example"):
        assert not await world.provider.accepts_issuer(foreign)
    assert await world.provider.accepts_issuer(None) is not world.sends_iss
    answer = await world.new_browser()(await world.authorization_url(Asked()))
    assert answer.get("iss") == (issuer if world.sends_iss else None)


@pytest.mark.requirement("CB7")
async def test_a_code_is_bound_to_the_verifier_the_redirect_and_the_client(
    world: UpstreamWorld,
) -> None:
    browser, asked = world.new_browser(), Asked()
    with pytest.raises(UpstreamRefusedError):
        await world.exchange(
            await world.code(asked, browser), asked, code_verifier=Asked().code_verifier
        )
    with pytest.raises(UpstreamRefusedError):
        await world.exchange(
            await world.code(asked, browser), asked, redirect_uri=f"{CALLBACK_URL}2"
        )
    with pytest.raises(UpstreamRefusedError):
        await world.exchange(await world.code(asked, browser), asked, world.other)
    wrong = replace(world.ours, client_secret="wrong-secret")
    with pytest.raises(UpstreamRefusedError):
        await world.exchange(await world.code(asked, browser), asked, wrong)


async def test_a_code_is_spent_once(world: UpstreamWorld) -> None:
    asked = Asked()
    code = await world.code(asked)
    await world.exchange(code, asked)
    with pytest.raises(UpstreamRefusedError):
        await world.exchange(code, asked)


@pytest.mark.requirement("CB8")
async def test_an_id_token_for_another_request_is_refused(world: UpstreamWorld) -> None:
    asked = Asked()
    with pytest.raises(UpstreamRefusedError, match="nonce"):
        await world.exchange(await world.code(asked), asked, nonce=Asked().nonce)


async def test_a_refresh_token_is_bound_to_its_client(world: UpstreamWorld) -> None:
    login = await world.log_in()
    with pytest.raises(UpstreamRefusedError):
        await world.provider.refresh(login.tokens, world.other)
    with pytest.raises(UpstreamRefusedError):
        await world.provider.refresh(
            login.tokens, replace(world.ours, client_secret="wrong-secret")
        )
    await world.provider.refresh(login.tokens, world.ours)


@pytest.mark.parametrize("token", [None, "", "no-such-token", "a.b.c", "\u2122\x00", "x" * 8000])
async def test_what_is_no_refresh_token_is_refused(world: UpstreamWorld, token: str | None) -> None:
    with pytest.raises(UpstreamRefusedError):
        await world.provider.refresh(UpstreamTokens(token), world.ours)


@pytest.mark.requirement("AU21")
async def test_only_s256_is_asked_for_and_nothing_of_the_clients_is_sent(
    world: UpstreamWorld,
) -> None:
    asked = Asked()
    query = parse_qsl(urlsplit(await world.authorization_url(asked)).query)
    assert dict(query) == {
        "response_type": "code",
        "client_id": world.ours.client_id,
        "redirect_uri": CALLBACK_URL,
        "scope": SCOPES,
        "state": asked.state,
        "nonce": asked.nonce,
        "code_challenge": asked.code_challenge,
        "code_challenge_method": "S256",
    }
    assert len(query) == len(dict(query))


async def test_a_log_in_says_who_it_was_and_can_be_asked_again(world: UpstreamWorld) -> None:
    first, second = await world.log_in(), await world.log_in()
    assert first.identity.subject == second.identity.subject
    assert "@" in (first.identity.email or "")
    fresh = first.tokens
    for _ in range(3):
        fresh = await world.provider.refresh(fresh, world.ours)
        assert fresh.refresh_token


async def test_both_clients_of_ours_log_the_same_user_in(world: UpstreamWorld) -> None:
    browser = world.new_browser()
    ours, other = await world.log_in(browser), await world.log_in(browser, world.other)
    assert ours.identity.subject == other.identity.subject
    await world.provider.revoke(ours.tokens, world.ours)
    await world.provider.refresh(other.tokens, world.other)


@pytest.mark.requirement("TK24")
async def test_a_disabled_user_is_refused_at_refresh(world: UpstreamWorld) -> None:
    login = await world.log_in()
    await world.enable_user(False)
    try:
        with pytest.raises(UpstreamRefusedError):
            await world.provider.refresh(login.tokens, world.ours)
    finally:
        await world.enable_user(True)


@pytest.mark.requirement("TK24")
async def test_a_provider_that_does_not_answer_says_nothing_about_the_grant(
    world: UpstreamWorld, http: aiohttp.ClientSession
) -> None:
    login = await world.log_in()
    nowhere = replace(world.provider.config, token_url="http://127.0.0.1:9/token")
    away = OidcProvider(nowhere, http, scopes=SCOPES)
    with pytest.raises(UpstreamUnavailableError):
        await away.refresh(login.tokens, world.ours)
    await world.provider.refresh(login.tokens, world.ours)


@pytest.mark.requirement("RV6")
async def test_a_revoked_refresh_token_is_dead_and_may_be_revoked_again(
    world: UpstreamWorld,
) -> None:
    login = await world.log_in()
    await world.provider.revoke(login.tokens, world.ours)
    with pytest.raises(UpstreamRefusedError):
        await world.provider.refresh(login.tokens, world.ours)
    await world.provider.revoke(login.tokens, world.ours)


@pytest.mark.requirement("RV6")
async def test_two_grants_of_one_browser_end_together_where_the_dialect_says_so(
    world: UpstreamWorld,
) -> None:
    browser = world.new_browser()
    first, second = await world.log_in(browser), await world.log_in(browser)
    await world.provider.revoke(first.tokens, world.ours)
    if world.provider.dialect.revoking_ends_session:
        assert first.session_id == second.session_id is not None
        with pytest.raises(UpstreamRefusedError):
            await world.provider.refresh(second.tokens, world.ours)
    else:
        await world.provider.refresh(second.tokens, world.ours)


@pytest.mark.requirement("RV6")
async def test_grants_of_two_browsers_end_apart(world: UpstreamWorld) -> None:
    first, second = await world.log_in(), await world.log_in()
    if world.provider.dialect.revoking_ends_session:
        assert first.session_id != second.session_id
    await world.provider.revoke(first.tokens, world.ours)
    await world.provider.refresh(second.tokens, world.ours)


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/logout", f"{LOGOUT_URL}2", CALLBACK_URL, ""]
)
async def test_a_log_out_leads_to_no_other_page_than_ours(
    world: UpstreamWorld, elsewhere: str
) -> None:
    browser = world.new_browser()
    await world.log_in(browser)
    assert await world.log_out(browser, elsewhere) is None


async def test_after_a_log_out_the_password_is_asked_for_again(world: UpstreamWorld) -> None:
    browser = world.new_browser()
    for _ in range(2):
        await world.log_in(browser)
    assert browser.passwords_typed == 1
    returned = "?state=st" if world.provider.dialect.logout.returns_state else ""
    assert await world.log_out(browser) == f"{LOGOUT_URL}{returned}"
    await world.log_in(browser)
    assert browser.passwords_typed == 2
    # a browser that is logged out already comes back all the same
    stranger = world.new_browser()
    assert await world.log_out(stranger) == f"{LOGOUT_URL}{returned}"


async def test_what_a_log_out_does_to_grants_is_what_the_dialect_says(
    world: UpstreamWorld,
) -> None:
    browser = world.new_browser()
    here, too, elsewhere = (
        await world.log_in(browser),
        await world.log_in(browser, world.other),
        await world.log_in(),
    )
    await world.log_out(browser)
    ends = world.provider.dialect.logout.ends_grants
    for login, who in ((here, world.ours), (too, world.other)):
        if ends:
            with pytest.raises(UpstreamRefusedError):
                await world.provider.refresh(login.tokens, who)
        elif ends is False:
            await world.provider.refresh(login.tokens, who)
    await world.provider.refresh(elsewhere.tokens, world.ours)


async def test_keycloak_advertises_plain_and_refuses_it_to_our_clients(
    realm: UpstreamWorld, http: aiohttp.ClientSession
) -> None:
    issuer = realm.provider.config.issuer
    async with http.get(f"{issuer}/.well-known/openid-configuration") as answer:
        metadata = await answer.json()
    assert "plain" in metadata["code_challenge_methods_supported"]
    for credentials in (realm.ours, realm.other):
        url = await realm.authorization_url(Asked(), credentials.client_id)
        for change in ({"code_challenge_method": "plain"}, {"code_challenge": ""}):
            query = dict(parse_qsl(urlsplit(url).query)) | change
            refused = f"{url.partition('?')[0]}?{urlencode(query)}"
            assert (await realm.new_browser()(refused))["error"] == "invalid_request"


async def test_keycloaks_access_token_is_for_nobody_in_particular(
    realm: UpstreamWorld, http: aiohttp.ClientSession
) -> None:
    asked, url = Asked(), f"{realm.provider.config.issuer}/protocol/openid-connect/token"
    form = {
        "grant_type": "authorization_code",
        "code": await realm.code(asked),
        "redirect_uri": CALLBACK_URL,
        "code_verifier": asked.code_verifier,
        "client_id": realm.ours.client_id,
        "client_secret": realm.ours.client_secret,
    }
    async with http.post(url, data=form) as answer:
        claims = unverified_claims((await answer.json())["access_token"])
    assert claims["azp"] == realm.ours.client_id
    assert "aud" not in claims


async def test_our_realm_does_not_rotate_so_concurrent_refreshes_all_succeed(
    realm: UpstreamWorld,
) -> None:
    login = await realm.log_in()
    fresh = await asyncio.gather(
        *(realm.provider.refresh(login.tokens, realm.ours) for _ in range(4))
    )
    for tokens in (login.tokens, *fresh):
        assert (await realm.provider.refresh(tokens, realm.ours)).refresh_token


@pytest.mark.requirement("TK24")
async def test_where_a_realm_rotates_one_refresh_at_a_time_is_all_that_works(
    keycloak: Keycloak, http: aiohttp.ClientSession
) -> None:
    config = keycloak.provider(realm=ROTATING_REALM)
    ours = UpstreamCredentials(config.client_id, config.client_secret)
    provider = OidcProvider(config, http, scopes=SCOPES)
    # rest of world: the same realm file under another name
    async with keycloak_world(keycloak, http) as same_file:
        rotating = replace(same_file, provider=provider, ours=ours)
        first = await rotating.log_in()
        fresh = await provider.refresh(first.tokens, ours)
        assert fresh.refresh_token != first.tokens.refresh_token
        fresh = await provider.refresh(fresh, ours)
        answers = await asyncio.gather(
            *(provider.refresh(fresh, ours) for _ in range(4)), return_exceptions=True
        )
        succeeded = [answer for answer in answers if isinstance(answer, UpstreamTokens)]
        assert len(succeeded) <= 1
        for tokens in succeeded:
            with pytest.raises(UpstreamRefusedError):
                await provider.refresh(tokens, ours)
