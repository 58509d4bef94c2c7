"""The bridge, composed: the one place where its endpoints meet their parts."""

from collections.abc import Iterator

import aiohttp
from aiohttp import web

from cimd_bridge.app.parts import Parts, assemble
from cimd_bridge.background import Background
from cimd_bridge.client_authentication import ClientAuthenticator
from cimd_bridge.client_use import ClientUse
from cimd_bridge.consent import BrowserCookie, ConsentForms
from cimd_bridge.consent_page import ConsentPage
from cimd_bridge.grant_opening import GrantOpening
from cimd_bridge.handlers.authorize import AUTHORIZE_PATH, AuthorizeEndpoint
from cimd_bridge.handlers.callback import CALLBACK_PATH, CallbackEndpoint
from cimd_bridge.handlers.consent import CONSENT_PATH, ConsentEndpoint
from cimd_bridge.handlers.introspect import IntrospectEndpoint
from cimd_bridge.handlers.jwks import JWKS_PATH, JwksEndpoint
from cimd_bridge.handlers.logout import LOGOUT_PATH, LogoutEndpoint
from cimd_bridge.handlers.metadata import METADATA_PATH, MetadataEndpoint
from cimd_bridge.handlers.revoke import REVOKE_PATH, RevokeEndpoint
from cimd_bridge.handlers.token import TOKEN_PATH, TokenEndpoint
from cimd_bridge.key_rotation import key_rotation
from cimd_bridge.liveness import Liveness
from cimd_bridge.login_start import LoginStart
from cimd_bridge.own_tokens import OwnTokens
from cimd_bridge.settings import Settings
from cimd_bridge.signing_keys import JWKS_MAX_AGE_SECONDS, SigningKeys
from cimd_bridge.tokens import TokenMinter
from oauth_kit.clock import Clock, system_clock
from oauth_kit.crypto.keyed_hash import KeyedHash
from oauth_kit.outbound.http import open_session
from oauth_kit.redis import Redis, connect, redis_ready
from oauth_kit.rules.errors import OAuthError
from oauth_kit.settings import load_settings
from oauth_kit.web.brand import BrandFiles
from oauth_kit.web.cors import CorsRule
from oauth_kit.web.endpoint import Endpoint
from oauth_kit.web.pages import SHARED, StaticFiles
from oauth_kit.web.service import ServicePorts, build_service


async def create_app() -> web.Application:
    """What gunicorn calls, once per worker, inside its event loop."""
    settings = load_settings(Settings)
    session = open_session(
        timeout_seconds=settings.outbound_timeout_seconds,
        ca_file=settings.outbound_ca_file,
        host_map=settings.host_map,
    )
    redis = connect(settings.redis_url)
    ports = ServicePorts(settings.port, settings.effective_management_port)
    app = build_app(settings, redis=redis, session=session, ports=ports)
    app.on_cleanup.append(lambda _: session.close())
    app.on_cleanup.append(lambda _: redis.aclose())
    return app


def build_app(
    settings: Settings,
    *,
    redis: Redis,
    session: aiohttp.ClientSession,
    ports: ServicePorts | None,
    clock: Clock = system_clock,
    background: Background | None = None,
) -> web.Application:
    """The whole service on a given store and session."""
    parts = assemble(settings, redis, session, clock, background or Background())
    signing_keys = parts.records.signing_keys
    app = build_service(
        [*_pages(parts), *_client_api(parts)],
        name="cimd-bridge",
        ports=ports,
        metrics=parts.metrics,
        readiness=[lambda: redis_ready(redis), lambda: _keys_ready(signing_keys, clock)],
        cors=[
            CorsRule((METADATA_PATH, JWKS_PATH), ("GET", "HEAD", "OPTIONS")),
            CorsRule((TOKEN_PATH, REVOKE_PATH), ("POST", "OPTIONS")),
        ],
        page_paths=frozenset({AUTHORIZE_PATH, CONSENT_PATH, CALLBACK_PATH, LOGOUT_PATH}),
        error_page=parts.front_channel.error_page,
    )
    app.on_cleanup.append(parts.background.drain)
    if parts.documents is not None:
        app.on_cleanup.append(parts.documents.close)
    app.cleanup_ctx.append(lambda app: key_rotation(signing_keys, clock))
    return app


def _pages(parts: Parts) -> Iterator[Endpoint]:
    """What a person's browser asks."""
    settings, records, clock = parts.settings, parts.records, parts.clock
    cookie = BrowserCookie(settings.issuer, settings.port)
    forms = ConsentForms(settings.master_ring)
    login = LoginStart(parts.upstream, records.transactions, parts.front_channel, clock)
    yield AuthorizeEndpoint(
        parts.clients,
        forms,
        _consent_page(parts),
        login,
        parts.front_channel,
        cookie,
        settings.scope_policy(),
        settings.resource,
        settings.require_resource,
        parts.limits,
        settings.authorization_limit,
        parts.proxies,
        clock,
    )
    yield ConsentEndpoint(forms, login, cookie, settings.issuer, clock)
    yield CallbackEndpoint(records.transactions, _grant_opening(parts), parts.front_channel, cookie)
    logout_cookie = BrowserCookie(settings.issuer, settings.port, "logout", lives_seconds=600)
    yield LogoutEndpoint(parts.upstream, parts.front_channel, logout_cookie, settings.issuer)
    yield StaticFiles(SHARED)
    yield BrandFiles(parts.brand)


def _client_api(parts: Parts) -> Iterator[Endpoint]:
    """What clients and resource servers ask."""
    settings, records, clock = parts.settings, parts.records, parts.clock
    authenticator = ClientAuthenticator(
        parts.clients, parts.limits, settings.failure_limits, parts.proxies, clock
    )
    own_tokens = OwnTokens(settings.issuer, settings.resource, records.signing_keys, clock)
    yield MetadataEndpoint(settings.server_metadata())
    yield JwksEndpoint(records.signing_keys, JWKS_MAX_AGE_SECONDS, clock)
    yield TokenEndpoint(
        authenticator,
        records.codes,
        records.grants,
        Liveness(
            records.grants, parts.upstream, parts.ending, settings.upstream_check_seconds, clock
        ),
        parts.ending,
        TokenMinter(settings.issuer, records.signing_keys, settings.access_token_seconds),
        settings.scope_policy(),
        settings.resource,
        parts.metrics,
        clock,
    )
    yield RevokeEndpoint(
        authenticator, records.grants, records.denials, own_tokens, parts.ending, clock
    )
    yield IntrospectEndpoint(
        parts.preregistered,
        own_tokens,
        records.grants,
        records.denials,
        parts.limits,
        settings.introspection_failure_limit,
        parts.proxies,
        clock,
    )


def _consent_page(parts: Parts) -> ConsentPage:
    settings = parts.settings
    return ConsentPage(
        parts.front_channel.pages,
        settings.scope_policy(),
        settings.scope_sentences,
        grant_seconds=settings.refresh_absolute_seconds,
        token_seconds=settings.access_token_seconds,
    )


def _grant_opening(parts: Parts) -> GrantOpening:
    settings = parts.settings
    return GrantOpening(
        parts.upstream,
        parts.records.grants,
        parts.registrar,
        ClientUse(parts.redis, settings.keyspace, parts.registrar, settings.client_lives_seconds),
        parts.background,
        KeyedHash(settings.master_ring.derive("subject-in-logs")),
        settings.uses_own_clients,
        settings.unchecked_grant_seconds,
        parts.clock,
    )


async def _keys_ready(signing_keys: SigningKeys, clock: Clock) -> str | None:
    try:
        await signing_keys.current(clock())
    except OAuthError as error:
        return f"signing keys: {error.reason}"
    return None
