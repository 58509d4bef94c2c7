"""Calls to the servers: bounded in time and size, never redirected, never a token in a URL."""

from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
from multidict import CIMultiDict, CIMultiDictProxy

from demo_clients.problems import Problem
from demo_clients.timeline.exchange import Step
from demo_clients.timeline.masking import RawAnswer, RawRequest
from demo_clients.timeline.recorder import observed
from oauth_kit.rules.bearer import Challenge, parse_challenges
from oauth_kit.rules.json_object import parse_json_object

MAX_METADATA_BYTES = 64 * 1024
MAX_ANSWER_BYTES = 512 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered, whole."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    def bearer_challenge(self) -> Challenge | None:
        """The first Bearer challenge, however many headers and schemes there are."""
        challenges = parse_challenges(self.headers.getall("WWW-Authenticate", []))
        return next((one for one in challenges if one.scheme.lower() == "bearer"), None)

    @property
    def media_type(self) -> str:
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    def json_object(self) -> dict[str, object]:
        """Raises ValueError for anything but a JSON object labelled as JSON."""
        if self.media_type != "application/json" and not self.media_type.endswith("+json"):
            raise ValueError("not labelled as JSON")
        return parse_json_object(self.body)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """The one place that calls servers. Raises Problem when there is no complete answer."""

    session: aiohttp.ClientSession

    async def get(
        self, url: str, *, step: Step, headers: Mapping[str, str] | None = None, max_bytes: int
    ) -> Answer:
        return await self.send("GET", url, step=step, headers=headers, max_bytes=max_bytes)

    async def post_form(
        self,
        url: str,
        form: Mapping[str, str],
        *,
        step: Step,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        sent = {"Accept": "application/json", **(headers or {})}
        return await self.send(
            "POST", url, step=step, form=form, headers=sent, max_bytes=MAX_METADATA_BYTES
        )

    async def send(
        self,
        method: str,
        url: str,
        *,
        step: Step,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        json: object | None = None,
        max_bytes: int = MAX_ANSWER_BYTES,
        redirects_are_answers: bool = False,
    ) -> Answer:
        """A redirect is a Problem, or an answer like any other; it is never followed.

        step: what it is for, as the visitor's timeline tells it
        """
        sent = {**_content_type(form, json), **(headers or {})}
        async with observed(step, RawRequest(method, url, sent, form, json)) as seen:
            try:
                async with self.session.request(
                    method, url, headers=sent, data=form, json=json, allow_redirects=False
                ) as response:
                    body = await _read_bounded(response, max_bytes)
                    headers_read = CIMultiDictProxy(CIMultiDict(response.headers))
            except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
                raise Problem(
                    "A server that this needs cannot be reached. Try again shortly.",
                    reason=f"{method}: {type(error).__name__}",
                ) from error
            seen.answer = RawAnswer(response.status, tuple(headers_read.items()), body)
            if 300 <= response.status < 400 and not redirects_are_answers:
                raise Problem(
                    "A server answered with a redirect, which this client does not follow.",
                    reason=f"{method}: status {response.status}",
                )
        return Answer(response.status, headers_read, body)


def _content_type(form: Mapping[str, str] | None, json: object | None) -> dict[str, str]:
    """What aiohttp would add unseen: said here, so that the timeline and its commands have it."""
    if json is not None:
        return {"Content-Type": "application/json"}
    return {} if form is None else {"Content-Type": "application/x-www-form-urlencoded"}


async def _read_bounded(response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > max_bytes:
            response.close()
            raise Problem("A server's answer is too large.", reason=f"over {max_bytes} bytes")
    return bytes(body)
