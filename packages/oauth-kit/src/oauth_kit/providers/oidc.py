"""An OpenID provider behind us: code flow, refresh, revocation, log-out (OIDC Core §3.1, §12)."""

import base64
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlencode

import aiohttp
import structlog

from oauth_kit.clock import Clock, system_clock
from oauth_kit.outbound.http import read_answer
from oauth_kit.outbound.signing_keys import RemoteIssuer, verify_jws
from oauth_kit.providers.catalog import ProviderConfig
from oauth_kit.providers.dialects import DIALECTS, ProviderDialect
from oauth_kit.providers.port import (
    UpstreamCredentials,
    UpstreamLogin,
    UpstreamRefusedError,
    UpstreamTokens,
    UpstreamUnavailableError,
)
from oauth_kit.rules.errors import OAuthError
from oauth_kit.rules.json_object import parse_json_object
from oauth_kit.rules.redirect_uris import with_parameters
from oauth_kit.rules.upstream_id_token import check_id_token

log = structlog.get_logger()

_FAILURES = (aiohttp.ClientError, TimeoutError, OSError, ValueError)
# A status that says "no" for good; anything else says nothing about the grant
_REFUSALS = frozenset({400, 401, 403})
# … unless the error code says that it is for now
_PASSING = frozenset({"server_error", "temporarily_unavailable", "slow_down"})


class OidcProvider:
    """Everything that discovery allows; what it does not say is in the config and the dialect.

    Implements `IdentityProvider`.
    """

    def __init__(
        self,
        config: ProviderConfig,
        session: aiohttp.ClientSession,
        *,
        scopes: str,
        authorize_params: str = "",
        clock: Clock = system_clock,
    ) -> None:
        self.config = config
        self.dialect: ProviderDialect = DIALECTS[config.provider]
        self._session = session
        self._scopes = scopes
        self._authorize_params = parse_qsl(authorize_params, keep_blank_values=True)
        self._clock = clock
        self._remote = RemoteIssuer(
            config.issuer,
            session,
            metadata_urls=[f"{config.issuer.rstrip('/')}/.well-known/openid-configuration"],
            jwks_url=config.jwks_url,
            clock=clock,
        )

    async def authorization_url(
        self, client_id: str, *, redirect_uri: str, state: str, nonce: str, code_challenge: str
    ) -> str:
        endpoint = self.config.authorize_url or await self._discovered("authorization_endpoint")
        parameters = [
            ("response_type", "code"),
            ("client_id", client_id),
            ("redirect_uri", redirect_uri),
            ("scope", self._scopes),
            ("state", state),
            ("nonce", nonce),
            ("code_challenge", code_challenge),
            ("code_challenge_method", "S256"),
            *self._authorize_params,
        ]
        return with_parameters(endpoint, parameters)

    async def accepts_issuer(self, response_iss: str | None) -> bool:
        if response_iss is not None:
            return response_iss == self.config.issuer
        if self.dialect.always_sends_iss:
            return False
        if self.config.authorize_url is not None:
            return True
        metadata = await self._metadata()
        return metadata.get("authorization_response_iss_parameter_supported") is not True

    async def exchange(
        self,
        code: str,
        credentials: UpstreamCredentials,
        *,
        redirect_uri: str,
        code_verifier: str,
        nonce: str,
    ) -> UpstreamLogin:
        answer = await self._token_request(
            credentials,
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": redirect_uri,
                "code_verifier": code_verifier,
            },
        )
        id_token = answer.get("id_token")
        if not isinstance(id_token, str):
            raise UpstreamRefusedError("no_id_token")
        try:
            header, claims = await verify_jws(id_token, self._remote)
            identity = check_id_token(
                header,
                claims,
                issuer=self.config.issuer,
                client_id=credentials.client_id,
                nonce=nonce,
                now=self._clock(),
            )
        except OAuthError as error:
            if error.code == "temporarily_unavailable":
                raise UpstreamUnavailableError(error.reason) from error
            raise UpstreamRefusedError(f"id_token: {error.reason}") from error
        session_id = claims.get(self.dialect.session_claim)
        return UpstreamLogin(
            identity=identity,
            tokens=UpstreamTokens(_optional_text(answer, "refresh_token")),
            session_id=session_id if isinstance(session_id, str) else None,
        )

    async def refresh(
        self, tokens: UpstreamTokens, credentials: UpstreamCredentials
    ) -> UpstreamTokens:
        if tokens.refresh_token is None:
            raise UpstreamRefusedError("no_refresh_token")
        answer = await self._token_request(
            credentials,
            {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token},
        )
        # a provider that does not rotate sends none: the old one stays good
        return UpstreamTokens(_optional_text(answer, "refresh_token") or tokens.refresh_token)

    async def revoke(self, tokens: UpstreamTokens, credentials: UpstreamCredentials) -> None:
        if tokens.refresh_token is None:
            return
        url = self.config.revoke_url or await self._discovered("revocation_endpoint")
        status, _ = await self._post(
            url,
            credentials,
            {"token": tokens.refresh_token, "token_type_hint": "refresh_token"},
        )
        if status != 200:
            raise UpstreamUnavailableError(f"revocation answered {status}")

    async def logout_url(self, client_id: str, *, return_to: str, state: str) -> str | None:
        url = self.config.logout_url or await self._advertised("end_session_endpoint")
        if url is None:
            return None
        dialect = self.dialect.logout
        parameters = [("client_id", client_id), (dialect.return_parameter, return_to)]
        if dialect.returns_state:
            parameters.append(("state", state))
        return with_parameters(url, parameters)

    async def _token_request(
        self, credentials: UpstreamCredentials, parameters: Mapping[str, str]
    ) -> dict[str, object]:
        url = self.config.token_url or await self._discovered("token_endpoint")
        status, body = await self._post(url, credentials, parameters)
        try:
            answer = parse_json_object(body) if status in (200, *_REFUSALS) else {}
        except ValueError as error:
            raise UpstreamUnavailableError(f"token endpoint: {status} without JSON") from error
        if status == 200:
            return answer
        code = answer.get("error")
        if isinstance(code, str) and code not in _PASSING:
            raise UpstreamRefusedError(code[:64])
        raise UpstreamUnavailableError(f"token endpoint answered {status}")

    async def _post(
        self, url: str, credentials: UpstreamCredentials, parameters: Mapping[str, str]
    ) -> tuple[int, bytes]:
        started = time.perf_counter()
        headers = {
            "Authorization": _basic(credentials),
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        }
        try:
            async with self._session.post(
                url, data=urlencode(parameters), headers=headers, allow_redirects=False
            ) as response:
                body = await read_answer(response)
        except _FAILURES as error:
            raise UpstreamUnavailableError(type(error).__name__) from error
        milliseconds = round((time.perf_counter() - started) * 1000, 1)
        log.info("provider_answered", status=response.status, milliseconds=milliseconds)
        return response.status, body

    async def _discovered(self, member: str) -> str:
        endpoint = await self._advertised(member)
        if endpoint is None:
            raise UpstreamUnavailableError(f"discovery names no {member}")
        return endpoint

    async def _advertised(self, member: str) -> str | None:
        endpoint = (await self._metadata()).get(member)
        if not isinstance(endpoint, str):
            return None
        both_plain = endpoint.startswith("http://") and self.config.issuer.startswith("http://")
        if not endpoint.startswith("https://") and not both_plain:
            raise UpstreamUnavailableError(f"{member} is not https")
        return endpoint

    async def _metadata(self) -> Mapping[str, Any]:
        try:
            return await self._remote.metadata()
        except OAuthError as error:
            raise UpstreamUnavailableError(error.reason) from error


def _basic(credentials: UpstreamCredentials) -> str:
    """RFC 6749 §2.3.1: both parts form-encoded before base64."""
    pair = f"{quote_plus(credentials.client_id)}:{quote_plus(credentials.client_secret)}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def _optional_text(answer: Mapping[str, object], member: str) -> str | None:
    value = answer.get(member)
    return value if isinstance(value, str) and value else None
