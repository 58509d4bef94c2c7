"""Every ClientDirectory keeps the same promises: the fake, Cognito's emulator, a real Keycloak."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import boto3
import pytest
from fakes.keycloak_process import Keycloak
from fakes.memory_directory import MemoryDirectory

from oauth_kit.providers.catalog import ProviderFile
from registrar.directories.catalog import directory_catalog
from registrar.directories.port import (
    AppClientNotFoundError,
    AppClientRequest,
    ClientDirectory,
    DirectoryError,
)


def asked(name: str, **changes: Any) -> AppClientRequest:
    return AppClientRequest(
        **{
            "name": name,
            "callback_url": "http://localhost:3004/callback",
            "scopes": ("openid", "profile", "email"),
            **changes,
        }
    )


def keycloak_directory(keycloak: Keycloak, http: aiohttp.ClientSession) -> ClientDirectory:
    catalog = directory_catalog("", session=http, service_account=keycloak.service_account())
    found = catalog(keycloak.provider())
    assert found is not None
    return found


@pytest.fixture
def name() -> str:
    return f"mcp A client {secrets.token_hex(4)}-{secrets.token_hex(16)}"


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture(params=["memory", "cognito", "keycloak"])
async def directory(
    request: pytest.FixtureRequest, http: aiohttp.ClientSession
) -> AsyncIterator[ClientDirectory]:
    found: ClientDirectory | None
    if request.param == "memory":
        yield MemoryDirectory()
        return
    if request.param == "cognito":
        provider = ProviderFile(request.getfixturevalue("emulator").provider_file).current()
        found = directory_catalog("")(provider)
    else:
        found = keycloak_directory(request.getfixturevalue("keycloak"), http)
    assert found is not None
    before = {client.client_id for client in await found.list()}
    yield found
    for client in await found.list():
        if client.client_id not in before:
            await found.delete(client.client_id)


@pytest.mark.parametrize("bad_name", ["", "Claude Code (srv)", "a/b", "Cursor\u2122", "x" * 129])
async def test_a_name_outside_the_charset_is_refused(
    directory: ClientDirectory, bad_name: str
) -> None:
    before = await directory.list()
    with pytest.raises(DirectoryError) as caught:
        await directory.create(asked(bad_name))
    assert not caught.value.may_have_happened
    assert await directory.list() == before


async def test_an_unknown_client_cannot_be_updated(directory: ClientDirectory, name: str) -> None:
    with pytest.raises(AppClientNotFoundError):
        await directory.update("26charactersthatarenobodys", asked(name))


async def test_deleting_an_unknown_client_is_no_error_and_deletes_nobody_else(
    directory: ClientDirectory, name: str
) -> None:
    made = await directory.create(asked(name))
    await directory.delete("26charactersthatarenobodys")
    found = await directory.find(name)
    assert found is not None
    assert found.client_id == made.client_id


async def test_a_created_client_is_found_by_its_exact_name(
    directory: ClientDirectory, name: str
) -> None:
    made = await directory.create(asked(name))
    found = await directory.find(name)
    assert found is not None
    assert (found.client_id, found.name) == (made.client_id, name)
    assert len(made.client_secret) >= 24
    assert await directory.find(name[:-1]) is None
    assert await directory.find(f"{name} ") is None


async def test_a_deleted_client_is_gone_and_may_be_deleted_again(
    directory: ClientDirectory, name: str
) -> None:
    made = await directory.create(asked(name))
    await directory.delete(made.client_id)
    await directory.delete(made.client_id)
    assert await directory.find(name) is None


async def test_a_client_exists_until_it_is_deleted(directory: ClientDirectory, name: str) -> None:
    made, other = await directory.create(asked(name)), await directory.create(asked(name))
    assert await directory.exists(made.client_id)
    await directory.delete(made.client_id)
    assert not await directory.exists(made.client_id)
    assert await directory.exists(other.client_id)
    assert not await directory.exists("26charactersthatarenobodys")


async def test_two_creations_of_one_name_make_two(directory: ClientDirectory, name: str) -> None:
    made = {(await directory.create(asked(name))).client_id for _ in range(2)}
    assert len(made) == 2
    assert made <= {client.client_id for client in await directory.list() if client.name == name}


async def test_an_update_renames_and_keeps_the_id(directory: ClientDirectory, name: str) -> None:
    made = await directory.create(asked(name))
    await directory.update(made.client_id, asked(f"{name} renamed"))
    found = await directory.find(f"{name} renamed")
    assert found is not None
    assert found.client_id == made.client_id
    assert await directory.find(name) is None


async def test_more_clients_than_a_page_holds_are_listed(
    directory: ClientDirectory, name: str
) -> None:
    limit = asyncio.Semaphore(4)

    async def create(number: int) -> str:
        async with limit:
            return (await directory.create(asked(f"{name} {number}"))).client_id

    made = await asyncio.gather(*(create(number) for number in range(65)))
    assert set(made) <= {client.client_id for client in await directory.list()}


async def test_an_app_client_in_cognito_is_confidential_and_narrow(
    emulator: Any, name: str
) -> None:
    provider = ProviderFile(emulator.provider_file).current()
    directory = directory_catalog("")(provider)
    assert directory is not None
    made = await directory.create(asked(name))
    api = boto3.client(
        "cognito-idp",
        region_name=provider.region,
        endpoint_url=provider.endpoint_url,
        aws_access_key_id="emulator",
        aws_secret_access_key="emulator",
    )
    for _ in range(2):
        described = (
            await asyncio.to_thread(
                api.describe_user_pool_client,
                UserPoolId=provider.pool_id or "",
                ClientId=made.client_id,
            )
        )["UserPoolClient"]
        assert described["ClientSecret"] == made.client_secret
        assert described["CallbackURLs"] == ["http://localhost:3004/callback"]
        assert described["AllowedOAuthFlows"] == ["code"]
        assert set(described["AllowedOAuthScopes"]) == {"openid", "profile", "email"}
        assert described["ExplicitAuthFlows"] == ["ALLOW_REFRESH_TOKEN_AUTH"]
        assert described["SupportedIdentityProviders"] == ["COGNITO"]
        assert described["PreventUserExistenceErrors"] == "ENABLED"
        assert described["EnableTokenRevocation"] is True
        assert described["RefreshTokenValidity"] == 100
        # once more after an update, which would reset what it is not told
        await directory.update(made.client_id, asked(name))
    await directory.delete(made.client_id)


async def test_a_client_in_keycloak_is_confidential_and_narrow(
    keycloak: Keycloak, http: aiohttp.ClientSession, name: str
) -> None:
    directory = keycloak_directory(keycloak, http)
    made = await directory.create(asked(name, scopes=("openid", "email")))
    found = await keycloak.client(made.client_id)
    assert (found["secret"], found["name"]) == (made.client_secret, name)
    assert found["publicClient"] is found["fullScopeAllowed"] is found["consentRequired"] is False
    assert found["redirectUris"] == ["http://localhost:3004/callback"]
    assert found["standardFlowEnabled"] is True
    for flow in ("implicitFlowEnabled", "directAccessGrantsEnabled", "serviceAccountsEnabled"):
        assert found[flow] is False
    assert found["attributes"]["pkce.code.challenge.method"] == "S256"
    assert (set(found["defaultClientScopes"]), found["optionalClientScopes"]) == (
        {"basic", "email"},
        [],
    )
    await directory.delete(made.client_id)


async def test_a_client_that_was_disabled_in_keycloak_exists(
    keycloak: Keycloak, http: aiohttp.ClientSession, name: str
) -> None:
    """Or it would be replaced by the shared one, and the administrator would have done nothing."""
    directory = keycloak_directory(keycloak, http)
    made = await directory.create(asked(name))
    await keycloak.change_client(await keycloak.client(made.client_id) | {"enabled": False})
    assert await directory.exists(made.client_id)
    await directory.delete(made.client_id)


async def test_an_update_in_keycloak_changes_what_we_manage_and_nothing_else(
    keycloak: Keycloak, http: aiohttp.ClientSession, name: str
) -> None:
    directory = keycloak_directory(keycloak, http)
    made = await directory.create(asked(name))
    before = await keycloak.client(made.client_id)
    await keycloak.change_client(
        before | {"enabled": False, "attributes": {"tos_uri": "https://a.example", "x": "y"}}
    )
    await directory.update(
        made.client_id,
        asked(f"{name} 2", callback_url="http://localhost:13004/callback", scopes=("openid",)),
    )
    after = await keycloak.client(made.client_id)
    assert (after["name"], after["redirectUris"]) == (
        f"{name} 2",
        ["http://localhost:13004/callback"],
    )
    assert after["defaultClientScopes"] == ["basic"]
    assert (after["secret"], after["enabled"]) == (made.client_secret, False)
    assert after["attributes"].items() >= {"tos_uri": "https://a.example", "x": "y"}.items()
    await directory.update(made.client_id, asked(name))
    again = await keycloak.client(made.client_id)
    assert set(again["defaultClientScopes"]) == {"basic", "profile", "email"}
    await directory.delete(made.client_id)


@pytest.mark.parametrize("path", ["/users", "/users/count", "/roles", "/events", "/keys"])
async def test_the_service_account_administers_clients_only(
    keycloak: Keycloak, http: aiohttp.ClientSession, path: str
) -> None:
    token_url = f"{keycloak.issuer()}/protocol/openid-connect/token"
    account = keycloak.service_account()
    form = {
        "grant_type": "client_credentials",
        "client_id": account.client_id,
        "client_secret": account.client_secret,
    }
    async with http.post(token_url, data=form) as answer:
        headers = {"Authorization": f"Bearer {(await answer.json())['access_token']}"}
    async with http.get(f"{keycloak.url}/admin/realms/mcp{path}", headers=headers) as refused:
        assert refused.status == 403
