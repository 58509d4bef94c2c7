"""What one demo client is told at start."""

from typing import Literal
from urllib.parse import urlsplit

from pydantic import SecretStr, field_validator, model_validator

from demo_clients.addresses import is_loopback_url
from oauth_kit.crypto.key_ring import KeyRing
from oauth_kit.records.keys import Keyspace
from oauth_kit.settings import RateLimit, ServiceSettings, check_public_url

_SCHEME_PORTS = {"http": 80, "https": 443}


class ClientSettings(ServiceSettings):
    """CLIENT_KIND chooses the identity; everything else is the same for all three."""

    client_kind: Literal["preregistered", "dynamic", "metadata_document"]
    client_name: str = ""
    public_url: str
    contexts_url: str = ""
    session_keys: SecretStr
    preregistered_client_id: str = ""
    preregistered_client_secret: SecretStr = SecretStr("")
    preregistered_issuer: str = ""
    # of all visitors together: an attack costs two failures of the client's at most, and 30 a
    # minute are what the bridge bears
    attack_limit: RateLimit = "12/minute"

    @field_validator("public_url")
    @classmethod
    def _check_own_url(cls, value: str) -> str:
        if urlsplit(value).path:
            raise ValueError("must have no path")
        return check_public_url(value)

    @field_validator("contexts_url", "preregistered_issuer")
    @classmethod
    def _check_other_url(cls, value: str) -> str:
        return check_public_url(value) if value else value

    @field_validator("session_keys")
    @classmethod
    def _check_session_keys(cls, value: SecretStr) -> SecretStr:
        KeyRing.parse(value.get_secret_value())
        return value

    @model_validator(mode="after")
    def _check_identity(self) -> "ClientSettings":
        if self.client_kind == "preregistered" and not (
            self.preregistered_client_id and self.preregistered_client_secret.get_secret_value()
        ):
            raise ValueError(
                "PREREGISTERED_CLIENT_ID and PREREGISTERED_CLIENT_SECRET must be set "
                "for CLIENT_KIND=preregistered"
            )
        return self

    @property
    def session_ring(self) -> KeyRing:
        return KeyRing.parse(self.session_keys.get_secret_value())

    @property
    def service_name(self) -> str:
        return f"client-{self.client_kind.replace('_', '-')}"

    @property
    def keyspace(self) -> Keyspace:
        """Its own: a demo client has no business with another one's visitors."""
        return Keyspace(self.environment, self.service_name)

    @property
    def redirect_uri(self) -> str:
        return f"{self.public_url}/callback"

    @property
    def contexts_address(self) -> str:
        """The REST collection: CONTEXTS_URL, else /v1/contexts beside the MCP endpoint."""
        origin = "/".join(self.resource.split("/", 3)[:3])
        return self.contexts_url or f"{origin}/v1/contexts"

    @property
    def loopback_allowed(self) -> bool:
        """Private and plain-http servers: only when our own resource is on this computer."""
        return is_loopback_url(self.resource)

    @property
    def display_name(self) -> str:
        return self.client_name or _DISPLAY_NAMES[self.client_kind]

    @property
    def cookie_name(self) -> str:
        """Cookies ignore ports, so the port is in the name; `__Host-` wants https."""
        parts = urlsplit(self.public_url)
        name = f"client-{parts.port or _SCHEME_PORTS[parts.scheme]}"
        return f"__Host-{name}" if parts.scheme == "https" else name


_DISPLAY_NAMES = {
    "preregistered": "Demo client, pre-registered",
    "dynamic": "Demo client, dynamically registered",
    "metadata_document": "Demo client with a metadata document",
}
