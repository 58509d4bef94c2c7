"""SignUp, ConfirmSignUp and ResendConfirmationCode (API reference).

MiniStack keeps the users. Codes are the front's: MiniStack's is always the same and never expires.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

from cognito_emulator.api.rule import ApiAnswer, ApiCall, Forward
from cognito_emulator.api.self_service import (
    Caller,
    SelfService,
    attributes_of,
    delivered,
    secret_hash,
    unknown_user,
)
from cognito_emulator.api.usernames import respelled
from cognito_emulator.mailbox import Mailbox
from cognito_emulator.password_hash import hash_password
from cognito_emulator.rules.app_client import User
from cognito_emulator.rules.errors import ApiError
from cognito_emulator.rules.sign_up import check_new_user, check_password, name_taken
from cognito_emulator.rules.user_pool import UserPool
from cognito_emulator.state import EmulatorState
from cognito_emulator.user_pools import UserPools

UNCONFIRMED = "UNCONFIRMED"


@dataclass(frozen=True, slots=True)
class SignUpRule:
    """Answers the three; every other call goes on."""

    state: EmulatorState
    pools: UserPools
    self_service: SelfService
    mailbox: Mailbox

    async def apply(self, call: ApiCall, forward: Forward) -> ApiAnswer:
        match call.operation:
            case "SignUp":
                return await self._sign_up(call, forward)
            case "ConfirmSignUp":
                return await self._confirm(call)
            case "ResendConfirmationCode":
                return await self._resend(call)
            case _:
                return await forward(call)

    async def _sign_up(self, call: ApiCall, forward: Forward) -> ApiAnswer:
        caller = await self.self_service.caller(call)
        body = respelled(caller.pool, call.body)
        password = body.get("Password") or ""
        check_new_user(caller.pool, caller.client, caller.username, attributes_of(body))
        check_password(caller.pool, password)
        hashed = await asyncio.to_thread(hash_password, password)
        answer = await forward(await self._for_ministack(call, caller, body))
        made = answer.json()
        if not answer.ok:
            if made.get("__type") == "UsernameExistsException":
                raise name_taken(caller.pool, caller.username)
            return answer
        self.state.unconfirmed_passwords[made["UserSub"]] = hashed
        user = await self.pools.find_user(caller.pool.pool_id, caller.username)
        said = {"UserConfirmed": False, "UserSub": made["UserSub"]}
        if user is not None and _is_mailed(caller.pool, user):
            said |= delivered(self.mailbox.send("sign_up", user))
        return ApiAnswer.of(said)

    async def _for_ministack(self, call: ApiCall, caller: Caller, body: dict[str, Any]) -> ApiCall:
        """The call as MiniStack takes it, with its own secret of the client."""
        client = await self.pools.describe_client(caller.pool.pool_id, caller.client.client_id)
        kept = {name: value for name, value in body.items() if name != "SecretHash"}
        if client.get("ClientSecret"):
            kept["SecretHash"] = secret_hash(
                client["ClientSecret"], caller.username, caller.client.client_id
            )
        return ApiCall(call.service, call.operation, kept, call.signed)

    async def _confirm(self, call: ApiCall) -> ApiAnswer:
        caller = await self.self_service.caller(call)
        user, problem = caller.user, _confirm_problem(caller.user)
        if problem is not None and not caller.client.hides_users:
            raise problem
        account = caller.account("sign_up")
        typed = call.body["ConfirmationCode"]
        self.state.verification.check(account, typed)
        if user is None or problem is not None:
            raise problem or unknown_user()
        await self._take_alias(caller, user, force=call.body.get("ForceAliasCreation") is True)
        # Spent before it is acted upon; whoever else had it open at the same time is too late.
        self.state.verification.redeem(account, typed)
        await self._set_verified(user, "true")
        await self.pools.confirm_user(user)
        self.state.unconfirmed_passwords.pop(user.sub, None)
        return ApiAnswer.of({})

    async def _take_alias(self, caller: Caller, user: User, *, force: bool) -> None:
        """An address that is an alias belongs to one account, the one that proved it."""
        email = user.attributes.get("email")
        if not email or "email" not in caller.pool.alias_attributes:
            return
        holder = await self.pools.find_user(caller.pool.pool_id, email)
        if holder is None or holder.sub == user.sub:
            return
        if not force:
            raise ApiError("AliasExistsException", "An account with the email already exists.")
        await self._set_verified(holder, "false")

    async def _set_verified(self, user: User, value: str) -> None:
        if "email" in user.attributes:
            await self.pools.set_attribute(user, "email_verified", value)

    async def _resend(self, call: ApiCall) -> ApiAnswer:
        caller = await self.self_service.caller(call)
        user, problem = caller.user, _resend_problem(caller)
        if problem is not None and not caller.client.hides_users:
            raise problem
        self.state.verification.request(caller.account("sign_up"))
        if user is not None and problem is None:
            return ApiAnswer.of(delivered(self.mailbox.send("sign_up", user)))
        destination = self.mailbox.pretend("sign_up", caller.account("sign_up"), caller.address)
        return ApiAnswer.of(delivered(destination))


def _confirm_problem(user: User | None) -> ApiError | None:
    if user is None:
        return unknown_user()
    if not user.enabled:
        return ApiError("NotAuthorizedException", "User is disabled.")
    if user.status != UNCONFIRMED:
        message = f"User cannot be confirmed. Current status is {user.status}"
        return ApiError("NotAuthorizedException", message)
    return None


def _resend_problem(caller: Caller) -> ApiError | None:
    user = caller.user
    if user is not None and user.status != UNCONFIRMED:
        return ApiError("InvalidParameterException", "User is already confirmed.")
    if user is not None and not _is_mailed(caller.pool, user):
        return ApiError("InvalidParameterException", "Auto verification not turned on.")
    return _confirm_problem(user)


def _is_mailed(pool: UserPool, user: User) -> bool:
    return pool.verifies_email and bool(user.attributes.get("email"))
