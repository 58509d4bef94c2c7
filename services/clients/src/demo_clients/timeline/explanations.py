"""What every step, check and cause means, in a sentence, and where it is written."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from demo_clients.timeline.exchange import Step

Lane = Literal["browser", "client", "resource", "issuer"]

LANES: Final[Mapping[Lane, str]] = {
    "browser": "Browser",
    "client": "This client",
    "resource": "Resource server",
    "issuer": "Authorization server",
}

_RFC: Final = "https://www.rfc-editor.org/rfc/rfc"
_MCP: Final = "https://modelcontextprotocol.io/specification"
MCP_REVISION: Final = "2026-07-28"
_CIMD: Final = (
    "https://datatracker.ietf.org/doc/html/draft-ietf-oauth-client-id-metadata-document-02"
)


@dataclass(frozen=True, slots=True)
class Explanation:
    """title: a few words; sentence: one; reference: what `link` leads to."""

    title: str
    sentence: str
    reference: str
    link: str


@dataclass(frozen=True, slots=True)
class StepFacts:
    """An explanation, and who sends to whom."""

    explanation: Explanation
    sender: Lane = "client"
    receiver: Lane = "issuer"


def rfc(number: int, section: str) -> tuple[str, str]:
    return f"RFC {number} §{section}", f"{_RFC}{number}#section-{section}"


def mcp(section: str) -> tuple[str, str]:
    page = f"{_MCP}/{MCP_REVISION}/basic/authorization"
    anchor = section.replace(" ", "-")
    return f"MCP {MCP_REVISION} authorization, {section}", f"{page}#{anchor}"


_CONTROL: Final = Explanation(
    "Control: the same without the fault",
    "If this were refused too, the refusal of the attack would prove nothing.",
    *rfc(9700, "4"),
)

STEPS: Final[Mapping[Step, StepFacts]] = {
    "probe": StepFacts(
        Explanation(
            "A request without a token",
            "A protected server answers 401, and its challenge says where to read who guards it.",
            *rfc(9728, "5.1"),
        ),
        receiver="resource",
    ),
    "resource_metadata": StepFacts(
        Explanation(
            "Protected resource metadata",
            "The resource server publishes which authorization server issues tokens for it, and "
            "which scopes there are.",
            *rfc(9728, "3"),
        ),
        receiver="resource",
    ),
    "server_metadata": StepFacts(
        Explanation(
            "Authorization server metadata",
            "The authorization server publishes its endpoints and what it can do; nothing is sent "
            "there unless the document names the issuer that was asked for.",
            *rfc(8414, "3"),
        )
    ),
    "registration": StepFacts(
        Explanation(
            "Dynamic client registration",
            "A client that nobody has set up introduces itself and is given a client id.",
            *rfc(7591, "3"),
        )
    ),
    "registration_kept": StepFacts(
        Explanation(
            "Registered earlier",
            "An earlier log-in, perhaps another visitor's, has registered this client; nothing is "
            "sent now, and its client id is used until somebody presses “Register again”.",
            *rfc(7591, "3.2.1"),
        )
    ),
    "document": StepFacts(
        Explanation(
            "Client ID metadata document",
            "This client's id is the address of this document, and the authorization server "
            "fetches it by itself once the browser comes with that id, unless it has a fresh copy.",
            "draft-ietf-oauth-client-id-metadata-document-02 §5",
            f"{_CIMD}#section-5",
        ),
        sender="issuer",
        receiver="client",
    ),
    "authorization_request": StepFacts(
        Explanation(
            "Authorization request",
            "The browser is sent to the authorization server with what this client asks for; the "
            "verifier behind code_challenge stays here.",
            *rfc(6749, "4.1.1"),
        ),
        sender="browser",
    ),
    "consent": StepFacts(
        Explanation(
            "Consent and log-in",
            "What happens here is between the person and the authorization server: a client sees "
            "neither password nor pages, only that the browser comes back.",
            *rfc(6749, "4.1"),
        ),
        sender="browser",
    ),
    "authorization_response": StepFacts(
        Explanation(
            "Authorization response",
            "The browser comes back with an answer, which is used only if state says that this "
            "browser was sent away, and iss that the server that was asked has answered.",
            *rfc(9207, "2.4"),
        ),
        sender="browser",
        receiver="client",
    ),
    "token": StepFacts(
        Explanation(
            "Token request",
            "The code is swapped for tokens, once; the verifier proves that whoever swaps it is "
            "whoever asked.",
            *rfc(7636, "4.5"),
        )
    ),
    "refresh": StepFacts(
        Explanation(
            "Refresh",
            "The refresh token is swapped for a new access token; the server may send a new "
            "refresh token with it.",
            *rfc(6749, "6"),
        )
    ),
    "revocation": StepFacts(
        Explanation(
            "Revocation",
            "The grant ends at once, and every token of it with it.",
            *rfc(7009, "2"),
        )
    ),
    "mcp": StepFacts(
        Explanation(
            "MCP request",
            "A JSON-RPC message with the access token in the Authorization header, as every "
            "request to an MCP server has it.",
            *mcp("token requirements"),
        ),
        receiver="resource",
    ),
    "rest": StepFacts(
        Explanation(
            "REST request",
            "The same token, in the same header, for the REST collection beside the MCP endpoint.",
            *rfc(6750, "2.1"),
        ),
        receiver="resource",
    ),
    "attack": StepFacts(
        Explanation(
            "Attack on the authorization server",
            "Something that an attacker would send, sent for real.",
            "RFC 9700",
            f"{_RFC}9700",
        )
    ),
    "attack_on_resource": StepFacts(
        Explanation(
            "Attack on the resource server",
            "A token that is not good for this, sent for real.",
            *rfc(6750, "3.1"),
        ),
        receiver="resource",
    ),
    "attack_on_client": StepFacts(
        Explanation(
            "Attack on this client",
            "A link that an attacker would have a browser open, opened for real.",
            *rfc(9700, "4.7"),
        ),
        sender="browser",
        receiver="client",
    ),
    "control": StepFacts(_CONTROL),
    "control_on_resource": StepFacts(_CONTROL, receiver="resource"),
    "control_on_client": StepFacts(_CONTROL, sender="browser", receiver="client"),
}

STEP_UP: Final = "step-up: adds "
"""How the detail of an authorization request begins that asks for more than was asked before."""

CheckName = Literal[
    "challenge_found",
    "resource_matches",
    "issuers_named",
    "issuer_equals",
    "s256_offered",
    "endpoints_safe",
    "registered",
    "document_supported",
    "state_matches",
    "iss_matches",
    "iss_not_promised",
    "code_present",
    "token_type_bearer",
    "scopes_read",
    "rotated",
    "confirmed",
]

CHECKS: Final[Mapping[CheckName, str]] = {
    "challenge_found": "The answer has a Bearer challenge",
    "resource_matches": "resource in the document equals the URL that was asked",
    "issuers_named": "An authorization server is named, at an address this client may call",
    "issuer_equals": "issuer in the document equals the one that the resource names",
    "s256_offered": "PKCE with S256 is offered",
    "endpoints_safe": "Every endpoint is https, or on this computer",
    "registered": "A client id was issued, with a way to authenticate that this client has",
    "document_supported": "The authorization server reads client metadata documents",
    "state_matches": "state equals the one that this browser was sent away with",
    "iss_matches": "iss equals the issuer that was recorded before the browser left",
    "iss_not_promised": "iss is missing, and the server's metadata does not promise it",
    "code_present": "There is one code and no error",
    "token_type_bearer": "token_type is Bearer",
    "scopes_read": "The granted scopes can be read",
    "rotated": "A new refresh token came and replaced the old one",
    "confirmed": "The authorization server confirmed the revocation",
}

CAUSES: Final[Mapping[str, str]] = {
    "log-in": "You pressed “Log in”",
    "callback": "You came back from the authorization server",
    "fetch": "You pressed “Read contexts”",
    "create": "You pressed “Create context”",
    "list-tools": "You pressed “List tools”",
    "call-tool": "You pressed “Call a tool”",
    "refresh": "You pressed “Refresh”",
    "log-out": "You pressed “Log out”",
    "forget": "You pressed “Register again”",
}
"""Titles of what a visitor did; a cause that is not here is shown as it is."""
