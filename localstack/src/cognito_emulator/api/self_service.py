"""Operations that a person calls through an app client, without credentials of AWS.

Each names the app client, and proves its secret by SecretHash where it has one (developer guide,
"Computing secret hash values").
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cognito_emulator.api.rule import ApiCall
from cognito_emulator.rules.app_client import AppClient, User
from cognito_emulator.rules.errors import ApiError
from cognito_emulator.rules.user_pool import UserPool
from cognito_emulator.user_pools import UserPools
from cognito_emulator.verification import Purpose, account_of


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, and the user who is meant: in the pool's spelling, None when there is none."""

    client: AppClient
    pool: UserPool
    username: str
    user: User | None

    def account(self, purpose: Purpose) -> str:
        """What codes and attempts belong to."""
        return account_of(purpose, self.pool.pool_id, self.user.sub if self.user else self.username)

    @property
    def address(self) -> str:
        """Where a code would go; the name itself where nobody has it."""
        return (self.user.attributes.get("email") if self.user else None) or self.username


@dataclass(frozen=True, slots=True)
class SelfService:
    """Finds out who calls."""

    pools: UserPools

    async def caller(self, call: ApiCall) -> Caller:
        """Raises ResourceNotFoundException, NotAuthorized- and InvalidParameterException."""
        client_id, typed = call.body["ClientId"], call.body["Username"]
        client = await self.pools.find_client(client_id)
        if client is None:
            raise ApiError("ResourceNotFoundException", f"Client {client_id} not found.")
        check_secret_hash(client, typed, call.body.get("SecretHash"))
        pool = await self.pools.describe_pool(client.pool_id)
        username = pool.canonical(typed)
        user = await self.pools.find_user(client.pool_id, username)
        return Caller(client, pool, username, user)


def check_secret_hash(client: AppClient, username: str, given: str | None) -> None:
    """Confidential clients prove their secret, public ones must not pretend to have one."""
    if client.secret is None:
        if given is not None:
            raise ApiError(
                "InvalidParameterException",
                f"App client {client.client_id} is not configured for secret but secret hash was "
                "received",
            )
        return
    if given is None:
        raise ApiError(
            "NotAuthorizedException",
            f"Client {client.client_id} is configured with secret but SECRET_HASH was not received",
        )
    expected = secret_hash(client.secret, username, client.client_id)
    if not hmac.compare_digest(expected.encode(), given.encode("utf-8", "surrogatepass")):
        raise ApiError(
            "NotAuthorizedException",
            f"Unable to verify secret hash for client {client.client_id}",
        )


def secret_hash(secret: str, username: str, client_id: str) -> str:
    """HMAC-SHA256 of user name and client id, by the client's secret."""
    message = (username + client_id).encode("utf-8", "surrogatepass")
    digest = hmac.new(secret.encode(), message, hashlib.sha256).digest()
    return base64.b64encode(digest).decode("ascii")


def delivered(destination: str) -> dict[str, Any]:
    """The part of an answer that says where a code went."""
    return {
        "CodeDeliveryDetails": {
            "Destination": destination,
            "DeliveryMedium": "EMAIL",
            "AttributeName": "email",
        }
    }


def attributes_of(body: Mapping[str, Any]) -> dict[str, str]:
    """`UserAttributes` as name → value; of a name given twice the last one counts."""
    return {given["Name"]: given.get("Value", "") for given in body.get("UserAttributes") or ()}


def unknown_user() -> ApiError:
    """For app clients that do not hide whether a user exists."""
    return ApiError("UserNotFoundException", "Username/client id combination not found.")
