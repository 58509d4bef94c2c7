"""How a service runs in its container: its sockets, its workers, its log and its graceful stop."""

import os
import shutil
import tempfile
from itertools import count
from typing import Any

from oauth_kit import metrics
from oauth_kit.logging import configure_logging, log_config

_log_level = os.environ.get("LOG_LEVEL") or "info"
configure_logging(_log_level)

wsgi_app = f"{os.environ['PACKAGE']}.app:create_app"
worker_class = "aiohttp.GunicornUVLoopWebWorker"
# The number of workers is gunicorn's own variable, WEB_CONCURRENCY.
worker_tmp_dir = "/dev/shm"  # noqa: S108 -- the heartbeat must not wait for a disk
control_socket_disable = True
proc_name = os.environ["PACKAGE"]

# Each socket answers for its own family of paths. Only the public one is open to every network
# of the container: management stays inside, where the health check asks, but for a network that
# MANAGEMENT_HOST names; the internal API is on the network that it is named by.
bind = [
    f"0.0.0.0:{os.environ['PORT']}",
    f"127.0.0.1:{os.environ['MANAGEMENT_PORT']}",
]
if os.environ.get("MANAGEMENT_HOST"):
    bind.append(f"{os.environ['MANAGEMENT_HOST']}:{os.environ['MANAGEMENT_PORT']}")
if os.environ.get("INTERNAL_PORT"):
    bind.append(f"{os.environ['INTERNAL_HOST']}:{os.environ['INTERNAL_PORT']}")

graceful_timeout = 10
keepalive = 75  # longer than the pools of those who call us, so that they close first

accesslog = None
logconfig_dict = log_config(_log_level)
logconfig_dict["loggers"]["gunicorn.error"] = {"level": "INFO", "propagate": True}


def worker_exit(server: Any, worker: Any) -> None:
    """A worker that never served ends its server: wrong settings do not mend by trying again."""
    if not worker.booted:
        raise SystemExit(server.WORKER_BOOT_ERROR)


# Workers add up what they count in files: one for each place among those that run at the same
# time, so that a worker which takes a dead one's place goes on with what that had counted.


def on_starting(server: Any) -> None:
    server.metrics_folder = tempfile.mkdtemp(prefix="metrics-")
    metrics.count_in_files(server.metrics_folder)


def on_exit(server: Any) -> None:
    shutil.rmtree(server.metrics_folder, ignore_errors=True)


def pre_fork(server: Any, worker: Any) -> None:
    taken = {other.place for other in server.WORKERS.values()}
    worker.place = next(place for place in count() if place not in taken)


def post_fork(server: Any, worker: Any) -> None:
    metrics.count_as(worker.place)


def child_exit(server: Any, worker: Any) -> None:
    metrics.forget(worker.place)
