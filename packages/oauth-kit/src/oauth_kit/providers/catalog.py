"""Which identity provider stands behind us: from settings, or from the file that a seed writes."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol, get_args

from pydantic import Field, SecretStr

from oauth_kit.providers.dialects import ProviderName
from oauth_kit.rules.errors import OAuthError
from oauth_kit.variables import Variables

PROVIDER_MISSING: Final = "The identity provider is not set up yet"


@dataclass(frozen=True, slots=True)
class ProviderConfig:
    """One provider, reachable. A URL that is None comes from the issuer's discovery document.

    generation: changes when the pool or realm is another one; what belonged to the old is void
    client_secret: empty for a service that never logs anybody in
    """

    generation: str
    provider: ProviderName
    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    authorize_url: str | None = None
    token_url: str | None = None
    jwks_url: str | None = None
    revoke_url: str | None = None
    logout_url: str | None = None
    endpoint_url: str | None = None
    pool_id: str | None = None
    region: str | None = None


class ProviderSource(Protocol):
    def current(self) -> ProviderConfig:
        """Raises OAuthError("temporarily_unavailable") while there is none."""
        ...


@dataclass(frozen=True, slots=True)
class FixedProvider:
    """A provider that the settings name."""

    config: ProviderConfig

    def current(self) -> ProviderConfig:
        return self.config


class ProviderFile:
    """A provider that exists only after seeding: read again whenever the file changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._version: tuple[int, int, int] | None = None
        self._config: ProviderConfig | None = None

    def current(self) -> ProviderConfig:
        try:
            status = self._path.stat()
            version = (status.st_mtime_ns, status.st_size, status.st_ino)
            if self._config is None or version != self._version:
                self._config = _read(self._path.read_bytes())
                self._version = version
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise OAuthError(
                "temporarily_unavailable",
                PROVIDER_MISSING,
                reason=f"provider file: {type(error).__name__}",
            ) from error
        return self._config


class ProviderSettings(Variables):
    """The PROVIDER_* variables, for services that talk to the identity provider."""

    provider: ProviderName = "oidc"
    provider_file: Path | None = None
    provider_issuer: str | None = None
    provider_client_id: str | None = None
    provider_authorize_url: str | None = None
    provider_token_url: str | None = None
    provider_jwks_url: str | None = None
    provider_revoke_url: str | None = None
    provider_logout_url: str | None = None
    provider_scopes: str = "openid profile email"
    provider_authorize_params: str = Field(
        default="", description="extra authorization parameters, as a query string"
    )

    def provider_source(self) -> ProviderSource:
        """Raises ValueError that lists what is missing."""
        if self.provider_file is not None:
            return ProviderFile(self.provider_file)
        named = self.required()
        missing = [name for name, value in named.items() if not value]
        if missing:
            raise ValueError(f"PROVIDER_FILE, or else these are needed: {', '.join(missing)}")
        return FixedProvider(
            ProviderConfig(
                generation=f"{self.provider_issuer} {self.provider_client_id}",
                provider=self.provider,
                issuer=named["PROVIDER_ISSUER"],
                client_id=named["PROVIDER_CLIENT_ID"],
                client_secret=named.get("PROVIDER_CLIENT_SECRET", ""),
                authorize_url=self.provider_authorize_url,
                token_url=self.provider_token_url,
                jwks_url=self.provider_jwks_url,
                revoke_url=self.provider_revoke_url,
                logout_url=self.provider_logout_url,
            )
        )

    def required(self) -> dict[str, str]:
        """What has to be told where there is no file, by the variable's name."""
        return {
            "PROVIDER_ISSUER": self.provider_issuer or "",
            "PROVIDER_CLIENT_ID": self.provider_client_id or "",
        }


class LoginSettings(ProviderSettings):
    """For the one service that logs people in there: as whom, and with which secret."""

    provider_client_secret: SecretStr | None = None

    def required(self) -> dict[str, str]:
        secret = self.provider_client_secret
        return {
            **super().required(),
            "PROVIDER_CLIENT_SECRET": secret.get_secret_value() if secret else "",
        }


_REQUIRED = ("generation", "provider", "issuer", "client_id", "client_secret")
_OPTIONAL = (
    "authorize_url",
    "token_url",
    "jwks_url",
    "revoke_url",
    "logout_url",
    "endpoint_url",
    "pool_id",
    "region",
)


def _read(content: bytes) -> ProviderConfig:
    document = json.loads(content)
    members = {name: document[name] for name in _REQUIRED}
    members |= {name: document[name] for name in _OPTIONAL if document.get(name) is not None}
    if not all(isinstance(value, str) and value for value in members.values()):
        raise ValueError("a member is empty or not a string")
    if members["provider"] not in get_args(ProviderName):
        raise ValueError("unknown provider")
    return ProviderConfig(**members)
