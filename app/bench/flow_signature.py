"""XAdES on a flow, against reading, canonicalising and writing the same flow once."""

from __future__ import annotations

from lxml import etree

from app.bench.figures import Row, alternate, in_french, ratios, spread
from app.bench.signer import BenchSigner, make_signer
from app.demo.flows import Flow, make_pes
from signing import pes
from signing.policies import HELIOS_POLICIES, SignaturePolicy, policy_for
from signing.xml import parse
from signing.xmldsig import canonical

SLIPS = 20
ITEMS_PER_SLIP = 183  # 5 MB, all of it in the slips that are signed
GOAL = 3


def measure(rounds: int) -> list[Row]:
    """One row; both arms take the bytes of the flow and work in this process."""
    flow = make_pes(Flow(expense_slips=SLIPS, items_per_slip=ITEMS_PER_SLIP))
    signer = make_signer()
    policy = policy_for(signer.parameters().signing_time.date(), HELIOS_POLICIES)
    seconds = alternate(
        {"ours": lambda: sign(flow, signer, policy), "lxml": lambda: read_and_write(flow)},
        rounds=rounds,
    )
    ratio = ratios(seconds["ours"], seconds["lxml"])
    ours, theirs = (spread([1000 * one for one in seconds[arm]]) for arm in ("ours", "lxml"))
    return [
        Row(
            f"XAdES, flux de {in_french(len(flow) / 1e6, 1)} Mo et {SLIPS} bordereaux : "
            "préparer + finir, contre lire + C14N + écrire",
            f"× {ratio.told(2)}",
            f"≤ {GOAL}",
            f"{ours.told(0)} ms contre {theirs.told(0)} ms",
        )
    ]


def sign(flow: bytes, signer: BenchSigner, policy: SignaturePolicy) -> bytes:
    """Both phases with the key at hand, the self-check of the second included."""
    parameters = signer.parameters()
    prepared = pes.prepare(flow, parameters, policy)
    return pes.finish(
        prepared.document,
        prepared.resume,
        signer.values(prepared.to_sign),
        certificate=parameters.certificate,
    )


def read_and_write(flow: bytes) -> tuple[bytes, bytes]:
    """What any library that signs XML does at the least: a tree, its canonical form, its bytes."""
    root = parse(flow)
    return canonical(root), etree.tostring(root, encoding="ISO-8859-1", xml_declaration=True)
