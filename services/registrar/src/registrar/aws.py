"""How we call AWS: boto3 in threads, retries that end, and whose credentials go where."""

import asyncio
import random
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)

if TYPE_CHECKING:
    from boto3.session import Session
    from botocore.config import Config

log = structlog.get_logger()

ATTEMPTS = 4
_FIRST_PAUSE_SECONDS = 0.2

EMULATOR_CREDENTIALS = "emulator"
"""Access key and secret: what the emulator accepts, and AWS never gets."""

_THROTTLED = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
_NOT_SENT = (EndpointConnectionError, ConnectTimeoutError)
ANSWER_LOST = (ReadTimeoutError, ConnectionClosedError)


class EmulatorCredentialsError(Exception):
    """The account's credentials are the emulator's: AWS is not called with them."""


AWS_ERRORS = (ClientError, BotoCoreError, EmulatorCredentialsError)
AwsError = ClientError | BotoCoreError | EmulatorCredentialsError

Pause = Callable[[float], Awaitable[None]]


class AwsCalls:
    """Calls of one boto3 client, whose own retries are off.

    connect:        builds the client; called once, in a thread
    is_repeatable:  a call whose answer was lost may be made again
    threads:        where the calls run; None = where everything else of this process does
    """

    def __init__(
        self,
        connect: Callable[[], Any],
        *,
        is_repeatable: bool,
        pause: Pause = asyncio.sleep,
        threads: Executor | None = None,
    ) -> None:
        self._connect = connect
        self._is_repeatable = is_repeatable
        self._pause = pause
        self._threads = threads
        self._connecting = threading.Lock()
        self._connected: Any = None

    async def call(self, operation: str, **arguments: Any) -> Any:
        """Throttling and faults are tried again, with jitter. Raises one of AWS_ERRORS."""
        attempt = 0
        while True:
            try:
                return await self._in_thread(partial(self._invoke, operation, arguments))
            except AWS_ERRORS as error:
                if not self._is_worth_retrying(error) or attempt == ATTEMPTS - 1:
                    raise
                log.info("aws_retry", operation=operation, reason=reason_of(error))
            await self.back_off(attempt)
            attempt += 1

    async def client(self) -> Any:
        """The boto3 client itself, for what it knows of its service."""
        return await self._in_thread(self._client)

    def close(self) -> None:
        if self._connected is not None:
            self._connected.close()

    async def back_off(self, attempt: int) -> None:
        ceiling = _FIRST_PAUSE_SECONDS * 2**attempt
        await self._pause(ceiling * random.uniform(0.5, 1))  # noqa: S311 - jitter, no secret

    def _is_worth_retrying(self, error: AwsError) -> bool:
        if isinstance(error, ClientError):
            return reason_of(error) in _THROTTLED or is_fault(error)
        return isinstance(error, _NOT_SENT) or (
            self._is_repeatable and isinstance(error, ANSWER_LOST)
        )

    async def _in_thread(self, work: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _invoke(self, operation: str, arguments: dict[str, Any]) -> Any:
        return getattr(self._client(), operation)(**arguments)

    def _client(self) -> Any:
        with self._connecting:
            if self._connected is None:
                self._connected = self._connect()
            return self._connected


def is_fault(error: AwsError) -> bool:
    """AWS failed, and does not say whether before or after it did what it was asked."""
    if not isinstance(error, ClientError):
        return False
    status: int = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status >= 500


def reason_of(error: AwsError) -> str:
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "ClientError"))
    return type(error).__name__


def aws_session(*, is_emulated: bool) -> "Session":
    """Whose credentials: never the account's for an emulator, never an emulator's for AWS.

    Raises EmulatorCredentialsError.
    """
    from boto3.session import Session

    if is_emulated:
        return Session(
            aws_access_key_id=EMULATOR_CREDENTIALS, aws_secret_access_key=EMULATOR_CREDENTIALS
        )
    session = Session()
    found = session.get_credentials()
    if found is not None and found.access_key == EMULATOR_CREDENTIALS:
        raise EmulatorCredentialsError
    return session


def aws_config(
    *, is_emulated: bool, connect_seconds: int, read_seconds: int, connections: int = 10
) -> "Config":
    """No retries of boto3's own, no endpoint but the caller's, no proxy before an emulator."""
    from botocore.config import Config

    return Config(
        connect_timeout=connect_seconds,
        read_timeout=read_seconds,
        max_pool_connections=connections,
        ignore_configured_endpoint_urls=True,  # type: ignore[call-arg] # the stubs lack it
        retries={"total_max_attempts": 1, "mode": "standard"},
        proxies={} if is_emulated else None,
    )
