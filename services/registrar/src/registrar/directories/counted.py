"""Any directory, with its failures counted."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from oauth_kit.providers.catalog import ProviderConfig
from registrar.directories.catalog import DirectoryFor
from registrar.directories.port import (
    AppClient,
    AppClientCredentials,
    AppClientNotFoundError,
    AppClientRequest,
    ClientDirectory,
    DirectoryError,
    DirectoryFullError,
)
from registrar.metrics import DirectoryFailure, DirectoryOperation

CountFailure = Callable[[DirectoryOperation, DirectoryFailure], None]


def counted(directory_for: DirectoryFor, count_failure: CountFailure) -> DirectoryFor:
    def counted_directory_for(provider: ProviderConfig) -> ClientDirectory | None:
        directory = directory_for(provider)
        return None if directory is None else CountedDirectory(directory, count_failure)

    return counted_directory_for


@dataclass(frozen=True, slots=True)
class CountedDirectory:
    directory: ClientDirectory
    count_failure: CountFailure

    async def create(self, asked: AppClientRequest) -> AppClientCredentials:
        with self._counted("create"):
            return await self.directory.create(asked)

    async def find(self, name: str) -> AppClient | None:
        with self._counted("find"):
            return await self.directory.find(name)

    async def exists(self, client_id: str) -> bool:
        with self._counted("exists"):
            return await self.directory.exists(client_id)

    async def update(self, client_id: str, asked: AppClientRequest) -> None:
        with self._counted("update"):
            await self.directory.update(client_id, asked)

    async def delete(self, client_id: str) -> None:
        with self._counted("delete"):
            await self.directory.delete(client_id)

    async def list(self) -> list[AppClient]:
        with self._counted("list"):
            return await self.directory.list()

    @contextmanager
    def _counted(self, operation: DirectoryOperation) -> Iterator[None]:
        try:
            yield
        except DirectoryError as error:
            self.count_failure(operation, _kind_of(error))
            raise


def _kind_of(error: DirectoryError) -> DirectoryFailure:
    match error:
        case DirectoryFullError():
            return "full"
        case AppClientNotFoundError():
            return "not_found"
        case _:
            return "failed"
