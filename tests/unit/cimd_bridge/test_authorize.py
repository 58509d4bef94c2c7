"""GET /authorize: what is refused, where the refusal goes, and what the user is shown."""

from urllib.parse import urlencode

import pytest
from fakes.bridge_harness import ISSUER, Bridge, Pkce, sealed_form

REDIRECT = "http://localhost:9999/cb"


def assert_page_only(answer: object, status: int = 400) -> None:
    assert answer.status == status  # type: ignore[attr-defined]
    assert "Location" not in answer.headers  # type: ignore[attr-defined]
    assert answer.headers["Content-Type"].startswith("text/html")  # type: ignore[attr-defined]


@pytest.mark.requirement("AU3")
@pytest.mark.parametrize(
    "client_id",
    ["", "unknown", "shared", "mcp-", "x" * 5000, "<script>alert(1)</script>", "a\x00b", "ü"],
)
async def test_an_unknown_client_gets_a_page_and_never_a_redirect(
    bridge: Bridge, client_id: str
) -> None:
    answer = await bridge.authorize(
        {"client_id": client_id, "redirect_uri": "https://evil.example", "response_type": "code"}
    )
    assert_page_only(answer)
    assert "<script>" not in answer.text
    assert "evil.example" not in answer.text


@pytest.mark.requirement("AU4", "AU5")
@pytest.mark.parametrize(
    ("registered", "asked"),
    [
        ("https://app.example/cb", near)
        for near in (
            "https://app.example/cb/",
            "https://app.example/CB",
            "https://app.example/cb?x=1",
            "https://app.example/cb%2f",
            "http://app.example/cb",
            "https://APP.example/cb",
            "https://app.example:443/cb",
            "https://app.example/x/../cb",
            "https://app.example/cb#",
            "https://app.example@evil.example/cb",
            "https://app.example.evil.example/cb",
            " https://app.example/cb",
            "javascript:alert(1)",
        )
    ]
    + [
        ("http://127.0.0.1/cb", near)
        for near in (
            "http://127.0.0.1.evil.com/cb",
            "http://127.0.0.1@evil.com/cb",
            "http://127.0.0.2/cb",
            "http://localhost/cb",
            "http://localhost.evil.com/cb",
            "https://127.0.0.1/cb",
            "http://127.0.0.1:99999/cb",
            "http://127.0.0.1:51004/cb/",
        )
    ],
)
async def test_a_redirect_that_is_not_registered_gets_a_page(
    bridge: Bridge, registered: str, asked: str
) -> None:
    client = await bridge.register(redirect_uris=[registered])
    assert_page_only(await bridge.authorize(bridge.question(client, Pkce(), redirect_uri=asked)))


@pytest.mark.requirement("AU5")
@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost"])
async def test_the_port_of_a_loopback_redirect_is_free(bridge: Bridge, host: str) -> None:
    client = await bridge.register(redirect_uris=[f"http://{host}/cb"])
    page = await bridge.authorize(
        bridge.question(client, Pkce(), redirect_uri=f"http://{host}:51004/cb")
    )
    assert page.status == 200


@pytest.mark.requirement("AU6")
async def test_the_redirect_may_be_left_out_when_there_is_one(bridge: Bridge) -> None:
    one = await bridge.register()
    two = await bridge.register(redirect_uris=[REDIRECT, "http://localhost:9998/cb"])
    assert (await bridge.authorize(bridge.question(one, Pkce(), redirect_uri=None))).status == 200
    assert_page_only(await bridge.authorize(bridge.question(two, Pkce(), redirect_uri=None)))


@pytest.mark.requirement("AU2", "AU7", "AU8", "AU9", "AU11", "AU13", "ASM8")
@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "x" * 42}, "invalid_request"),
        ({"code_challenge": "x" * 44}, "invalid_request"),
        ({"code_challenge": "!" * 43}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"scope": "mcp-api/admin"}, "invalid_scope"),
        ({"scope": 'mcp-api/read "'}, "invalid_scope"),
        ({"resource": "https://other.example/mcp"}, "invalid_target"),
        ({"resource": "http://localhost:3001/mcp#f"}, "invalid_target"),
        ({"resource": "http://localhost:3001/other"}, "invalid_target"),
        ({"resource": "/mcp"}, "invalid_target"),
        ({"request": "x.y.z"}, "request_not_supported"),
        ({"request_uri": "https://evil.example"}, "request_not_supported"),
        ({"prompt": "none"}, "consent_required"),
    ],
)
async def test_a_refusal_goes_to_a_proven_loopback_redirect_with_state_and_issuer(
    bridge: Bridge, changes: dict[str, str | None], error: str
) -> None:
    client = await bridge.register()
    answer = await bridge.authorize(bridge.question(client, Pkce(), state="a b&", **changes))
    assert answer.status == 303
    assert answer.location.startswith(REDIRECT + "?")
    assert answer.query["error"] == error
    assert answer.query["state"] == "a b&"
    assert answer.query["iss"] == ISSUER
    assert "code" not in answer.query
    assert await bridge.log_ins() == []


@pytest.mark.requirement("AU2")
@pytest.mark.parametrize(
    ("name", "redirected"),
    [("scope", True), ("code_challenge", True), ("client_id", False), ("redirect_uri", False)],
)
async def test_a_repeated_parameter_is_refused(bridge: Bridge, name: str, redirected: bool) -> None:
    client = await bridge.register()
    question = bridge.question(client, Pkce())
    query = urlencode([*question.items(), (name, question[name])])
    answer = await bridge.get(f"/authorize?{query}")
    if redirected:
        assert answer.query["error"] == "invalid_request"
    else:
        assert_page_only(answer)


@pytest.mark.requirement("AU22")
async def test_a_strangers_https_redirect_gets_a_page_that_names_it(bridge: Bridge) -> None:
    client = await bridge.register(redirect_uris=["https://stranger.example/cb"])
    answer = await bridge.authorize(bridge.question(client, Pkce(), scope="nope"))
    assert_page_only(answer)
    assert "https://stranger.example" in answer.text
    assert "error=invalid_scope" in answer.text


@pytest.mark.requirement("AU10")
async def test_a_missing_resource_is_the_default_unless_required(make_bridge) -> None:  # type: ignore[no-untyped-def]
    lenient: Bridge = await make_bridge()
    client = await lenient.register()
    assert (await lenient.authorize(lenient.question(client, Pkce(), resource=None))).status == 200
    strict: Bridge = await make_bridge(require_resource=True)
    client = await strict.register()
    answer = await strict.authorize(strict.question(client, Pkce(), resource=None))
    assert answer.query["error"] == "invalid_target"


@pytest.mark.requirement("AU9", "AU1", "ASM9")
@pytest.mark.parametrize(
    "changes",
    [
        {"resource": "HTTP://LOCALHOST:3001/mcp"},
        {"resource": "http://localhost:3001/mcp/"},
        {"scope": None},
        {"scope": "mcp-api/read offline_access"},
        {"prompt": "consent"},
        {"foo": "1"},
        {"state": None},
    ],
)
async def test_what_real_clients_send_is_accepted(
    bridge: Bridge, changes: dict[str, str | None]
) -> None:
    client = await bridge.register()
    page = await bridge.authorize(bridge.question(client, Pkce(), **changes))
    assert page.status == 200
    done = await bridge.come_back(await bridge.decide(page))
    assert ("state" in done.query) == (changes.get("state", "") is not None)


@pytest.mark.requirement("AU14", "AU19")
async def test_nothing_is_stored_and_nobody_contacted_before_the_user_agrees(
    bridge: Bridge,
) -> None:
    client = await bridge.register()
    page = await bridge.authorize(bridge.question(client, Pkce()))
    assert page.status == 200
    assert await bridge.log_ins() == []
    assert bridge.provider.calls == []


@pytest.mark.requirement("AU15", "AU23", "REG13")
async def test_the_page_says_who_asks_for_what_and_where_it_goes(bridge: Bridge) -> None:
    client = await bridge.register(client_name='Evil <img src=x onerror="a()"> \u202egnp.exe')
    page = await bridge.authorize(bridge.question(client, Pkce()))
    assert "<img src=x" not in page.text
    assert "\u202e" not in page.text
    assert "Unverified name" in page.text
    assert "localhost:9999" in page.text
    assert "mcp-api/write" in page.text
    assert "http://localhost:3001/mcp" in page.text
    assert 'data-testid="loopback-warning"' in page.text
    assert "https://" not in page.text.replace("http://", "")


@pytest.mark.requirement("AU16", "A5")
async def test_every_page_forbids_framing_scripts_and_keeping(bridge: Bridge) -> None:
    client = await bridge.register()
    consent = await bridge.authorize(bridge.question(client, Pkce()))
    error = await bridge.authorize({"client_id": "unknown"})
    for page in (consent, error, await bridge.get("/callback")):
        policy = page.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'self'")
        assert "frame-ancestors 'none'" in policy
        assert "script-src" not in policy
        assert "form-action" not in policy
        assert page.headers["X-Frame-Options"] == "DENY"
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        assert page.headers["Cache-Control"] == "no-store"
        assert "Access-Control-Allow-Origin" not in page.headers
    assert consent.headers["Referrer-Policy"] == "same-origin"
    assert error.headers["Referrer-Policy"] == "no-referrer"


async def test_the_browser_cookie_is_stable_and_out_of_scripts_reach(bridge: Bridge) -> None:
    client = await bridge.register()
    first = await bridge.authorize(bridge.question(client, Pkce()))
    second = await bridge.authorize(bridge.question(client, Pkce()))
    cookie = first.headers["Set-Cookie"]
    assert cookie.startswith("bridge-3004=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert second.headers["Set-Cookie"].split(";")[0] == cookie.split(";")[0]
    assert sealed_form(first) != sealed_form(second)


async def test_a_question_can_be_asked_twice(bridge: Bridge) -> None:
    client, pkce = await bridge.register(), Pkce()
    question = bridge.question(client, pkce)
    assert (await bridge.authorize(question)).status == 200
    done = await bridge.come_back(await bridge.decide(await bridge.authorize(question)))
    assert "code" in done.query


@pytest.mark.parametrize("method", ["POST", "HEAD", "PUT"])
async def test_other_methods_are_not_allowed(bridge: Bridge, method: str) -> None:
    answer = await bridge.request(method, "/authorize?client_id=demo")
    assert answer.status == 405


@pytest.mark.requirement("ASM13", "A15")
async def test_forged_host_headers_change_no_redirect(bridge: Bridge) -> None:
    client = await bridge.register()
    forged = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    answer = await bridge.authorize(bridge.question(client, Pkce(), scope="nope"), headers=forged)
    assert answer.query["iss"] == ISSUER


async def test_a_registrar_that_is_down_is_not_an_unknown_client(bridge: Bridge) -> None:
    bridge.registrar.down = True
    answer = await bridge.authorize({"client_id": "mcp-somebody"})
    assert_page_only(answer, 503)
    assert answer.headers["Retry-After"] == "5"


@pytest.mark.requirement("OP6")
@pytest.mark.usefixtures("still_time")
async def test_strangers_are_limited(make_bridge) -> None:  # type: ignore[no-untyped-def]
    bridge: Bridge = await make_bridge(rate_limits="on")
    answers = [await bridge.authorize({"client_id": "unknown"}) for _ in range(61)]
    assert {answer.status for answer in answers[:60]} == {400}
    assert_page_only(answers[60], 429)
    assert int(answers[60].headers["Retry-After"]) > 0
