"""The export has the shape that other tools open (HAR 1.2)."""

import json

from demo_clients.timeline.exchange import Check, DecodedToken, Entry, Exchange, Message
from demo_clients.timeline.har import to_har

EXCHANGE = Exchange(
    step="token",
    method="POST",
    url="https://as.example/token?iss=https%3A%2F%2Fi&code=$CODE",
    started_at_ms=1_800_000_000_123,
    detail="which",
    status=302,
    taken_ms=45,
    request=Message(
        (("Accept", "application/json"),),
        form=(("code", "$CODE"),),
        media_type="application/x-www-form-urlencoded",
    ),
    response=Message(
        (("Location", "/x"), ("Content-Type", "application/json")), body="é", media_type="text/x"
    ),
    tokens=(DecodedToken("access_token", (("alg", "RS256"),), (("sub", "u"),)),),
    checks=(Check("c"),),
)


def test_an_entry_has_every_member_that_har_demands() -> None:
    log = to_har([Entry("1-0", EXCHANGE)], creator="c", version="1")["log"]
    assert isinstance(log, dict)
    assert (log["version"], log["creator"]) == ("1.2", {"name": "c", "version": "1"})
    (entry,) = log["entries"]
    assert entry["startedDateTime"] == "2027-01-15T08:00:00.123+00:00"
    assert entry["time"] == sum(entry["timings"].values()) == 45
    assert entry["cache"] == {}
    for half in (entry["request"], entry["response"]):
        assert half["httpVersion"] == "HTTP/1.1"
        assert half["cookies"] == []
        assert (half["headersSize"], half["bodySize"]) == (-1, -1)
    request, response = entry["request"], entry["response"]
    assert (request["method"], request["url"]) == ("POST", EXCHANGE.url)
    assert request["queryString"] == [
        {"name": "iss", "value": "https://i"},
        {"name": "code", "value": "$CODE"},
    ]
    assert request["postData"]["params"] == [{"name": "code", "value": "$CODE"}]
    assert (response["status"], response["statusText"]) == (302, "Found")
    assert response["redirectURL"] == "/x"
    assert response["content"] == {"size": 2, "mimeType": "text/x", "text": "é", "comment": ""}
    assert entry["_detail"] == "which"
    assert entry["_checks"] == [{"what": "c", "passed": True}]
    assert entry["_tokens"][0]["claims"] == {"sub": "u"}


def test_an_exchange_without_an_answer_is_an_entry_too() -> None:
    exchange = Exchange("consent", "GET", "https://as.example/", 0, failure="no route")
    document = to_har([Entry("1-0", exchange)], creator="c", version="1")
    (entry,) = document["log"]["entries"]  # type: ignore[index]
    assert (entry["response"]["status"], entry["response"]["statusText"]) == (0, "")
    assert entry["response"]["comment"] == "no route"
    assert "postData" not in entry["request"]
    json.dumps(document)


def test_a_note_is_no_entry_and_keeps_its_place() -> None:
    note = Exchange("document", "", "https://c/c.json", 0, response=Message(body="{}"))
    kept = [Entry("1-0", EXCHANGE), Entry("2-0", note), Entry("3-0", EXCHANGE)]
    log = to_har(kept, creator="c", version="1")["log"]
    assert isinstance(log, dict)
    assert [entry["_step"] for entry in log["entries"]] == ["token", "token"]
    (told,) = log["_notes"]
    assert (told["_step"], told["_before"]) == ("document", 1)
    assert (told["url"], told["text"]) == ("https://c/c.json", "{}")
    assert told["comment"].startswith("Client ID metadata document: This client")


def test_a_status_of_nobodys_has_no_phrase() -> None:
    exchange = Exchange("rest", "GET", "https://r.example/", 0, status=799)
    document = to_har([Entry("1-0", exchange)], creator="c", version="1")
    assert document["log"]["entries"][0]["response"]["statusText"] == ""  # type: ignore[index]
