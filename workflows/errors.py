"""Everything that circuits refuse, one tree.

WorkflowError
├── Refused                        a person's or a program's act is refused: code, French sentence
│   ├── NotEntitled                this person, this desk or this certificate may not
│   │   ├── UnknownDesk
│   │   ├── NoPower
│   │   ├── DeskNotConcerned
│   │   ├── NotSubmitter
│   │   ├── NotYourAct
│   │   └── NoFitCertificate
│   ├── WrongMoment                the folder is not where the act would need it
│   │   ├── FolderFinal
│   │   ├── NotADraft
│   │   ├── NotResubmittable
│   │   ├── NotCancellable
│   │   ├── NotInCircuit
│   │   ├── NotYourTurn
│   │   ├── StepAlreadyPassed
│   │   ├── WrongStepKind
│   │   ├── NothingToRetract
│   │   ├── TooLateToRetract
│   │   ├── NotReadyToTransmit
│   │   ├── TransmissionAlreadyClaimed
│   │   ├── TransmissionNotClaimed
│   │   ├── NotThisTransmission
│   │   ├── AlreadyTransmitted
│   │   └── NotTransmitted
│   └── Unacceptable               what comes with the act is missing or does not fit
│       ├── UnknownStep
│       ├── ReasonMissing
│       ├── NoMainDocument
│       ├── DocumentsMismatch
│       ├── UnusableWorkflow
│       └── PeriodReversed
├── Unreadable                     stored data is not what this version of the code can read
└── BrokenHistory                  stored events do not follow each other
"""

from __future__ import annotations

from typing import ClassVar


class WorkflowError(Exception):
    """Root of the errors of this package."""


class Refused(WorkflowError):
    """An act is refused and nothing changed.

    `code` is stable; `detail` is a French sentence that says what to do next.
    """

    code: ClassVar[str] = "refused"
    sentence: ClassVar[str] = "Cet acte est refusé."

    def __init__(self, detail: str | None = None) -> None:
        self.detail = self.sentence if detail is None else detail
        super().__init__(self.detail)


class NotEntitled(Refused):
    """This person, this desk or this certificate may not."""

    code = "not_entitled"
    sentence = "Vous n'avez pas le droit de faire cet acte."


class UnknownDesk(NotEntitled):
    """The desk named in the act is not one of the tenant."""

    code = "unknown_desk"
    sentence = "Ce bureau n'existe pas dans la collectivité : choisissez un de vos bureaux."


class NoPower(NotEntitled):
    """The person has no power in force at this desk."""

    code = "no_power"
    sentence = (
        "Vous n'avez pas de pouvoir en vigueur dans ce bureau : "
        "choisissez un de vos bureaux ou demandez à l'administrateur des circuits."
    )


class DeskNotConcerned(NotEntitled):
    """The desk is not an actor of the step."""

    code = "desk_not_concerned"
    sentence = "Cette étape n'est pas confiée à ce bureau : choisissez le bureau qui la porte."


class NotSubmitter(NotEntitled):
    """Only the desk that deposited the folder may do this."""

    code = "not_submitter"
    sentence = "Seul le bureau qui a déposé ce dossier peut faire cet acte : adressez-vous à lui."


class NotYourAct(NotEntitled):
    """The act to retract is somebody else's, or was done through another desk."""

    code = "not_your_act"
    sentence = (
        "Cet acte n'est pas le vôtre : seule la personne qui l'a fait, dans le même bureau, "
        "peut le reprendre."
    )


class NoFitCertificate(NotEntitled):
    """The person may act at this step but holds no certificate fit to sign."""

    code = "no_fit_certificate"
    sentence = (
        "Vous n'avez pas de certificat apte à cette signature : branchez votre clé, "
        "ou demandez au gestionnaire des certificats d'enregistrer le vôtre."
    )


class WrongMoment(Refused):
    """The folder is not where the act would need it."""

    code = "wrong_moment"
    sentence = "Ce dossier n'est pas dans l'état voulu pour cet acte : rechargez-le."


class FolderFinal(WrongMoment):
    """The folder reached one of its ends; nothing more happens to it."""

    code = "folder_final"
    sentence = "Ce dossier est terminé : créez un nouveau dossier."


class NotADraft(WrongMoment):
    """Only a draft can be submitted."""

    code = "not_a_draft"
    sentence = "Ce dossier a déjà été envoyé dans son circuit : suivez-le dans vos dépôts."


class NotResubmittable(WrongMoment):
    """Nothing sent this folder back to its submitter."""

    code = "not_resubmittable"
    sentence = (
        "Ce dossier n'a été ni rejeté ni refusé : il ne peut pas repartir au début de son circuit."
    )


class NotCancellable(WrongMoment):
    """The folder is in its circuit or at the transmission operator."""

    code = "not_cancellable"
    sentence = (
        "Ce dossier est en cours : reprenez d'abord son envoi, ou demandez qu'il soit rejeté."
    )


class NotInCircuit(WrongMoment):
    """No step waits for a person."""

    code = "not_in_circuit"
    sentence = "Ce dossier n'attend personne dans un circuit : rechargez-le pour voir son état."


class NotYourTurn(WrongMoment):
    """The step has not been reached."""

    code = "not_your_turn"
    sentence = "Cette étape n'est pas encore arrivée : attendez que les précédentes soient faites."


class StepAlreadyPassed(WrongMoment):
    """The step has had its outcome."""

    code = "step_already_passed"
    sentence = "Cette étape est déjà traitée : rechargez le dossier."


class WrongStepKind(WrongMoment):
    """The current step waits for another kind of act."""

    code = "wrong_step_kind"
    sentence = "Cette étape attend un autre acte : rechargez le dossier."


class NothingToRetract(WrongMoment):
    """There is no act standing at this step."""

    code = "nothing_to_retract"
    sentence = "Il n'y a pas d'acte à reprendre à cette étape : rechargez le dossier."


class TooLateToRetract(WrongMoment):
    """Another act followed, or the transmission has begun."""

    code = "too_late_to_retract"
    sentence = (
        "Il est trop tard pour reprendre cet acte : la suite du circuit a commencé. "
        "Demandez un rejet à la personne qui a le dossier."
    )


class NotReadyToTransmit(WrongMoment):
    """The folder does not wait for its transmission."""

    code = "not_ready_to_transmit"
    sentence = "Ce dossier n'attend pas sa télétransmission : rien n'est envoyé."


class TransmissionAlreadyClaimed(WrongMoment):
    """The transmission was claimed before."""

    code = "transmission_already_claimed"
    sentence = "La télétransmission de ce dossier est déjà en cours : suivez-la, sans la relancer."


class TransmissionNotClaimed(WrongMoment):
    """An outcome is recorded for a transmission that is not under way."""

    code = "transmission_not_claimed"
    sentence = (
        "Aucune télétransmission de ce dossier n'est en cours : ce résultat n'est pas retenu."
    )


class NotThisTransmission(WrongMoment):
    """The outcome is that of another transmission of the folder."""

    code = "not_this_transmission"
    sentence = (
        "Ce résultat est celui d'une autre télétransmission du dossier : il n'est pas retenu."
    )


class AlreadyTransmitted(WrongMoment):
    """The remote has the folder already."""

    code = "already_transmitted"
    sentence = "Ce dossier est déjà transmis : attendez la réponse."


class NotTransmitted(WrongMoment):
    """An answer is recorded for a folder that was not sent."""

    code = "not_transmitted"
    sentence = "Ce dossier n'a pas été transmis : cette réponse ne peut pas lui être rattachée."


class Unacceptable(Refused):
    """What comes with the act is missing or does not fit."""

    code = "unacceptable"
    sentence = "Cet acte est incomplet : vérifiez ce que vous envoyez."


class UnknownStep(Unacceptable):
    """The circuit of the folder has no such step."""

    code = "unknown_step"
    sentence = "Cette étape n'existe pas dans le circuit de ce dossier : rechargez-le."


class ReasonMissing(Unacceptable):
    """A rejection says why."""

    code = "reason_missing"
    sentence = "Le motif est obligatoire : écrivez pourquoi vous rejetez ce dossier."


class NoMainDocument(Unacceptable):
    """A folder travels with at least one main document."""

    code = "no_main_document"
    sentence = "Ce dossier n'a pas de document principal : ajoutez-en un avant l'envoi."


class DocumentsMismatch(Unacceptable):
    """The documents of the act are not those of the folder."""

    code = "documents_mismatch"
    sentence = "Les documents ne sont pas ceux du dossier : rechargez-le et recommencez."


class UnusableWorkflow(Unacceptable):
    """The circuit could never be walked to its end."""

    code = "unusable_workflow"
    sentence = "Ce circuit ne peut pas être parcouru : demandez à l'administrateur des circuits."


class PeriodReversed(Unacceptable):
    """A period ends before it starts, or as it starts."""

    code = "period_reversed"
    sentence = "La fin de la période doit suivre son début : corrigez les dates."


class Unreadable(WorkflowError):
    """Stored data is not what this version of the code can read."""


class BrokenHistory(WorkflowError):
    """Stored events do not follow each other: no decision can have produced them."""
