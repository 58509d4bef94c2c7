"""Whose access tokens we accept, and how each issuer spells them (RFC 9068)."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from oauth_kit.outbound.signing_keys import RemoteIssuer
from oauth_kit.rules.access_token import MINTED, TokenDialect

COGNITO: Final = TokenDialect(
    name="cognito",
    token_types=frozenset({"", "jwt"}),
    required=("sub", "client_id", "iat", "jti"),
    token_use="access",
)
# Keycloak's ID tokens have the same header; only this private claim tells them apart.
KEYCLOAK: Final = TokenDialect(
    name="keycloak",
    token_types=frozenset({"jwt", "at+jwt"}),
    client_claim="azp",
    required=("sub", "azp", "iat", "jti"),
    token_use="Bearer",
    token_use_claim="typ",
)
DIALECTS: Final[Mapping[str, TokenDialect]] = MappingProxyType(
    {dialect.name: dialect for dialect in (MINTED, COGNITO, KEYCLOAK)}
)


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    remote: RemoteIssuer
    dialect: TokenDialect


def read_trusted_issuer(entry: str) -> tuple[str, TokenDialect]:
    """`issuer` (the bridge's dialect) or `issuer=dialect`. Raises ValueError."""
    issuer, _, name = entry.partition("=")
    dialect = DIALECTS.get(name or MINTED.name)
    if dialect is None:
        raise ValueError(f"the dialect must be one of {', '.join(sorted(DIALECTS))}")
    return issuer, dialect
