"""What the bridge is made of: adapters meet ports here, endpoints meet them in the package."""

from dataclasses import dataclass
from functools import partial

import aiohttp

from cimd_bridge.background import Background
from cimd_bridge.client_resolver import ClientResolver
from cimd_bridge.documents import Documents
from cimd_bridge.front_channel import FrontChannel
from cimd_bridge.grant_ending import GrantEnding
from cimd_bridge.handlers.callback import CALLBACK_PATH
from cimd_bridge.metrics import BridgeMetrics
from cimd_bridge.own_clients import OwnClients
from cimd_bridge.preregistered import Preregistered
from cimd_bridge.records.codes import Codes
from cimd_bridge.records.denials import Denials
from cimd_bridge.records.grant import Lifetimes
from cimd_bridge.records.grants import Grants
from cimd_bridge.records.store import RecordStore
from cimd_bridge.records.transactions import Transactions
from cimd_bridge.registrar_api import RegistrarApi
from cimd_bridge.settings import Settings
from cimd_bridge.signing_keys import Rotation, SigningKeys
from cimd_bridge.upstream import Upstream
from oauth_kit.clock import Clock
from oauth_kit.outbound.host_map import HostMap
from oauth_kit.outbound.http import tls_context
from oauth_kit.outbound.public_fetch import PublicFetch
from oauth_kit.providers.oidc import OidcProvider
from oauth_kit.records.upstream_client import UpstreamClientSealer
from oauth_kit.redis import Redis
from oauth_kit.rules.document_targets import DocumentTargets
from oauth_kit.rules.public_address import PrivateTargets
from oauth_kit.web.brand import Brand
from oauth_kit.web.pages import SHARED, Pages
from oauth_kit.web.rate_limits import RateLimits
from oauth_kit.web.reading import TrustedProxies

_LEEWAY_SECONDS = 60
_DENIAL_MARGIN_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Parts:
    """What several endpoints share."""

    settings: Settings
    redis: Redis
    clock: Clock
    background: Background
    metrics: BridgeMetrics
    limits: RateLimits
    proxies: TrustedProxies
    records: "Records"
    registrar: RegistrarApi
    upstream: Upstream
    preregistered: Preregistered
    documents: Documents | None
    clients: ClientResolver
    brand: Brand
    front_channel: FrontChannel
    ending: GrantEnding


def assemble(
    settings: Settings,
    redis: Redis,
    session: aiohttp.ClientSession,
    clock: Clock,
    background: Background,
) -> Parts:
    metrics = BridgeMetrics()
    limits = RateLimits(
        settings.redis_url,
        prefix=settings.keyspace.key("rate", "cimd-bridge"),
        enabled=settings.rate_limits == "on",
        count_limited=metrics.rate_limited.add,
    )
    registrar = RegistrarApi(
        session,
        settings.registrar_internal_url,
        settings.internal_token.get_secret_value(),
        partial(metrics.upstream_errors.add, "registrar", "unavailable"),
    )
    records = _records(settings, redis, metrics)
    own_clients = OwnClients(
        redis, settings.keyspace, UpstreamClientSealer(settings.upstream_ring), registrar
    )
    upstream = _upstream(settings, own_clients, session, metrics, clock)
    preregistered = settings.preregistered()
    documents = _documents(settings, redis, limits, metrics, clock)
    brand = settings.brand()
    return Parts(
        settings=settings,
        redis=redis,
        clock=clock,
        background=background,
        metrics=metrics,
        limits=limits,
        proxies=TrustedProxies(settings.trusted_proxies),
        records=records,
        registrar=registrar,
        upstream=upstream,
        preregistered=preregistered,
        documents=documents,
        clients=ClientResolver(preregistered, documents, redis, settings.keyspace, registrar),
        brand=brand,
        front_channel=FrontChannel(settings.issuer, Pages("cimd_bridge", SHARED, brand=brand)),
        ending=GrantEnding(records.grants, upstream, background, clock),
    )


@dataclass(frozen=True, slots=True)
class Records:
    """All that the bridge remembers, on one store."""

    transactions: Transactions
    codes: Codes
    grants: Grants
    denials: Denials
    signing_keys: SigningKeys


def _records(settings: Settings, redis: Redis, metrics: BridgeMetrics) -> Records:
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
    return Records(
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
