"""The life of a transaction of the double: checks, transmission, verdict."""

from __future__ import annotations

from datetime import UTC, date, datetime

from app.demo import s2low_acts, s2low_pes
from app.demo.s2low_model import Kind, Store, Transaction, Verdict

_ACT_PATH = (1, 2, 3, 4)
_PES_PATH = (1, 2, 3, 8)


def today() -> date:
    return datetime.now(UTC).date()


def advance(store: Store, transaction: Transaction, steps: int = 1) -> None:
    """Moves a transaction along its life, as polls do."""
    with store.lock:
        for _ in range(steps):
            poll(store, transaction)


def poll(store: Store, one: Transaction) -> None:
    """One step along the life of a transaction, the caller holding the lock."""
    path = _ACT_PATH if one.kind is Kind.ACT else _PES_PATH
    if one.status not in path or one.status == path[-1]:
        return
    verdict = store.verdict_for(one.nomfic if one.kind is Kind.PES else one.number)
    following = path[path.index(one.status) + 1]
    if following == 2:
        error = _async_fault(store, one, verdict)
        if error is not None:
            one.status, one.message = -1, error
            store.save()
            return
    if following == path[-1] and verdict is Verdict.SILENT:
        return
    if following == 4 and verdict in {Verdict.REFUSED, Verdict.TECHNICAL}:
        following = -1
    one.status, one.message = following, _event(one.kind, following)
    store.save()


def _async_fault(store: Store, one: Transaction, verdict: Verdict) -> str | None:
    if verdict is Verdict.ERROR:
        return "Erreur de démonstration : la signature n'est pas « valide »"
    if one.kind is Kind.ACT:
        return None
    try:
        flow = s2low_pes.read_flow(store.directory / one.file)
    except s2low_pes.FlowError as e:
        return str(e)
    others = (other for other in store.transactions.values() if other.id != one.id)
    pair = (flow.nomfic, flow.codcol)
    if any((other.nomfic, other.codcol) == pair for other in others):
        return "Un fichier portant ce NomFic a déjà été transmis pour ce CodCol"
    one.nomfic, one.codcol = pair
    return None


def act_error(store: Store, act: Transaction) -> bytes:
    """What the status −1 of an act carries: a text of the TdT, or the ministry's anomaly."""
    if store.verdict_for(act.number) is Verdict.ERROR:
        return act.message.encode("iso-8859-1", "replace")
    return s2low_acts.make_anomaly(act, noted_on=today())


def _event(kind: Kind, status: int) -> str:
    events = {
        -1: "Anomalie reçue",
        2: "Accepté par le TdT : validation OK",
        3: "Transmis au MI" if kind is Kind.ACT else "Transmis à la trésorerie",
        4: "Acquittement reçu",
        8: "Acquittement reçu, information disponible",
    }
    return events[status]
