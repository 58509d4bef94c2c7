"""A shell takes the command for what it is: one word an argument, and nothing is run."""

import subprocess

import pytest

from demo_clients.timeline.curl import curl_command
from demo_clients.timeline.exchange import Exchange, Message

HOSTILE = [
    "'; touch pwned; '",
    "$(touch pwned)",
    "`touch pwned`",
    '"; touch pwned; "',
    "a\nb",
    "\\",
    "!!",
    "$HOME",
    "'$CODE'",
    "--config=/etc/passwd",
    "",
]


def arguments(command: str, **variables: str) -> list[str]:
    """What a POSIX shell gives to curl."""
    script = f'curl() {{ printf "%s\\0" "$@"; }}\n{command}'
    done = subprocess.run(
        ["sh", "-euc", script], env=variables, capture_output=True, text=True, check=True
    )
    return done.stdout.split("\0")[:-1]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_of_a_strangers_is_run(text: str) -> None:
    request = Message((("Mcp-Name", text),), form=(("scope", text),), body=text)
    exchange = Exchange("rest", "POST", f"https://r.example/?iss={text}", 0, request=request)
    told = arguments(curl_command(exchange), CODE="x", HOME="h")
    text = text.replace("$CODE", "x")
    assert f"https://r.example/?iss={text}" in told
    assert f"Mcp-Name: {text}" in told
    assert f"scope={text}" in told
    assert not text or told[-1] == text


def test_placeholders_are_variables() -> None:
    request = Message(
        (("Authorization", "Bearer $ACCESS_TOKEN"),),
        form=(("code", "$CODE"), ("scope", "a b")),
    )
    exchange = Exchange("token", "POST", "https://as.example/token?x=$STATE", 0, request=request)
    told = arguments(curl_command(exchange), ACCESS_TOKEN="a'b c", CODE="$x", STATE="s t")
    assert told == [
        *("-i", "-g", "-X", "POST", "https://as.example/token?x=s t"),
        *("-H", "Authorization: Bearer a'b c"),
        *("--data-urlencode", "code=$x"),
        *("--data-urlencode", "scope=a b"),
    ]


def test_a_body_is_sent_as_it_is() -> None:
    request = Message((("Content-Type", "application/json"),), body='{"a": "@file"}')
    exchange = Exchange("mcp", "POST", "https://r.example/mcp", 0, request=request)
    assert arguments(curl_command(exchange))[-2:] == ["--data-raw", '{"a": "@file"}']
