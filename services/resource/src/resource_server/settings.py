"""What the resource server is told by its environment."""

from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from oauth_kit.rules.access_token import TokenDialect
from oauth_kit.settings import LOOPBACK_HOSTS, ServiceSettings, Words, check_public_url
from oauth_kit.web.brand import BrandSettings
from resource_server.issuers import read_trusted_issuer
from resource_server.origins import AllowedOrigins, check_origin


class ResourceSettings(ServiceSettings, BrandSettings):
    """A field's name in capitals is the variable's name.

    trusted_issuers:  whose tokens are accepted, `issuer` or `issuer=dialect`; ISSUER when empty
    allowed_origins:  which web pages may call; any on loopback when empty and R is loopback
    read_scopes:      what reading contexts needs, all of them
    write_scopes:     what writing contexts needs, all of them
    demo_clients:     links of the start page, `label=url`; development only
    """

    port: int = Field(default=3001, ge=1, le=65535)
    redis_url: str = Field(default="redis://localhost:6379/0", repr=False)
    trusted_issuers: Words = ()
    allowed_origins: Words = ()
    read_scopes: Words = ("mcp-api/read",)
    write_scopes: Words = ("mcp-api/write",)
    resource_name: str = "MCP contexts"
    token_cache_entries: int = Field(default=10_000, ge=1, le=1_000_000)
    signing_keys_age_seconds: int = Field(default=300, ge=10, le=3600)
    demo_clients: Words = ()
    max_contexts: int = Field(default=1000, ge=1, le=100_000)

    @field_validator(
        "trusted_issuers",
        "allowed_origins",
        "read_scopes",
        "write_scopes",
        "demo_clients",
        mode="before",
    )
    @classmethod
    def _split_more_words(cls, value: object) -> object:
        return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value

    @field_validator("trusted_issuers")
    @classmethod
    def _check_issuers(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for entry in value:
            check_public_url(read_trusted_issuer(entry)[0])
        return value

    @field_validator("allowed_origins")
    @classmethod
    def _check_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(check_origin(origin) for origin in value)

    @field_validator("demo_clients")
    @classmethod
    def _check_demo_clients(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for entry in value:
            label, _, url = entry.partition("=")
            if not label:
                raise ValueError("must be label=url, several")
            check_public_url(url)
        return value

    @model_validator(mode="after")
    def _check_demo_clients_are_wanted(self) -> "ResourceSettings":
        if self.demo_clients and self.environment != "development":
            raise ValueError("DEMO_CLIENTS needs ENVIRONMENT=development")
        return self

    @model_validator(mode="after")
    def _check_scopes_are_offered(self) -> "ResourceSettings":
        if not {*self.read_scopes, *self.write_scopes} <= set(self.scopes_supported):
            raise ValueError("READ_SCOPES and WRITE_SCOPES must be among SCOPES_SUPPORTED")
        return self

    def issuers(self) -> tuple[tuple[str, TokenDialect], ...]:
        return tuple(read_trusted_issuer(entry) for entry in self.trusted_issuers or (self.issuer,))

    def demo_client_links(self) -> list[tuple[str, str]]:
        """(label, URL) of each."""
        entries = (entry.partition("=") for entry in self.demo_clients)
        return [(label, url) for label, _, url in entries]

    @property
    def resource_path(self) -> str:
        """Where the MCP endpoint answers: the path of its identifier."""
        return urlsplit(self.resource).path or "/"

    @property
    def resource_host(self) -> str:
        """The Host that requests for the resource name."""
        return urlsplit(self.resource).netloc.lower()

    def origins(self) -> AllowedOrigins:
        loopback = urlsplit(self.resource).hostname in LOOPBACK_HOSTS
        return AllowedOrigins(
            frozenset(self.allowed_origins), any_loopback=loopback and not self.allowed_origins
        )
