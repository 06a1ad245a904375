"""PAdES on an act, against pyHanko's own signer with the same key in the same process."""

from __future__ import annotations

from io import BytesIO

from asn1crypto import keys, x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.signers import PdfSignatureMetadata, SimpleSigner, sign_pdf
from pyhanko_certvalidator.registry import SimpleCertificateStore

from app.bench.figures import Row, alternate, ratios, spread
from app.bench.signer import BenchSigner, make_signer
from app.demo.acts import Act, deliberation
from signing import pades

SIZE_BYTES = 240_000
PAGES = 5
REPEATS = 5
# What its documentation advises against the dry run that measures the signature first.
_ROOM = pades.BYTES_RESERVED


class KeptKeySigner(SimpleSigner):
    """pyHanko's signer without what costs it most: reading and checking its key at every value."""

    kept_key: rsa.RSAPrivateKey

    def sign_raw(self, data: bytes, digest_algorithm: str) -> bytes:
        assert digest_algorithm == "sha256"
        return self.kept_key.sign(data, padding.PKCS1v15(), hashes.SHA256())


def measure(rounds: int) -> list[Row]:
    """Two rows: against pyHanko as it comes, and against the best that its options give."""
    act = deliberation(Act(pages=PAGES, size_bytes=SIZE_BYTES))
    signer = make_signer()
    stock, tuned = pyhanko_signer(signer), tuned_signer(signer)
    seconds = alternate(
        {
            "ours": lambda: sign(act, signer),
            "stock": lambda: sign_with(stock, act, room=None),
            "tuned": lambda: sign_with(tuned, act, room=_ROOM),
        },
        rounds=rounds,
        repeats=REPEATS,
    )
    told = {name: spread([1000 * one for one in each]) for name, each in seconds.items()}
    names = {"stock": "tel quel", "tuned": "avec sa clé gardée et la place réservée"}
    return [
        Row(
            f"PAdES B-B, PDF de {len(act) / 1e3:.0f} ko : préparer + finir, contre le signataire "
            f"de pyHanko {name}",
            f"× {ratios(seconds['ours'], seconds[arm]).told(2)}",
            "",
            f"{told['ours'].told(1)} ms contre {told[arm].told(1)} ms",
        )
        for arm, name in names.items()
    ]


def sign(act: bytes, signer: BenchSigner) -> bytes:
    """Both phases with the key at hand, the self-check of the second included."""
    prepared = pades.prepare(act, signer.parameters())
    return pades.finish(prepared.document, prepared.resume, signer.values(prepared.to_sign))


def sign_with(signer: SimpleSigner, act: bytes, *, room: int | None) -> bytes:
    """pyHanko's one-phase signature at the same level, with the same words in it."""
    metadata = PdfSignatureMetadata(
        field_name="Signature1",
        md_algorithm="sha256",
        subfilter=SigSeedSubFilter.PADES,
        location="Saint-Exemple",
        reason="Ordonnateur",
        name="Camille Exemple",
    )
    output = BytesIO()
    sign_pdf(
        IncrementalPdfFileWriter(BytesIO(act)),
        metadata,
        signer=signer,
        bytes_reserved=room,
        output=output,
    )
    return output.getvalue()


def pyhanko_signer(signer: BenchSigner, kind: type[SimpleSigner] = SimpleSigner) -> SimpleSigner:
    """The same certificate, chain and key, as pyHanko takes them."""
    store = SimpleCertificateStore()  # type: ignore[no-untyped-call]
    store.register(x509.Certificate.load(signer.issuer.der))
    key = signer.own.key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return kind(
        x509.Certificate.load(signer.own.der),
        keys.PrivateKeyInfo.load(key),
        store,
        embed_roots=False,
    )


def tuned_signer(signer: BenchSigner) -> SimpleSigner:
    tuned = pyhanko_signer(signer, KeptKeySigner)
    assert isinstance(tuned, KeptKeySigner)
    assert isinstance(signer.own.key, rsa.RSAPrivateKey)
    tuned.kept_key = signer.own.key
    return tuned
