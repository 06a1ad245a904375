from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from tests.builders.registers import (
    ALL_FIT,
    APPROVAL,
    CLERK,
    CO_MAYOR,
    DEPUTY,
    FINANCES,
    FIRST,
    GONE,
    MAYOR,
    MONTH,
    NOW,
    OWN,
    REGISTER,
    SECOND,
    SECOND_DEPUTY,
    SIGNATURE,
    TERM,
    TOWN_HALL,
    a_grant,
    a_step,
    able,
    an_absence,
    slips,
    with_absences,
    with_grants,
    with_holders,
    without_holders,
)
from workflows.definition import StepKind, StepMode
from workflows.obstacles import NobodyAble, naming
from workflows.periods import Period
from workflows.powers import who_may_act
from workflows.register import (
    Authorship,
    Barred,
    BarredBy,
    DeskHolder,
    Facts,
    PowerId,
    PowerKind,
    PowerRegister,
    Scope,
    TypeId,
)

POWER_DELEGATION = PowerKind.POWER_DELEGATION

SUBSTITUTION = PowerKind.SUBSTITUTION


class TestWhoMayAct:
    def test_names_each_person_once_per_desk_by_his_best_power(self) -> None:
        register = with_grants(
            a_grant(grantee=MAYOR, grantor=CO_MAYOR),
            a_grant(id=PowerId("grant-3")),
            a_grant(id=PowerId("grant-2")),
            base=with_holders(DeskHolder(TOWN_HALL, CO_MAYOR, TERM)),
        )
        found = who_may_act(register, SIGNATURE, ALL_FIT, NOW)
        assert [(one.person, one.power.id) for one in found.able] == [
            (MAYOR, None),
            (CO_MAYOR, None),
            (FIRST, "grant-2"),
        ]
        assert (found.nobody, found.lacking, found.detail) == (None, (), "")

    def test_a_substitute_who_is_a_true_delegate_too_acts_as_a_substitute(self) -> None:
        register = with_absences(
            an_absence(),
            base=with_grants(a_grant(), a_grant(SUBSTITUTION, id=PowerId("grant-2"))),
        )
        assert who_may_act(register, SIGNATURE, ALL_FIT, NOW).able[0].power.kind is SUBSTITUTION

    def test_a_desk_held_twice_gives_one_power(self) -> None:
        register = with_holders(DeskHolder(TOWN_HALL, MAYOR, MONTH))
        assert who_may_act(register, SIGNATURE, ALL_FIT, NOW).able == (Authorship(MAYOR, OWN),)

    @pytest.mark.parametrize(
        ("kind", "nobody", "words"),
        [
            (StepKind.TRANSMISSION, NobodyAble.SYSTEM_STEP, "système"),
            (StepKind.EXTERNAL, NobodyAble.OUTSIDE_STEP, "extérieur"),
            (StepKind.SECURE_MAIL, NobodyAble.OUTSIDE_STEP, "courriel sécurisé"),
        ],
    )
    def test_says_what_passes_without_a_person(
        self, kind: StepKind, nobody: NobodyAble, words: str
    ) -> None:
        found = who_may_act(REGISTER, a_step(kind, TOWN_HALL), ALL_FIT, NOW)
        assert (found.able, found.nobody) == ((), nobody)
        assert words in found.detail

    LIMITED = a_grant(scope=Scope(ceiling_cents=100))
    DOUBLE = replace(ALL_FIT, amounts=slips(200))
    UNFIT_MAYOR = Facts(fit_signers=frozenset({FIRST}))

    @pytest.mark.parametrize(
        ("register", "facts", "nobody", "detail"),
        [
            (
                without_holders(TOWN_HALL),
                ALL_FIT,
                NobodyAble.NO_HOLDER,
                "le bureau du Maire n'a pas de titulaire. Affectez",
            ),
            (
                without_holders(TOWN_HALL, replace(REGISTER, offices=())),
                ALL_FIT,
                NobodyAble.NO_HOLDER,
                "le bureau de cette étape n'a pas de titulaire. Affectez",
            ),
            (
                with_absences(an_absence()),
                ALL_FIT,
                NobodyAble.ABSENT,
                "le Maire est absent. Mettez fin à l'absence, ou enregistrez une suppléance",
            ),
            (
                REGISTER,
                UNFIT_MAYOR,
                NobodyAble.NO_FIT_CERTIFICATE,
                "le Maire n'a pas de certificat apte à cette signature. Enregistrez",
            ),
            (
                with_absences(an_absence(), base=with_grants(LIMITED)),
                DOUBLE,
                NobodyAble.ABSENT,
                "le Maire est absent ; le montant de « bordereau 1 » (2,00\u00a0€) dépasse",
            ),
            (
                with_grants(LIMITED),
                replace(UNFIT_MAYOR, amounts=slips(200)),
                NobodyAble.NO_FIT_CERTIFICATE,
                "dépasse le plafond de la délégation (1,00\u00a0€)",
            ),
            (
                with_grants(LIMITED),
                UNFIT_MAYOR,
                NobodyAble.NO_FIT_CERTIFICATE,
                "le montant du dossier n'est pas connu",
            ),
            (
                with_grants(a_grant(scope=Scope(types=frozenset({TypeId("orders")})))),
                UNFIT_MAYOR,
                NobodyAble.NO_FIT_CERTIFICATE,
                "la délégation ne couvre pas ce type de dossier",
            ),
            (
                with_grants(a_grant(executory_at=NOW + SECOND)),
                UNFIT_MAYOR,
                NobodyAble.NO_FIT_CERTIFICATE,
                "un pouvoir enregistré n'est pas encore exécutoire",
            ),
            (
                with_grants(a_grant(POWER_DELEGATION)),
                Facts(),
                NobodyAble.NO_FIT_CERTIFICATE,
                "la compétence a été déléguée au seul délégataire",
            ),
            (
                with_absences(an_absence(), base=with_grants(a_grant(SUBSTITUTION))),
                Facts(),
                NobodyAble.ABSENT,
                "un suppléant exerce les fonctions du titulaire absent ; le suppléant n'a pas de",
            ),
            (
                REGISTER,
                replace(ALL_FIT, barred=(Barred(MAYOR, BarredBy.RECUSAL, "Le déport."),)),
                NobodyAble.BARRED,
                "le déport. Transférez l'étape",
            ),
        ],
        ids=[
            "vacant",
            "vacant and unnamed",
            "absent",
            "certificate",
            "absent and ceiling",
            "ceiling",
            "amount",
            "type",
            "executory",
            "given away",
            "replaced",
            "barred",
        ],
    )
    def test_says_what_is_missing_and_what_to_do(
        self, register: PowerRegister, facts: Facts, nobody: NobodyAble, detail: str
    ) -> None:
        found = who_may_act(register, SIGNATURE, facts, NOW)
        assert found.nobody is nobody
        assert found.detail.startswith("Aucun signataire habilité : ")
        assert detail in found.detail
        assert re.search(r"[^.]\.$", found.detail)

    def test_cites_the_person_and_the_power_that_fall_short(self) -> None:
        register = with_grants(self.LIMITED, base=REGISTER)
        found = who_may_act(register, SIGNATURE, replace(self.UNFIT_MAYOR, amounts=slips(200)), NOW)
        assert [(one.what, one.person, one.power) for one in found.lacking] == [
            (NobodyAble.NO_FIT_CERTIFICATE, MAYOR, None),
            (NobodyAble.CEILING_EXCEEDED, FIRST, "grant-1"),
        ]

    @pytest.mark.parametrize(
        ("changes", "awaited"),
        [
            ({}, True),
            ({"period": Period(TERM.start, NOW)}, False),
            ({"period": Period(TERM.start, NOW + SECOND)}, True),
            ({"repealed_at": NOW}, False),
            ({"repealed_at": NOW + SECOND}, True),
        ],
        ids=["standing", "ended", "ends next", "repealed", "repealed next"],
    )
    def test_a_power_that_is_over_is_not_awaited(
        self, changes: dict[str, Any], awaited: bool
    ) -> None:
        register = with_grants(a_grant(executory_at=NOW + SECOND, **changes))
        found = who_may_act(register, SIGNATURE, self.UNFIT_MAYOR, NOW)
        assert (NobodyAble.NOT_EXECUTORY in {one.what for one in found.lacking}) is awaited

    def test_an_absent_holder_stays_able_and_the_desk_is_reported(self) -> None:
        found = who_may_act(with_absences(an_absence()), APPROVAL, ALL_FIT, NOW)
        assert (able(with_absences(an_absence()), APPROVAL), found.nobody) == (
            {MAYOR},
            NobodyAble.ABSENT,
        )
        assert found.detail == (
            "Aucune personne habilitée : le Maire est absent. "
            "Mettez fin à l'absence, ou désignez un remplaçant."
        )

    @pytest.mark.parametrize(
        ("kind", "remedy"),
        [
            (StepKind.APPROVAL, "désignez un remplaçant."),
            (StepKind.SIGNATURE, "enregistrez une suppléance ou une délégation."),
            (StepKind.SEAL, "enregistrez une suppléance ou une délégation."),
            (StepKind.ARCHIVE, "enregistrez une suppléance."),
        ],
    )
    def test_proposes_in_an_absence_what_would_help_at_this_step(
        self, kind: StepKind, remedy: str
    ) -> None:
        found = who_may_act(with_absences(an_absence()), a_step(kind, TOWN_HALL), ALL_FIT, NOW)
        assert found.detail.endswith(f"Mettez fin à l'absence, ou {remedy}")

    def test_reports_an_account_that_is_closed_and_its_person_to_those_who_may_know(self) -> None:
        closed = replace(REGISTER, inactive=frozenset({MAYOR}))
        answer = who_may_act(closed, SIGNATURE, Facts(), NOW)
        (lacking,) = answer.lacking
        assert (answer.nobody, lacking.person) == (NobodyAble.ACCOUNT_CLOSED, MAYOR)
        assert answer.detail == (
            "Aucun signataire habilité : le Maire n'a plus de compte actif. Réactivez ce compte, "
            "ou mettez fin à l'affectation ou au pouvoir de cette personne et nommez-en une autre."
        )
        named = naming(answer, {MAYOR: "Anne Roux"})
        assert "n'a plus de compte actif (Anne Roux)." in named.detail

    def test_reports_of_a_closed_account_what_else_keeps_its_power_from_serving(self) -> None:
        limited = a_grant(scope=Scope(ceiling_cents=1))
        closed = replace(with_grants(limited), inactive=frozenset({MAYOR, FIRST}))
        answer = who_may_act(closed, SIGNATURE, Facts(amounts=slips(2)), NOW)
        assert [(one.person, one.what) for one in answer.lacking] == [
            (MAYOR, NobodyAble.ACCOUNT_CLOSED),
            (FIRST, NobodyAble.CEILING_EXCEEDED),
        ]

    def test_a_closed_account_beside_somebody_able_is_not_reported(self) -> None:
        closed = replace(with_grants(a_grant()), inactive=frozenset({MAYOR}))
        answer = who_may_act(closed, SIGNATURE, ALL_FIT, NOW)
        assert (answer.nobody, answer.lacking) == (None, ())

    def test_agrees_with_the_gender_of_the_office(self) -> None:
        register = with_absences(an_absence(FIRST), an_absence(SECOND_DEPUTY))
        found = who_may_act(register, a_step(StepKind.APPROVAL, DEPUTY), ALL_FIT, NOW)
        assert "l'adjointe est absente. " in found.detail

    def test_a_present_delegate_is_enough(self) -> None:
        register = with_absences(an_absence(), base=with_grants(a_grant()))
        assert who_may_act(register, SIGNATURE, ALL_FIT, NOW).nobody is None

    def test_an_absent_delegate_is_not(self) -> None:
        register = with_absences(an_absence(), an_absence(FIRST), base=with_grants(a_grant()))
        found = who_may_act(register, SIGNATURE, ALL_FIT, NOW)
        assert found.nobody is NobodyAble.ABSENT
        assert "le délégataire est absent" in found.detail

    @pytest.mark.parametrize(
        ("mode", "nobody"), [(StepMode.ANY_OF, None), (StepMode.ALL_OF, NobodyAble.NO_HOLDER)]
    )
    def test_where_all_must_act_each_desk_needs_somebody(
        self, mode: StepMode, nobody: NobodyAble | None
    ) -> None:
        step = a_step(StepKind.APPROVAL, FINANCES, TOWN_HALL, mode=mode)
        found = who_may_act(without_holders(TOWN_HALL), step, ALL_FIT, NOW)
        assert ([one.person for one in found.able], found.nobody) == ([CLERK], nobody)

    @pytest.mark.parametrize("mode", list(StepMode))
    def test_says_that_no_desk_has_the_step(self, mode: StepMode) -> None:
        found = who_may_act(REGISTER, a_step(StepKind.APPROVAL, mode=mode), ALL_FIT, NOW)
        assert found.nobody is NobodyAble.NO_DESK
        assert "aucun bureau" in found.detail

    def test_says_that_the_desk_is_gone(self) -> None:
        found = who_may_act(REGISTER, a_step(StepKind.APPROVAL, GONE), ALL_FIT, NOW)
        assert found.nobody is NobodyAble.NO_DESK
        assert "n'existe plus" in found.detail

    def test_a_power_at_a_desk_that_is_gone_serves_nobody(self) -> None:
        register = with_grants(a_grant(PowerKind.INTERIM, office=GONE))
        found = who_may_act(register, a_step(StepKind.APPROVAL, GONE), ALL_FIT, NOW)
        assert (found.able, found.nobody) == ((), NobodyAble.NO_DESK)


def test_a_replacement_who_was_named_in_vain_is_told_with_the_duty_that_keeps_him_out() -> None:
    kept_out = replace(ALL_FIT, barred=(Barred(CLERK, BarredBy.DUTY, "Qui dépose ne vise pas."),))
    register = with_absences(an_absence(MAYOR, CLERK))
    answer = who_may_act(register, APPROVAL, kept_out, NOW)
    assert answer.nobody is NobodyAble.ABSENT
    assert answer.lacking[-1].person == CLERK
    assert answer.detail == (
        "Aucune personne habilitée : le Maire est absent ; le remplaçant désigné est écarté : qui "
        "dépose ne vise pas. Mettez fin à l'absence, ou désignez un autre remplaçant."
    )


class TestNaming:
    def test_says_who_lacks_what_to_those_who_may_know(self) -> None:
        register = with_absences(an_absence(MAYOR))
        answer = who_may_act(register, SIGNATURE, Facts(), NOW)
        named = naming(answer, {MAYOR: "Camille Exemple"})
        assert [one.detail for one in named.lacking] == [
            "le Maire est absent (Camille Exemple)",
            "le Maire n'a pas de certificat apte à cette signature (Camille Exemple)",
        ]
        assert named.detail == (
            "Aucun signataire habilité : le Maire est absent (Camille Exemple) ; le Maire n'a pas "
            "de certificat apte à cette signature (Camille Exemple). Mettez fin à l'absence, ou "
            "enregistrez une suppléance ou une délégation."
        )

    def test_says_once_what_several_persons_lack(self) -> None:
        both = with_holders(DeskHolder(TOWN_HALL, CO_MAYOR, TERM))
        answer = who_may_act(both, SIGNATURE, Facts(), NOW)
        named = naming(answer, {MAYOR: "Camille Exemple", CO_MAYOR: "Alix Spécimen"})
        assert named.detail.startswith(
            "Aucun signataire habilité : le Maire n'a pas de certificat apte à cette signature "
            "(Camille Exemple, Alix Spécimen). "
        )

    def test_leaves_what_concerns_nobody_as_it_is(self) -> None:
        answer = who_may_act(without_holders(TOWN_HALL), SIGNATURE, ALL_FIT, NOW)
        assert naming(answer, {MAYOR: "Camille Exemple"}) == answer

    def test_adds_nothing_where_nothing_is_missing(self) -> None:
        answer = who_may_act(REGISTER, SIGNATURE, ALL_FIT, NOW)
        assert naming(answer, {MAYOR: "Camille Exemple"}) == answer
