"""Client authentication as it goes over the wire."""

import base64

from demo_clients.credentials import ClientCredentials


def test_basic_encodes_both_parts_before_base64() -> None:
    credentials = ClientCredentials(
        "dynamic", "https://c.example/a:b", "client_secret_basic", "s+ %:é"
    )
    pair = base64.b64decode(credentials.headers()["Authorization"].removeprefix("Basic "))
    assert pair == b"https%3A%2F%2Fc.example%2Fa%3Ab:s%2B+%25%3A%C3%A9"
    assert credentials.form() == {}


def test_post_and_none_go_into_the_form() -> None:
    post = ClientCredentials("dynamic", "id", "client_secret_post", "secret")
    assert (post.headers(), post.form()) == ({}, {"client_id": "id", "client_secret": "secret"})
    none = ClientCredentials("dynamic", "id", "none")
    assert (none.headers(), none.form()) == ({}, {"client_id": "id"})


def test_a_secret_is_not_in_the_text_form() -> None:
    assert "hidden" not in repr(ClientCredentials("dynamic", "id", "client_secret_post", "hidden"))
