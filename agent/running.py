"""The life of a paired agent: say what the token holds, wait for jobs, do them one by one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from threading import Event

from agent.batch import DECLINED, BatchOutcome, Workplace, run_batch
from agent.consent import clean
from agent.devices import Inventory, explain_nothing, sha256_of
from agent.errors import AgentError, JobRefused, LinkError, ServerRefused
from agent.fields import Malformed
from agent.protocol import Envelope

RELIST_EVERY = timedelta(seconds=60)
_BACK_OFF_S = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0)
_AFTER_REFUSAL_S = 0.3
_REVOKED = (401, 403)
_PIN_CODES = frozenset({"wrong_pin", "pin_locked", "no_pin", "token_removed"})


class ExitStatus(IntEnum):
    """Exit statuses of the program; 2 is a usage error, 130 an interruption."""

    OK = 0
    NOT_PAIRED = 3
    NO_DEVICE = 4
    JOB_REFUSED = 5
    SERVER = 6
    DEVICE_REFUSED = 7
    DECLINED = 8


@dataclass(slots=True)
class Agent:
    """A workplace and the way to list the token again; `inventory` is what was last seen."""

    workplace: Workplace
    list_devices: Callable[[], Inventory]
    inventory: Inventory
    listed_at: datetime

    def report(self) -> None:
        """Tells the server which certificates are here, and the person what it answered.

        Raises LinkError."""
        devices = self.inventory.devices
        answers = self.workplace.link.report_certificates(
            [(d.certificate, d.chain) for d in devices]
        )
        for answer in answers:
            self._say_fitness(answer.text("subject"), answer.texts("reasons"))

    def relist(self) -> None:
        """Looks at the readers again and reports a change. Raises LinkError."""
        before = certificates_of(self.inventory)
        self.inventory = self.list_devices()
        self.listed_at = self.workplace.clock()
        if certificates_of(self.inventory) != before:
            self.workplace.say("Le contenu des lecteurs a changé.")
            self.report()

    def do_job(self, envelope: Envelope) -> BatchOutcome:
        """One job, whatever becomes of it. Raises LinkError when its acceptance failed."""
        try:
            outcome = run_batch(envelope, self.inventory, self.workplace)
        except JobRefused as e:
            self.workplace.say(f"Ordre de signature refusé : {e.detail} [{e.code}]")
            return BatchOutcome(0, 0, e.code, e.detail)
        self.workplace.say(f"Terminé : {outcome.signed} document(s) signé(s) sur {outcome.total}.")
        return outcome

    def _say_fitness(self, subject: str, reasons: tuple[str, ...]) -> None:
        judgement = " ; ".join(map(clean, reasons)) or "accepté pour signer"
        self.workplace.say(f"Certificat {clean(subject)} : {judgement}")


def certificates_of(inventory: Inventory) -> frozenset[str]:
    """The certificates that may sign, by digest."""
    return frozenset(sha256_of(d.certificate) for d in inventory.devices)


def run(agent: Agent, *, once: bool) -> ExitStatus:
    """Waits for jobs until interrupted; with `once`, until one job was done or refused."""
    say = agent.workplace.say
    if not agent.inventory.devices:
        nothing = explain_nothing(agent.inventory)
        say(f"{nothing.detail} [{nothing.code}]")
        if once:
            return ExitStatus.NO_DEVICE
    failures = 0
    reported = False
    while True:
        try:
            if not reported:
                agent.report()
                reported = True
                say("En attente d'un ordre de signature.")
            outcome = _turn(agent)
            failures = 0
        except (LinkError, Malformed) as e:
            refusal = _refusal(e)
            say(f"{refusal.detail} [{refusal.code}]")
            failures += 1
            if _is_revoked(e) or (once and failures > len(_BACK_OFF_S)):
                return ExitStatus.SERVER
            outcome = None
        if outcome is not None and once:
            return status_of(outcome)
        if failures:
            Event().wait(_BACK_OFF_S[min(failures, len(_BACK_OFF_S)) - 1])
        elif outcome is not None and outcome.total == 0:
            Event().wait(_AFTER_REFUSAL_S)


def status_of(outcome: BatchOutcome) -> ExitStatus:
    """The exit status that says how a batch ended."""
    if outcome.code is None:
        return ExitStatus.OK
    if outcome.code == DECLINED:
        return ExitStatus.DECLINED
    if outcome.code in _PIN_CODES:
        return ExitStatus.DEVICE_REFUSED
    if outcome.code.startswith("server_") or outcome.code in ("lease_lost", "items_refused"):
        return ExitStatus.SERVER
    return ExitStatus.JOB_REFUSED


def _turn(agent: Agent) -> BatchOutcome | None:
    envelope = agent.workplace.link.next_job()
    if envelope is not None:
        return agent.do_job(envelope)
    if agent.workplace.clock() - agent.listed_at > RELIST_EVERY:
        agent.relist()
    return None


def _refusal(error: LinkError | Malformed) -> AgentError:
    if isinstance(error, LinkError):
        return error
    return AgentError("Réponse incompréhensible du serveur.", code="server_answer_odd")


def _is_revoked(error: Exception) -> bool:
    return isinstance(error, ServerRefused) and error.status in _REVOKED
