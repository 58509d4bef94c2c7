"""How a service runs in its container: its sockets, its workers, its log and its graceful stop."""

import os
from typing import Any

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
# of the container: management stays inside, the internal API on the network that it is named by.
bind = [
    f"0.0.0.0:{os.environ['PORT']}",
    f"{os.environ.get('MANAGEMENT_HOST') or '127.0.0.1'}:{os.environ['MANAGEMENT_PORT']}",
]
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
