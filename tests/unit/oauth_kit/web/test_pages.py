"""Pages and their files: everything is escaped, nothing is missing, nothing else is served."""

import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import jinja2
import pytest
from fakes.kit_service import Routes, send, serving

from oauth_kit.web.pages import Pages, StaticFiles

PACKAGE = "package_with_pages"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    folder = tmp_path / PACKAGE
    for name in ("templates", "static"):
        (folder / name).mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "secret.py").write_text("canary")
    (folder / "templates" / "page.html").write_text('<p title="{{ name }}">{{ name }}</p>')
    (folder / "static" / "style.css").write_text("p{}")
    (folder / "static" / "data.unknown-ending").write_text("x")
    (folder / "static" / ".hidden").write_text("canary")
    (folder / "static" / "_source.scss").write_text("canary")
    monkeypatch.syspath_prepend(tmp_path)
    yield PACKAGE
    del sys.modules[PACKAGE]


@pytest.fixture
async def port(package: str) -> AsyncIterator[int]:
    routes = Routes(list(StaticFiles(package).routes()))
    async with serving(*routes.given) as ports:
        yield ports.public


@pytest.mark.requirement("A17", "REG13")
@pytest.mark.parametrize("name", ["<script>", '" onload="x', "'><b>", "&amp;", "{{ 7*7 }}"])
def test_what_a_stranger_calls_himself_is_text(package: str, name: str) -> None:
    shown = Pages(package).render("page.html", name=name)
    assert "<script" not in shown
    assert "<b>" not in shown
    assert '" onload' not in shown
    assert "49" not in shown
    assert shown.count("<") == 2


def test_a_value_that_is_missing_is_an_error(package: str) -> None:
    with pytest.raises(jinja2.UndefinedError):
        Pages(package).render("page.html")


@pytest.mark.parametrize(
    "name",
    [
        "nothing.css",
        ".hidden",
        "_source.scss",
        "..%2Fsecret.py",
        "../secret.py",
        "%2e%2e/secret.py",
        "..%5Csecret.py",
        "style.css/",
        "/style.css",
        "style.css%00",
        "",
    ],
)
async def test_only_the_folder_s_own_files_are_served(port: int, name: str) -> None:
    answer = await send(port, f"/static/{name}")
    assert answer.status == 404
    assert b"canary" not in answer.body


async def test_a_file_is_served_with_its_type_and_validated_by_its_tag(port: int) -> None:
    answer = await send(port, "/static/style.css")
    assert (answer.status, answer.body) == (200, b"p{}")
    assert answer.headers["Content-Type"] == "text/css"
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    tag = answer.headers["ETag"]
    same = await send(port, "/static/style.css", headers=[("If-None-Match", tag)])
    assert (same.status, same.body, same.headers["ETag"]) == (304, b"", tag)
    other = await send(port, "/static/style.css", headers=[("If-None-Match", '"x"')])
    assert other.status == 200
    unknown = await send(port, "/static/data.unknown-ending")
    assert unknown.headers["Content-Type"] == "application/octet-stream"
