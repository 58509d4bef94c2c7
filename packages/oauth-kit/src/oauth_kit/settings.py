"""Typed settings from the environment and from secret files; all problems are told at once."""

import os
import re
import ssl
import sys
from typing import Annotated, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import NoDecode, SettingsError

from oauth_kit.outbound.host_map import HostMap
from oauth_kit.outbound.http import tls_context
from oauth_kit.records.keys import Keyspace
from oauth_kit.rules.client_metadata import MetadataPolicy
from oauth_kit.rules.errors import OAuthError
from oauth_kit.rules.scopes import ScopePolicy, parse_scope
from oauth_kit.rules.web_url import PORT, has_dot_segment
from oauth_kit.variables import Variables
from oauth_kit.web.rate_limits import check_rate_limit
from oauth_kit.web.reading import TrustedProxies

Words = Annotated[tuple[str, ...], NoDecode]
"""Space- or comma-separated words."""

RateLimit = Annotated[str, AfterValidator(check_rate_limit)]
"""How often strangers may, for example `20/minute`."""

# b64token of RFC 6750 §2.1: it travels in a header
_BEARER_SECRET = re.compile(r"[A-Za-z0-9._~+/-]{32,}=*")


def check_bearer_secret(value: SecretStr) -> SecretStr:
    """Raises ValueError."""
    if not _BEARER_SECRET.fullmatch(value.get_secret_value()):
        raise ValueError("needs at least 32 letters, digits and -._~+/")
    return value


BearerSecret = Annotated[SecretStr, AfterValidator(check_bearer_secret)]
"""What a caller presents to prove who he is; the same rule on both sides."""

MANAGEMENT_PORT_OFFSET = 100
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")
_MAX_PORT = 65535
# Compared byte for byte by everybody who reads it, so only the form that no library rewrites
_PUBLIC_URL = re.compile(
    rf"(https?)://([a-z0-9.-]+|\[[0-9a-f:]+\])(?::({PORT}))?((?:/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)*)"
)
_DEFAULT_PORTS = {"http": "80", "https": "443"}


class ServiceSettings(Variables):
    """What every service is told. A field's name in capitals is the variable's name.

    Secrets may come from files named after their field in SECRETS_DIR.
    """

    environment: Literal["development", "production"] = "production"
    bind_host: str = "127.0.0.1"
    port: int = Field(ge=1, le=65535)
    management_port: int = Field(default=0, ge=0, le=65535, description="0 = port + 100")
    redis_url: str = Field(repr=False)  # a password may stand in it
    issuer: str = "http://localhost:3004"
    resource: str = "http://localhost:3001/mcp"
    registrar_url: str = "http://localhost:3005"
    scopes_supported: Words = ("mcp-api/read", "mcp-api/write")
    default_scopes: Words = ("mcp-api/read",)
    scope_hierarchy: str = "mcp-api/write>mcp-api/read"
    native_redirect_schemes: Words = ("cursor", "vscode", "vscode-insiders", "windsurf")
    outbound_ca_file: str | None = None
    outbound_timeout_seconds: float = Field(default=10, gt=0, le=60)
    host_map: str = ""
    rate_limits: Literal["on", "off"] = "on"
    trusted_proxies: str = ""
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator("scopes_supported", "default_scopes", "native_redirect_schemes", mode="before")
    @classmethod
    def _split_words(cls, value: object) -> object:
        return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value

    @field_validator("issuer", "resource", "registrar_url")
    @classmethod
    def _check_public_url(cls, value: str) -> str:
        return check_public_url(value)

    @field_validator("redis_url")
    @classmethod
    def _check_redis_url(cls, value: str) -> str:
        if "://" not in value:
            raise ValueError("must be a URL: redis://, rediss:// or unix://")
        return value

    @field_validator("outbound_ca_file")
    @classmethod
    def _check_ca_file(cls, value: str | None) -> str | None:
        try:
            tls_context(value)
        except (OSError, ssl.SSLError) as error:
            raise ValueError("cannot be read as PEM certificates") from error
        return value

    @field_validator("scopes_supported", "default_scopes")
    @classmethod
    def _check_scopes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return parse_scope_setting(value)

    @field_validator("scope_hierarchy")
    @classmethod
    def _check_scope_hierarchy(cls, value: str) -> str:
        ScopePolicy.parse_hierarchy(value)
        return value

    @field_validator("host_map")
    @classmethod
    def _check_host_map(cls, value: str) -> str:
        HostMap.parse(value)
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _check_trusted_proxies(cls, value: str) -> str:
        TrustedProxies(value)
        return value

    @model_validator(mode="after")
    def _check_together(self) -> "ServiceSettings":
        if not set(self.default_scopes) <= set(self.scopes_supported):
            raise ValueError("DEFAULT_SCOPES must be among SCOPES_SUPPORTED")
        if self.host_map and not self.issuer_is_loopback:
            raise ValueError("HOST_MAP is for a loopback ISSUER only")
        ports = self.listening_ports()
        if len(set(ports)) != len(ports) or max(ports) > _MAX_PORT:
            raise ValueError("the ports of a service must differ, and none is above 65535")
        return self

    @property
    def issuer_is_loopback(self) -> bool:
        return urlsplit(self.issuer).hostname in LOOPBACK_HOSTS

    @property
    def effective_management_port(self) -> int:
        return self.management_port or self.port + MANAGEMENT_PORT_OFFSET

    @property
    def keyspace(self) -> Keyspace:
        return Keyspace(self.environment)

    def listening_ports(self) -> tuple[int, ...]:
        return (self.port, self.effective_management_port)

    def scope_policy(self) -> ScopePolicy:
        return ScopePolicy(
            supported=self.scopes_supported,
            default=self.default_scopes,
            implies=ScopePolicy.parse_hierarchy(self.scope_hierarchy),
        )

    def metadata_policy(self) -> MetadataPolicy:
        return MetadataPolicy(native_schemes=frozenset(self.native_redirect_schemes))


def parse_scope_setting(words: tuple[str, ...]) -> tuple[str, ...]:
    """Scopes in a setting. Raises ValueError, which the list of problems can hold."""
    try:
        return parse_scope(" ".join(words))
    except OAuthError as error:
        raise ValueError(error.description) from error


def check_public_url(value: str) -> str:
    """A URL that others see: https, or http on loopback, in the one form that is never rewritten.

    Raises ValueError.
    """
    found = _PUBLIC_URL.fullmatch(value)
    if found is None or has_dot_segment(found[4]):
        raise ValueError(
            "must be https://host[:port][/path] in lower case, without a trailing slash, query, "
            "fragment or user"
        )
    scheme, host, port = found[1], found[2].strip("[]"), found[3]
    if scheme == "http" and host not in LOOPBACK_HOSTS:
        raise ValueError("must be https, http is for loopback only")
    if port == _DEFAULT_PORTS[scheme]:
        raise ValueError("must not name its scheme's default port")
    return value


SettingsModel = TypeVar("SettingsModel", bound=ServiceSettings)


def load_settings(model: type[SettingsModel]) -> SettingsModel:
    """Read the environment and SECRETS_DIR, or name every problem on stderr and exit with 2."""
    try:
        return model(_secrets_dir=os.environ.get("SECRETS_DIR") or None)
    except ValidationError as problems:
        for problem in problems.errors(include_input=False, include_url=False):
            name = "_".join(str(part) for part in problem["loc"]).upper() or "settings"
            print(f"{name}: {problem['msg']}", file=sys.stderr)
        sys.exit(2)
    except SettingsError as problem:
        print(problem, file=sys.stderr)
        sys.exit(2)
