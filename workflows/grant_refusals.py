"""Why a power or an absence may not be put in the register."""

from __future__ import annotations

from workflows.errors import GrantRefused, Unacceptable


class GrantKindRefused(GrantRefused):
    """The kind is one that nobody grants: holders are assigned, absences declared."""

    code = "grant_kind_refused"
    sentence = (
        "Ce pouvoir ne se donne pas ainsi : choisissez une délégation, une suppléance ou un "
        "intérim."
    )


class GrantDeskUnknown(GrantRefused):
    """The office, or the desk of the grantee, is not one of the tenant."""

    code = "grant_desk_unknown"
    sentence = "Le bureau de ce pouvoir n'existe pas : choisissez un bureau de la collectivité."


class GrantDatesReversed(GrantRefused):
    """The dates of the grant or of its document contradict each other."""

    code = "grant_dates_reversed"
    sentence = (
        "Les dates de ce pouvoir se contredisent : vérifiez signature, publication, caractère "
        "exécutoire et fin."
    )


class GrantCapacityRefused(GrantRefused):
    """The capacity goes into signed attributes: one line, bounded."""

    code = "grant_capacity_refused"
    sentence = (
        "La qualité du délégataire tient sur une ligne, sans caractère invisible : corrigez-la."
    )


class GrantToOneself(GrantRefused):
    """Grantor and grantee are the same person."""

    code = "grant_to_oneself"
    sentence = "Une personne ne se donne pas un pouvoir à elle-même : choisissez quelqu'un d'autre."


class GrantorMissing(GrantRefused):
    """A delegation names the person who gives it."""

    code = "grant_grantor_missing"
    sentence = "Une délégation nomme la personne qui la donne : indiquez le délégant."


class GrantorUnexpected(GrantRefused):
    """Nobody gives a substitution or an interim."""

    code = "grant_grantor_unexpected"
    sentence = "Une suppléance ou un intérim n'a pas de délégant : retirez-le."


class GrantorNotHolder(GrantRefused):
    """The grantor does not hold the office when the power would start."""

    code = "grant_grantor_not_holder"
    sentence = (
        "Le délégant n'est pas titulaire de ce bureau au début du pouvoir : corrigez le délégant "
        "ou la date."
    )


class GranteeNotInOffice(GrantRefused):
    """The grantee does not hold the desk for which the power is given to him."""

    code = "grant_grantee_not_in_office"
    sentence = (
        "Le délégataire n'est pas titulaire du bureau au titre duquel il reçoit ce pouvoir : "
        "corrigez le bureau ou la date."
    )


class SubDelegationRefused(GrantRefused):
    """The grantor has the office by a delegation, which he may not pass on."""

    code = "grant_subdelegation"
    sentence = (
        "Le délégant n'a lui-même cette compétence que par délégation : une délégation ne se "
        "subdélègue pas. Demandez au titulaire de la donner."
    )


class RegrantRefused(GrantRefused):
    """The power that this one re-delegates is not one that its grantor may pass on."""

    code = "grant_regrant_refused"
    sentence = (
        "Ce pouvoir ne peut pas être redonné : la délibération doit le permettre, au délégataire "
        "lui-même, et une seule fois."
    )


class GrantLapsed(GrantRefused):
    """Nothing is left of the time in which the grant could serve; the detail says what ended it."""

    code = "grant_lapsed"
    sentence = "Ce pouvoir ne servirait jamais : il a déjà pris fin. Corrigez ses dates."


class ContradictoryPowers(GrantRefused):
    """Another power of the same office, scope and period excludes this one."""

    code = "grant_contradictory"
    sentence = (
        "Ce pouvoir en contredit un autre du même bureau : abrogez l'autre, ou séparez leurs "
        "dates ou leurs domaines."
    )


class DelegationCycle(GrantRefused):
    """The delegations would turn in a circle."""

    code = "grant_cycle"
    sentence = "Ces délégations tourneraient en rond : retirez l'une d'elles."


class AbsenceRefused(Unacceptable):
    """An absence may not be declared so."""

    code = "absence_refused"
    sentence = "Cette absence ne peut pas être enregistrée : corrigez-la."


class AbsenceDeskUnknown(AbsenceRefused):
    """The desk of the absence is not one of the tenant."""

    code = "absence_desk_unknown"
    sentence = "Le bureau de cette absence n'existe pas : choisissez un bureau de la collectivité."


class ReplacementRefused(AbsenceRefused):
    """The ranked list names the absent person, or somebody twice."""

    code = "absence_replacement_refused"
    sentence = (
        "Les remplaçants sont des personnes différentes, autres que l'absent : corrigez la liste."
    )


class AbsencesContradictory(AbsenceRefused):
    """Another absence of the same person, as wide, overlaps; the detail tells its dates."""

    code = "absence_contradictory"
    sentence = (
        "Une autre absence de cette personne, au même bureau, couvre déjà une partie de ces dates "
        ": modifiez-la ou séparez les dates."
    )
