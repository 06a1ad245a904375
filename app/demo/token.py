"""A SoftHSM token with one key and its certificate, for the demonstration and the tests."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from app.demo.pki import Issued

DEBIAN_PACKAGE = "softhsm2"
SOFTHSM_LIBRARIES = (
    Path("/usr/lib/softhsm/libsofthsm2.so"),
    Path("/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so"),
    Path("/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so"),
    Path("/usr/lib64/softhsm/libsofthsm2.so"),
    Path("/usr/lib64/pkcs11/libsofthsm2.so"),
    Path("/opt/homebrew/lib/softhsm/libsofthsm2.so"),
    Path("/usr/local/lib/softhsm/libsofthsm2.so"),
)
_TIMEOUT_S = 60


class TokenNotMade(Exception):
    """SoftHSM refused to make the token; the text is its own message."""


@dataclass(frozen=True, slots=True)
class TokenOrder:
    """What a token holds. `authorities` and `others` are further certificates, without key."""

    module: Path
    label: str
    pin: str
    so_pin: str
    issued: Issued
    authorities: tuple[Issued, ...] = ()
    others: tuple[Issued, ...] = ()
    with_key: bool = True
    always_authenticate: bool = False


@dataclass(frozen=True, slots=True)
class SoftToken:
    """A token made in `directory`; `environment` must be that of the process that loads it."""

    directory: Path
    module: Path
    label: str
    key_id: bytes
    certificate_sha256: str

    @property
    def environment(self) -> dict[str, str]:
        return {"SOFTHSM2_CONF": str(self.directory / "softhsm2.conf")}

    @property
    def key_id_hex(self) -> str:
        """CKA_ID of the key and its certificate."""
        return self.key_id.hex()


def find_softhsm() -> Path | None:
    """The SoftHSM library of this machine, or None when it is not installed."""
    if shutil.which("softhsm2-util") is None:
        return None
    return next((path for path in SOFTHSM_LIBRARIES if path.is_file()), None)


def make_token(directory: Path, order: TokenOrder) -> SoftToken:
    """A token in its own directory, with its own SOFTHSM2_CONF, holding what the order names.

    Raises TokenNotMade."""
    (directory / "tokens").mkdir(parents=True, mode=0o700, exist_ok=True)
    (directory / "softhsm2.conf").write_text(
        f"directories.tokendir = {directory / 'tokens'}\n"
        "objectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n",
        encoding="utf-8",
    )
    key_id = hashlib.sha256(order.issued.der).digest()[:8]
    token = SoftToken(
        directory=directory,
        module=order.module,
        label=order.label,
        key_id=key_id,
        certificate_sha256=hashlib.sha256(order.issued.der).hexdigest(),
    )
    # The codes of a fictional token may stand in an argument list; a person's PIN never does.
    codes = ("--pin", order.pin, "--so-pin", order.so_pin)
    _run(
        ["softhsm2-util", "--init-token", "--free", "--label", order.label, *codes],
        environment=token.environment,
    )
    # SoftHSM reads SOFTHSM2_CONF once per process, hence a process for each token.
    _run(
        [sys.executable, "-m", "app.demo.token_writer"],
        environment=token.environment,
        entry=json.dumps(_written(order, key_id)).encode(),
    )
    return token


def _written(order: TokenOrder, key_id: bytes) -> dict[str, object]:
    certificates = [(key_id, order.issued)]
    certificates += [(b"", authority) for authority in order.authorities]
    certificates += [(hashlib.sha256(o.der).digest()[:8], o) for o in order.others]
    return {
        "module": str(order.module),
        "label": order.label,
        "pin": order.pin,
        "key_id": key_id.hex(),
        "key_pem": order.issued.key_pem.decode() if order.with_key else None,
        "always_authenticate": order.always_authenticate,
        "certificates": [
            {"key_id": i.hex(), "der": c.certificate.public_bytes(Encoding.DER).hex()}
            for i, c in certificates
        ],
    }


def _run(command: list[str], *, environment: Mapping[str, str], entry: bytes = b"") -> None:
    root = Path(__file__).resolve().parents[2]
    try:
        done = subprocess.run(  # noqa: S603 (fixed command, no shell)
            command,
            input=entry,
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
            cwd=root,
            env={**os.environ, **environment},
        )
    except (OSError, subprocess.TimeoutExpired) as e:
        raise TokenNotMade(f"{command[0]} : {type(e).__name__}") from e
    if done.returncode != 0:
        raise TokenNotMade(done.stderr.decode(errors="replace").strip() or command[0])
