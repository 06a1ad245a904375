"""The two phases of a signature in whatever format: which module makes which (DESIGN D8)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from signing import cades, pades, pes
from signing.policies import policy_for
from signing.types import (
    JsonObject,
    Prepared,
    SignatureFormat,
    SignatureParameters,
    SignatureValue,
    Stamp,
)


def prepare(
    form: SignatureFormat,
    document: bytes,
    parameters: SignatureParameters,
    stamp: Stamp | None = None,
) -> Prepared:
    """Phase 1; a PDF alone shows a stamp, and a flow is signed under the policy of the day. Raises
    SigningError."""
    match form:
        case SignatureFormat.PADES:
            return pades.prepare(document, parameters, stamp)
        case SignatureFormat.CADES:
            return cades.prepare(document, parameters)
        case SignatureFormat.PES_V2:
            policy = policy_for(parameters.signing_time.date())
            return pes.prepare(document, parameters, policy)
        case _:
            assert_never(form)


def finish(
    form: SignatureFormat,
    prepared_document: bytes,
    resume: JsonObject,
    values: Sequence[SignatureValue],
    *,
    certificate: bytes,
) -> bytes:
    """Phase 2: the signed document, or the signature that stands beside it (CAdES).

    Raises BadSignatureValue."""
    match form:
        case SignatureFormat.PADES:
            return pades.finish(prepared_document, resume, values)
        case SignatureFormat.CADES:
            return cades.finish(prepared_document, resume, values)
        case SignatureFormat.PES_V2:
            return pes.finish(prepared_document, resume, values, certificate=certificate)
        case _:
            assert_never(form)
