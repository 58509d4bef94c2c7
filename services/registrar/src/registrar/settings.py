"""What the registrar is told by its environment."""

import re
from typing import Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from oauth_kit.crypto.key_ring import KeyRing
from oauth_kit.providers.catalog import ProviderSettings
from oauth_kit.settings import BearerSecret, RateLimit, ServiceSettings, Words
from registrar.directories.keycloak_api import ServiceAccount, admin_url_of

DAY_SECONDS = 86_400
_EMULATED_REGION = "us-east-1"
_ENDPOINT = re.compile(r"https?://([a-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?")
_INTERNAL_PORT_OFFSET = 200


class Settings(ServiceSettings, ProviderSettings):
    """The registrar's settings. A field's name in capitals is the variable's name."""

    port: int = Field(default=3005, ge=1, le=65535)
    internal_port: int = Field(default=0, ge=0, le=65535, description="0 = port + 200")
    internal_token: BearerSecret
    upstream_keys: SecretStr

    dynamic_registration: Literal["on", "off"] = "on"
    initial_access_token: BearerSecret | None = None
    registration_limit: RateLimit = "20/minute"
    registration_limit_global: RateLimit = "300/minute"
    registration_max_clients: int = Field(default=50_000, ge=1)
    registration_unused_days: int = Field(default=30, ge=1)
    registration_used_days: int = Field(default=90, ge=1)
    web_clients_on_loopback: Literal["accept", "refuse"] = "accept"
    registration_store: Literal["redis", "dynamodb"] = "redis"
    registration_table: str = Field(
        default="mcp-authstack-registrations", pattern=r"^[A-Za-z0-9_.-]{3,255}$"
    )
    aws_region: str = Field(default="", pattern=r"^([a-z]{2}(-[a-z]+)+-[0-9]{1,2})?$")
    aws_endpoint_url_dynamodb: str = ""

    upstream_clients: Literal["per-client", "shared", "auto"] = Field(
        default="auto", description="auto = shared on real AWS, per-client elsewhere"
    )
    upstream_client_budget: int = Field(default=1000, ge=1, le=10_000)
    upstream_clients_per_subject: int = Field(default=5, ge=1)
    upstream_subject_limit: RateLimit = "10/hour"
    upstream_client_check_seconds: int = Field(
        default=60, ge=1, description="how long the provider is believed to have an app client"
    )
    reconcile_app_clients: Literal["on", "off"] = "on"
    bridge_callback_url: str = Field(default="", description="empty = ISSUER + /callback")
    provider_identity_providers: Words = ("COGNITO",)
    aws_endpoint_url_cognito_idp: str = ""
    provider_admin_client_id: str = "mcp-registrar"
    provider_admin_client_secret: SecretStr | None = None
    provider_admin_url: str | None = Field(
        default=None, description="Keycloak's admin API of the realm, empty = beside the issuer"
    )

    @field_validator("provider_identity_providers", mode="before")
    @classmethod
    def _split_identity_providers(cls, value: object) -> object:
        return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value

    @field_validator("upstream_keys")
    @classmethod
    def _check_upstream_keys(cls, value: SecretStr) -> SecretStr:
        KeyRing.parse(value.get_secret_value())
        return value

    @model_validator(mode="after")
    def _check_ports_and_provider(self) -> "Settings":
        ports = self.listening_ports()
        if len(set(ports)) != len(ports):
            raise ValueError("PORT, MANAGEMENT_PORT and INTERNAL_PORT must differ")
        self.provider_source()
        self._check_keycloak()
        self._check_registration_store()
        return self

    def _check_keycloak(self) -> None:
        if self.provider != "keycloak" or self.upstream_clients == "shared":
            return
        if self.service_account() is None:
            raise ValueError(
                "PROVIDER=keycloak needs PROVIDER_ADMIN_CLIENT_SECRET, or UPSTREAM_CLIENTS=shared"
            )
        if self.provider_admin_url is None and self.provider_issuer is not None:
            admin_url_of(self.provider_issuer)

    def _check_registration_store(self) -> None:
        """AWS never gets the emulator's credentials, nor the emulator an account's."""
        if self.registration_store != "dynamodb":
            return
        url = self.aws_endpoint_url_dynamodb
        if url and not _ENDPOINT.fullmatch(url):
            raise ValueError("AWS_ENDPOINT_URL_DYNAMODB must be http(s)://host[:port]")
        if url.startswith("http:") and self.environment != "development":
            raise ValueError("AWS_ENDPOINT_URL_DYNAMODB is an emulator: ENVIRONMENT=development")
        if not url.startswith("http:") and not self.aws_region:
            raise ValueError("REGISTRATION_STORE=dynamodb needs AWS_REGION")

    @property
    def effective_internal_port(self) -> int:
        return self.internal_port or self.port + _INTERNAL_PORT_OFFSET

    @property
    def callback_url(self) -> str:
        return self.bridge_callback_url or f"{self.issuer}/callback"

    @property
    def upstream_ring(self) -> KeyRing:
        return KeyRing.parse(self.upstream_keys.get_secret_value())

    @property
    def table_region(self) -> str:
        return self.aws_region or _EMULATED_REGION

    def service_account(self) -> ServiceAccount | None:
        """Who we are in a Keycloak realm, when somebody has told us."""
        if self.provider_admin_client_secret is None:
            return None
        secret = self.provider_admin_client_secret.get_secret_value().strip()
        if not secret:
            return None
        return ServiceAccount(self.provider_admin_client_id, secret, self.provider_admin_url)

    def listening_ports(self) -> tuple[int, ...]:
        return (*super().listening_ports(), self.effective_internal_port)
