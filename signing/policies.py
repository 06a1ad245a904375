"""Signature policies as dated records: what the DGFiP may change is data (pes-v2.md §2.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from signing.errors import SigningError

XADES_1_1_1 = "http://uri.etsi.org/01903/v1.1.1#"
XADES_1_2_2 = "http://uri.etsi.org/01903/v1.2.2#"
XADES_1_3_2 = "http://uri.etsi.org/01903/v1.3.2#"


@dataclass(frozen=True, slots=True)
class SignaturePolicy:
    """A policy that a signature names (XAdES SignaturePolicyIdentifier).

    `digest_b64` is the SHA-256 of the policy document; a record whose `may_sign` is false is kept
    to read older signatures. Both dates are inclusive; None means unbounded.
    """

    oid: str
    description: str
    digest_b64: str
    uri: str
    xades_namespace: str
    valid_from: date | None = None
    valid_until: date | None = None
    may_sign: bool = True

    @property
    def identifier(self) -> str:
        """The OID as the Identifier element carries it."""
        return f"urn:oid:{self.oid}"


HELIOS_2018 = SignaturePolicy(
    oid="1.2.250.1.131.1.5.18.21.1.7",
    description="Politique de signature Helios de la DGFiP",
    digest_b64="roF9+cfRHNPtVJolhdqfIqGMVuUXX8aR4rpiquf0u5E=",
    uri=(
        "https://www.collectivites-locales.gouv.fr/files/files/finances_locales/"
        "dematerialisation/ps_helios_dgfip.pdf"
    ),
    xades_namespace=XADES_1_2_2,
    valid_from=date(2018, 5, 18),
)
# The same policy in the namespace of the DGFiP's own tool, for a treasury that asks for it.
HELIOS_2018_XADES_1_1_1 = replace(HELIOS_2018, xades_namespace=XADES_1_1_1)
HELIOS_2011 = SignaturePolicy(
    oid="1.2.250.1.131.1.5.18.21.1.4",
    description="Politique de signature Helios de la DGFiP",
    digest_b64="pYtFgzn09kQWZywqdIGVd1fFI07tjKmEAyQHr0l/YAk=",
    uri="https://portail.dgfip.finances.gouv.fr/documents/PS_Helios_DGFiP.pdf",
    xades_namespace=XADES_1_1_1,
    valid_until=date(2018, 5, 17),
    may_sign=False,
)
HELIOS_POLICIES = (HELIOS_2018, HELIOS_2018_XADES_1_1_1, HELIOS_2011)


def policy_for(day: date, policies: Sequence[SignaturePolicy] = HELIOS_POLICIES) -> SignaturePolicy:
    """The first policy of the list that may sign on `day`.

    Raises SigningError (`no_signature_policy`) when none is in force."""
    for policy in policies:
        if policy.may_sign and _in_force(policy, day):
            return policy
    raise SigningError(
        f"Aucune politique de signature n'est en vigueur le {day:%d/%m/%Y} : demandez à "
        "l'administrateur de la plateforme de mettre à jour les politiques.",
        code="no_signature_policy",
    )


def _in_force(policy: SignaturePolicy, day: date) -> bool:
    started = policy.valid_from is None or policy.valid_from <= day
    return started and (policy.valid_until is None or day <= policy.valid_until)
