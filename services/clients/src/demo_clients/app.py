"""One demo client from its settings."""

from collections.abc import AsyncIterator, Iterator
from functools import partial

import aiohttp
from aiohttp import web

from demo_clients.access import Access
from demo_clients.actions import Actions
from demo_clients.attacks.lab import Lab
from demo_clients.attacks.panel import Panel
from demo_clients.counted_outgoing import CountedOutgoing
from demo_clients.discovery import Discovery
from demo_clients.flow import LoginFlow
from demo_clients.handlers.actions import ACTION_NAMES, ActionEndpoint
from demo_clients.handlers.attacks import ATTACK_PATHS, AttacksEndpoint
from demo_clients.handlers.console import CONSOLE_PATHS, ConsoleEndpoint
from demo_clients.handlers.home import About, HomePage, ProblemPage
from demo_clients.handlers.login import CallbackEndpoint, LoginEndpoint
from demo_clients.handlers.timeline import (
    CLEAR_PATH,
    TIMELINE_PATH,
    TimelineEndpoint,
    TimelineEvents,
)
from demo_clients.identity.dynamic import Dynamic
from demo_clients.identity.in_order import InOrder
from demo_clients.identity.metadata_document import DOCUMENT_PATH, MetadataDocument
from demo_clients.identity.port import ClientIdentity, Profile
from demo_clients.identity.preregistered import Preregistered
from demo_clients.journey import Journey
from demo_clients.mcp_calls import McpServer
from demo_clients.metrics import ClientMetrics, UpstreamOperation
from demo_clients.outgoing import Outgoing
from demo_clients.resource_calls import ResourceServer
from demo_clients.sessions import Sessions
from demo_clients.settings import ClientSettings
from demo_clients.timeline.live import MAX_LISTENERS, LiveTimelines
from demo_clients.timeline.recorder import Recorder
from demo_clients.timeline.stream import Timelines
from demo_clients.tokens import TokenEndpoint
from demo_clients.visitors import Visitors
from oauth_kit.clock import Clock, system_clock
from oauth_kit.crypto.keyed_hash import KeyedHash
from oauth_kit.crypto.sealing import Sealer
from oauth_kit.outbound.http import open_session
from oauth_kit.redis import Redis, connect, redis_ready
from oauth_kit.settings import load_settings
from oauth_kit.web.endpoint import Endpoint
from oauth_kit.web.pages import Pages, StaticFiles
from oauth_kit.web.rate_limits import RateLimits
from oauth_kit.web.service import ServicePorts, build_service

PAGE_PATHS = frozenset(
    {
        *("/", "/login", "/callback", TIMELINE_PATH, CLEAR_PATH),
        *(f"/actions/{name}" for name in ACTION_NAMES),
        *CONSOLE_PATHS,
        *ATTACK_PATHS,
    }
)


async def create_app() -> web.Application:
    """What gunicorn calls, once a worker, inside its event loop."""
    settings = load_settings(ClientSettings)
    redis = connect(settings.redis_url)
    session = open_session(
        timeout_seconds=settings.outbound_timeout_seconds,
        ca_file=settings.outbound_ca_file,
        host_map=settings.host_map,
    )
    ports = ServicePorts(settings.port, settings.effective_management_port)
    waiting = connect(settings.redis_url, max_connections=MAX_LISTENERS)
    application = build_app(settings, redis=redis, waiting=waiting, session=session, ports=ports)

    async def close(_: web.Application) -> AsyncIterator[None]:
        yield
        await session.close()
        await redis.aclose()
        await waiting.aclose()

    application.cleanup_ctx.append(close)
    return application


def build_app(
    settings: ClientSettings,
    *,
    redis: Redis,
    waiting: Redis | None = None,
    session: aiohttp.ClientSession,
    clock: Clock = system_clock,
    ports: ServicePorts | None = None,
) -> web.Application:
    """The whole client, whatever stands behind Redis and the network.

    waiting: connections for those who follow a timeline; each holds one while it waits
    """
    metrics = ClientMetrics()
    timelines = build_timelines(settings, redis, waiting or redis, clock)
    journey = build_journey(settings, redis, session, timelines, metrics, clock)
    about, pages = describe(settings), Pages("demo_clients")
    live = LiveTimelines(timelines, pages)
    application = build_service(
        [
            *build_endpoints(settings, journey, timelines, live, about, pages),
            journey.identity,
            StaticFiles("demo_clients"),
        ],
        name=settings.service_name,
        ports=ports,
        metrics=metrics,
        readiness=[lambda: redis_ready(redis)],
        page_paths=PAGE_PATHS,
        error_page=ProblemPage(about, pages),
    )
    application.on_shutdown.append(live.close)
    return application


def build_journey(
    settings: ClientSettings,
    redis: Redis,
    session: aiohttp.ClientSession,
    timelines: Timelines,
    metrics: ClientMetrics,
    clock: Clock,
) -> Journey:
    """All that a visitor can set going, and what it needs."""

    def outgoing(operation: UpstreamOperation) -> Outgoing:
        return CountedOutgoing(session, partial(metrics.upstream_errors.add, operation))

    sealer = Sealer(settings.session_ring.derive(f"session of {settings.public_url}"))
    sessions = Sessions(redis, sealer, settings.keyspace, clock)
    identity = build_identity(settings, redis, outgoing("registration"), clock)
    resource = ResourceServer(outgoing("resource"), settings.resource, settings.contexts_address)
    mcp = McpServer(resource)
    tokens = TokenEndpoint(outgoing("token"), settings.resource)
    discovery = Discovery(settings.resource, outgoing("discovery"), settings.loopback_allowed)
    access = Access(sessions, tokens, discovery, identity, clock, metrics.refreshes.add)
    actions = Actions(access, sessions, resource, mcp)
    flow = LoginFlow(sessions, discovery, identity, mcp, tokens, settings.redirect_uri, clock)
    lab = Lab(
        outgoing=Outgoing(session),
        sessions=sessions,
        timelines=timelines,
        access=access,
        flow=flow,
        tokens=tokens,
        contexts_url=settings.contexts_address,
        cookie_name=settings.cookie_name,
        scope_policy=settings.scope_policy(),
        clock=clock,
    )
    return Journey(sessions, flow, access, actions, tokens, identity, Panel(lab))


def build_endpoints(
    settings: ClientSettings,
    journey: Journey,
    timelines: Timelines,
    live: LiveTimelines,
    about: About,
    pages: Pages,
) -> Iterator[Endpoint]:
    sessions = journey.sessions
    recorder = Recorder(timelines)
    visitors = Visitors(
        settings.public_url,
        settings.cookie_name,
        KeyedHash(settings.session_ring.derive(f"forms of {settings.public_url}")),
    )
    limits = RateLimits(
        settings.redis_url,
        prefix=settings.keyspace.key("rate"),
        enabled=settings.rate_limits == "on",
    )
    yield HomePage(about, pages, sessions, timelines, visitors, journey.flow.clock)
    yield LoginEndpoint(journey, visitors, recorder)
    yield CallbackEndpoint(journey, visitors, recorder)
    yield ActionEndpoint(journey, visitors, recorder)
    yield TimelineEndpoint(about, pages, timelines, visitors)
    yield TimelineEvents(live, visitors)
    yield ConsoleEndpoint(about, pages, sessions, journey, visitors, recorder)
    yield AttacksEndpoint(
        about, pages, journey.panel, visitors, recorder, limits, settings.attack_limit
    )


def build_timelines(
    settings: ClientSettings, redis: Redis, waiting: Redis, clock: Clock
) -> Timelines:
    sealer = Sealer(settings.session_ring.derive(f"timeline of {settings.public_url}"))
    return Timelines(redis, sealer, settings.keyspace, clock, waiting=waiting)


def build_identity(
    settings: ClientSettings, redis: Redis, outgoing: Outgoing, clock: Clock
) -> ClientIdentity:
    """The one difference between the three clients."""
    profile = Profile(settings.display_name, settings.public_url, settings.redirect_uri)
    sealer = Sealer(settings.session_ring.derive(f"registrations of {settings.public_url}"))
    dynamic = Dynamic(profile, outgoing, redis, sealer, settings.keyspace, clock)
    match settings.client_kind:
        case "preregistered":
            return Preregistered(
                settings.preregistered_issuer or settings.issuer,
                settings.preregistered_client_id,
                settings.preregistered_client_secret.get_secret_value(),
            )
        case "dynamic":
            return dynamic
        case "metadata_document":
            return InOrder((MetadataDocument(profile), dynamic))


def describe(settings: ClientSettings) -> About:
    client_ids = {
        "preregistered": settings.preregistered_client_id,
        "dynamic": None,
        "metadata_document": settings.public_url + DOCUMENT_PATH,
    }
    return About(
        kind=settings.client_kind,
        name=settings.display_name,
        client_id=client_ids[settings.client_kind],
        public_url=settings.public_url,
        redirect_uri=settings.redirect_uri,
        resource=settings.resource,
        contexts_url=settings.contexts_address,
    )
