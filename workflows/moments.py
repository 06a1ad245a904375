"""Acts that come at the wrong moment: the folder is not where they would need it."""

from __future__ import annotations

from workflows.errors import WrongMoment


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


class NotInWorkflow(WrongMoment):
    """No step waits for a person."""

    code = "not_in_workflow"
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


class NotEnded(WrongMoment):
    """Only a folder that ended well is followed by another."""

    code = "not_ended"
    sentence = "Ce dossier n'est pas terminé : attendez la fin de son circuit pour l'enchaîner."


class AlreadyChained(WrongMoment):
    """Another folder follows this one already."""

    code = "already_chained"
    sentence = "Ce dossier a déjà été enchaîné : ouvrez celui qui le suit."


class OpinionAlreadyAsked(WrongMoment):
    """The opinion of this desk is awaited already."""

    code = "opinion_already_asked"
    sentence = "Un avis est déjà attendu de ce bureau : attendez sa réponse."


class NoOpinionAsked(WrongMoment):
    """No opinion is awaited from this desk."""

    code = "no_opinion_asked"
    sentence = "Aucun avis n'est attendu de ce bureau à cette étape : rechargez le dossier."


class AlreadyRecused(WrongMoment):
    """The person stood back before."""

    code = "already_recused"
    sentence = "Vous vous êtes déjà déporté de ce dossier : il n'y a rien d'autre à faire."


class NotMigratable(WrongMoment):
    """The folder cannot follow the other version where it stands."""

    code = "not_migratable"
    sentence = (
        "Ce dossier ne peut pas suivre l'autre version du circuit à l'étape où il est : "
        "laissez-le finir dans la sienne."
    )
