"""The commands by which anybody judges the results with programs that are not ours."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from app.local.runtime import CHECKOUT
from signing import xml
from signing.pes_structure import ALLER
from signing.xmldsig import SIGNATURE

_HEAD = """\
# Les juges : des programmes qui ne sont pas les nôtres. Depuis ce dossier : sh commands.txt
# Chacun s'exprime ; le statut de la fin est 0, ou celui du dernier qui refuse.
status=0
"""
_EXTRACTION = """\
# Le contenu couvert par la signature (ByteRange) et la signature elle-même, tirés du PDF.
python3 - {pdf} {covered} {cms} <<'FIN' || status=$?
import re, sys
pdf, covered, cms = sys.argv[1:]
data = open(pdf, "rb").read()
ranges = re.findall(rb"/ByteRange\\s*\\[\\s*(\\d+)\\s+(\\d+)\\s+(\\d+)\\s+(\\d+)\\s*\\]", data)
a, b, c, d = max((tuple(map(int, one)) for one in ranges), key=lambda one: one[2])
open(covered, "wb").write(data[a:a + b] + data[c:c + d])
der = bytes.fromhex(data[a + b:c].strip(b"<>").decode())
size = int.from_bytes(der[2:2 + (der[1] & 127)], "big") + 2 + (der[1] & 127)
open(cms, "wb").write(der[:size])
FIN
"""


def commands(
    *, pdf: str | None, flow: Path | None, root: str, issuer: str, trust: str, journal: str
) -> str:
    """A shell script of exact commands, one per judge and signature, run in the folder of the
    results."""
    parts = [_HEAD]
    ours = CHECKOUT / "parapheur"
    if pdf is not None:
        parts += _judges_of_pdf(pdf, root)
    if flow is not None:
        parts += judges_of_flow(flow, root, issuer)
    parts.append("\n# Nos vérificateurs, sans serveur ni réseau.\n")
    for file in (pdf, flow.name if flow else None):
        if file is not None:
            parts.append(_line(str(ours), "verify", "--trust", trust, file))
    parts.append(_line(str(ours), "journal", "verify", journal))
    parts.append("exit $status\n")
    return "".join(parts)


def _judges_of_pdf(pdf: str, root: str) -> Iterator[str]:
    covered, cms = "act-covered.bin", "act-signature.p7s"
    yield "\n# pdfsig (poppler-utils) ; -nocert : l'autorité fictive n'est pas dans son magasin.\n"
    yield _line("pdfsig", "-nocert", pdf)
    yield "\n" + _EXTRACTION.format(pdf=pdf, covered=covered, cms=cms)
    yield _line(
        *("openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", cms),
        *("-content", covered, "-purpose", "any", "-CAfile", root, "-out", "/dev/null"),
    )


def judges_of_flow(flow: Path, root: str, issuer: str) -> Iterator[str]:
    """One command per signature of this flow."""
    found = signatures_of(flow.read_bytes())
    yield f"\n# xmlsec1, une commande par signature ({len(found)}).\n"
    for signature_id, namespace in found:
        yield _line(
            *("xmlsec1", "--verify", "--enabled-key-data", "x509"),
            *("--trusted-pem", root, "--untrusted-pem", issuer),
            *("--id-attr:Id", "Bordereau", "--id-attr:Id", f"{ALLER}:PES_Aller"),
            *("--id-attr:Id", f"{namespace}:SignedProperties"),
            *("--node-xpath", f"//*[local-name()='Signature'][@Id='{signature_id}']"),
            flow.name,
        )


def signatures_of(content: bytes) -> list[tuple[str, str]]:
    """Each signature's Id, with the XAdES namespace that it speaks."""
    found = []
    for one in xml.parse(content).iter(SIGNATURE):
        properties = next(
            element for element in one.iter("{*}SignedProperties") if isinstance(element.tag, str)
        )
        namespace = str(properties.tag).partition("}")[0].removeprefix("{")
        found.append((one.get("Id", ""), namespace))
    return found


def _line(*words: str) -> str:
    return f"{shlex.join(words)} || status=$?\n"
