"""The redirect back to the client, as RFC 9207 and RFC 6749 want it read."""

from contextlib import AbstractContextManager, nullcontext
from urllib.parse import parse_qs, urlsplit

import pytest

from authstack.smoke.discovery import Server
from authstack.smoke.identity import Introduced
from authstack.smoke.login import Timed, obtain_code
from authstack.smoke.problems import SmokeFailure
from oauth_kit.rules.pkce import challenge_of

ISSUER = "https://auth.example"
RESOURCE = "https://mcp.example/mcp"
REDIRECT_URI = "http://127.0.0.1:52100/callback"
CLIENT = Introduced("client", REDIRECT_URI)


class Person:
    """Is sent to the redirect URI with this query; `{state}` is the state that was asked with."""

    def __init__(self, query: str) -> None:
        self.query = query
        self.asked: dict[str, list[str]] = {}

    async def log_in(self, url: str, redirect_uri: str, timed: Timed) -> str:
        self.asked = parse_qs(urlsplit(url).query)
        return f"{redirect_uri}?{self.query.format(state=self.asked['state'][0])}"


def untimed(name: str) -> AbstractContextManager[None]:
    return nullcontext()


def server(**metadata: object) -> Server:
    endpoint = {"authorization_endpoint": f"{ISSUER}/authorize"}
    return Server(ISSUER, {**endpoint, **metadata})


PROMISES_ISS = server(authorization_response_iss_parameter_supported=True)


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("code=c&state=wrong&iss=https://auth.example", "does not carry our state"),
        ("code=c&iss=https://auth.example", "does not carry our state"),
        ("code=c&state={state}", "iss is not the issuer"),
        ("code=c&state={state}&iss=https://auth.example/", "iss is not the issuer"),
        ("code=c&state={state}&iss=https://evil.example", "iss is not the issuer"),
        ("code=c&state={state}&iss=https://auth.example&iss=x", "is repeated"),
        ("code=c&code=d&state={state}&iss=https://auth.example", "is repeated"),
        ("state={state}&iss=https://auth.example", "carries no code"),
        ("code=&state={state}&iss=https://auth.example", "carries no code"),
        ("error=access_denied&state={state}&iss=https://auth.example", "refuses: access_denied"),
        ("error=access_denied&state={state}", "iss is not the issuer"),
    ],
)
async def test_a_redirect_that_a_client_must_not_accept(query: str, reason: str) -> None:
    with pytest.raises(SmokeFailure, match=reason):
        await obtain_code(PROMISES_ISS, CLIENT, Person(query), "read", RESOURCE, untimed)


async def test_without_the_promise_a_missing_iss_is_accepted_and_a_wrong_one_is_not() -> None:
    person = Person("code=c&state={state}")
    code = await obtain_code(server(), CLIENT, person, "read", RESOURCE, untimed)
    assert code.value == "c"
    person = Person("code=c&state={state}&iss=https://evil.example")
    with pytest.raises(SmokeFailure, match="iss is not the issuer"):
        await obtain_code(server(), CLIENT, person, "read", RESOURCE, untimed)


async def test_the_request_carries_what_the_specification_wants() -> None:
    person = Person("code=c&state={state}&iss=https://auth.example")
    code = await obtain_code(PROMISES_ISS, CLIENT, person, "read write", RESOURCE, untimed)
    asked = {name: values[0] for name, values in person.asked.items()}
    assert asked.pop("code_challenge") == challenge_of(code.verifier)
    assert len(asked.pop("state")) >= 22
    assert asked == {
        "response_type": "code",
        "client_id": "client",
        "redirect_uri": REDIRECT_URI,
        "scope": "read write",
        "code_challenge_method": "S256",
        "resource": RESOURCE,
    }
