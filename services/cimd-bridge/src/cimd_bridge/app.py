"""The bridge, composed: the one place where adapters meet ports."""

from dataclasses import dataclass
from functools import partial

import aiohttp
from aiohttp import web

from cimd_bridge.background import Background
from cimd_bridge.client_authentication import ClientAuthenticator
from cimd_bridge.client_resolver import ClientResolver
from cimd_bridge.client_use import ClientUse
from cimd_bridge.consent import BrowserCookie, ConsentForms
from cimd_bridge.consent_page import ConsentPage
from cimd_bridge.documents import Documents
from cimd_bridge.front_channel import FrontChannel
from cimd_bridge.grant_ending import GrantEnding
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
from cimd_bridge.metrics import BridgeMetrics
from cimd_bridge.own_clients import OwnClients
from cimd_bridge.own_tokens import OwnTokens
from cimd_bridge.records.codes import Codes
from cimd_bridge.records.denials import Denials
from cimd_bridge.records.grant import Lifetimes
from cimd_bridge.records.grants import Grants
from cimd_bridge.records.store import RecordStore
from cimd_bridge.records.transactions import Transactions
from cimd_bridge.registrar_api import RegistrarApi
from cimd_bridge.settings import Settings
from cimd_bridge.signing_keys import JWKS_MAX_AGE_SECONDS, Rotation, SigningKeys
from cimd_bridge.tokens import TokenMinter
from cimd_bridge.upstream import Upstream
from oauth_kit.clock import Clock, system_clock
from oauth_kit.crypto.keyed_hash import KeyedHash
from oauth_kit.outbound.host_map import HostMap
from oauth_kit.outbound.http import open_session, tls_context
from oauth_kit.outbound.public_fetch import PublicFetch
from oauth_kit.providers.oidc import OidcProvider
from oauth_kit.records.upstream_client import UpstreamClientSealer
from oauth_kit.redis import Redis, connect, redis_ready
from oauth_kit.rules.document_targets import DocumentTargets
from oauth_kit.rules.errors import OAuthError
from oauth_kit.rules.public_address import PrivateTargets
from oauth_kit.settings import load_settings
from oauth_kit.web.brand import BrandFiles
from oauth_kit.web.cors import CorsRule
from oauth_kit.web.pages import SHARED, Pages, StaticFiles
from oauth_kit.web.rate_limits import RateLimits
from oauth_kit.web.reading import TrustedProxies
from oauth_kit.web.service import ServicePorts, build_service

_LEEWAY_SECONDS = 60
_DENIAL_MARGIN_SECONDS = 30


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
    background = background or Background()
    metrics = BridgeMetrics()
    scopes = settings.scope_policy()
    proxies = TrustedProxies(settings.trusted_proxies)
    limits = RateLimits(
        settings.redis_url,
        prefix=settings.keyspace.key("rate"),
        enabled=settings.rate_limits == "on",
        count_limited=metrics.rate_limited.add,
    )
    preregistered = settings.preregistered()
    records = _records(settings, redis, metrics)
    registrar = RegistrarApi(
        session,
        settings.registrar_internal_url,
        settings.internal_token.get_secret_value(),
        partial(metrics.upstream_errors.add, "registrar", "unavailable"),
    )
    own_clients = OwnClients(
        redis, settings.keyspace, UpstreamClientSealer(settings.upstream_ring), registrar
    )
    upstream = _upstream(settings, own_clients, session, metrics, clock)
    documents = _documents(settings, redis, limits, metrics, clock)
    clients = ClientResolver(preregistered, documents, redis, settings.keyspace, registrar)
    brand = settings.brand()
    front_channel = FrontChannel(settings.issuer, Pages("cimd_bridge", SHARED, brand=brand))
    cookie = BrowserCookie(settings.issuer, settings.port)
    logout_cookie = BrowserCookie(settings.issuer, settings.port, "logout", lives_seconds=600)
    forms = ConsentForms(settings.master_ring)
    login = LoginStart(upstream, records.transactions, front_channel, clock)
    ending = GrantEnding(records.grants, upstream, background, clock)
    authenticator = ClientAuthenticator(clients, limits, settings.failure_limits, proxies, clock)
    own_tokens = OwnTokens(settings.issuer, settings.resource, records.signing_keys, clock)
    opening = GrantOpening(
        upstream,
        records.grants,
        registrar,
        ClientUse(redis, settings.keyspace, registrar, settings.client_lives_seconds),
        background,
        KeyedHash(settings.master_ring.derive("subject-in-logs")),
        settings.uses_own_clients,
        settings.unchecked_grant_seconds,
        clock,
    )
    app = build_service(
        [
            MetadataEndpoint(settings.server_metadata()),
            JwksEndpoint(records.signing_keys, JWKS_MAX_AGE_SECONDS, clock),
            AuthorizeEndpoint(
                clients,
                forms,
                _consent_page(settings, front_channel.pages),
                login,
                front_channel,
                cookie,
                scopes,
                settings.resource,
                settings.require_resource,
                limits,
                settings.authorization_limit,
                proxies,
                clock,
            ),
            ConsentEndpoint(forms, login, cookie, settings.issuer, clock),
            CallbackEndpoint(records.transactions, opening, front_channel, cookie),
            LogoutEndpoint(upstream, front_channel, logout_cookie, settings.issuer),
            TokenEndpoint(
                authenticator,
                records.codes,
                records.grants,
                Liveness(records.grants, upstream, ending, settings.upstream_check_seconds, clock),
                ending,
                TokenMinter(settings.issuer, records.signing_keys, settings.access_token_seconds),
                scopes,
                settings.resource,
                metrics,
                clock,
            ),
            RevokeEndpoint(
                authenticator, records.grants, records.denials, own_tokens, ending, clock
            ),
            IntrospectEndpoint(
                preregistered,
                own_tokens,
                records.grants,
                records.denials,
                limits,
                settings.introspection_failure_limit,
                proxies,
                clock,
            ),
            StaticFiles(SHARED),
            BrandFiles(brand),
        ],
        name="cimd-bridge",
        ports=ports,
        metrics=metrics,
        readiness=[lambda: redis_ready(redis), lambda: _keys_ready(records.signing_keys, clock)],
        cors=[
            CorsRule((METADATA_PATH, JWKS_PATH), ("GET", "HEAD", "OPTIONS")),
            CorsRule((TOKEN_PATH, REVOKE_PATH), ("POST", "OPTIONS")),
        ],
        page_paths=frozenset({AUTHORIZE_PATH, CONSENT_PATH, CALLBACK_PATH, LOGOUT_PATH}),
        error_page=front_channel.error_page,
    )
    app.on_cleanup.append(background.drain)
    if documents is not None:
        app.on_cleanup.append(documents.close)
    app.cleanup_ctx.append(lambda app: key_rotation(records.signing_keys, clock))
    return app


@dataclass(frozen=True, slots=True)
class _Records:
    """All that the bridge remembers, on one store."""

    transactions: Transactions
    codes: Codes
    grants: Grants
    denials: Denials
    signing_keys: SigningKeys


def _records(settings: Settings, redis: Redis, metrics: BridgeMetrics) -> _Records:
    store = RecordStore.under(settings.master_ring, redis, settings.keyspace)
    token_seconds = settings.access_token_seconds + _LEEWAY_SECONDS
    lifetimes = Lifetimes(
        code_seconds=settings.code_seconds,
        idle_seconds=settings.refresh_idle_seconds,
        absolute_seconds=settings.refresh_absolute_seconds,
        unrefreshable_seconds=token_seconds,
        grace_seconds=settings.refresh_grace_seconds,
    )
    denials = Denials(
        store,
        window_seconds=token_seconds + _DENIAL_MARGIN_SECONDS,
        count_written=metrics.denials_written.add,
    )
    return _Records(
        transactions=Transactions(store),
        codes=Codes(store, lifetimes=lifetimes),
        grants=Grants(store, denials, lifetimes=lifetimes),
        denials=denials,
        signing_keys=SigningKeys(
            store,
            algorithm=settings.signing_algorithm,
            rotation=Rotation(access_token_seconds=settings.access_token_seconds),
        ),
    )


def _upstream(
    settings: Settings,
    own_clients: OwnClients,
    session: aiohttp.ClientSession,
    metrics: BridgeMetrics,
    clock: Clock,
) -> Upstream:
    make_provider = partial(
        OidcProvider,
        session=session,
        scopes=settings.provider_scopes,
        authorize_params=settings.provider_authorize_params,
        clock=clock,
    )
    return Upstream(
        settings.provider_source(),
        make_provider,
        own_clients=own_clients,
        callback_url=settings.issuer + CALLBACK_PATH,
        uses_own_clients=settings.uses_own_clients,
        count_failure=metrics.upstream_errors.add,
    )


def _consent_page(settings: Settings, pages: Pages) -> ConsentPage:
    return ConsentPage(
        pages,
        settings.scope_policy(),
        settings.scope_sentences,
        grant_seconds=settings.refresh_absolute_seconds,
        token_seconds=settings.access_token_seconds,
    )


def _documents(
    settings: Settings, redis: Redis, limits: RateLimits, metrics: BridgeMetrics, clock: Clock
) -> Documents | None:
    """Clients' metadata documents: strangers' hosts, and in development what the settings allow."""
    if settings.client_documents == "off":
        return None
    host_map = HostMap.parse(settings.host_map)
    private = PrivateTargets(
        loopback=settings.cimd_allow_loopback and not host_map.pairs,
        host_map=host_map.pairs if settings.cimd_allow_loopback else {},
        hosts=frozenset(settings.cimd_private_hosts),
    )
    targets = DocumentTargets.excluding(
        (settings.issuer, settings.registrar_url, settings.resource), (), private
    )
    fetch = PublicFetch(private=private, tls=tls_context(settings.outbound_ca_file))
    return Documents(
        redis,
        settings.keyspace,
        fetch,
        targets,
        settings.metadata_policy(),
        limits,
        settings.document_limits,
        clock=clock,
        count_lookup=metrics.document_lookups.add,
        count_failure=partial(metrics.upstream_errors.add, "client_document"),
    )


async def _keys_ready(signing_keys: SigningKeys, clock: Clock) -> str | None:
    try:
        await signing_keys.current(clock())
    except OAuthError as error:
        return f"signing keys: {error.reason}"
    return None
