"""From a 401 to the authorization server (RFC 6750, RFC 9728, RFC 8414; MCP authorization)."""

from dataclasses import dataclass

import aiohttp

from authstack.smoke.answers import read_json, text_of, texts_of
from authstack.smoke.problems import SmokeFailure
from oauth_kit.rules.bearer import Challenge, parse_challenges
from oauth_kit.rules.metadata_documents import authorization_server_metadata_urls


@dataclass(frozen=True, slots=True)
class Server:
    """The authorization server's metadata, after its checks."""

    issuer: str
    metadata: dict[str, object]

    def endpoint(self, name: str) -> str:
        return text_of(self.metadata, name)


async def read_challenge(session: aiohttp.ClientSession, resource: str) -> Challenge:
    """What the MCP endpoint says to somebody without a token."""
    async with session.post(resource, json={}) as answer:
        challenges = parse_challenges(answer.headers.getall("WWW-Authenticate", []))
    bearer = [challenge for challenge in challenges if challenge.scheme == "bearer"]
    if answer.status != 401 or len(bearer) != 1:
        raise SmokeFailure(f"{resource} answers {answer.status} without one Bearer challenge")
    if "resource_metadata" not in bearer[0].parameters or "error" in bearer[0].parameters:
        raise SmokeFailure("the first challenge must name resource_metadata and no error")
    return bearer[0]


async def read_issuer(session: aiohttp.ClientSession, url: str, resource: str) -> str:
    """The issuer that protects this resource."""
    async with session.get(url, allow_redirects=False) as answer:
        document = await read_json(answer, expected=200)
    if document.get("resource") != resource:
        raise SmokeFailure("the protected resource metadata is for another resource")
    servers = texts_of(document, "authorization_servers")
    if not servers:
        raise SmokeFailure("the protected resource metadata names no authorization server")
    return servers[0]


async def read_server(session: aiohttp.ClientSession, issuer: str) -> Server:
    """The first metadata document there is, if it is the issuer's own."""
    for url in authorization_server_metadata_urls(issuer):
        async with session.get(url, allow_redirects=False) as answer:
            if answer.status != 200:
                continue
            metadata = await read_json(answer, expected=200)
        if metadata.get("issuer") != issuer:
            raise SmokeFailure("the authorization server's metadata names another issuer")
        if "S256" not in texts_of(metadata, "code_challenge_methods_supported"):
            raise SmokeFailure("the authorization server does not offer PKCE with S256")
        return Server(issuer, metadata)
    raise SmokeFailure(f"{issuer} has no metadata document")
