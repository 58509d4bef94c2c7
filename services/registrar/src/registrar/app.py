"""The registrar: what stands behind each port, and the whole service built from it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import suppress
from functools import partial
from math import nan

import aiohttp
from aiohttp import web

from oauth_kit.clock import Clock, system_clock
from oauth_kit.outbound.http import open_session
from oauth_kit.providers.catalog import ProviderSource
from oauth_kit.records.upstream_client import UpstreamClientSealer
from oauth_kit.redis import Redis, connect, redis_ready
from oauth_kit.rules.errors import OAuthError
from oauth_kit.settings import load_settings
from oauth_kit.web.cors import CorsRule
from oauth_kit.web.endpoint import Endpoint
from oauth_kit.web.rate_limits import RateLimits
from oauth_kit.web.reading import TrustedProxies
from oauth_kit.web.service import ServicePorts, build_service
from registrar.app_client_names import AppClientNames
from registrar.directories.catalog import DirectoryFor, directory_catalog
from registrar.directories.counted import counted
from registrar.existence import Existence
from registrar.handlers.bearer_guard import BearerGuard
from registrar.handlers.internal import InternalEndpoint
from registrar.handlers.register import RegisterEndpoint, RegistrationLimits
from registrar.metrics import RegistrarMetrics
from registrar.provisioning import Provisioning, ProvisioningPolicy
from registrar.reconciliation import Reconciliation
from registrar.registration_policy import RegistrationPolicy
from registrar.registrations.dynamodb import DynamoDbRegistrations
from registrar.registrations.port import Registrations
from registrar.registrations.redis import RedisRegistrations
from registrar.registrations.refill import TableRefill
from registrar.registrations.table import RegistrationTable, connect_dynamodb
from registrar.settings import DAY_SECONDS, Settings
from registrar.upstream_clients import UpstreamClients

Forever = Callable[[], Coroutine[None, None, None]]


async def create_app() -> web.Application:
    """What runs in production, once per process, inside its event loop."""
    settings = load_settings(Settings)
    metrics = RegistrarMetrics(upstream_client_budget=settings.upstream_client_budget)
    redis = connect(settings.redis_url)
    provider = settings.provider_source()
    session = open_session(
        timeout_seconds=settings.outbound_timeout_seconds,
        ca_file=settings.outbound_ca_file,
        host_map=settings.host_map,
    )
    directory_for = counted(
        directory_catalog(
            settings.aws_endpoint_url_cognito_idp,
            session=session,
            service_account=settings.service_account(),
        ),
        metrics.upstream_errors.add,
    )
    table = _registration_table(settings)
    application = build_app(
        settings,
        redis=redis,
        table=table,
        provider=provider,
        directory_for=directory_for,
        limits=RateLimits(
            settings.redis_url,
            prefix=settings.keyspace.key("rate", "registrar"),
            enabled=settings.rate_limits == "on",
            count_limited=metrics.rate_limited.add,
        ),
        metrics=metrics,
        ports=ServicePorts(
            settings.port, settings.effective_management_port, settings.effective_internal_port
        ),
    )
    for run in _background(settings, redis, provider, directory_for, table):
        application.cleanup_ctx.append(partial(_in_background, run))
    application.on_cleanup.append(partial(_close, redis, session, table))
    return application


def build_app(
    settings: Settings,
    *,
    redis: Redis,
    provider: ProviderSource,
    directory_for: DirectoryFor,
    limits: RateLimits,
    metrics: RegistrarMetrics,
    table: RegistrationTable | None = None,
    ports: ServicePorts | None = None,
    clock: Clock = system_clock,
) -> web.Application:
    """The whole service, whatever stands behind its ports.

    table: None keeps registrations in Redis alone
    ports: None lets every path answer everywhere (tests)
    """
    registrations = _registrations(settings, redis, table, clock)
    upstreams = upstream_clients(settings, redis, clock)
    provisioning = Provisioning(
        provider,
        directory_for,
        upstreams,
        limits,
        AppClientNames.of(settings.upstream_ring),
        _provisioning_policy(settings),
    )
    existence = Existence(
        provider, directory_for, upstreams, settings.upstream_client_check_seconds
    )
    guard = BearerGuard(settings.internal_token)
    endpoints: list[Endpoint] = [
        InternalEndpoint(guard, registrations, upstreams, provisioning, existence)
    ]
    cors = []
    if settings.dynamic_registration == "on":
        endpoints.append(_register_endpoint(settings, registrations, limits, metrics, clock))
        cors.append(CorsRule(paths=("/register",), methods=("POST",)))
    return build_service(
        endpoints,
        name="registrar",
        ports=ports,
        metrics=metrics,
        measurements=[partial(_count_upstream_clients, provider, upstreams, metrics)],
        readiness=[partial(redis_ready, redis), *([table.ready] if table else [])],
        cors=cors,
    )


def _registrations(
    settings: Settings, redis: Redis, table: RegistrationTable | None, clock: Clock
) -> Registrations:
    in_redis = _redis_registrations(settings, redis, clock)
    return in_redis if table is None else DynamoDbRegistrations(table, in_redis, clock)


def _redis_registrations(settings: Settings, redis: Redis, clock: Clock) -> RedisRegistrations:
    return RedisRegistrations(
        redis,
        settings.keyspace,
        clock,
        max_clients=settings.registration_max_clients,
        unused_seconds=settings.registration_unused_days * DAY_SECONDS,
        used_seconds=settings.registration_used_days * DAY_SECONDS,
    )


def _registration_table(settings: Settings) -> RegistrationTable | None:
    if settings.registration_store != "dynamodb":
        return None
    return RegistrationTable(
        settings.registration_table,
        lambda: connect_dynamodb(
            settings.table_region, endpoint_url=settings.aws_endpoint_url_dynamodb or None
        ),
    )


def upstream_clients(settings: Settings, redis: Redis, clock: Clock) -> UpstreamClients:
    return UpstreamClients(
        redis,
        settings.keyspace,
        UpstreamClientSealer(settings.upstream_ring),
        clock,
        lives_seconds=settings.registration_used_days * DAY_SECONDS,
    )


def _register_endpoint(
    settings: Settings,
    registrations: Registrations,
    limits: RateLimits,
    metrics: RegistrarMetrics,
    clock: Clock,
) -> RegisterEndpoint:
    token = settings.initial_access_token
    return RegisterEndpoint(
        policy=RegistrationPolicy(
            settings.metadata_policy(),
            settings.scope_policy(),
            web_clients_on_loopback=settings.web_clients_on_loopback == "accept",
        ),
        registrations=registrations,
        limits=limits,
        allowed=RegistrationLimits(
            by_caller=settings.registration_limit, in_all=settings.registration_limit_global
        ),
        proxies=TrustedProxies(settings.trusted_proxies),
        clock=clock,
        guard=None if token is None else BearerGuard(token),
        metrics=metrics,
    )


def _provisioning_policy(settings: Settings) -> ProvisioningPolicy:
    return ProvisioningPolicy(
        upstream_clients=settings.upstream_clients,
        budget=settings.upstream_client_budget,
        per_subject=settings.upstream_clients_per_subject,
        subject_limit=settings.upstream_subject_limit,
        callback_url=settings.callback_url,
        scopes=tuple(settings.provider_scopes.split()),
        identity_providers=settings.provider_identity_providers,
    )


async def _count_upstream_clients(
    provider: ProviderSource, upstreams: UpstreamClients, metrics: RegistrarMetrics
) -> None:
    """Asked at each scrape: the count is everybody's, whichever process made the last one."""
    with suppress(OAuthError):
        number = await upstreams.count(provider.current().generation)
        metrics.upstream_clients.set(nan if number is None else number)


def _background(
    settings: Settings,
    redis: Redis,
    provider: ProviderSource,
    directory_for: DirectoryFor,
    table: RegistrationTable | None,
) -> Iterator[Forever]:
    """What goes on beside the requests."""
    if settings.reconcile_app_clients == "on":
        upstreams = upstream_clients(settings, redis, system_clock)
        names = AppClientNames.of(settings.upstream_ring)
        yield Reconciliation(provider, directory_for, upstreams, names).run_daily
    if table is not None:
        copies = _redis_registrations(settings, redis, system_clock)
        yield TableRefill(table, copies).run


async def _in_background(run: Forever, application: web.Application) -> AsyncIterator[None]:
    task = asyncio.create_task(run())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _close(
    redis: Redis,
    session: aiohttp.ClientSession,
    table: RegistrationTable | None,
    application: web.Application,
) -> None:
    await session.close()
    await redis.aclose()
    if table is not None:
        table.close()
