"""The main job, played through the public REST API: deposit, visa, signature, transmission, answer.

Each piece goes its own way: one that is refused holds nothing back for the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

from app.demo.narrator import Narrator
from app.demo.person import Person, Refusal
from app.demo.signer import SigningPost
from app.demo.stage import Stage
from app.errors import Unavailable
from app.local.supervisor import Supervisor

_PAUSE_S = 0.2
_WARNINGS_TOLD = 5
_WAIT_S = 180.0
_CLOSED = frozenset({"acknowledged", "remote_refused", "transmission_failed", "rejected"})
_WORK_STATES = frozenset({"prepared", "accepted"})


@dataclass(slots=True)
class Piece:
    """A document on its way. `subtype` is a key of the town; `act` what legality control asks."""

    key: str
    label: str
    title: str
    file: Path
    media_type: str
    subtype: str
    act: dict[str, Any] | None = None
    folder: dict[str, Any] = field(default_factory=dict)
    refusal: Refusal | None = None

    @property
    def folder_id(self) -> str:
        return str(self.folder["id"])

    @property
    def document_id(self) -> str:
        return str(self.folder["documents"][0]["id"])

    def signed_revision(self) -> str | None:
        """The revision that carries the signature."""
        for one in reversed(self.folder["documents"][0]["revisions"]):
            if one["origin"] == "signed" and one["retracted_at"] is None:
                return str(one["id"])
        return None


@dataclass(frozen=True, slots=True)
class Cast:
    """The people of the town, each signed in."""

    administrator: Person
    finances: Person
    direction: Person
    mayor: Person


@contextmanager
def signed_in(stage: Stage) -> Iterator[Cast]:
    """Everybody opens a session with his log-in name and password."""
    keys = ("administrateur", "finances", "direction", "maire")
    with ExitStack() as stack:
        people = {key: stack.enter_context(Person(stage.origin)) for key in keys}

        def sign_in(key: str) -> None:
            people[key].sign_in(stage.town.logins[key], stage.passwords[key])

        with ThreadPoolExecutor(len(keys)) as door:
            list(door.map(sign_in, keys))
        yield Cast(*(people[key] for key in keys))


class Play:
    """The acts of one run; each method is a step that the next ones rest on."""

    def __init__(self, stage: Stage, cast: Cast, narrator: Narrator) -> None:
        self._stage = stage
        self.cast = cast
        self._narrator = narrator

    def whole(self, pieces: Sequence[Piece], post: SigningPost) -> None:
        """From the deposit to the answer of the remote; refusals are kept in the pieces.

        The mayor's agent is made ready meanwhile, and leaves once he has signed."""
        with Supervisor() as desk, ThreadPoolExecutor(1) as aside:
            opening = aside.submit(post.open, desk, self.cast.mayor)
            for piece in pieces:
                self._guarded(piece, self.deposit)
            with self._narrator.step("Agent de signature appairé par code, certificat reconnu"):
                opening.result()
            for piece in _going(pieces):
                self._guarded(piece, self.approve)
            if _going(pieces):
                self.sign(_going(pieces), post)
        for piece in _going(pieces):
            self._guarded(piece, self.await_answer)
        for piece in _going(pieces):
            self.await_mail(piece)

    def deposit(self, piece: Piece) -> None:
        """Draft, document streamed, submission."""
        finances, desk = self.cast.finances, str(self._stage.town.desks["finances"])
        with self._narrator.step(f"{piece.label} : dépôt de {piece.file.name}") as step:
            body = {
                "subtype_id": str(self._stage.town.subtypes[piece.subtype]),
                "desk_id": desk,
                "title": piece.title,
                "act": piece.act,
            }
            piece.folder = finances.post("/folders", body)
            receipt = finances.upload(
                f"/folders/{piece.folder_id}/documents",
                piece.file,
                piece.media_type,
                name=piece.file.name,
            )
            self._await_inspection(piece)
            step.note(f"{receipt['size_bytes'] / 1000:.0f} ko")
        for told in warnings(receipt):
            self._narrator.say(f"  avertissement : {told}")
        piece.folder = finances.post(f"/folders/{piece.folder_id}/submit", desk_id=desk)

    def approve(self, piece: Piece) -> None:
        """The visa of the general management."""
        with self._narrator.step(f"{piece.label} : visa de la direction générale"):
            piece.folder = self.cast.direction.post(
                f"/folders/{piece.folder_id}/actions",
                {
                    "action": "approve",
                    "desk_id": str(self._stage.town.desks["direction"]),
                    "step": "visa",
                },
            )

    def sign(self, pieces: Sequence[Piece], post: SigningPost) -> None:
        """One session, one PIN, each document with its own outcome."""
        labels = joined([piece.label for piece in pieces])
        with self._narrator.step(f"Signature du maire par son agent ({labels})") as step:
            session = self.open_session(pieces, post)
            if session["jobs"]:
                post.type_pin()
            session = self._await_session(session)
            signed = sum(one["state"] == "signed" for one in session["items"])
            told = f"{signed} document(s) signé(s) sur {len(pieces)}"
            step.note(told, is_partial=signed < len(pieces))
        for piece, item in zip(pieces, session["items"], strict=True):
            self._settle(piece, item)

    def open_session(self, pieces: Sequence[Piece], post: SigningPost) -> dict[str, Any]:
        """Asks for the signature of all the pieces with the mayor's certificate."""
        items = [
            {
                "folder_id": piece.folder_id,
                "document_id": piece.document_id,
                "desk_id": str(self._stage.town.desks["maire"]),
            }
            for piece in pieces
        ]
        opened: dict[str, Any] = self.cast.mayor.post(
            "/signature-sessions",
            {"certificate_sha256": post.key.certificate_sha256, "items": items},
        )
        return opened

    def await_answer(self, piece: Piece) -> None:
        """Verification of what was signed, transmission, and what came back."""
        with self._narrator.step(f"{piece.label} : télétransmission et réponse") as step:
            self.follow(piece, lambda: str(piece.folder["status"]) in _CLOSED)
            status = piece.folder["status"]
            if status != "acknowledged":
                raise Refusal(0, str(status), self._reason(piece))
            step.note(str(piece.folder["reception"]))

    def await_mail(self, piece: Piece) -> None:
        """The submitter is told."""
        with self._narrator.step(f"{piece.label} : courriel au déposant") as step:
            told = f"{piece.folder['reception']} : {piece.title}"
            _await(lambda: told in subjects(self._stage.mails), f"Aucun courriel « {told} ».")
            step.note(told)

    def follow(self, piece: Piece, fact: Callable[[], bool]) -> None:
        """Reads the folder again and again until `fact` holds of it."""

        def is_so() -> bool:
            piece.folder = self.cast.finances.get(f"/folders/{piece.folder_id}")
            return fact()

        _await(is_so, f"Le dossier « {piece.title} » n'avance plus.")

    def _guarded(self, piece: Piece, act: Callable[[Piece], None]) -> None:
        try:
            act(piece)
        except Refusal as e:
            self._refuse(piece, e)

    def _settle(self, piece: Piece, item: dict[str, Any]) -> None:
        piece.folder = self.cast.finances.get(f"/folders/{piece.folder_id}")
        if item["state"] != "signed":
            failure = item["failure"] or {"code": item["state"], "detail": "Document non signé."}
            self._refuse(piece, Refusal(0, failure["code"], failure["detail"]))

    def _refuse(self, piece: Piece, refusal: Refusal) -> None:
        piece.refusal = refusal
        self._narrator.warn(f"  {piece.label} refusé : {refusal}")

    def _reason(self, piece: Piece) -> str:
        emissions = self.cast.finances.get(f"/folders/{piece.folder_id}/transmissions")
        told = [one["detail"] for one in emissions if one["detail"]]
        return str(told[0]) if told else "Le destinataire n'a pas accepté ce dossier."

    def _await_inspection(self, piece: Piece) -> None:
        """A large flow is read by a job, which may refuse it."""
        self.follow(piece, lambda: piece.folder["status"] != "inspecting")
        refusal = piece.folder["refusal"]
        if refusal is not None:
            raise Refusal(0, refusal["code"], refusal["detail"])

    def _await_session(self, session: dict[str, Any]) -> dict[str, Any]:
        read = [session]

        def is_over() -> bool:
            read[0] = self.cast.mayor.get(f"/signature-sessions/{session['id']}")
            return all(one["state"] not in _WORK_STATES for one in read[0]["items"])

        _await(is_over, f"L'agent ne rend pas les signatures : lisez {self._stage.logs}.")
        return read[0]


def subjects(mails: Path) -> set[str]:
    """The subjects of what the catcher has kept."""
    found = set()
    for file in mails.glob("[0-9]*.eml"):
        message = message_from_bytes(file.read_bytes(), policy=default)
        found.add(str(message["Subject"]))
    return found


def _going(pieces: Sequence[Piece]) -> list[Piece]:
    return [piece for piece in pieces if piece.refusal is None]


def joined(labels: Sequence[str]) -> str:
    """Labels inside a sentence: « acte et flux PES »."""
    return " et ".join(f"{one[0].lower()}{one[1:]}" for one in labels)


def warnings(receipt: dict[str, Any]) -> Iterator[str]:
    """What the inspection remarked on a document that it accepted, the first ones in full."""
    findings = (receipt["facts"] or {}).get("findings") or []
    for one in findings[:_WARNINGS_TOLD]:
        yield f"{one['detail']} [{one['code']}]"
    if len(findings) > _WARNINGS_TOLD:
        yield f"et {len(findings) - _WARNINGS_TOLD} autre(s) : lisez-les dans le dossier."


def _await(fact: Callable[[], bool], complaint: str) -> None:
    deadline = time.monotonic() + _WAIT_S
    while not fact():
        if time.monotonic() > deadline:
            raise Unavailable(complaint, code="demonstration_stuck")
        time.sleep(_PAUSE_S)
