"""One batch: check the job, rebuild every document, ask once, sign, return item by item.

1. envelope, addressee, clock, single use; 2. certificate of the job on the device; 3. acceptance;
4. every document rebuilt, or none is signed; 5. consent, then the PIN once; 6. sign and return."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TypeVar

from agent.consent import Consent, ConsentRequest, Say, clean
from agent.devices import Inventory, SigningDevice, SigningSession
from agent.errors import (
    AgentError,
    JobRefused,
    LeaseLost,
    LinkError,
    ServerRefused,
    StateError,
    Unreachable,
)
from agent.fields import rfc3339
from agent.link import Link
from agent.protocol import (
    Envelope,
    JobItem,
    SigningJob,
    check_addressee,
    open_envelope,
)
from agent.recompute import check_item
from agent.state import JournalLine, Pairing, StateDirectory
from signing.errors import SigningError
from signing.keys import reasons_against
from signing.pin import PinState, locked, wipe

DECLINED = "declined"
_log = logging.getLogger(__name__)
_Result = TypeVar("_Result")
_UNKNOWN_DEVICE = (401, 403)
_LEAVE_S = 5.0


@dataclass(frozen=True, slots=True)
class Patience:
    """Delays in seconds: before each new try of the same return, and between lease renewals."""

    retries_s: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
    renew_every_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Workplace:
    """All that a batch needs; `clock` gives aware UTC."""

    link: Link
    pairing: Pairing
    state: StateDirectory
    consent: Consent
    clock: Callable[[], datetime]
    say: Say
    patience: Patience = field(default_factory=Patience)


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """What became of a job: `code` is None when every document was signed and returned."""

    signed: int
    total: int
    code: str | None = None
    detail: str | None = None


def run_batch(envelope: Envelope, inventory: Inventory, workplace: Workplace) -> BatchOutcome:
    """Does the whole of one job. Raises JobRefused for an envelope that is not acted upon, and
    LinkError when the server refuses or loses the acceptance; all later ends are outcomes."""
    job, device = _vetted(envelope, inventory, workplace)
    workplace.state.claim_job(job.job_id)
    workplace.link.accept(job)
    try:
        with Lease(job, workplace) as lease:
            return _accepted(job, device, lease, workplace)
    except KeyboardInterrupt:
        _end(job, workplace, "failed", AgentError("Agent arrêté.", code="interrupted"))
        raise
    except Exception as e:  # noqa: BLE001
        # The edge of a job: whatever a hostile document or a driver provokes, nothing is signed.
        _log.exception("job stopped")
        unexpected = AgentError(f"Erreur inattendue ({type(e).__name__}).", code="internal_error")
        return _ended(job, workplace, unexpected, signed=0)


class Lease:
    """Renews the job's lease from a thread until left; `check` says whether it still holds."""

    def __init__(self, job: SigningJob, workplace: Workplace) -> None:
        self._job = job
        self._link = workplace.link
        self._every_s = workplace.patience.renew_every_s
        self._stop = threading.Event()
        self._lost = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="lease", daemon=True)

    def __enter__(self) -> Lease:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        # A renewal under way must not outlive the connection it uses; a dead network is not
        # waited for longer than this.
        self._thread.join(_LEAVE_S)

    def check(self) -> None:
        """Raises LeaseLost once the server has refused a renewal."""
        if self._lost.is_set():
            raise LeaseLost(
                "Le serveur a repris cet ordre de signature : les documents restants seront à "
                "signer de nouveau."
            )

    def _renew(self) -> None:
        while not self._stop.wait(self._every_s):
            try:
                self._link.renew(self._job)
            except ServerRefused as e:
                if e.status < 500:
                    self._lost.set()
                    return
            except LinkError:
                continue


def _vetted(
    envelope: Envelope, inventory: Inventory, workplace: Workplace
) -> tuple[SigningJob, SigningDevice]:
    """Steps 1 and 2. Raises JobRefused."""
    now = workplace.clock()
    pairing = workplace.pairing
    job = open_envelope(envelope, pairing.server_job_key)
    check_addressee(job, device_id=pairing.device_id, server=pairing.origin, now=now)
    workplace.state.refuse_known_job(job.job_id)
    device = inventory.device_for(job.certificate_sha256)
    if device is None or reasons_against(device.certificate, now=now):
        refusal = JobRefused(
            "Le certificat demandé n'est pas sur la clé branchée, ou ne peut plus signer : insérez "
            "la bonne clé puis relancez la signature.",
            code="job_other_certificate",
        )
        _end(job, workplace, "failed", refusal)
        raise refusal
    return job, device


def _accepted(
    job: SigningJob, device: SigningDevice, lease: Lease, workplace: Workplace
) -> BatchOutcome:
    total = len(job.items)
    workplace.say(f"Ordre de signature {job.job_id} accepté : {total} document(s) à vérifier.")
    try:
        _rebuild_all(job, device, lease, workplace)
        session = _unlocked(job, device, workplace)
    except (AgentError, SigningError) as e:
        return _ended(job, workplace, e, signed=0)
    if session is None:
        _end(job, workplace, DECLINED, None)
        return BatchOutcome(0, total, DECLINED, "Signature refusée par la personne.")
    try:
        return _sign_all(job, session, lease, workplace)
    finally:
        session.close()


def _rebuild_all(
    job: SigningJob, device: SigningDevice, lease: Lease, workplace: Workplace
) -> None:
    """Every document is downloaded and rebuilt; the first refusal is raised after all are told."""
    refusals: list[JobRefused] = []
    for item in job.items:
        lease.check()
        try:
            document = _persistently(partial(workplace.link.document, job, item), workplace)
            check_item(item, document, certificate=device.certificate)
        except JobRefused as e:
            workplace.say(f"  Document {item.n} refusé : {e.detail} [{e.code}]")
            with suppress(LinkError):
                workplace.link.put_failure(job, item, code=e.code, detail=e.detail)
            refusals.append(e)
    if refusals:
        raise refusals[0]
    workplace.say(f"{len(job.items)} document(s) recalculé(s) : tous conformes.")


def _unlocked(
    job: SigningJob, device: SigningDevice, workplace: Workplace
) -> SigningSession | None:
    """Consent, then one presentation of the PIN; None when the person declines."""
    state = device.pin_state()
    if state is PinState.LOCKED:
        raise locked()
    request = ConsentRequest(job, device, state)
    if not workplace.consent.confirm(request):
        return None
    pin = workplace.consent.pin(request)
    try:
        session = device.open(pin)
    finally:
        wipe(pin)
    if session.asks_pin_each_time:
        workplace.say("Cette clé demande son code à chaque signature : il sert pour ce lot seul.")
    return session


def _sign_all(
    job: SigningJob, session: SigningSession, lease: Lease, workplace: Workplace
) -> BatchOutcome:
    signed, refused = 0, 0
    for item in job.items:
        try:
            lease.check()
            values = {t.id: session.sign(t.tbs, t.mechanism) for t in item.to_sign}
            _persistently(partial(workplace.link.put_values, job, item, values), workplace)
        except ServerRefused as e:
            workplace.say(f"[{item.n}/{len(job.items)}] refusé par le serveur : {e.detail}")
            refused += 1
            if e.status in _UNKNOWN_DEVICE:
                return _ended(job, workplace, e, signed=signed)
            continue
        except (AgentError, SigningError) as e:
            return _ended(job, workplace, e, signed=signed)
        signed += 1
        _record(job, item, workplace)
        workplace.say(f"[{item.n}/{len(job.items)}] signé : {clean(item.folder_title)}")
    return _finished(job, workplace, signed=signed, refused=refused)


def _finished(job: SigningJob, workplace: Workplace, *, signed: int, refused: int) -> BatchOutcome:
    _end(job, workplace, "done", None)
    if refused:
        detail = f"{refused} document(s) refusé(s) par le serveur : voyez le parapheur."
        return BatchOutcome(signed, len(job.items), "items_refused", detail)
    return BatchOutcome(signed, len(job.items))


def _ended(
    job: SigningJob, workplace: Workplace, error: AgentError | SigningError, *, signed: int
) -> BatchOutcome:
    """The batch stops here; what was returned stays, the rest may be prepared again."""
    workplace.say(f"Lot arrêté : {error.detail} [{error.code}]")
    _end(job, workplace, "failed", error)
    return BatchOutcome(signed, len(job.items), error.code, error.detail)


def _end(
    job: SigningJob, workplace: Workplace, outcome: str, error: AgentError | SigningError | None
) -> None:
    """Tells the server; when it cannot be told, its own clocks end the job."""
    code, detail = (None, None) if error is None else (error.code, error.detail)
    try:
        workplace.link.end(job, outcome, code=code, detail=detail)
    except LinkError as e:
        workplace.say(f"La fin du lot n'a pas pu être annoncée au serveur : {e.detail}")


def _record(job: SigningJob, item: JobItem, workplace: Workplace) -> None:
    line = JournalLine(
        time=rfc3339(workplace.clock()),
        server=job.server,
        user_name=job.user_name,
        folder_title=item.folder_title,
        document_name=item.document_name,
        document_sha256=item.download_sha256,
        certificate_sha256=job.certificate_sha256,
        job_id=str(job.job_id),
    )
    try:
        workplace.state.record(line)
    except StateError as e:
        workplace.say(f"Le journal local n'a pas pu être écrit : {e.detail}")


def _persistently(call: Callable[[], _Result], workplace: Workplace) -> _Result:
    """The same call again while the server cannot be reached, a bounded number of times.

    Safe because a download changes nothing and the return of one item is idempotent."""
    for delay_s in workplace.patience.retries_s:
        try:
            return call()
        except ServerRefused as e:
            if e.status < 500:
                raise
        except Unreachable as e:
            workplace.say(f"  {e.detail} Nouvel essai dans {delay_s:g} s.")
        threading.Event().wait(delay_s)
    return call()
