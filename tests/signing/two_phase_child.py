"""One phase of a PAdES signature in a process of its own: files in, files out."""

from __future__ import annotations

import json
import sys
from base64 import b64decode, b64encode
from datetime import datetime
from pathlib import Path

from signing import pades
from signing.types import Place, SignatureParameters, SignatureValue


def prepare(folder: Path) -> None:
    asked = json.loads((folder / "parameters.json").read_text())
    prepared = pades.prepare(
        (folder / "source.pdf").read_bytes(),
        SignatureParameters(
            certificate=b64decode(asked["certificate"]),
            chain=tuple(b64decode(issuer) for issuer in asked["chain"]),
            signing_time=datetime.fromisoformat(asked["signing_time"]),
            place=Place(**asked["place"]),
            claimed_role=asked["claimed_role"],
            signer_name=asked["signer_name"],
        ),
    )
    (item,) = prepared.to_sign
    (folder / "prepared.pdf").write_bytes(prepared.document)
    (folder / "resume.json").write_text(json.dumps(prepared.resume))
    said = {"id": item.id, "tbs": b64encode(item.tbs).decode(), "mechanism": item.mechanism}
    (folder / "to_sign.json").write_text(json.dumps(said))


def finish(folder: Path) -> None:
    resume = json.loads((folder / "resume.json").read_text())
    value = b64decode((folder / "value.b64").read_text())
    signed = pades.finish(
        (folder / "prepared.pdf").read_bytes(), resume, [SignatureValue("pdf", value)]
    )
    (folder / "signed.pdf").write_bytes(signed)


if __name__ == "__main__":
    {"prepare": prepare, "finish": finish}[sys.argv[1]](Path(sys.argv[2]))
