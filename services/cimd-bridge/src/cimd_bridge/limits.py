"""How often strangers may, where it takes more than one limit (OAuth 2.1 §7.2, RFC 7662 §4)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FailureLimits:
    """How often a client may fail from one network, and all clients together from there."""

    by_client: str
    by_network: str


@dataclass(frozen=True, slots=True)
class DocumentLimits:
    """How often hosts are asked for metadata documents.

    per_caller:   by caller's block and host
    new_per_host: for URLs that were never good, so that these leave room for the others
    """

    per_caller: str
    per_host: str
    new_per_host: str
