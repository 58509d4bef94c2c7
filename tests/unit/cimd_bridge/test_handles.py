"""Handles: enough entropy, and nothing foreign gets into a key's name."""

import base64

import pytest

from cimd_bridge.records.handles import join_handle, new_id, new_secret, split_handle

ID = "a" * 22
SECRET = "s" * 43


@pytest.mark.requirement("TK26")
@pytest.mark.parametrize(("make", "at_least_bits"), [(new_id, 128), (new_secret, 256)])
def test_ids_and_secrets_are_long_enough_and_never_repeat(make, at_least_bits):
    made = {make() for _ in range(100)}
    assert len(made) == 100
    assert all(8 * len(base64.urlsafe_b64decode(one + "==")) >= at_least_bits for one in made)


@pytest.mark.parametrize(
    "handle",
    [
        "",
        ".",
        ID,
        f"{ID}.",
        f".{SECRET}",
        f"{ID}.{SECRET}\n",
        f" {ID}.{SECRET}",
        f"{ID}.{SECRET}.{SECRET}",
        f"{'a' * 15}.{SECRET}",
        f"{'a' * 65}.{SECRET}",
        f"{ID}.{'s' * 21}",
        f"{ID}.{'s' * 257}",
        f"a}}:{ID}.{SECRET}",
        f"{ID}*.{SECRET}",
        f"{ID}.{SECRET}=",
        f"{'é' * 22}.{SECRET}",
        f"{'１' * 22}.{SECRET}",
        f"{ID}.\ud800{SECRET}",
    ],
)
def test_what_we_cannot_have_made_is_no_handle(handle):
    assert split_handle(handle) is None


@pytest.mark.parametrize(
    ("identifier", "secret"),
    [(ID, SECRET), ("a" * 16, "s" * 22), ("a" * 64, "s" * 256), (new_id(), new_secret())],
    ids=["usual", "shortest", "longest", "fresh"],
)
def test_a_handle_comes_apart_as_it_was_joined(identifier, secret):
    assert split_handle(join_handle(identifier, secret)) == (identifier, secret)
