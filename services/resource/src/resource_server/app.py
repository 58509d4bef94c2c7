"""The resource server put together: the only place where its parts meet."""

from collections.abc import Sequence
from functools import partial
from urllib.parse import urljoin

import aiohttp
from aiohttp import web

from oauth_kit.clock import Clock, system_clock
from oauth_kit.outbound.http import open_session
from oauth_kit.outbound.signing_keys import RemoteIssuer
from oauth_kit.redis import Redis, connect
from oauth_kit.rules.metadata_documents import (
    authorization_server_metadata_urls,
    metadata_url,
    protected_resource_metadata,
)
from oauth_kit.settings import load_settings
from oauth_kit.web.brand import BrandFiles
from oauth_kit.web.cors import CorsRule
from oauth_kit.web.endpoint import Endpoint
from oauth_kit.web.pages import SHARED, Pages, StaticFiles
from oauth_kit.web.service import ServicePorts, build_service
from resource_server.background import running
from resource_server.bearer_gate import REST_PREFIX, BearerGate
from resource_server.contexts import Contexts
from resource_server.denials import DENIED_STREAM, DenialFollower, Denials
from resource_server.handlers.contexts import CONTEXTS_PATH, ContextsEndpoint
from resource_server.handlers.mcp import McpEndpoint
from resource_server.handlers.metadata import MetadataEndpoint, metadata_paths
from resource_server.handlers.start import StartEndpoint
from resource_server.issuers import TrustedIssuer
from resource_server.mcp_exchange import build_mcp_server
from resource_server.metrics import ResourceMetrics
from resource_server.settings import ResourceSettings
from resource_server.start_page import StartPage
from resource_server.token_cache import TokenCache
from resource_server.token_verifier import LEEWAY_SECONDS, TokenVerifier
from resource_server.tools import builtin_tools


async def create_app() -> web.Application:
    """What gunicorn calls, once a worker, inside its event loop."""
    settings = load_settings(ResourceSettings)
    redis = connect(settings.redis_url)
    session = open_session(
        timeout_seconds=settings.outbound_timeout_seconds,
        ca_file=settings.outbound_ca_file,
        host_map=settings.host_map,
    )
    ports = ServicePorts(settings.port, settings.effective_management_port)
    app = build_app(settings, redis=redis, session=session, ports=ports)

    async def close(app: web.Application) -> None:
        await session.close()
        await redis.aclose()

    app.on_cleanup.append(close)
    return app


def build_app(
    settings: ResourceSettings,
    *,
    redis: Redis,
    session: aiohttp.ClientSession,
    ports: ServicePorts | None,
    clock: Clock = system_clock,
) -> web.Application:
    """The whole service over any store and any way to reach the issuers. Tests call this."""
    metrics = ResourceMetrics()
    issuers = _trusted_issuers(settings, session, metrics, clock)
    denials = Denials(clock)
    follower = DenialFollower(
        redis,
        settings.keyspace.key(DENIED_STREAM),
        denials,
        count_loaded=metrics.denials_loaded.add,
    )
    contexts = Contexts(redis, settings.keyspace, clock, max_contexts=settings.max_contexts)
    scopes = {"read_scopes": settings.read_scopes, "write_scopes": settings.write_scopes}
    tools = builtin_tools(contexts, **scopes)
    server = build_mcp_server(tools, title=settings.resource_name)
    app = build_service(
        [
            MetadataEndpoint(settings.resource, _metadata(settings)),
            ContextsEndpoint(contexts, **scopes),
            McpEndpoint(settings.resource_path, server, tools),
            *_start_page(settings),
        ],
        name="resource",
        metrics=metrics,
        ports=ports,
        readiness=[*(trusted.remote.not_ready for trusted in issuers), follower.not_ready],
        cors=_cors_rules(settings),
        quiet=True,
    )
    app.middlewares.append(_gate(settings, issuers, denials, metrics, clock).middleware())
    background = [*(trusted.remote.keep_fresh for trusted in issuers), follower.run]
    app.cleanup_ctx.append(running(background))
    return app


def _trusted_issuers(
    settings: ResourceSettings,
    session: aiohttp.ClientSession,
    metrics: ResourceMetrics,
    clock: Clock,
) -> list[TrustedIssuer]:
    return [
        TrustedIssuer(
            RemoteIssuer(
                issuer,
                session,
                metadata_urls=authorization_server_metadata_urls(issuer),
                clock=clock,
                max_age_seconds=settings.signing_keys_age_seconds,
                count_lookup=metrics.key_lookups.add,
                count_failure=partial(metrics.upstream_errors.add, "signing_keys", "unavailable"),
            ),
            dialect,
        )
        for issuer, dialect in settings.issuers()
    ]


def _metadata(settings: ResourceSettings) -> dict[str, object]:
    return protected_resource_metadata(
        resource=settings.resource,
        issuers=[issuer for issuer, _ in settings.issuers()],
        scopes=settings.default_scopes,
        name=settings.resource_name,
    )


def _start_page(settings: ResourceSettings) -> list[Endpoint]:
    """None where the MCP endpoint itself is at the root."""
    if settings.resource_path == "/":
        return []
    brand = settings.brand()
    page = StartPage(
        name=settings.resource_name,
        resource=settings.resource,
        contexts_url=urljoin(settings.resource, CONTEXTS_PATH),
        issuers=[issuer for issuer, _ in settings.issuers()],
        first_scopes=settings.default_scopes,
        other_scopes=[
            scope for scope in settings.scopes_supported if scope not in settings.default_scopes
        ],
        clients=settings.demo_client_links(),
    )
    pages = Pages("resource_server", SHARED, brand=brand)
    return [StartEndpoint(page.render(pages)), StaticFiles(SHARED), BrandFiles(brand)]


def _gate(
    settings: ResourceSettings,
    issuers: Sequence[TrustedIssuer],
    denials: Denials,
    metrics: ResourceMetrics,
    clock: Clock,
) -> BearerGate:
    verifier = TokenVerifier(
        issuers,
        resource=settings.resource,
        scope_policy=settings.scope_policy(),
        denials=denials,
        cache=TokenCache(settings.token_cache_entries, clock, leeway_seconds=LEEWAY_SECONDS),
        clock=clock,
        count_lookup=metrics.token_lookups.add,
        count_denied=metrics.tokens_denied.add,
    )
    return BearerGate(
        verifier,
        resource_metadata=metadata_url(settings.resource),
        resource_path=settings.resource_path,
        resource_host=settings.resource_host,
        baseline=settings.default_scopes,
        origins=settings.origins(),
    )


def _cors_rules(settings: ResourceSettings) -> list[CorsRule]:
    guarded = (settings.resource_path, REST_PREFIX)
    return [
        CorsRule(metadata_paths(settings.resource), ("GET", "HEAD", "OPTIONS")),
        CorsRule(guarded, ("GET", "POST", "DELETE", "OPTIONS"), allows_origin=settings.origins()),
    ]
