"""From a decision to the next address: the form is spent, an approval's transaction written."""

from dataclasses import dataclass

import structlog

from cimd_bridge.consent import ConsentForm
from cimd_bridge.front_channel import FrontChannel
from cimd_bridge.records.transactions import Transaction, Transactions
from cimd_bridge.refusals import FORM_USED
from cimd_bridge.upstream import Upstream
from oauth_kit.clock import Clock
from oauth_kit.rules.errors import OAuthError

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class LoginStart:
    """What both the consent form and a trusted client's request lead to."""

    upstream: Upstream
    transactions: Transactions
    front_channel: FrontChannel
    clock: Clock

    async def approve(self, form: ConsentForm, browser_id: str) -> str:
        """Returns the identity provider's address; a double click gets the same one.

        Raises OAuthError: access_denied (403) for a spent form, temporarily_unavailable.
        """
        started = await self.upstream.start(form.client, form.form_id)
        asked = form.request
        decision = await self.transactions.decide(
            form.form_id,
            browser_id=browser_id,
            decision="approve",
            location=started.location,
            state_secret=started.state_secret,
            transaction=Transaction(
                client=form.client,
                redirect_uri=asked.redirect_uri,
                redirect_uri_was_sent=asked.redirect_uri_was_sent,
                code_challenge=asked.code_challenge,
                scopes=asked.scopes,
                resource=asked.resource,
                client_state=asked.state,
                upstream_client_id=started.upstream_client_id,
                provider_generation=started.generation,
                upstream_nonce=started.nonce,
                upstream_code_verifier=started.code_verifier,
                created_at=self.clock(),
            ),
        )
        return self._accepted(form, decision.location, "consent_approved")

    async def deny(self, form: ConsentForm, browser_id: str) -> str:
        """Returns the client's address, with access_denied. Raises OAuthError for a spent form."""
        asked = form.request
        decision = await self.transactions.decide(
            form.form_id,
            browser_id=browser_id,
            decision="deny",
            location=self.front_channel.error_location(
                asked.redirect_uri, "access_denied", asked.state
            ),
            transaction=None,
            state_secret=None,
        )
        return self._accepted(form, decision.location, "consent_denied")

    def _accepted(self, form: ConsentForm, location: str | None, event: str) -> str:
        if location is None:
            raise OAuthError(
                "access_denied",
                FORM_USED,
                reason="form spent, or decided otherwise",
            )
        log.info(event, client_id=form.client.client_id, scopes=form.request.scopes)
        return location
