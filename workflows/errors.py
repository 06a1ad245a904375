"""Everything that circuits refuse, one tree; the cases of WrongMoment stand in `moments`.

WorkflowError
├── Refused                        a person's or a program's act is refused: code, French sentence
│   ├── NotEntitled                this person, this desk or this certificate may not
│   │   ├── UnknownDesk
│   │   ├── NoPower
│   │   ├── DeskNotConcerned
│   │   ├── NotSubmitter
│   │   ├── NotYourAct
│   │   ├── NoFitCertificate
│   │   ├── OutOfScope
│   │   ├── PowerGivenAway
│   │   ├── HolderReplaced
│   │   ├── PersonRecused
│   │   ├── DutyConflict
│   │   ├── NotAdministrator
│   │   └── SelfGranted
│   ├── WrongMoment                the folder is not where the act would need it
│   │   ├── FolderFinal
│   │   ├── NotADraft
│   │   ├── NotResubmittable
│   │   ├── NotCancellable
│   │   ├── NotInWorkflow
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
│   │   ├── NotTransmitted
│   │   ├── NotEnded
│   │   ├── AlreadyChained
│   │   ├── OpinionAlreadyAsked
│   │   ├── NoOpinionAsked
│   │   ├── AlreadyRecused
│   │   └── NotMigratable
│   └── Unacceptable               what comes with the act is missing or does not fit
│       ├── UnknownStep
│       ├── ReasonMissing
│       ├── NoMainDocument
│       ├── DocumentsMismatch
│       ├── UnusableWorkflow
│       ├── ReadingMissing
│       ├── MetadataMissing
│       ├── ReturnRefused
│       ├── StepNotAddable
│       ├── StepNotSkippable
│       ├── PaperRefused
│       ├── VariableDeskMissing
│       ├── VariableDeskRefused
│       ├── VariableDeskRepeated
│       ├── GrantRefused                  its cases and the next: grant_refusals
│       │   ├── GrantKindRefused
│       │   ├── GrantDeskUnknown
│       │   ├── GrantDatesReversed
│       │   ├── GrantCapacityRefused
│       │   ├── GrantToOneself
│       │   ├── GrantorMissing
│       │   ├── GrantorUnexpected
│       │   ├── GrantorNotHolder
│       │   ├── GranteeNotInOffice
│       │   ├── SubDelegationRefused
│       │   ├── RegrantRefused
│       │   ├── GrantLapsed
│       │   ├── ContradictoryPowers
│       │   └── DelegationCycle
│       ├── AbsenceRefused
│       │   ├── AbsenceDeskUnknown
│       │   ├── ReplacementRefused
│       │   └── AbsencesContradictory
│       ├── MentionRefused                in mentions
│       │   ├── MentionPlaceholderUnknown
│       │   ├── MentionLength
│       │   └── MentionCharacters
│       ├── HandoverRefused               in handover
│       │   ├── HandoverDeskUnknown
│       │   ├── HandoverRepeated
│       │   ├── HandoverDatesMissing
│       │   ├── OutgoingNotHolder
│       │   ├── HandoverOverlap
│       │   ├── HandoverAlreadyHolder
│       │   └── HandoverTransferUnclear
│       ├── MetadataRefused            these and the next two stand beside what they judge
│       │   ├── MetadataMistyped
│       │   ├── MetadataTooLong
│       │   ├── MetadataNotAChoice
│       │   └── MetadataNotEditable
│       ├── NoRowMatches
│       ├── DayOutOfRange
│       └── PeriodReversed
├── DayNotCovered                  a calendar is asked beyond the years that it covers; in deadlines
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


class OutOfScope(NotEntitled):
    """The power does not cover this type or this amount; the detail names which."""

    code = "out_of_scope"
    sentence = (
        "Votre délégation ne couvre pas ce dossier (type ou montant) : "
        "laissez-le au titulaire ou à un autre délégataire."
    )


class PowerGivenAway(NotEntitled):
    """A power delegation moved the competence: only the delegate acts."""

    code = "power_given_away"
    sentence = (
        "Cette compétence a été déléguée : seul le délégataire peut agir tant que la délégation "
        "de pouvoir est en vigueur."
    )


class HolderReplaced(NotEntitled):
    """A substitute exercises the office in full while its holder is absent."""

    code = "holder_replaced"
    sentence = (
        "Vous êtes déclaré absent et votre suppléant exerce vos fonctions : "
        "mettez fin à votre absence avant d'agir."
    )


class PersonRecused(NotEntitled):
    """The person stood back from this folder."""

    code = "person_recused"
    sentence = "Vous vous êtes déporté de ce dossier : laissez une autre personne agir."


class DutyConflict(NotEntitled):
    """A rule of segregation of duties forbids this person to act here."""

    code = "duty_conflict"
    sentence = (
        "Vous êtes déjà intervenu sur ce dossier : ce circuit demande qu'une autre personne "
        "agisse à cette étape."
    )


class NotAdministrator(NotEntitled):
    """Only an administrator of the desk may do this."""

    code = "not_administrator"
    sentence = "Seul un administrateur de ce bureau peut faire cet acte : adressez-vous à lui."


class SelfGranted(NotEntitled):
    """An administrator would bring a step to a desk where he may act himself."""

    code = "self_granted"
    sentence = (
        "Vous ne pouvez pas confier une étape, comme administrateur, à un bureau où vous avez "
        "vous-même un pouvoir : demandez-le à un autre administrateur."
    )


class WrongMoment(Refused):
    """The folder is not where the act would need it."""

    code = "wrong_moment"
    sentence = "Ce dossier n'est pas dans l'état voulu pour cet acte : rechargez-le."


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


class ReadingMissing(Unacceptable):
    """The person has not opened every main document as it is now."""

    code = "reading_missing"
    sentence = (
        "La lecture est obligatoire avant d'agir : ouvrez chaque document principal du dossier."
    )


class MetadataMissing(Unacceptable):
    """Metadata that the act demands hold no value; the detail names them."""

    code = "metadata_missing"
    sentence = "Des informations obligatoires manquent : remplissez-les avant d'agir."


class ReturnRefused(Unacceptable):
    """The step named is not one that the folder may go back to."""

    code = "return_refused"
    sentence = (
        "Le dossier ne peut pas revenir à cette étape : rejetez-le au déposant ou choisissez une "
        "étape déjà passée."
    )


class StepNotAddable(Unacceptable):
    """This step may not be inserted here."""

    code = "step_not_addable"
    sentence = "Cette étape ne peut pas être ajoutée ici : le circuit ne le permet pas."


class StepNotSkippable(Unacceptable):
    """This step is never passed over."""

    code = "step_not_skippable"
    sentence = (
        "Une signature ou une télétransmission ne se saute pas : transférez l'étape à un bureau "
        "qui peut la faire, ou rejetez le dossier."
    )


class PaperRefused(Unacceptable):
    """The subtype demands an electronic signature."""

    code = "paper_refused"
    sentence = "Ce sous-type demande une signature électronique : signez avec votre clé."


class VariableDeskMissing(Unacceptable):
    """A desk is to be chosen at the deposit; the detail names the step."""

    code = "variable_desk_missing"
    sentence = "Une étape attend que vous choisissiez son bureau : choisissez-le avant l'envoi."


class VariableDeskRefused(Unacceptable):
    """The desk chosen is not among those allowed; the detail names the step."""

    code = "variable_desk_refused"
    sentence = "Ce bureau ne peut pas être choisi pour cette étape : prenez-en un de la liste."


class VariableDeskRepeated(Unacceptable):
    """One desk would agree for two where all must; the detail names the step and the office."""

    code = "variable_desk_repeated"
    sentence = "Ce bureau a déjà sa part dans cette étape : choisissez-en un autre."


class GrantRefused(Unacceptable):
    """A power may not be granted so; the code and the detail say why."""

    code = "grant_refused"
    sentence = "Ce pouvoir ne peut pas être enregistré : corrigez-le."


class PeriodReversed(Unacceptable):
    """A period ends before it starts, or as it starts."""

    code = "period_reversed"
    sentence = "La fin de la période doit suivre son début : corrigez les dates."


class Unreadable(WorkflowError):
    """Stored data is not what this version of the code can read."""


class BrokenHistory(WorkflowError):
    """Stored events do not follow each other: no decision can have produced them."""
