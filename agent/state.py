"""The agent's state directory: pairing, jobs already accepted, journal of what was signed."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import UUID

from agent.errors import JobRefused, StateError
from agent.fields import Malformed, read_object

PAIRING_FILE = "pairing.json"
DEVICE_KEY_FILE = "device.key"
JOURNAL_FILE = "signed.jsonl"
ACCEPTED_DIRECTORY = "accepted"
_MAX_FILE_BYTES = 1024 * 1024
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL


@dataclass(frozen=True, slots=True)
class Pairing:
    """What ties this device to one server: origin and keys are pinned together (D11).

    `server_job_key` is 32 raw Ed25519 bytes; `authorities_pem` the only accepted TLS authorities
    when the server's is not a public one; `device_key_place` is `file` or `system`."""

    origin: str
    device_id: UUID
    server_job_key: bytes
    tenant_name: str
    user_name: str
    device_key_place: str
    authorities_pem: str | None


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One signed document, for the person who signed it. No PIN, no content."""

    time: str
    server: str
    user_name: str
    folder_title: str
    document_name: str
    document_sha256: str
    certificate_sha256: str
    job_id: str


def default_directory(environment: Mapping[str, str]) -> Path:
    """The usual place of a person's program data on this system."""
    if sys.platform == "win32":
        return Path(environment.get("LOCALAPPDATA", "~")).expanduser() / "Parapheur" / "agent"
    if sys.platform == "darwin":
        return Path("~/Library/Application Support/Parapheur/agent").expanduser()
    base = environment.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(base).expanduser() / "parapheur-agent"


class StateDirectory:
    """One pairing per directory. Files are readable by their owner alone."""

    def __init__(self, path: Path) -> None:
        """Makes the directory (0700). Raises StateError when another account may read it."""
        self.path = path
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            (path / ACCEPTED_DIRECTORY).mkdir(mode=0o700, exist_ok=True)
            mode = stat.S_IMODE(path.stat().st_mode)
        except OSError as e:
            raise StateError(f"Le dossier {path} ne peut pas être utilisé : {e.strerror}.") from e
        if sys.platform != "win32" and mode & 0o077:
            raise StateError(
                f"Le dossier {path} est accessible à d'autres comptes : limitez-le au vôtre "
                "(chmod 700) puis recommencez."
            )

    def pairing(self) -> Pairing:
        """Raises StateError (`not_paired`, `state_unusable`)."""
        file = self.path / PAIRING_FILE
        try:
            content = file.read_bytes()[:_MAX_FILE_BYTES]
        except FileNotFoundError as e:
            raise StateError(
                "Ce poste n'est pas appairé : lancez d'abord « parapheur-agent pair ».",
                code="not_paired",
            ) from e
        except OSError as e:
            raise StateError(f"Le fichier {file} est illisible : {e.strerror}.") from e
        try:
            return _read_pairing(content)
        except Malformed as e:
            raise StateError(f"Le fichier {file} est abîmé : appairez le poste de nouveau.") from e

    def save_pairing(self, pairing: Pairing) -> None:
        """Replaces the pairing in one step."""
        value = {**asdict(pairing), "device_id": str(pairing.device_id)}
        value["server_job_key"] = pairing.server_job_key.hex()
        self.write_private(PAIRING_FILE, json.dumps(value, ensure_ascii=False).encode())

    def write_private(self, name: str, content: bytes) -> None:
        """A file of mode 0600, complete or absent. Raises StateError."""
        temporary = self.path / f".{name}.new"
        try:
            temporary.unlink(missing_ok=True)
            with os.fdopen(os.open(temporary, _CREATE, 0o600), "wb") as out:
                out.write(content)
                out.flush()
                os.fsync(out.fileno())
            temporary.replace(self.path / name)
        except OSError as e:
            raise StateError(f"Impossible d'écrire dans {self.path} : {e.strerror}.") from e

    def claim_job(self, job_id: UUID) -> None:
        """Records that this job is accepted, before the server is told: once, for ever.

        Raises JobRefused (`job_replayed`) the second time, even from another process."""
        try:
            os.close(os.open(self.path / ACCEPTED_DIRECTORY / str(job_id), _CREATE, 0o600))
        except FileExistsError as e:
            raise JobRefused(
                "Cet ordre de signature a déjà été reçu : rien n'est signé une seconde fois.",
                code="job_replayed",
            ) from e
        except OSError as e:
            raise StateError(f"Impossible d'écrire dans {self.path} : {e.strerror}.") from e

    def refuse_known_job(self, job_id: UUID) -> None:
        """Raises JobRefused (`job_replayed`) for a job accepted before."""
        if (self.path / ACCEPTED_DIRECTORY / str(job_id)).exists():
            raise JobRefused(
                "Cet ordre de signature a déjà été reçu : rien n'est signé une seconde fois.",
                code="job_replayed",
            )

    def record(self, line: JournalLine) -> None:
        """Adds a line to the local journal of what was signed."""
        content = json.dumps(asdict(line), ensure_ascii=False) + "\n"
        try:
            descriptor = os.open(
                self.path / JOURNAL_FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600
            )
            with os.fdopen(descriptor, "ab") as out:
                out.write(content.encode())
        except OSError as e:
            raise StateError(f"Impossible d'écrire dans {self.path} : {e.strerror}.") from e


def _read_pairing(content: bytes) -> Pairing:
    fields = read_object(content)
    try:
        key = bytes.fromhex(fields.text("server_job_key", limit=64))
    except ValueError as e:
        raise Malformed("server_job_key") from e
    return Pairing(
        origin=fields.text("origin", empty=False),
        device_id=fields.uuid("device_id"),
        server_job_key=key,
        tenant_name=fields.text("tenant_name"),
        user_name=fields.text("user_name"),
        device_key_place=fields.text("device_key_place", empty=False),
        authorities_pem=fields.optional_text("authorities_pem", limit=_MAX_FILE_BYTES),
    )
