"""Which scopes an authorization request names (MCP authorization, scope selection and step-up)."""

from typing import Final

from demo_clients.problems import Problem
from demo_clients.server_metadata import AuthorizationServer, ProtectedResource
from oauth_kit.rules.bearer import Challenge
from oauth_kit.rules.errors import OAuthError
from oauth_kit.rules.scopes import parse_scope, render_scope

_MAX_SCOPES: Final = 30


def scopes_to_ask(
    challenge: Challenge | None,
    resource: ProtectedResource,
    server: AuthorizationServer,
    *,
    already: tuple[str, ...],
) -> tuple[str, ...]:
    """What the challenge names, else what the resource lists, with all that was asked before.

    `offline_access` is added where the authorization server lists it, because we refresh.
    Raises Problem for a challenge that is malformed or asks for the moon.
    """
    challenged = challenge.parameters.get("scope") if challenge else None
    try:
        text = challenged or render_scope(resource.scopes_supported)
        named = parse_scope(text) if text else ()
    except OAuthError as error:
        raise Problem(
            "The resource server asks for scopes that cannot be read.", reason="scope: malformed"
        ) from error
    offline = ("offline_access",) if named and "offline_access" in server.scopes_supported else ()
    union = tuple(dict.fromkeys((*already, *named, *offline)))
    if len(union) > _MAX_SCOPES:
        raise Problem(
            "The resource server asks for more scopes than this client will ask for.",
            reason=f"scope: {len(union)} scopes",
        )
    return union
