"""ForgotPassword, ConfirmForgotPassword and AdminResetUserPassword (API reference; developer
guide, "Managing user existence error responses").
"""

from dataclasses import dataclass

from cognito_emulator.api.rule import ApiAnswer, ApiCall, Forward
from cognito_emulator.api.self_service import Caller, SelfService, delivered, unknown_user
from cognito_emulator.mailbox import Mailbox
from cognito_emulator.rules.app_client import User
from cognito_emulator.rules.errors import ApiError
from cognito_emulator.rules.sign_up import check_password
from cognito_emulator.state import EmulatorState
from cognito_emulator.user_pools import UserPools

RESETTABLE = frozenset({"CONFIRMED", "RESET_REQUIRED"})


@dataclass(frozen=True, slots=True)
class ForgottenPasswordRule:
    """Answers the three; every other call goes on.

    With PreventUserExistenceErrors there is a code for every name, so that requests, tries and
    limits look the same; the code of a name that nobody has opens nothing.
    """

    state: EmulatorState
    pools: UserPools
    self_service: SelfService
    mailbox: Mailbox

    async def apply(self, call: ApiCall, forward: Forward) -> ApiAnswer:
        match call.operation:
            case "ForgotPassword":
                return await self._forgot(call)
            case "ConfirmForgotPassword":
                return await self._confirm(call)
            case "AdminResetUserPassword":
                return await self._reset(call, forward)
            case _:
                return await forward(call)

    async def _forgot(self, call: ApiCall) -> ApiAnswer:
        caller = await self.self_service.caller(call)
        user = self._resettable(caller)
        self.state.verification.request(caller.account("password"))
        if user is not None:
            return ApiAnswer.of(delivered(self.mailbox.send("password", user)))
        destination = self.mailbox.pretend("password", caller.account("password"), caller.address)
        return ApiAnswer.of(delivered(destination))

    async def _confirm(self, call: ApiCall) -> ApiAnswer:
        caller = await self.self_service.caller(call)
        user = self._resettable(caller)
        check_password(caller.pool, call.body["Password"])
        self.state.verification.redeem(caller.account("password"), call.body["ConfirmationCode"])
        if user is None:  # the code was mailed before the user was disabled
            raise ApiError("NotAuthorizedException", "User is disabled.")
        await self.pools.set_password(user, call.body["Password"])
        return ApiAnswer.of({})

    async def _reset(self, call: ApiCall, forward: Forward) -> ApiAnswer:
        user = await self.pools.find_user(call.body["UserPoolId"], call.body["Username"])
        answer = await forward(call)
        if answer.ok and user is not None and _is_reachable(user):
            self.mailbox.send("password", user)
        return answer

    def _resettable(self, caller: Caller) -> User | None:
        """The user, if a code may reach them. Raises for app clients that hide nothing."""
        user = caller.user
        problem: ApiError | None = None
        if user is None:
            problem = unknown_user()
        elif not user.enabled:
            problem = ApiError("NotAuthorizedException", "User is disabled.")
        elif not _is_reachable(user):
            problem = ApiError(
                "InvalidParameterException",
                "Cannot reset password for the user as there is no registered/verified email or "
                "phone_number",
            )
        elif user.status not in RESETTABLE:
            problem = ApiError(
                "NotAuthorizedException", "User password cannot be reset in the current state."
            )
        if problem is None:
            return user
        if not caller.client.hides_users:
            raise problem
        return None


def _is_reachable(user: User) -> bool:
    return user.attributes.get("email_verified") == "true" and bool(user.attributes.get("email"))
