"""What the bridge is told."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from cimd_bridge.limits import DocumentLimits, FailureLimits
from cimd_bridge.preregistered import Preregistered, load_preregistered
from oauth_kit.crypto.key_ring import KeyRing
from oauth_kit.providers.catalog import LoginSettings
from oauth_kit.rules.metadata_documents import authorization_server_metadata
from oauth_kit.settings import BearerSecret, RateLimit, ServiceSettings, Words
from oauth_kit.web.brand import BrandSettings

DAY_SECONDS = 86_400
AUTH_METHODS = ("none", "client_secret_basic", "client_secret_post")


class Settings(ServiceSettings, LoginSettings, BrandSettings):
    """The bridge's variables beside those of every service, of the provider and of the pages."""

    port: int = Field(default=3004, ge=1, le=65535)
    master_keys: SecretStr
    upstream_keys: SecretStr
    internal_token: BearerSecret
    registrar_internal_url: str = "http://127.0.0.1:3205"
    preregistered_clients_file: Path | None = None
    dynamic_registration: Literal["on", "off"] = "on"
    client_documents: Literal["on", "off"] = "on"
    cimd_allow_loopback: bool = False
    cimd_private_hosts: Words = ()
    registration_used_days: int = Field(default=90, ge=1)
    require_resource: bool = False
    upstream_clients: Literal["shared", "per-client"] = "shared"
    signing_algorithm: Literal["RS256", "ES256"] = "RS256"
    access_token_seconds: int = Field(default=300, ge=60, le=900)
    code_seconds: int = Field(default=60, ge=10, le=60)
    refresh_idle_seconds: int = Field(default=30 * DAY_SECONDS, ge=3600)
    refresh_absolute_seconds: int = Field(default=90 * DAY_SECONDS, ge=3600)
    refresh_grace_seconds: int = Field(default=10, ge=0, le=60)
    upstream_check_seconds: int = Field(default=300, ge=0)
    unchecked_grant_seconds: int = Field(default=8 * 3600, ge=300)
    authorization_limit: RateLimit = "60/minute"
    token_failure_limit: RateLimit = "30/minute"
    token_failure_limit_network: RateLimit = "300/minute"
    introspection_failure_limit: RateLimit = "30/minute"
    document_limit: RateLimit = "10/minute"
    document_limit_host: RateLimit = "60/minute"
    document_limit_host_new: RateLimit = "40/minute"
    scope_sentences: dict[str, str] = Field(
        default={
            "mcp-api/read": "Read your contexts",
            "mcp-api/write": "Create and change your contexts",
        },
        description="what the consent page says of each scope, as a JSON object",
    )

    @field_validator("cimd_private_hosts", mode="before")
    @classmethod
    def _split_hosts(cls, value: object) -> object:
        return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value

    @field_validator("master_keys", "upstream_keys")
    @classmethod
    def _check_key_ring(cls, value: SecretStr) -> SecretStr:
        KeyRing.parse(value.get_secret_value())
        return value

    @field_validator("issuer")
    @classmethod
    def _check_issuer_path(cls, value: str) -> str:
        if value.count("/") != 2:
            raise ValueError("must have no path: the endpoints are at the root of their host")
        return value

    @field_validator("registrar_internal_url")
    @classmethod
    def _check_internal_url(cls, value: str) -> str:
        if value.count("/") != 2 or not value.startswith(("http://", "https://")):
            raise ValueError("must be http://host:port, or https, without a path")
        return value

    @model_validator(mode="after")
    def _check_development_exceptions(self) -> "Settings":
        exceptions = self.cimd_allow_loopback or bool(self.cimd_private_hosts)
        if exceptions and self.environment != "development":
            raise ValueError(
                "CIMD_ALLOW_LOOPBACK and CIMD_PRIVATE_HOSTS need ENVIRONMENT=development"
            )
        if self.cimd_allow_loopback and not self.issuer_is_loopback:
            raise ValueError("CIMD_ALLOW_LOOPBACK is for a loopback ISSUER only")
        if self.refresh_idle_seconds > self.refresh_absolute_seconds:
            raise ValueError("REFRESH_IDLE_SECONDS cannot exceed REFRESH_ABSOLUTE_SECONDS")
        self.provider_source()
        self.preregistered()
        return self

    def preregistered(self) -> Preregistered:
        """Raises ValueError that names the entry and what is wrong with it."""
        return load_preregistered(
            self.preregistered_clients_file,
            self.metadata_policy(),
            loopback_issuer=self.issuer_is_loopback,
        )

    def server_metadata(self) -> dict[str, object]:
        """What the bridge says of itself (RFC 8414 §2)."""
        dynamic = self.dynamic_registration == "on"
        return authorization_server_metadata(
            issuer=self.issuer,
            scopes=self.scopes_supported,
            registration_endpoint=f"{self.registrar_url}/register" if dynamic else None,
            documents_supported=self.client_documents == "on",
            auth_methods=AUTH_METHODS,
        )

    @property
    def failure_limits(self) -> FailureLimits:
        return FailureLimits(self.token_failure_limit, self.token_failure_limit_network)

    @property
    def document_limits(self) -> DocumentLimits:
        return DocumentLimits(
            self.document_limit, self.document_limit_host, self.document_limit_host_new
        )

    @property
    def client_lives_seconds(self) -> int:
        return self.registration_used_days * DAY_SECONDS

    @property
    def uses_own_clients(self) -> bool:
        return self.upstream_clients == "per-client"

    @property
    def master_ring(self) -> KeyRing:
        return KeyRing.parse(self.master_keys.get_secret_value())

    @property
    def upstream_ring(self) -> KeyRing:
        return KeyRing.parse(self.upstream_keys.get_secret_value())
