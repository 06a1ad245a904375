"""Find the PKCS#11 libraries of this computer and list their certificates, one process each.

Order of tries: the path chosen by the person or administrator, p11-kit's registered modules, then
the table of known products. A bad driver hangs or crashes its host: each one is listed in a child
process with a deadline."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from agent.fields import Fields, read_object
from agent.known_modules import NEVER_LOADED, PRODUCTS, Product
from signing.pin import PinState
from signing.pkcs11 import TokenCertificate, TokenInfo

ENVIRONMENT_NAME = "PARAPHEUR_AGENT_PKCS11"
PROGRAM_NAME = "parapheur-agent"
LIST_DEADLINE_S = 5.0
_MAX_CERTIFICATES = 200
_MAX_DER_BYTES = 64 * 1024
_P11_KIT_FOLDERS = ("/usr/share/p11-kit/modules", "/etc/pkcs11/modules")
_VARIABLE = re.compile(r"%([^%]+)%")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A library to try. `chosen` when somebody named it: its absence is then reported."""

    product: str
    path: Path
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """What one library gave: its certificates, or the reason why it could not be listed."""

    candidate: Candidate
    certificates: tuple[TokenCertificate, ...]
    tokens: int
    problem: str | None


def candidates(
    environment: Mapping[str, str], *, system: str = sys.platform, home: Path | None = None
) -> tuple[Candidate, ...]:
    """The libraries present here, in order of tries, each real file once.

    `system` is a value of `sys.platform`; `home` holds the person's p11-kit files."""
    found: list[Candidate] = []
    chosen = environment.get(ENVIRONMENT_NAME)
    if chosen:
        found.append(Candidate("bibliothèque choisie", Path(chosen), chosen=True))
    if system != "win32":
        folders = [Path(f) for f in _P11_KIT_FOLDERS]
        folders.append((home or Path.home()) / ".config/pkcs11/modules")
        found += p11_kit_modules(folders)
    for product in PRODUCTS:
        path = _first_existing(_paths_for(product, system), environment)
        if path is not None:
            found.append(Candidate(product.name, path))
    return _distinct(found)


def missing_64_bit(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Windows: products of which only a 32-bit library is installed, by name."""
    return tuple(
        product.name
        for product in PRODUCTS
        if _first_existing(product.windows_32, environment) is not None
        and _first_existing(product.windows, environment) is None
    )


def p11_kit_modules(folders: Iterable[Path]) -> list[Candidate]:
    """Modules registered in p11-kit's `.module` files; a later folder overrides the same name,
    an empty `module:` switches it off."""
    files: dict[str, Path] = {}
    for folder in folders:
        if folder.is_dir():
            files |= {f.name: f for f in sorted(folder.glob("*.module"))}
    registered = (_p11_kit_module(f) for f in files.values())
    return [c for c in registered if c is not None]


def list_in_child(candidate: Candidate, *, deadline_s: float = LIST_DEADLINE_S) -> Listing:
    """The certificates of one library, read by a process that may die or be killed."""
    try:
        done = subprocess.run(  # noqa: S603 (our own program, no shell)
            [*_listing_command(), str(candidate.path)],
            capture_output=True,
            timeout=deadline_s,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return _failed(candidate, f"ne répond pas en {deadline_s:g} secondes")
    except OSError as e:
        return _failed(candidate, f"ne peut pas être essayée ({e.strerror})")
    lines = done.stdout.splitlines()
    if done.returncode != 0 or not lines:
        return _failed(candidate, f"s'est arrêtée brutalement (code {done.returncode})")
    try:
        return _read_listing(candidate, read_object(lines[-1]))
    except ValueError:
        return _failed(candidate, "a donné une réponse illisible")


def merge(listings: Iterable[Listing]) -> tuple[TokenCertificate, ...]:
    """One line per certificate: the first library that shows it, so the vendor's."""
    kept: dict[str, TokenCertificate] = {}
    for listing in listings:
        for certificate in listing.certificates:
            kept.setdefault(certificate.sha256, certificate)
    return tuple(kept.values())


def _listing_command() -> list[str]:
    """How this program starts its listing child, also as a single-file build."""
    frozen = getattr(sys, "frozen", False)
    return [sys.executable, "list-module"] if frozen else [sys.executable, "-m", "agent.listing"]


def _paths_for(product: Product, system: str) -> tuple[str, ...]:
    if system == "win32":
        return product.windows
    return product.macos if system == "darwin" else product.linux


def _first_existing(paths: Iterable[str], environment: Mapping[str, str]) -> Path | None:
    for written in paths:
        path = _expanded(written, environment)
        if path is None:
            continue
        if "*" not in path.name and "*" not in str(path.parent):
            if path.is_file():
                return path
            continue
        found = sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
        if found:
            return found[-1]
    return None


def _expanded(written: str, environment: Mapping[str, str]) -> Path | None:
    names = _VARIABLE.findall(written)
    if any(name not in environment for name in names):
        return None
    return Path(_VARIABLE.sub(lambda m: environment[m.group(1)], written))


def _p11_kit_module(file: Path) -> Candidate | None:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    pairs = (line.partition(":") for line in lines if not line.lstrip().startswith("#"))
    settings = {k.strip(): v.strip() for k, separator, v in pairs if separator}
    if settings.get("trust-policy") == "yes" or "remote" in settings:
        return None
    if not _enabled(settings) or not settings.get("module"):
        return None
    path = _p11_kit_path(settings["module"])
    return None if path is None else Candidate(f"p11-kit ({file.stem})", path)


def _enabled(settings: Mapping[str, str]) -> bool:
    only = re.split(r"[\s,]+", settings.get("enable-in", ""))
    never = re.split(r"[\s,]+", settings.get("disable-in", ""))
    if settings.get("enable-in"):
        return PROGRAM_NAME in only
    return PROGRAM_NAME not in never


def _p11_kit_path(module: str) -> Path | None:
    if Path(module).is_absolute():
        return Path(module) if Path(module).is_file() else None
    folders = (f"/usr/lib/{platform.machine()}-linux-gnu/pkcs11", "/usr/lib64/pkcs11")
    for folder in (*folders, "/usr/lib/pkcs11", "/opt/homebrew/lib/pkcs11"):
        if (Path(folder) / module).is_file():
            return Path(folder) / module
    return None


def _distinct(found: Iterable[Candidate]) -> tuple[Candidate, ...]:
    kept: dict[str, Candidate] = {}
    for candidate in found:
        refused = any(name in candidate.path.name.lower() for name in NEVER_LOADED)
        if candidate.chosen or not refused:
            kept.setdefault(os.path.realpath(candidate.path), candidate)
    return tuple(kept.values())


def _failed(candidate: Candidate, reason: str) -> Listing:
    return Listing(candidate, (), 0, f"{candidate.product} ({candidate.path}) : {reason}.")


def _read_listing(candidate: Candidate, fields: Fields) -> Listing:
    problem = fields.optional_text("problem")
    if problem is not None:
        return Listing(candidate, (), 0, f"{candidate.product} : {problem}")
    listed = fields.children("certificates", limit=_MAX_CERTIFICATES, least=0)
    return Listing(
        candidate,
        tuple(_read_certificate(candidate.path, f) for f in listed),
        fields.integer("tokens", limit=_MAX_CERTIFICATES),
        None,
    )


def _read_certificate(module: Path, fields: Fields) -> TokenCertificate:
    token = TokenInfo(
        module=module,
        label=fields.text("label"),
        serial=fields.text("serial"),
        manufacturer=fields.text("manufacturer"),
        model=fields.text("model"),
        pin_pad=bool(fields.integer("pin_pad", limit=1)),
        pin_state=PinState(fields.text("pin_state", limit=20)),
    )
    chain = fields.children("chain", limit=_MAX_CERTIFICATES, least=0)
    return TokenCertificate(
        token,
        fields.hexadecimal("key_id", limit=256),
        fields.hexadecimal("certificate", limit=_MAX_DER_BYTES),
        tuple(f.hexadecimal("certificate", limit=_MAX_DER_BYTES) for f in chain),
    )
