"""Reading JSON answers without repeating what must stay secret."""

import json

import aiohttp

from authstack.smoke.problems import SmokeFailure


async def read_json(answer: aiohttp.ClientResponse, *, expected: int) -> dict[str, object]:
    """A JSON object with the expected status. Raises SmokeFailure that names the OAuth error."""
    body = await answer.read()
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    if answer.status != expected:
        error = document.get("error") if isinstance(document, dict) else None
        raise SmokeFailure(
            f"{answer.url.path} answers {answer.status} {error or ''}".rstrip()
            + f", expected {expected}"
        )
    if not isinstance(document, dict):
        raise SmokeFailure(f"{answer.url.path} does not answer with a JSON object")
    return document


def text_of(document: dict[str, object], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not value:
        raise SmokeFailure(f"the answer has no {name}")
    return value


def texts_of(document: dict[str, object], name: str) -> list[str]:
    value = document.get(name)
    return [str(each) for each in value] if isinstance(value, list) else []
