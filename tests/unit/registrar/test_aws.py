"""Whose credentials go where."""

from collections.abc import Callable
from typing import Any

import pytest

from registrar.aws import EmulatorCredentialsError
from registrar.directories.catalog import connect_cognito
from registrar.registrations.table import RegistrationTable, connect_dynamodb

Connect = Callable[[str | None], Any]


def cognito(endpoint_url: str | None) -> Any:
    return connect_cognito(
        "us-east-1", endpoint_url=endpoint_url, is_emulated=endpoint_url == "http://emulator.test"
    )


def dynamodb(endpoint_url: str | None) -> Any:
    return connect_dynamodb("us-east-1", endpoint_url=endpoint_url)


def access_key(client: Any) -> str:
    return str(client._request_signer._credentials.access_key)


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    def use(access_key_id: str) -> None:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", access_key_id)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")

    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    return use


@pytest.mark.parametrize("connect", [cognito, dynamodb])
def test_an_emulator_never_gets_the_accounts_credentials(
    account: Callable[[str], None], connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    account("AKIAREAL")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    client = connect("http://emulator.test")
    assert access_key(client) == "emulator"
    assert client._request_signer._credentials.token is None
    assert client.meta.config.proxies == {}


@pytest.mark.parametrize("connect", [cognito, dynamodb])
@pytest.mark.parametrize("endpoint_url", [None, "https://vpce-1.example"])
def test_aws_never_gets_an_emulators_credentials(
    account: Callable[[str], None], connect: Connect, endpoint_url: str | None
) -> None:
    account("emulator")
    with pytest.raises(EmulatorCredentialsError):
        connect(endpoint_url)
    account("AKIAREAL")
    assert access_key(connect(endpoint_url)) == "AKIAREAL"


async def test_a_table_that_would_get_them_is_not_ready_and_says_so(
    account: Callable[[str], None],
) -> None:
    account("emulator")
    table = RegistrationTable("registrations", lambda: dynamodb(None))
    assert await table.ready() == "dynamodb: EmulatorCredentialsError"


@pytest.mark.parametrize("service", ["cognito-idp", "dynamodb"])
def test_an_endpoint_of_the_environment_does_not_get_the_accounts_credentials(
    account: Callable[[str], None], service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    account("AKIAREAL")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://emulator.test")
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://emulator.test")
    monkeypatch.setenv("AWS_ENDPOINT_URL_COGNITO_IDP", "http://emulator.test")
    client = cognito(None) if service == "cognito-idp" else dynamodb(None)
    assert client.meta.endpoint_url == f"https://{service}.us-east-1.amazonaws.com"
