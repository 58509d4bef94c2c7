"""Runs attacks for a visitor and keeps what came of them, masked."""

from dataclasses import dataclass, replace
from typing import Final

import structlog

from demo_clients.attacks.attack import Attack, Separate, Situation, Verdict
from demo_clients.attacks.catalog import ATTACKS
from demo_clients.attacks.lab import Lab
from demo_clients.authorization_response import read_authorization_response
from demo_clients.flow import iss_check
from demo_clients.problems import Problem
from demo_clients.sessions import Attempt, PendingLogin, Resume, SessionId
from demo_clients.timeline.recorder import belongs_to, failed, passed, recorded
from demo_clients.timeline.stream import bounded

log = structlog.get_logger()

ATTACKS_PATH: Final = "/attacks"
ATTACK: Final = "attack"
_MAX_EXCHANGES: Final = 6
_SHOWN_STEPS: Final = frozenset(
    {
        *("attack", "attack_on_resource", "attack_on_client", "token", "refresh"),
        *("control", "control_on_resource", "control_on_client"),
    }
)


@dataclass(frozen=True, slots=True)
class Panel:
    """Every method returns where to send the browser next."""

    lab: Lab

    async def start(self, session_id: SessionId, attack: Attack) -> str:
        """Try it now, or send the visitor for the authorization that it needs."""
        belongs_to(attack.name)
        if attack.needs == "authorization":
            resume = Resume(ATTACK, {"attack": attack.name}, _place_of(attack))
            try:
                return await self.lab.flow.begin(session_id, resume=resume)
            except Problem as problem:
                return await self._keep(session_id, attack, _not_tried(problem), noted_before=0)
        session = await self.lab.sessions.read(session_id)
        return await self._try(attack, Situation(session_id, session))

    async def returned(
        self, session_id: SessionId, login: PendingLogin, parameters: list[tuple[str, str]]
    ) -> str:
        """The visitor is back with a code of an authorization that an attack was waiting for."""
        attack = ATTACKS[login.resume.fields["attack"] if login.resume else ""]
        belongs_to(attack.name)
        try:
            code = read_authorization_response(
                parameters, issuer=login.server.issuer, iss_promised=login.server.promises_iss
            )
        except Problem as problem:
            return await self._keep(session_id, attack, _not_tried(problem), noted_before=0)
        passed("code_present", *iss_check(parameters))
        session = await self.lab.sessions.read(session_id)
        return await self._try(attack, Situation(session_id, session, Separate(login, code)))

    async def _try(self, attack: Attack, situation: Situation) -> str:
        noted_before = len(await recorded())
        try:
            verdict = await attack.run(self.lab, situation)
        except Problem as problem:
            verdict = _not_tried(problem)
        return await self._keep(situation.session_id, attack, verdict, noted_before=noted_before)

    async def _keep(
        self, session_id: SessionId, attack: Attack, verdict: Verdict, *, noted_before: int
    ) -> str:
        """With its exchanges, as few and as short as a timeline keeps them: a session stays small.

        Those of the latest attempt of each attack.
        """
        log.info("attack_tried", attack=attack.name, refused=verdict.refused)
        noted = (await recorded())[noted_before:]
        shown = [bounded(one) for one in noted if one.step in _SHOWN_STEPS][:_MAX_EXCHANGES]
        async with self.lab.sessions.changing(session_id) as record:
            attempt = Attempt(verdict.refused, verdict.sentence, self.lab.clock(), tuple(shown))
            others = {
                name: one for name, one in record.session.attempts.items() if name != attack.name
            }
            record.session = replace(record.session, attempts={**others, attack.name: attempt})
        return _place_of(attack)


def _place_of(attack: Attack) -> str:
    return f"{ATTACKS_PATH}#{attack.name}"


def _not_tried(problem: Problem) -> Verdict:
    failed(problem.message)
    return Verdict(None, problem.message)
