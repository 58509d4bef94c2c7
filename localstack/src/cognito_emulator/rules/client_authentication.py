"""Is the caller that app client? client_secret_basic, client_secret_post, or a public client.

Developer guide, "The token issuer endpoint": Base64Encode(client_id:client_secret).
"""

import base64
import binascii
import hmac
from dataclasses import dataclass, field
from urllib.parse import unquote_plus

from cognito_emulator.rules.errors import TokenError
from cognito_emulator.rules.parameters import Parameters


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """Who the caller says it is, and the secret it brought."""

    client_id: str
    secret: str | None = field(repr=False)


def read_credentials(authorization: str | None, form: Parameters) -> ClientCredentials:
    """Find client_id and secret in the header or the form; two secrets are one too many."""
    form_id, form_secret = form.get("client_id"), form.get("client_secret")
    if authorization is None:
        if not form_id:
            raise TokenError("invalid_client", "client_id is missing")
        return ClientCredentials(form_id, form_secret)
    basic_id, basic_secret = _read_basic(authorization)
    if form_secret is not None or (form_id is not None and form_id != basic_id):
        raise TokenError("invalid_request", "the client is named twice")
    return ClientCredentials(basic_id, basic_secret)


def authenticate(credentials: ClientCredentials, secret: str | None) -> None:
    """Raise invalid_client unless the credentials are those of the app client.

    secret: the app client's, None for a public client (which must not bring one)
    """
    given = credentials.secret
    if secret is None:
        # An empty password in the Basic form is how a public client names itself there.
        if given:
            raise TokenError("invalid_client", "the client has no secret")
        return
    # Cognito's own examples do not percent-encode, RFC 6749 §2.3.1 does: both are right.
    if given is None or not (_equal(given, secret) or _equal(unquote_plus(given), secret)):
        raise TokenError("invalid_client", "the client secret is wrong or missing")


def _equal(left: str, right: str) -> bool:
    return hmac.compare_digest(left.encode(), right.encode())


def _read_basic(authorization: str) -> tuple[str, str]:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise TokenError("invalid_client", "Authorization must be Basic")
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True).decode("ascii")
    except (binascii.Error, ValueError) as error:
        raise TokenError("invalid_client", "Authorization is malformed") from error
    client_id, separator, secret = decoded.partition(":")
    if not separator or not client_id:
        raise TokenError("invalid_client", "Authorization is malformed")
    return client_id, secret
