"""Detached CAdES: the document itself gives the digest, and what the agent shows gives time, place
and capacity (EN 319 122-1 §5.2 and §6.3, level B-B)."""

from __future__ import annotations

from asn1crypto import cms, core

from agent.errors import JobRefused
from agent.protocol import JobItem
from agent.signed_attributes import SIGNING_TIME, check_attributes
from signing.cades_attributes import (
    SIGNER_ATTRIBUTES_V2,
    SIGNER_LOCATION,
    claimed_capacity,
    signer_location,
)
from signing.types import Place, ToSign

_OTHERS = frozenset({SIGNING_TIME, SIGNER_LOCATION, SIGNER_ATTRIBUTES_V2})


def check_detached(item: JobItem, to_sign: ToSign, document: bytes, *, certificate: bytes) -> None:
    """Refuses unless `to_sign` is the signed attributes of exactly this document, certificate,
    time, place and capacity.

    Raises JobRefused (`source_differs`, `attributes_unexpected`, `digest_differs`,
    `certificate_differs`, `time_differs`, `place_differs`, `role_differs`)."""
    if item.source_sha256 != item.download_sha256:
        raise _refused("source_differs", "Le document téléchargé n'est pas celui du dossier")
    values = check_attributes(
        to_sign.tbs,
        [memoryview(document)],
        mechanism=to_sign.mechanism,
        certificate=certificate,
        others=_OTHERS,
    )
    if values[SIGNING_TIME] != cms.Time({"utc_time": core.UTCTime(item.signing_time)}).dump():
        raise _refused("time_differs", "La date de signature n'est pas celle annoncée")
    place = Place(item.city, item.postal_code, item.country)
    if values[SIGNER_LOCATION] != signer_location(place).dump():
        raise _refused("place_differs", "Le lieu de signature n'est pas celui annoncé")
    if values[SIGNER_ATTRIBUTES_V2] != claimed_capacity(item.claimed_role).dump():
        raise _refused("role_differs", "La qualité du signataire n'est pas celle annoncée")


def _refused(code: str, what: str) -> JobRefused:
    return JobRefused(f"{what} : rien n'est signé, prévenez votre administrateur.", code=code)
