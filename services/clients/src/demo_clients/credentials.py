"""How a client proves who it is at the token endpoint (RFC 6749 §2.3)."""

import base64
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote_plus

AuthMethod = Literal["none", "client_secret_basic", "client_secret_post"]
IdentityKind = Literal["preregistered", "dynamic", "metadata_document"]


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """What one authorization server knows this client by."""

    kind: IdentityKind
    client_id: str
    method: AuthMethod
    secret: str | None = field(default=None, repr=False)

    def headers(self) -> dict[str, str]:
        if self.method != "client_secret_basic":
            return {}
        # form-encoded before base64 (§2.3.1): identifiers that are URLs contain colons
        pair = f"{quote_plus(self.client_id)}:{quote_plus(self.secret or '')}"
        return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}

    def form(self) -> dict[str, str]:
        match self.method:
            case "client_secret_basic":
                return {}
            case "client_secret_post":
                return {"client_id": self.client_id, "client_secret": self.secret or ""}
            case "none":
                return {"client_id": self.client_id}
