"""Pages from templates, and the files they are styled with."""

import hashlib
import mimetypes
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files

from aiohttp import web
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

SHARED = "oauth_kit.web"
"""The package of what all branded pages have in common: base.html, pages.css."""


class Pages:
    """The templates of some packages, the first that has one wins; everything is escaped, and a
    missing value is an error.

    common: values that every template may use
    """

    def __init__(self, *packages: str, **common: object) -> None:
        self._environment = Environment(
            loader=ChoiceLoader([PackageLoader(package) for package in packages]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,  # or each page asks the file system whether its templates changed
        )
        self._environment.globals.update(common)

    def render(self, template: str, **values: object) -> str:
        return self._environment.get_template(template).render(**values)


@dataclass(frozen=True, slots=True)
class ServedFile:
    """A file in memory, revalidated by its ETag."""

    body: bytes
    content_type: str
    etag: str
    headers: Mapping[str, str]

    @classmethod
    def of(
        cls, body: bytes, content_type: str, headers: Mapping[str, str] | None = None
    ) -> "ServedFile":
        tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        return cls(body, content_type, tag, headers or {})

    def answer(self, request: web.Request) -> web.Response:
        headers = {
            "ETag": self.etag,
            "Cache-Control": "public, max-age=300",
            "X-Content-Type-Options": "nosniff",
            **self.headers,
        }
        if request.headers.get("If-None-Match") == self.etag:
            return web.Response(status=304, headers=headers)
        return web.Response(body=self.body, content_type=self.content_type, headers=headers)


class StaticFiles:
    """GET /static/<name>: the files of the packages' folders, read once; the first wins."""

    def __init__(self, *packages: str) -> None:
        self._files = {
            entry.name: _read(entry.name, entry.read_bytes())
            for package in reversed(packages)
            for entry in files(package).joinpath("static").iterdir()
            if entry.is_file() and not entry.name.startswith(("_", "."))
        }

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return [web.get("/static/{name}", self.handle)]

    async def handle(self, request: web.Request) -> web.Response:
        found = self._files.get(request.match_info["name"])
        if found is None:
            raise web.HTTPNotFound
        return found.answer(request)


def _read(name: str, body: bytes) -> ServedFile:
    content_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return ServedFile.of(body, content_type)
