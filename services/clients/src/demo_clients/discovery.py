"""From a 401 to the authorization server (RFC 9728 §5.1, then RFC 8414 §3, in MCP's order)."""

from dataclasses import dataclass

import structlog

from demo_clients.addresses import check_server_url
from demo_clients.outgoing import MAX_METADATA_BYTES, Answer, Outgoing
from demo_clients.problems import Problem
from demo_clients.server_metadata import (
    AuthorizationServer,
    ProtectedResource,
    check_issuer,
    read_authorization_server,
    read_protected_resource,
)
from demo_clients.timeline.exchange import Step
from demo_clients.timeline.recorder import passed
from oauth_kit.rules.bearer import Challenge
from oauth_kit.rules.metadata_documents import authorization_server_metadata_urls, metadata_url

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Discovery:
    """Finds out who guards `resource`, and believes only documents that speak for themselves."""

    resource: str
    outgoing: Outgoing
    loopback_allowed: bool

    async def protected_resource(self, challenge: Challenge | None) -> ProtectedResource:
        """The resource's metadata: where the challenge says, else at the path, else at the root."""
        for url in self._resource_metadata_urls(challenge):
            document = await self._read(url, "resource_metadata")
            if document is not None:
                resource = read_protected_resource(
                    document, resource=self.resource, loopback_allowed=self.loopback_allowed
                )
                passed("resource_matches", "issuers_named")
                return resource
        raise Problem("The resource server publishes no metadata.", reason="no PRM")

    async def authorization_server(self, issuer: str) -> AuthorizationServer:
        """The first document found decides: another issuer's is refused, not skipped."""
        check_issuer(issuer, loopback_allowed=self.loopback_allowed)
        for url in authorization_server_metadata_urls(issuer):
            document = await self._read(url, "server_metadata")
            if document is not None:
                server = read_authorization_server(
                    document, issuer=issuer, loopback_allowed=self.loopback_allowed
                )
                passed("issuer_equals", "s256_offered", "endpoints_safe")
                return server
        raise Problem("The authorization server publishes no metadata.", reason="no AS metadata")

    def _resource_metadata_urls(self, challenge: Challenge | None) -> list[str]:
        said = challenge.parameters.get("resource_metadata") if challenge else None
        if said is not None:
            return [
                check_server_url(said, "resource_metadata", loopback_allowed=self.loopback_allowed)
            ]
        at_path = metadata_url(self.resource)
        at_root = at_path.partition("/.well-known/")[0] + "/.well-known/oauth-protected-resource"
        return [at_path] if at_path == at_root else [at_path, at_root]

    async def _read(self, url: str, step: Step) -> dict[str, object] | None:
        """None for "there is nothing here" (any 4xx). Raises Problem for anything else."""
        answer = await self.outgoing.get(
            url, step=step, headers={"Accept": "application/json"}, max_bytes=MAX_METADATA_BYTES
        )
        if 400 <= answer.status < 500:
            return None
        return _document(answer)


def _document(answer: Answer) -> dict[str, object]:
    if answer.status != 200:
        raise Problem(
            "A server's metadata cannot be read. Try again shortly.",
            reason=f"metadata: status {answer.status}",
        )
    try:
        return answer.json_object()
    except ValueError as error:
        raise Problem("A server's metadata is malformed.", reason=f"metadata: {error}") from error
