"""What is wrong or doubtful in a circuit: errors forbid its activation, warnings are shown.

What depends on the desks and persons of the tenant stands in `workflows.actor_findings`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from typing import assert_never

from workflows.choices import togetherness_findings
from workflows.definition import (
    OUTSIDE_STEPS,
    PERSON_STEPS,
    SUBMITTER,
    Actor,
    ActorKind,
    Duty,
    DutyKind,
    FieldKey,
    Finding,
    HeliosIntake,
    Phase,
    Protocol,
    Step,
    StepId,
    StepKind,
    StepMode,
    Workflow,
)


def findings(
    workflow: Workflow, protocol: Protocol, intake: HeliosIntake | None = None
) -> tuple[Finding, ...]:
    """All that is wrong or doubtful in the circuit, for folders of this protocol.

    Never raises: a draft version may be saved with findings; one with an error may not be
    activated. `intake` is read for HELIOS only. The signature rule of HELIOS is that of the
    DGFiP policy, which forbids co-signature.
    """
    return (
        *structure_findings(workflow),
        *_transmission_findings(workflow, protocol),
        *(_helios_findings(workflow, intake) if protocol is Protocol.HELIOS else ()),
    )


def structure_findings(workflow: Workflow) -> tuple[Finding, ...]:
    """What is wrong in the circuit whatever the protocol: with an error it has a dead end."""
    return (
        *_identity(workflow),
        *(one for step in workflow.steps for one in _step_findings(step)),
        *_places(workflow),
        *_end_findings(workflow),
        *(one for duty in workflow.duties for one in _duty_findings(workflow, duty)),
    )


def demanded_field_findings(workflow: Workflow, known: Collection[FieldKey]) -> tuple[Finding, ...]:
    """The metadata that steps demand and that folders of a subtype with these fields lack."""
    return tuple(
        Finding.error(
            "step_metadata_unknown",
            f"L'étape « {step.name} » demande l'information « {key} », que ce sous-type n'a pas : "
            "ajoutez-la au sous-type, ou ne la demandez plus.",
            step.id,
        )
        for step in workflow.steps
        for key in dict.fromkeys((*step.required_to_pass, *step.required_to_reject))
        if key not in known
    )


def _identity(workflow: Workflow) -> Iterator[Finding]:
    if not workflow.name.strip():
        yield Finding.error("workflow_unnamed", "Donnez un nom au circuit.")
    if not workflow.steps:
        yield Finding.error("workflow_empty", "Ce circuit est vide : ajoutez au moins une étape.")
    for step_id, count in Counter(step.id for step in workflow.steps).items():
        if count > 1:
            yield Finding.error(
                "step_id_duplicate",
                f"{count} étapes portent l'identifiant « {step_id} » : donnez un identifiant "
                "à chacune.",
                step_id,
            )
    for number, step in enumerate(workflow.steps, start=1):
        if not step.id.strip() or not step.name.strip():
            yield Finding.error(
                "step_unnamed",
                f"L'étape {number} n'a pas de nom ou pas d'identifiant : donnez-les-lui.",
                step.id,
            )


def _step_findings(step: Step) -> Iterator[Finding]:
    if step.kind in PERSON_STEPS:
        yield from _person_step_findings(step)
    else:
        yield from _machine_step_findings(step)
    for actor in (*step.actors, *step.informed):
        yield from _actor_form(actor, f"L'étape « {step.name} »", step.id)
    if any(actor.kind is ActorKind.VARIABLE for actor in step.informed):
        yield Finding.error(
            "informed_variable",
            f"L'étape « {step.name} » informe un bureau que personne ne choisit : nommez-le.",
            step.id,
        )
    for days, what in ((step.due_in_days, "échéance"), (step.remind_after_days, "relance")):
        if days is not None and days < 1:
            yield Finding.error(
                "days_not_positive",
                f"Étape « {step.name} » : une {what} est d'un jour ouvré au moins, ou absente.",
                step.id,
            )


def _person_step_findings(step: Step) -> Iterator[Finding]:
    # The archive step of nobody falls to the final desk, which every circuit has.
    if not step.actors and step.kind is not StepKind.ARCHIVE:
        yield Finding.error(
            "step_without_actor",
            f"L'étape « {step.name} » n'est confiée à personne : choisissez un bureau.",
            step.id,
        )
    yield from togetherness_findings(step)


def _machine_step_findings(step: Step) -> Iterator[Finding]:
    if step.actors:
        code, why = (
            ("transmission_with_actor", "est faite par le système")
            if step.kind is StepKind.TRANSMISSION
            else ("outside_with_actor", "attend une réponse de l'extérieur")
        )
        yield Finding.error(
            code, f"L'étape « {step.name} » {why} : retirez-lui ses bureaux.", step.id
        )
    if step.mode is StepMode.ALL_OF:
        yield Finding.error(
            "parallel_refused",
            f"L'étape « {step.name} » ne peut pas attendre plusieurs bureaux : une "
            "télétransmission ou une étape extérieure est seule à son tour.",
            step.id,
        )


def _actor_form(actor: Actor, where: str, step: StepId | None) -> Iterator[Finding]:
    if (actor.kind is ActorKind.DESK) != (actor.desk is not None):
        yield Finding.error(
            "actor_incomplete",
            f"{where} a un acteur incomplet : nommez le bureau d'un acteur « bureau », et de "
            "lui seul.",
            step,
        )
    if actor.choices and actor.kind is not ActorKind.VARIABLE:
        yield Finding.error(
            "actor_choices_unexpected",
            f"{where} propose un choix de bureaux à un acteur qui n'est pas variable : "
            "retirez ces choix.",
            step,
        )


def _places(workflow: Workflow) -> Iterator[Finding]:
    """Preparation, validation, then the transmission, then the archive."""
    yield from _preparation(workflow)
    transmissions = _of_kind(workflow, StepKind.TRANSMISSION)
    for step in transmissions[1:]:
        yield Finding.error(
            "transmission_repeated",
            f"L'étape « {step.name} » transmettrait une seconde fois : gardez-en une seule.",
            step.id,
        )
    for step in transmissions[:1]:
        after = workflow.steps[workflow.steps.index(step) + 1 :]
        if any(one.kind is not StepKind.ARCHIVE for one in after):
            yield Finding.error(
                "transmission_not_last",
                f"Déplacez l'étape « {step.name} » à la fin : seul un archivage peut la suivre.",
                step.id,
            )
    for step in workflow.steps[:-1]:
        if step.kind is StepKind.ARCHIVE:
            yield Finding.error(
                "archive_not_last",
                f"L'étape « {step.name} » range le dossier : déplacez-la tout à la fin.",
                step.id,
            )


def _preparation(workflow: Workflow) -> Iterator[Finding]:
    validating = False
    for step in workflow.steps:
        if step.phase is Phase.VALIDATION:
            validating = True
            continue
        if validating:
            yield Finding.error(
                "preparation_after_validation",
                f"L'étape « {step.name} » est de préparation et suit une étape de validation : "
                "déplacez-la au début.",
                step.id,
            )
        if step.kind is not StepKind.APPROVAL:
            yield Finding.error(
                "preparation_not_approval",
                f"L'étape « {step.name} » est de préparation, où les documents changent encore : "
                "seul un visa y a sa place.",
                step.id,
            )
    if workflow.steps and not validating:
        yield Finding.error(
            "validation_absent",
            "Ce circuit n'a que des étapes de préparation : ajoutez une étape de validation.",
        )


def _end_findings(workflow: Workflow) -> Iterator[Finding]:
    final = workflow.final_desk
    for actor in (*workflow.informed_at_end, *(() if final is None else (final,))):
        yield from _actor_form(actor, "La fin du circuit", None)
        if actor.kind is ActorKind.VARIABLE:
            yield Finding.error(
                "end_variable",
                "La fin du circuit nomme un bureau que personne ne choisit : donnez un bureau, ou "
                "celui du déposant.",
            )
    if final is not None and final.kind is ActorKind.BOSS_OF:
        yield Finding.error(
            "final_desk_unfit",
            "Le bureau final ne peut pas être un supérieur : donnez un bureau, ou celui du "
            "déposant.",
        )


def _duty_findings(workflow: Workflow, duty: Duty) -> Iterator[Finding]:
    match duty.kind:
        case DutyKind.DISTINCT_PERSONS:
            yield from _distinct_findings(workflow, duty)
        case DutyKind.APPROVER_DOES_NOT_SIGN:
            yield from _concerned(workflow, (StepKind.APPROVAL, StepKind.SIGNATURE))
        case DutyKind.SUBMITTER_DOES_NOT_APPROVE:
            yield from _concerned(workflow, (StepKind.APPROVAL,))
            yield from _barred_submitter(workflow, StepKind.APPROVAL)
        case DutyKind.SUBMITTER_DOES_NOT_SIGN:
            yield from _concerned(workflow, (StepKind.SIGNATURE,))
            yield from _barred_submitter(workflow, StepKind.SIGNATURE)
        case _:
            assert_never(duty.kind)


def _distinct_findings(workflow: Workflow, duty: Duty) -> Iterator[Finding]:
    steps = {step.id: step for step in workflow.steps}
    for step_id in dict.fromkeys(duty.steps):
        step = steps.get(step_id)
        if step is None:
            yield Finding.error(
                "duty_unknown_step",
                f"La règle des personnes distinctes nomme l'étape « {step_id} », que ce circuit "
                "n'a pas : retirez-la de la règle.",
            )
        elif step.kind not in PERSON_STEPS:
            yield Finding.error(
                "duty_not_a_person",
                f"La règle des personnes distinctes nomme l'étape « {step.name} », que personne ne "
                "fait : retirez-la de la règle.",
                step_id,
            )
    if len(set(duty.steps)) < 2:
        yield Finding.error(
            "duty_incomplete",
            "La règle des personnes distinctes compare deux étapes au moins : nommez-les.",
        )


def _concerned(workflow: Workflow, kinds: tuple[StepKind, ...]) -> Iterator[Finding]:
    if not all(_of_kind(workflow, kind) for kind in kinds):
        yield Finding.warning(
            "duty_without_effect",
            "Une règle de séparation des tâches ne s'applique à aucune étape de ce circuit : "
            "retirez-la, ou ajoutez l'étape qui manque.",
        )


def _barred_submitter(workflow: Workflow, kind: StepKind) -> Iterator[Finding]:
    for step in _of_kind(workflow, kind):
        if set(step.actors) == {SUBMITTER}:
            yield Finding.warning(
                "duty_against_actor",
                f"L'étape « {step.name} » revient au bureau déposant alors que le déposant ne doit "
                "pas la faire : il faudra une autre personne dans ce bureau.",
                step.id,
            )


def _transmission_findings(workflow: Workflow, protocol: Protocol) -> Iterator[Finding]:
    transmissions = _of_kind(workflow, StepKind.TRANSMISSION)
    if protocol is Protocol.NONE:
        for step in transmissions:
            yield Finding.error(
                "transmission_without_protocol",
                f"L'étape « {step.name} » n'a pas de destinataire : ce type de dossier n'est pas "
                "télétransmis. Retirez l'étape.",
                step.id,
            )
    elif not transmissions:
        yield Finding.warning(
            "transmission_absent",
            "Ce circuit ne télétransmet pas : ajoutez une étape de télétransmission, "
            "ou transmettez à la main.",
        )


def _helios_findings(workflow: Workflow, intake: HeliosIntake | None) -> Iterator[Finding]:
    for step in _of_kind(workflow, StepKind.SEAL):
        yield Finding.error(
            "helios_seal",
            f"Un flux PES se signe par une personne, jamais par un cachet : retirez l'étape "
            f"« {step.name} ».",
            step.id,
        )
    if intake is HeliosIntake.SIGNED_ELSEWHERE:
        for step in workflow.steps:
            if step.kind in OUTSIDE_STEPS:
                yield Finding.error(
                    "helios_already_signed",
                    "Un flux déjà signé est seulement visé et transmis : "
                    f"retirez l'étape « {step.name} ».",
                    step.id,
                )
    signatures = _of_kind(workflow, StepKind.SIGNATURE)
    if intake is None:
        yield Finding.error(
            "helios_intake_missing",
            "Dites si ce sous-type prend des flux à signer, déjà signés ou sans signature.",
        )
    elif intake is not HeliosIntake.TO_SIGN:
        for step in signatures:
            yield Finding.error(
                "helios_signature_unexpected",
                "Les flux de ce sous-type ne se signent pas ici : "
                f"retirez l'étape « {step.name} ».",
                step.id,
            )
    else:
        yield from _helios_signature(signatures)


def _helios_signature(signatures: tuple[Step, ...]) -> Iterator[Finding]:
    if len(signatures) != 1:
        yield Finding.error(
            "helios_one_signature",
            f"Un flux PES se signe une fois et une seule : ce circuit a {len(signatures)} "
            "étape(s) de signature, gardez-en une.",
        )
    for step in signatures:
        if step.mode is StepMode.ALL_OF:
            yield Finding.error(
                "helios_co_signature",
                "La politique de signature de la DGFiP interdit de signer un flux à plusieurs : "
                f"demandez un seul accord à l'étape « {step.name} ».",
                step.id,
            )


def _of_kind(workflow: Workflow, kind: StepKind) -> tuple[Step, ...]:
    return tuple(step for step in workflow.steps if step.kind is kind)
