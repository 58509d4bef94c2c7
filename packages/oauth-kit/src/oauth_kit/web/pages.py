"""Pages from templates, and the files they are styled with."""

import hashlib
import mimetypes
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined


class Pages:
    """The templates of one package. Everything is escaped, and a missing value is an error."""

    def __init__(self, package: str, folder: str = "templates") -> None:
        self._environment = Environment(
            loader=PackageLoader(package, folder),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def render(self, template: str, **values: object) -> str:
        return self._environment.get_template(template).render(**values)


@dataclass(frozen=True, slots=True)
class StaticFile:
    body: bytes
    content_type: str
    etag: str


class StaticFiles:
    """GET /static/<name>: the files of one package's folder, read once, revalidated by ETag."""

    def __init__(self, package: str, folder: str = "static") -> None:
        self._files = {
            entry.name: _read(entry.name, entry.read_bytes())
            for entry in files(package).joinpath(folder).iterdir()
            if entry.is_file() and not entry.name.startswith(("_", "."))
        }

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return [web.get("/static/{name}", self.handle)]

    async def handle(self, request: web.Request) -> web.Response:
        found = self._files.get(request.match_info["name"])
        if found is None:
            raise web.HTTPNotFound
        headers = {
            "ETag": found.etag,
            "Cache-Control": "public, max-age=300",
            "X-Content-Type-Options": "nosniff",
        }
        if request.headers.get("If-None-Match") == found.etag:
            return web.Response(status=304, headers=headers)
        return web.Response(body=found.body, content_type=found.content_type, headers=headers)


def _read(name: str, body: bytes) -> StaticFile:
    content_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return StaticFile(body, content_type, f'"{hashlib.sha256(body).hexdigest()[:32]}"')
