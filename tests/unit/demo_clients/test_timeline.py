"""The timeline of a visitor: everything that happened, nothing that is secret, nobody else's."""

import base64
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from fakes.client_world import PUBLIC_URL, Browser, MakeWorld, World
from redis.exceptions import ConnectionError as RedisConnectionError

KINDS = ["preregistered", "dynamic", "metadata_document"]
HOSTILE = "</pre></li><script>alert(1)</script><img src=x onerror=alert(1)>'\""


async def export(browser: Browser) -> list[dict[str, Any]]:
    page = await browser.get("/timeline/export")
    assert page.status == 200
    entries: list[dict[str, Any]] = json.loads(page.text)["log"]["entries"]
    return entries


async def steps(browser: Browser) -> list[str]:
    """As a page lists them: with the notes between the entries."""
    log = json.loads((await browser.get("/timeline/export")).text)["log"]
    told = [entry["_step"] for entry in log["entries"]]
    for note in reversed(log["_notes"]):
        told.insert(note["_before"], note["_step"])
    return told


def checks(entry: dict[str, Any]) -> list[str]:
    return [check["what"] for check in entry["_checks"] if check["passed"]]


async def everything_shown(browser: Browser) -> str:
    """Every page, older ones included, with what they load."""
    shown, path = [], "/timeline"
    while path:
        page = await browser.get(path)
        assert page.status == 200
        shown.append(page.text)
        older = re.search(r'href="(/timeline\?before=[^"]+)"', page.text)
        path = older[1] if older else ""
    for other in ("/timeline/diagram", "/timeline/export", "/"):
        shown.append((await browser.get(other)).text)
    return "\n".join(shown)


async def a_whole_life(world: World) -> None:
    for button in ("log-in", "fetch", "list-tools"):
        assert (await world.browser.do(button)).succeeded
    assert (await world.browser.do("create", title="t", content="c")).succeeded
    assert (await world.browser.do("refresh")).succeeded
    await world.browser.do("log-out")


def secrets_of(world: World) -> Iterator[str]:
    """Everything secret that the servers and the browser have seen."""
    issuer = world.issuer
    yield from issuer.access_tokens
    for token in issuer.access_tokens:
        yield from token.split(".")[:2]
    for seen in [*issuer.seen, *world.resource.seen]:
        header = seen.headers.get("Authorization", "")
        yield header.partition(" ")[2]
    for form in issuer.forms("/token"):
        yield from (form.get(name, "") for name in ("code", "code_verifier", "refresh_token"))
    yield from issuer.revoked
    yield from issuer.refresh_tokens
    for url in world.browser.visited:
        yield dict(parse_qsl(urlsplit(url).query))["state"]
    for client in issuer.clients.values():
        yield str(client.get("client_secret", ""))
    yield from (cookie.value for cookie in world.browser.client.session.cookie_jar)


LOG_IN = ["probe", "resource_metadata", "server_metadata"]
INTRODUCTION = {"dynamic": ["registration"], "metadata_document": ["document"]}
LEAVE = ["authorization_request", "consent", "authorization_response", "token"]


@pytest.mark.parametrize("kind", KINDS)
async def test_every_step_of_a_log_in_is_there_in_order(make_world: MakeWorld, kind: str) -> None:
    world = await make_world(kind)
    await world.browser.do("log-in")
    told = await export(world.browser)
    introduction = INTRODUCTION.get(kind, [])
    assert await steps(world.browser) == [*LOG_IN, *introduction, *LEAVE, "mcp"]
    probe, resource, server, *_ = told
    assert probe["response"]["status"] == 401
    assert "resource_metadata" in str(probe["response"]["headers"])
    assert checks(probe) == ["The answer has a Bearer challenge"]
    assert checks(resource)[0] == "resource in the document equals the URL that was asked"
    assert "issuer in the document equals the one that the resource names" in checks(server)
    assert "PKCE with S256 is offered" in checks(server)
    request, _, response, token, tools = told[-5:]
    assert {"name": "code_challenge_method", "value": "S256"} in request["request"]["queryString"]
    assert {"name": "state", "value": "$STATE"} in request["request"]["queryString"]
    assert checks(response) == [
        "state equals the one that this browser was sent away with",
        "There is one code and no error",
        "iss equals the issuer that was recorded before the browser left",
    ]
    assert {"name": "code_verifier", "value": "$CODE_VERIFIER"} in token["request"]["postData"][
        "params"
    ]
    assert token["_tokens"][0]["claims"]["aud"] == world.resource.resource
    assert "token_type is Bearer" in checks(token)
    assert tools["response"]["status"] == 200


async def test_what_the_browser_was_answered_is_known(world: World) -> None:
    await world.browser.do("log-in")
    told = {entry["_step"]: entry for entry in await export(world.browser)}
    away, back = told["authorization_request"], told["authorization_response"]
    assert away["response"]["status"] == 303
    assert away["response"]["redirectURL"] == away["request"]["url"]
    assert "state=$STATE" in away["response"]["redirectURL"]
    assert "This client's redirect" in away["response"]["comment"]
    assert (back["response"]["status"], back["response"]["redirectURL"]) == (303, "/")


async def test_what_a_person_took_counts_from_when_the_browser_left(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("demo_clients.flow.now_ms", lambda: 1_700_000_000_123)
    callback = await world.browser.authorize(await world.browser.press("log-in"))
    monkeypatch.setattr("demo_clients.timeline.recorder.now_ms", lambda: 1_700_000_004_567)
    await world.browser.return_with(callback)
    (consent,) = [one for one in await export(world.browser) if one["_step"] == "consent"]
    assert consent["startedDateTime"] == "2023-11-14T22:13:20.123+00:00"
    assert consent["time"] == 4444
    assert "4.4 s" in (await world.browser.get("/timeline/diagram")).text


async def test_a_log_in_that_asks_for_nothing_more_is_no_step_up(world: World) -> None:
    await world.browser.do("log-in")
    await world.browser.do("log-in")
    away = [one for one in await export(world.browser) if one["_step"] == "authorization_request"]
    assert [entry["_detail"] for entry in away] == ["", ""]


async def test_a_document_is_a_note_and_no_request_of_anybodys(make_world: MakeWorld) -> None:
    world = await make_world("metadata_document")
    await world.browser.press("log-in")
    log = json.loads((await world.browser.get("/timeline/export")).text)["log"]
    document = f"{PUBLIC_URL}/client-metadata.json"
    assert document not in {entry["request"]["url"] for entry in log["entries"]}
    (note,) = log["_notes"]
    assert note["url"] == document
    served = await world.browser.get("/client-metadata.json")
    assert json.loads(note["text"]) == json.loads(served.text)
    page = (await world.browser.get("/timeline")).text
    shown = re.search(r'data-step="document".*?</details>', page, re.S)
    assert shown is not None
    assert "data-status" not in shown[0]
    assert "<time" not in shown[0]
    # it did not go over the wire
    assert "Client ID metadata document" not in (await world.browser.home()).text


async def test_what_comes_after_a_log_in_is_there_too(world: World) -> None:
    await world.browser.do("log-in")
    before = len(await steps(world.browser))
    assert (await world.browser.do("fetch")).succeeded
    assert (await world.browser.do("create", title="t", content="c")).succeeded
    assert (await world.browser.do("refresh")).succeeded
    await world.browser.do("log-out")
    told = (await export(world.browser))[before:]
    # a step-up: the write is refused, more is asked for, the former grant ends, it is done
    assert [entry["_step"] for entry in told] == [
        *("rest", "rest", "resource_metadata", "server_metadata", *LEAVE),
        *("revocation", "rest", "refresh", "revocation"),
    ]
    assert [entry["response"]["status"] for entry in told if entry["_step"] == "rest"] == [
        *(200, 403, 201)
    ]
    assert [entry["_detail"] for entry in told if entry["_step"] == "authorization_request"] == [
        "step-up: adds mcp-api/write"
    ]
    refused = told[1]
    assert refused["comment"] == "More scope is needed"
    refresh, revocation = told[-2:]
    assert "A new refresh token came and replaced the old one" in checks(refresh)
    assert checks(revocation) == ["The authorization server confirmed the revocation"]


async def test_a_body_is_shown_with_the_content_type_that_it_was_sent_with(world: World) -> None:
    await a_whole_life(world)
    seen = [one for one in [*world.issuer.seen, *world.resource.seen] if one.body]
    sent = [entry["request"] for entry in await export(world.browser)]
    shown = [request for request in sent if "postData" in request]
    assert {"application/json", "application/x-www-form-urlencoded"} == {
        request["postData"]["mimeType"] for request in shown
    }
    for request in shown:
        told = {header["name"]: header["value"] for header in request["headers"]}
        path = urlsplit(request["url"]).path
        assert told["Content-Type"] == request["postData"]["mimeType"]
        assert told["Content-Type"] in {
            one.headers["Content-Type"] for one in seen if one.path == path
        }


@pytest.mark.requirement("CL20")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_no_secret_is_shown_anywhere(make_world: MakeWorld, kind: str, era: str) -> None:
    world = await make_world(kind)
    world.resource.era = era
    world.issuer.metadata["token_endpoint_auth_methods_supported"] = ["client_secret_basic"]
    await a_whole_life(world)
    shown = await everything_shown(world.browser)
    secrets = {secret for secret in secrets_of(world) if len(secret) > 8}
    assert len(secrets) > 15
    assert [secret for secret in secrets if secret in shown] == []
    spelt = {base64.b64encode(secret.encode()).decode().rstrip("=") for secret in secrets}
    assert [secret for secret in spelt if secret in shown] == []
    assert "session-1" not in shown
    for placeholder in ("$ACCESS_TOKEN", "$REFRESH_TOKEN", "$CODE", "$CODE_VERIFIER", "$STATE"):
        assert placeholder in shown


@pytest.mark.requirement("CL20")
async def test_nothing_of_it_is_in_the_store_in_clear(world: World) -> None:
    await a_whole_life(world)
    stored = await world.dump()
    assert ":timeline:" in stored
    for visible in ("code_challenge", "ACCESS_TOKEN", world.issuer.origin):
        assert visible not in stored


async def test_a_log_in_keeps_what_led_to_it_and_the_former_id_shows_nothing(world: World) -> None:
    page = await world.browser.home()
    former = page.headers["Set-Cookie"].partition(";")[0]
    await world.browser.do("log-in")
    assert (await steps(world.browser))[:2] == ["probe", "resource_metadata"]
    world.browser.client.session.cookie_jar.clear()
    stranger = await world.browser.get("/timeline/export", headers={"Cookie": former})
    assert json.loads(stranger.text)["log"]["entries"] == []
    page = await world.browser.get("/timeline", headers={"Cookie": former})
    assert not page.has("exchange")
    assert page.has("empty")


async def test_another_browser_sees_nothing_of_it(world: World) -> None:
    await world.browser.do("log-in")
    world.browser.client.session.cookie_jar.clear()
    page = await world.browser.get("/timeline")
    assert not page.has("exchange")
    assert await steps(world.browser) == []


async def test_a_log_out_keeps_it_and_says_so(world: World) -> None:
    await world.browser.do("log-in")
    before = await steps(world.browser)
    await world.browser.do("log-out")
    assert await steps(world.browser) == [*before, "revocation"]
    assert "Logging out keeps them" in (await world.browser.get("/timeline")).text


async def test_clearing_forgets_it(world: World) -> None:
    await world.browser.do("log-in")
    form = {"form_token": await world.browser.form_token()}
    answer = await world.browser.client.post("/timeline/clear", data=form, allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/timeline")
    assert await steps(world.browser) == []
    assert (await world.browser.home()).is_logged_in


async def test_an_answer_that_nobody_waits_for_is_noted_as_refused(world: World) -> None:
    await world.browser.home()
    page = await world.browser.get("/callback?code=canary-code&state=canary-state&iss=x")
    assert page.status == 400
    (entry,) = await export(world.browser)
    assert entry["_step"] == "authorization_response"
    assert [check["passed"] for check in entry["_checks"]] == [False]
    assert entry["response"]["status"] == 400
    assert "canary" not in await everything_shown(world.browser)


async def test_a_foreign_issuer_is_noted_as_refused(world: World) -> None:
    world.issuer.response["iss"] = "https://evil.example"
    await world.browser.do("log-in")
    last = (await export(world.browser))[-1]
    assert last["_step"] == "authorization_response"
    assert [check["passed"] for check in last["_checks"]] == [True, False]
    assert last["response"]["status"] == 303


DENIED: dict[str, str | None] = {
    "code": None,
    "error": "access_denied",
    "error_description": "call 555-1234",
    "error_uri": "https://as.example/errors/7",
}


async def test_why_the_server_granted_nothing_is_shown(world: World) -> None:
    world.issuer.response = DENIED
    await world.browser.do("log-in")
    last = (await export(world.browser))[-1]
    assert last["comment"] == "Authorization error response"
    told = {pair["name"]: pair["value"] for pair in last["request"]["queryString"]}
    assert {name: told[name] for name in DENIED if name != "code"} == {
        name: value for name, value in DENIED.items() if name != "code"
    }


@pytest.mark.parametrize("iss", ["https://evil.example", None])
async def test_what_is_said_of_an_error_is_not_shown_unless_the_issuer_is_right(
    world: World, iss: str | None
) -> None:
    world.issuer.response = {**DENIED, "iss": iss}
    await world.browser.do("log-in")
    last = (await export(world.browser))[-1]
    assert last["comment"] == "Authorization response"
    assert [check["passed"] for check in last["_checks"]] == [True, False]
    shown = await everything_shown(world.browser)
    for word in ("access_denied", "555-1234", "as.example/errors"):
        assert word not in shown


async def test_what_a_stranger_says_of_an_error_is_not_shown(world: World) -> None:
    await world.browser.home()
    await world.browser.get("/callback?error=access_denied&error_description=555&state=canary")
    (entry,) = await export(world.browser)
    assert {pair["value"] for pair in entry["request"]["queryString"]} == {"$MASKED", "$STATE"}


async def test_a_document_that_is_refused_says_why(world: World) -> None:
    world.issuer.metadata["code_challenge_methods_supported"] = ["plain"]
    await world.browser.do("log-in")
    last = (await export(world.browser))[-1]
    assert last["_step"] == "server_metadata"
    (check,) = last["_checks"]
    assert "S256" in check["what"]
    assert not check["passed"]


async def test_a_server_that_is_away_is_noted(world: World) -> None:
    world.issuer.metadata["token_endpoint"] = "http://127.0.0.1:9/token"
    await world.browser.do("log-in")
    last = (await export(world.browser))[-1]
    assert (last["_step"], last["response"]["status"]) == ("token", 0)
    assert "cannot be reached" in last["response"]["comment"]
    assert "no answer" in (await world.browser.get("/timeline")).text


HOSTILE_PLACES = {
    "the challenge": lambda w: setattr(
        w.resource, "challenge", w.resource.challenge + f', error="{HOSTILE.replace(chr(34), "")}"'
    ),
    "resource metadata": lambda w: w.resource.metadata.update({HOSTILE: HOSTILE}),
    "server metadata": lambda w: w.issuer.metadata.update({HOSTILE: [HOSTILE], "x": HOSTILE}),
    "an endpoint": lambda w: w.issuer.metadata.update(
        {"revocation_endpoint": f"{w.issuer.origin}/{HOSTILE}"}
    ),
    "the registration": lambda w: w.issuer.registration.update({"client_name": HOSTILE}),
    "a claim": lambda w: setattr(w.issuer, "grants_scope", "<script>alert(1)</script>"),
    "the error": lambda w: setattr(w.issuer, "token_error", (400, {"error": HOSTILE})),
}


@pytest.mark.parametrize("place", HOSTILE_PLACES)
async def test_markup_of_a_strangers_is_only_text(world: World, place: str) -> None:
    HOSTILE_PLACES[place](world)
    await world.browser.do("log-in")
    await world.browser.do("create", title=HOSTILE, content=HOSTILE)
    await world.browser.do("call-tool", tool=HOSTILE, arguments=json.dumps({HOSTILE: HOSTILE}))
    await world.browser.do("log-out")
    page = (await world.browser.get("/timeline")).text
    page += (await world.browser.get("/timeline/diagram")).text + (await world.browser.home()).text
    assert "alert(1)" in page
    assert "<img" not in page
    assert "<script>" not in page
    assert page.count("<script") == page.count('<script src="/static/timeline.js" defer>') == 1
    assert not re.search(r"<[^>]*\s(on\w+|style)=", page)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_store_that_takes_no_timeline_breaks_no_flow(
    make_world: MakeWorld, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await make_world(kind)

    class Refusing:
        async def __aenter__(self) -> None:
            raise RedisConnectionError("refused")

        async def __aexit__(self, *_: object) -> None: ...

    monkeypatch.setattr(world.redis, "pipeline", lambda **_: Refusing())
    await a_whole_life(world)
    assert await steps(world.browser) == []


def policy(headers: Any) -> set[str]:
    return set(headers["Content-Security-Policy"].split("; "))


async def test_scripts_are_files_of_ours_and_on_this_page_only(world: World) -> None:
    page = await world.browser.get("/timeline")
    closed = {"default-src 'none'", "style-src 'self'", "frame-ancestors 'none'"}
    assert policy(page.headers) >= {*closed, "script-src 'self'", "connect-src 'self'"}
    assert page.headers["Cache-Control"] == "no-store"
    for path in ("/", "/callback?state=x", "/timeline/diagram"):
        others = await world.browser.get(path)
        assert policy(others.headers) >= closed
        assert "script-src" not in others.headers["Content-Security-Policy"]
    script = await world.browser.get("/static/timeline.js")
    assert script.headers["Content-Type"].startswith("text/javascript")


async def test_the_export_is_a_file_that_nobody_keeps(world: World) -> None:
    page = await world.browser.get("/timeline/export")
    assert page.headers["Content-Disposition"] == (
        'attachment; filename="timeline-dynamic-3002.har"'
    )
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.parametrize("path", ["/timeline/export", "/timeline/events", "/timeline/diagram"])
@pytest.mark.parametrize(
    ("site", "status"), [("cross-site", 403), ("same-site", 403), ("none", 200)]
)
async def test_another_page_cannot_load_any_of_it(
    world: World, path: str, site: str, status: int
) -> None:
    expected = 204 if status == 200 and path.endswith("events") else status
    page = await world.browser.get(path, headers={"Sec-Fetch-Site": site})
    assert page.status == expected


@pytest.mark.parametrize("before", ["1-0", "'\"><script>", "%00", "9" * 5000])
async def test_any_place_to_go_on_from_is_a_page(world: World, before: str) -> None:
    await world.browser.do("log-in")
    page = await world.browser.get("/timeline", params={"before": before})
    assert page.status == 200
    assert "<script>" not in page.text


@pytest.mark.parametrize("kind", KINDS)
async def test_a_page_is_light(make_world: MakeWorld, kind: str) -> None:
    world = await make_world(kind)
    for _ in range(4):
        await a_whole_life(world)
    assert len(await steps(world.browser)) > 50
    files = ("/timeline", "/static/style.css", "/static/timeline.css", "/static/timeline.js")
    pages = [await world.browser.get(path) for path in (*files, "/static/icon.svg")]
    assert sum(len(page.text.encode()) for page in pages) < 100 * 1024


async def test_the_start_page_shows_the_latest_and_leads_there(world: World) -> None:
    assert not (await world.browser.home()).has("latest")
    await world.browser.do("log-in")
    home = await world.browser.home()
    assert home.text.count("<li>") == 5
    assert "Token request" in home.text
    assert 'href="/timeline"' in home.text
