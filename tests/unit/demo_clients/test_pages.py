"""What browsers are told, and which forms are believed."""

import html
import re

import pytest
from fakes.client_world import PUBLIC_URL, MakeWorld, Page, World
from redis.exceptions import ConnectionError as RedisConnectionError

from demo_clients.advice import advice_about
from demo_clients.app import PAGE_PATHS
from oauth_kit.rules.errors import OAuthError


def policy(headers: dict[str, str]) -> set[str]:
    return {part.strip() for part in headers["Content-Security-Policy"].split(";")}


@pytest.mark.parametrize("path", ["/", "/callback?code=x&state=y"])
async def test_every_page_is_closed_to_scripts_frames_and_caches(world: World, path: str) -> None:
    page = await world.browser.get(path)
    assert {"default-src 'none'", "style-src 'self'", "frame-ancestors 'none'"} <= policy(
        page.headers
    )
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["X-Frame-Options"] == "DENY"
    assert "<script" not in page.text
    assert not re.search(r"\son\w+=|style=", page.text)


async def test_a_page_with_a_form_sends_its_origin_and_others_no_referrer(world: World) -> None:
    assert (await world.browser.home()).headers["Referrer-Policy"] == "same-origin"
    problem = await world.browser.get("/callback?code=x&state=y")
    assert problem.headers["Referrer-Policy"] == "no-referrer"
    assert "code=x" not in problem.text


async def test_stylesheet_and_icon_are_files_of_ours(world: World) -> None:
    page = await world.browser.home()
    linked = [
        await world.browser.get(link)
        for link in re.findall(r'<link [^>]*href="([^"]+)"', page.text)
    ]
    assert [file.status for file in linked] == [200, 200]
    assert [file.headers["Content-Type"] for file in linked] == ["image/svg+xml", "text/css"]


async def test_the_cookie_is_opaque_and_out_of_reach(world: World) -> None:
    page = await world.browser.home()
    cookie = page.headers["Set-Cookie"]
    assert re.fullmatch(r"client-3002=[\w-]{43}; HttpOnly; Path=/; SameSite=Lax", cookie)
    assert "Set-Cookie" not in (await world.browser.home()).headers


async def test_the_cookie_is_a_host_cookie_on_https(make_world: MakeWorld) -> None:
    world = await make_world(public_url="https://client.example")
    page = await world.browser.home()
    cookie = page.headers["Set-Cookie"]
    assert cookie.startswith("__Host-client-443=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
    assert "Domain" not in cookie


@pytest.mark.parametrize("cookie", ["", "short", "x" * 44, "a" * 42 + "!", "é" * 43])
async def test_a_cookie_that_is_none_of_ours_is_replaced(world: World, cookie: str) -> None:
    page = await world.browser.get("/", headers={"Cookie": f"client-3002={cookie}"})
    assert page.status == 200
    assert "Set-Cookie" in page.headers


POSTS = sorted(PAGE_PATHS - {"/", "/callback", "/timeline", "/console", "/attacks"})


@pytest.mark.parametrize(
    ("headers", "changed"),
    [
        ({}, {"form_token": ""}),
        ({}, {"form_token": "0" * 64}),
        ({}, {"form_token": "é"}),
        ({"Origin": "https://evil.example"}, {}),
        ({"Origin": "null"}, {}),
        ({"Origin": "http://é"}, {}),
        ({"Origin": "http://127.0.0.1:3000"}, {}),
        ({"Sec-Fetch-Site": "cross-site"}, {}),
        ({"Sec-Fetch-Site": "same-site"}, {}),
    ],
)
async def test_a_form_that_is_not_ours_does_nothing(
    world: World, headers: dict[str, str], changed: dict[str, str]
) -> None:
    form = {"form_token": await world.browser.form_token(), **changed}
    for path in POSTS:
        response = await world.browser.client.post(
            path, data=form, headers=headers, allow_redirects=False
        )
        assert response.status == 403, path
        assert "out of date or not from here" in await response.text()
        assert response.headers["Content-Type"].startswith("text/html")
    assert world.resource.seen == []
    assert await world.dump() == ""


async def test_a_form_token_is_good_in_its_own_browser_only(world: World) -> None:
    token = await world.browser.form_token()
    world.browser.client.session.cookie_jar.clear()
    for told in ("did not send this site's cookie", "out of date or not from here"):
        response = await world.browser.client.post(
            "/login", data={"form_token": token}, allow_redirects=False
        )
        assert response.status == 403
        assert told in html.unescape(await response.text())
        await world.browser.home()


async def test_without_cookies_every_button_says_that_they_are_missing(world: World) -> None:
    form = {"form_token": await world.browser.form_token()}
    for path in POSTS:
        world.browser.client.session.cookie_jar.clear()
        response = await world.browser.client.post(path, data=form, allow_redirects=False)
        page = Page(response.status, await response.text(), response.headers)
        assert page.status == 403
        assert "did not send this site's cookie" in page.says("status")
        assert "nothing was sent to anybody" in page.says("status")
        assert "Allow cookies for this site" in page.says("advice")
    assert world.resource.seen == []
    assert await world.dump() == ""


async def test_an_answer_without_a_cookie_cannot_be_matched(world: World) -> None:
    page = await world.browser.get("/callback?code=x&state=y")
    assert page.status == 400
    assert "Allow cookies for this site" in page.says("advice")


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        *((400, "begin there again"), (403, "out of date"), (404, "begins there")),
        *((413, "send less"), (429, "Wait a minute"), (500, "reference"), (503, "reference")),
    ],
)
def test_every_refusal_comes_with_something_to_do(status: int, advice: str) -> None:
    assert advice in advice_about(OAuthError("invalid_request", "x", status=status))


async def test_a_form_of_ours_is_believed_with_the_headers_of_a_browser(world: World) -> None:
    form = {"form_token": await world.browser.form_token()}
    headers = {"Origin": PUBLIC_URL, "Sec-Fetch-Site": "same-origin"}
    response = await world.browser.client.post(
        "/login", data=form, headers=headers, allow_redirects=False
    )
    assert response.status == 303
    assert response.headers["Location"].startswith(f"{world.issuer.origin}/authorize?")


async def test_a_link_cannot_start_a_login(world: World) -> None:
    page = await world.browser.get("/login")
    assert (page.status, page.headers["Location"]) == (303, "/")
    assert world.resource.seen == []


async def test_an_action_is_never_a_link(world: World) -> None:
    for path in POSTS:
        if path != "/login":
            assert (await world.browser.get(path)).status == 405


@pytest.mark.parametrize("field", ["title", "content"])
@pytest.mark.parametrize(("length", "status"), [(8000, 303), (8001, 400)])
async def test_a_field_has_a_bound(world: World, field: str, length: int, status: int) -> None:
    await world.browser.do("log-in")
    token = await world.browser.form_token()
    form = {"form_token": token, "title": "t", "content": "c", field: "x" * length}
    response = await world.browser.client.post("/actions/create", data=form, allow_redirects=False)
    assert response.status == status


@pytest.mark.requirement("CL13")
@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("HEAD", {}, 405),
        ("POST", {}, 405),
        ("GET", {"Sec-Purpose": "prefetch"}, 503),
        ("GET", {"Sec-Purpose": "prefetch;prerender"}, 503),
        ("GET", {"Purpose": "prefetch"}, 503),
        ("GET", {"X-Moz": "prefetch"}, 503),
    ],
)
async def test_looking_ahead_does_not_spend_the_code(
    world: World, method: str, headers: dict[str, str], status: int
) -> None:
    callback = await world.browser.authorize(await world.browser.press("log-in"))
    path = callback.removeprefix(PUBLIC_URL)
    response = await world.browser.client.request(method, path, headers=headers)
    assert response.status == status
    assert world.issuer.forms("/token") == []
    assert await world.browser.return_with(callback) == "/"
    assert (await world.browser.home()).is_logged_in


async def test_another_name_of_this_computer_leads_to_the_right_one(make_world: MakeWorld) -> None:
    world = await make_world(public_url="http://localhost:3002")
    page = await world.browser.get("/")
    assert (page.status, page.headers["Location"]) == (303, "http://localhost:3002/")
    ours = await world.browser.get("/", headers={"Host": "localhost:3002"})
    assert ours.status == 200
    proxied = await world.browser.get("/", headers={"Host": "client.internal"})
    assert proxied.status == 200


@pytest.mark.parametrize("path", ["/", "/callback?code=x&state=y"])
async def test_a_store_that_is_away_is_a_503_page(
    world: World, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.browser.home()

    async def refuse(*_: object, **__: object) -> None:
        raise RedisConnectionError("refused")

    monkeypatch.setattr(world.redis, "execute_command", refuse)
    page = await world.browser.get(path)
    assert page.status == 503
    assert page.headers["Retry-After"] == "5"
    assert "cannot reach its store" in page.says("status")
    ready = await world.browser.get("/readyz")
    assert ready.status == 503


async def test_ready_when_the_store_answers(world: World) -> None:
    assert (await world.browser.get("/readyz")).status == 200
    assert (await world.browser.get("/livez")).status == 200


async def test_a_hostile_claim_is_only_text(world: World) -> None:
    world.issuer.issuer_path = ""
    world.issuer.grants_scope = "<script>alert(1)</script>"
    page = await world.browser.do("log-in")
    assert "<script" not in page.text
    assert "&lt;script&gt;" in page.text
