"""What keeps people from passing a step, in words for administrators and submitters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from workflows.definition import DeskId, StepKind
from workflows.mentions import of_the, office_of, with_article
from workflows.register import (
    Authorship,
    Gender,
    Grant,
    Office,
    PersonId,
    Power,
    PowerId,
    PowerKind,
    PowerRegister,
)


class NobodyAble(StrEnum):
    """Why a step cannot be passed; of several reasons, the first in this order is named."""

    SYSTEM_STEP = "system_step"
    OUTSIDE_STEP = "outside_step"
    NO_DESK = "no_desk"
    NO_HOLDER = "no_holder"
    ACCOUNT_CLOSED = "account_closed"
    ABSENT = "absent"
    NO_FIT_CERTIFICATE = "no_fit_certificate"
    CEILING_EXCEEDED = "ceiling_exceeded"
    AMOUNT_UNKNOWN = "amount_unknown"
    OUT_OF_SCOPE = "out_of_scope"
    NOT_EXECUTORY = "not_executory"
    BARRED = "barred"
    HOLDER_REPLACED = "holder_replaced"
    GIVEN_AWAY = "given_away"


@dataclass(frozen=True, slots=True)
class Lacking:
    """One thing that is missing at a desk for its part of the step to be done.

    `person` and `power` name whom it concerns, where it concerns somebody; `detail` is French,
    without capital or full stop, and names no person.
    """

    what: NobodyAble
    desk: DeskId | None
    detail: str
    person: PersonId | None = None
    power: PowerId | None = None


@dataclass(frozen=True, slots=True)
class WhoMayAct:
    """Those who may pass a step, and what is missing where nobody can be counted upon.

    `able` is exact, absent holders included: an absence takes no power away. `nobody` says why
    the step would stay where it is: no one of those able is present, or, where every desk must
    act, one of the desks has no such person. `lacking` is then the whole list, and `detail` says
    it in a French sentence; both are empty otherwise. `kind` is that of a step that lacks
    something.
    """

    able: tuple[Authorship, ...]
    lacking: tuple[Lacking, ...] = ()
    nobody: NobodyAble | None = None
    detail: str = ""
    kind: StepKind | None = None


_BY_ITSELF: Mapping[StepKind, tuple[NobodyAble, str]] = {
    StepKind.TRANSMISSION: (
        NobodyAble.SYSTEM_STEP,
        "Cette étape est faite par le système.",
    ),
    StepKind.EXTERNAL: (
        NobodyAble.OUTSIDE_STEP,
        "Cette étape attend une réponse de l'extérieur.",
    ),
    StepKind.SECURE_MAIL: (
        NobodyAble.OUTSIDE_STEP,
        "Cette étape attend la lecture d'un courriel sécurisé.",
    ),
}

_REMEDIES: Mapping[NobodyAble, str] = {
    NobodyAble.NO_DESK: "Confiez l'étape à un bureau de la collectivité.",
    NobodyAble.NO_HOLDER: "Affectez une personne à ce bureau, ou désignez un intérimaire.",
    NobodyAble.ACCOUNT_CLOSED: (
        "Réactivez ce compte, ou mettez fin à l'affectation ou au pouvoir de cette personne et "
        "nommez-en une autre."
    ),
    NobodyAble.ABSENT: "Mettez fin à l'absence, ou enregistrez une suppléance.",
    NobodyAble.NO_FIT_CERTIFICATE: (
        "Enregistrez un certificat, ou donnez pouvoir à une personne qui en a un."
    ),
    NobodyAble.CEILING_EXCEEDED: "Donnez un pouvoir qui couvre ce montant.",
    NobodyAble.AMOUNT_UNKNOWN: "Renseignez le montant du dossier.",
    NobodyAble.OUT_OF_SCOPE: "Donnez un pouvoir qui couvre ce type de dossier.",
    NobodyAble.NOT_EXECUTORY: (
        "Attendez que l'acte qui le fonde soit exécutoire, ou enregistrez la date où il l'est "
        "devenu."
    ),
    NobodyAble.BARRED: "Transférez l'étape à un bureau où une autre personne peut agir.",
    NobodyAble.HOLDER_REPLACED: "Mettez fin à l'absence du titulaire, ou changez de suppléant.",
    NobodyAble.GIVEN_AWAY: "Faites agir le délégataire, ou abrogez la délégation de pouvoir.",
}
_IN_ABSENCE: Mapping[StepKind, str] = {
    StepKind.APPROVAL: "Mettez fin à l'absence, ou désignez un remplaçant.",
    StepKind.SIGNATURE: "Mettez fin à l'absence, ou enregistrez une suppléance ou une délégation.",
    StepKind.SEAL: "Mettez fin à l'absence, ou enregistrez une suppléance ou une délégation.",
}

_NO_NAMES: Mapping[PersonId, str] = {}
_REPLACED_IN_VAIN = frozenset({NobodyAble.ABSENT, NobodyAble.BARRED})

_ROLES: Mapping[PowerKind, str] = {
    PowerKind.REPLACEMENT: "le remplaçant",
    PowerKind.SIGNATURE_DELEGATION: "le délégataire",
    PowerKind.FUNCTION_DELEGATION: "le délégataire",
    PowerKind.POWER_DELEGATION: "le délégataire",
    PowerKind.SUBSTITUTION: "le suppléant",
    PowerKind.INTERIM: "l'intérimaire",
}


def passed_by_itself(kind: StepKind) -> WhoMayAct | None:
    """The answer for a step that no person passes, None for the others."""
    if kind not in _BY_ITSELF:
        return None
    nobody, detail = _BY_ITSELF[kind]
    return WhoMayAct((), nobody=nobody, detail=detail)


def blocked(able: tuple[Authorship, ...], lacking: Iterable[Lacking], kind: StepKind) -> WhoMayAct:
    """The answer for a step that stays where it is for want of these, at least one."""
    found = tuple(dict.fromkeys(lacking))
    return WhoMayAct(able, found, _first(found), _detail(found, kind), kind)


def naming(answer: WhoMayAct, names: Mapping[PersonId, str]) -> WhoMayAct:
    """The same answer for those who may know who holds which power: each thing that is missing is
    followed by the name of the person whom it concerns."""
    if answer.kind is None:
        return answer
    named = tuple(
        replace(one, detail=f"{one.detail} ({names[one.person]})")
        if one.person is not None and one.person in names
        else one
        for one in answer.lacking
    )
    detail = _detail(answer.lacking, answer.kind, names)
    return replace(answer, lacking=named, detail=detail)


def _first(lacking: Iterable[Lacking]) -> NobodyAble:
    return min((one.what for one in lacking), key=tuple(NobodyAble).index)


def _detail(
    lacking: tuple[Lacking, ...], kind: StepKind, names: Mapping[PersonId, str] = _NO_NAMES
) -> str:
    signature = kind is StepKind.SIGNATURE
    heading = "Aucun signataire habilité" if signature else "Aucune personne habilitée"
    nobody = _first(lacking)
    remedy = _REMEDIES[nobody]
    if nobody is NobodyAble.ABSENT:
        remedy = _IN_ABSENCE.get(kind, remedy)
    if kind is StepKind.APPROVAL and {one.what for one in lacking} >= _REPLACED_IN_VAIN:
        remedy = "Mettez fin à l'absence, ou désignez un autre remplaçant."
    return f"{heading} : {_reasons(lacking, names)}. {remedy}"


def _reasons(lacking: Iterable[Lacking], names: Mapping[PersonId, str]) -> str:
    """Each said once, with all those whom it concerns."""
    found: dict[str, dict[str, None]] = {}
    for one in lacking:
        who = found.setdefault(one.detail, {})
        if one.person is not None and one.person in names:
            who[names[one.person]] = None
    return " ; ".join(f"{said} ({', '.join(who)})" if who else said for said, who in found.items())


def no_desk(desk: DeskId | None) -> Lacking:
    """The step is entrusted to no desk, or to one that is gone."""
    if desk is None:
        return Lacking(NobodyAble.NO_DESK, None, "cette étape n'est confiée à aucun bureau")
    return Lacking(NobodyAble.NO_DESK, desk, "le bureau de cette étape n'existe plus")


def no_holder(register: PowerRegister, desk: DeskId) -> Lacking:
    """Nobody holds the desk."""
    named = any(one.desk == desk for one in register.offices)
    name = f"le bureau {of_the(office_of(register, desk))}" if named else "le bureau de cette étape"
    return Lacking(NobodyAble.NO_HOLDER, desk, f"{name} n'a pas de titulaire")


def absent(register: PowerRegister, person: PersonId, power: Power) -> Lacking:
    """The person is away."""
    office = office_of(register, power.desk)
    own = power.kind is PowerKind.HOLDER
    feminine = own and office.gender is Gender.FEMININE
    detail = f"{_who(office, power.kind)} est absent{'e' if feminine else ''}"
    return Lacking(NobodyAble.ABSENT, power.desk, detail, person, power.id)


def account_closed(register: PowerRegister, person: PersonId, power: Power) -> Lacking:
    """The person can use this power no more: the account is closed."""
    who = _who(office_of(register, power.desk), power.kind)
    detail = f"{who} n'a plus de compte actif"
    return Lacking(NobodyAble.ACCOUNT_CLOSED, power.desk, detail, person, power.id)


def no_certificate(register: PowerRegister, power: Power) -> str:
    """That the person behind this power has no certificate to sign with."""
    who = _who(office_of(register, power.desk), power.kind)
    return f"{who} n'a pas de certificat apte à cette signature"


def not_executory(grant: Grant) -> Lacking:
    """A power stands in the register that its founding act does not make usable yet."""
    detail = "un pouvoir enregistré n'est pas encore exécutoire"
    return Lacking(NobodyAble.NOT_EXECUTORY, grant.office, detail, grant.grantee, grant.id)


def sentence(words: str) -> str:
    """The words as a sentence, with its capital and full stop."""
    return f"{words[:1].upper()}{words[1:]}."


def fragment(text: str) -> str:
    """A sentence as words to put among others, without capital or full stop."""
    return f"{text[:1].lower()}{text[1:]}".removesuffix(".")


def _who(office: Office, kind: PowerKind) -> str:
    return _ROLES.get(kind) or with_article(office)
