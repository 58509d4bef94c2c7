"""A service from its endpoints, and the process that runs it without gunicorn."""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

import structlog
import uvloop
from aiohttp import web

from oauth_kit.logging import configure_logging
from oauth_kit.metrics import Metrics
from oauth_kit.settings import ServiceSettings
from oauth_kit.web.cors import CorsRule
from oauth_kit.web.endpoint import Endpoint
from oauth_kit.web.management import ManagementEndpoint, Measurement, ReadinessCheck
from oauth_kit.web.middleware import (
    ErrorPage,
    common_headers,
    port_families,
    preflights,
    refusals,
    request_context,
)
from oauth_kit.web.request_durations import RequestDurations

log = structlog.get_logger()

_MAX_REQUEST_BYTES = 1024 * 1024
_SHUTDOWN_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class ServicePorts:
    """Local ports. `None` for the whole object lets every path answer everywhere (tests)."""

    public: int
    management: int
    internal: int | None = None


def build_service(
    endpoints: Iterable[Endpoint],
    *,
    name: str,
    ports: ServicePorts | None,
    metrics: Metrics,
    measurements: Sequence[Measurement] = (),
    readiness: Sequence[ReadinessCheck] = (),
    cors: Sequence[CorsRule] = (),
    page_paths: frozenset[str] = frozenset(),
    error_page: ErrorPage | None = None,
    quiet: bool = False,
) -> web.Application:
    """The whole application: middlewares from the outside in, then one route table."""
    middlewares = [
        request_context(RequestDurations(metrics), quiet=quiet),
        refusals(page_paths, error_page),
    ]
    if ports is not None:
        middlewares.append(port_families(ports.public, ports.management, ports.internal))
    if cors:
        middlewares.append(preflights(cors))
    application = web.Application(middlewares=middlewares, client_max_size=_MAX_REQUEST_BYTES)
    application.on_response_prepare.append(common_headers(cors))
    management = ManagementEndpoint(name, readiness, metrics, measurements)
    for endpoint in (*endpoints, management):
        application.router.add_routes(endpoint.routes())
    return application


def run_service(
    create_app: Callable[[], Awaitable[web.Application]], settings: ServiceSettings
) -> None:
    """Run one process until SIGTERM or SIGINT, then let requests finish for up to 10 s.

    Exits with 1 and one line on stderr when a port is taken.
    """
    configure_logging(settings.log_level)
    sys.exit(uvloop.run(_serve(create_app, settings)))


async def _serve(
    create_app: Callable[[], Awaitable[web.Application]], settings: ServiceSettings
) -> int:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    runner = web.AppRunner(
        await create_app(),
        access_log=None,
        shutdown_timeout=_SHUTDOWN_SECONDS,
    )
    await runner.setup()
    try:
        for port in settings.listening_ports():
            await web.TCPSite(runner, settings.bind_host, port).start()
        log.info("serving", ports=settings.listening_ports())
        await stopped.wait()
    except OSError as error:
        print(f"cannot listen: {error.strerror or error}", file=sys.stderr)
        return 1
    finally:
        await runner.cleanup()
    return 0
