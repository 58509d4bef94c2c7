"""Answers about app clients leave out what was never set, as AWS does.

Else the read-modify-write that UpdateUserPoolClient asks for would send back an empty
DefaultRedirectURI, which Cognito refuses.
"""

from cognito_emulator.api.rule import ApiAnswer, ApiCall, Forward

OPERATIONS = frozenset({"CreateUserPoolClient", "DescribeUserPoolClient", "UpdateUserPoolClient"})
UNSET: tuple[object, ...] = ("", [], {})


class UnsetFieldsRule:
    """Drops empty strings, lists and structures of `UserPoolClient`."""

    async def apply(self, call: ApiCall, forward: Forward) -> ApiAnswer:
        answer = await forward(call)
        if call.operation not in OPERATIONS or not answer.ok:
            return answer
        body = answer.json()
        client = body.get("UserPoolClient") or {}
        kept = {name: value for name, value in client.items() if value not in UNSET}
        return answer.replacing({**body, "UserPoolClient": kept})
