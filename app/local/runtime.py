"""Where the embedded servers live: whose account, which copy of the binaries, which folders."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path

from app.errors import Unavailable

CHECKOUT = Path(__file__).resolve().parents[2]
UNPRIVILEGED = "nobody"
# Valkey refuses a socket path of 108 bytes, PostgreSQL one of 107 with its own file name.
SOCKET_PATH_LIMIT_BYTES = 100
LONGEST_SOCKET_NAME = ".s.PGSQL.5432"
_POINTER = "placed-at"


@dataclass(frozen=True, slots=True)
class Account:
    """The unprivileged account that runs the servers when we are root: they refuse root."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Runtime:
    """`directory` can be reached by `account`; an ordinary user needs neither account nor copy."""

    directory: Path
    account: Account | None


@dataclass(frozen=True, slots=True)
class Premises:
    """Where servers keep `data` and write `logs`; temporary data are removed when they end."""

    data: Path
    logs: Path
    runtime: Runtime
    is_temporary: bool = False


def find_runtime(directory: Path | None = None) -> Runtime:
    """The runtime of this machine; as root its directory is made, readable by everybody."""
    if os.geteuid() != 0:
        return Runtime(directory or Path(tempfile.gettempdir()), None)
    account = _unprivileged_account()
    for candidate in [directory] if directory else [Path("/var/lib/parapheur"), _own_temporary()]:
        with suppress(OSError):
            _make_public(candidate)
            if is_reachable(candidate, account) and candidate.stat().st_uid == 0:
                return Runtime(candidate, account)
    raise Unavailable(
        "Aucun dossier d'exécution n'est accessible au compte « nobody » : créez "
        "/var/lib/parapheur (propriétaire root, droits 0755), puis recommencez.",
        code="runtime_directory_missing",
    )


def is_reachable(path: Path, account: Account) -> bool:
    """Whether `account` can enter every folder down to `path` (permission bits only)."""
    folders = [path, *path.parents] if path.is_dir() else list(path.parents)
    return all(_may_enter(folder.stat(), account) for folder in folders)


def wheel_folder(distribution: str, package: str, *beside: str, runtime: Runtime) -> Path:
    """The folder of `package` as installed, or as root its copy in the runtime directory.

    The package is located, never imported. Folders named in `beside` (shared libraries found
    by a relative path) are copied next to it.
    """
    site = _site_of(distribution, package)
    if runtime.account is None:
        return site / package
    final = runtime.directory / f"{distribution}-{metadata.version(distribution)}"
    if not final.is_dir():
        _copy_aside(site, (package, *beside), final)
    return final / package


def make_private_folder(runtime: Runtime) -> Path:
    """A new folder of the servers' account, its path short enough for a socket.

    It never stands under the checkout, whose path may be long or closed to that account.
    """
    for base in _temporary_bases():
        longest = base / "ppr-xxxxxxxx" / LONGEST_SOCKET_NAME
        too_long = len(os.fsencode(longest)) > SOCKET_PATH_LIMIT_BYTES
        if too_long or base.is_relative_to(CHECKOUT) or not os.access(base, os.W_OK | os.X_OK):
            continue
        if runtime.account is None or is_reachable(base, runtime.account):
            folder = Path(tempfile.mkdtemp(prefix="ppr-", dir=base))
            give(folder, runtime)
            return folder
    raise Unavailable(
        "Aucun dossier temporaire au chemin assez court pour les sockets : donnez à TMPDIR "
        "un chemin court (par exemple /tmp), puis recommencez.",
        code="socket_folder_missing",
    )


def place(wanted: Path, runtime: Runtime) -> Path:
    """The folder where the servers' account keeps `wanted`, made when it does not exist.

    It is `wanted` itself whenever the account can reach it. Otherwise the data stand in the
    runtime directory and a small file in `wanted` names the place: the permissions of the
    caller's folders are never changed.
    """
    if runtime.account is None:
        wanted.mkdir(mode=0o700, parents=True, exist_ok=True)
        return wanted
    if not wanted.exists():
        wanted.parent.mkdir(parents=True, exist_ok=True)
        wanted.mkdir(mode=0o700)
        if is_reachable(wanted.parent.resolve(), runtime.account):
            give(wanted, runtime)
            return wanted
    if _belongs_to(wanted, runtime.account):
        return wanted
    return find_placed(wanted, runtime) or _place_aside(wanted, runtime)


def find_placed(wanted: Path, runtime: Runtime) -> Path | None:
    """Where `place` has put `wanted` before, if it has."""
    pointer = wanted / _POINTER
    if runtime.account is None or not wanted.is_dir() or _belongs_to(wanted, runtime.account):
        return wanted if wanted.is_dir() else None
    if not pointer.is_file():
        return None
    target = Path(pointer.read_text(encoding="utf-8"))
    # Nothing but a folder that we made there is ever believed: root removes what this names.
    is_ours = target.parent == _shelf(runtime) and target.is_dir()
    return target if is_ours else None


def discard(wanted: Path, runtime: Runtime) -> None:
    """Removes what `place` made, wherever it stands."""
    for folder in (find_placed(wanted, runtime), wanted):
        if folder is not None and folder.exists():
            shutil.rmtree(folder)


def give(folder: Path, runtime: Runtime) -> None:
    """Makes the servers' account the owner of a folder that we have just made."""
    if runtime.account is not None:
        os.chown(folder, runtime.account.uid, runtime.account.gid)


def _unprivileged_account() -> Account:
    try:
        entry = pwd.getpwnam(UNPRIVILEGED)
    except KeyError as e:
        raise Unavailable(
            "Le compte « nobody » n'existe pas : les serveurs embarqués refusent root. Créez-le, "
            "ou lancez parapheur sous un compte ordinaire.",
            code="unprivileged_account_missing",
        ) from e
    return Account(entry.pw_uid, entry.pw_gid)


def _own_temporary() -> Path:
    return Path("/var/tmp") / f"parapheur-{os.geteuid()}"  # noqa: S108 - owner is checked


def _make_public(directory: Path) -> None:
    if not directory.exists():
        directory.mkdir(parents=True)
        directory.chmod(0o755)


def _may_enter(folder: os.stat_result, account: Account) -> bool:
    if folder.st_uid == account.uid:
        return bool(folder.st_mode & stat.S_IXUSR)
    if folder.st_gid == account.gid:
        return bool(folder.st_mode & stat.S_IXGRP)
    return bool(folder.st_mode & stat.S_IXOTH)


def _site_of(distribution: str, package: str) -> Path:
    spec = util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise Unavailable(
            f"Le paquet Python « {distribution} » manque : relancez ./parapheur, qui l'installe.",
            code="embedded_server_missing",
        )
    return Path(spec.submodule_search_locations[0]).parent


def _copy_aside(site: Path, folders: tuple[str, ...], final: Path) -> None:
    """Two copies may start at once: each works under a temporary name, the first renamed wins."""
    work = Path(tempfile.mkdtemp(prefix=".copy-", dir=final.parent))
    try:
        for name in folders:
            if (site / name).is_dir():
                shutil.copytree(site / name, work / name, ignore=_not_needed_to_run)
        _open_for_reading(work)
        with suppress(OSError):
            work.rename(final)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    if not final.is_dir():
        raise Unavailable(
            f"Les programmes embarqués n'ont pas pu être copiés dans {final.parent} : vérifiez "
            "la place libre et les droits d'écriture, puis recommencez.",
            code="runtime_copy_failed",
        )


def _not_needed_to_run(_folder: str, names: list[str]) -> list[str]:
    return [name for name in names if name in {"include", "__pycache__"} or name.endswith(".py")]


def _open_for_reading(top: Path) -> None:
    """Whatever umask the caller has, the other account can read and run the copy."""
    for folder, _, files in os.walk(top):
        Path(folder).chmod(0o755)
        for name in files:
            file = Path(folder, name)
            if not file.is_symlink():
                executable = file.stat().st_mode & stat.S_IXUSR
                file.chmod(0o755 if executable else 0o644)


def _temporary_bases() -> list[Path]:
    bases = [Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")]  # noqa: S108 - mkdtemp
    return [base.resolve() for base in bases if base.is_dir()]


def _belongs_to(folder: Path, account: Account) -> bool:
    return folder.stat().st_uid == account.uid and is_reachable(folder.resolve(), account)


def _shelf(runtime: Runtime) -> Path:
    return runtime.directory / "data"


def _place_aside(wanted: Path, runtime: Runtime) -> Path:
    shelf = _shelf(runtime)
    _make_public(shelf)
    folder = Path(tempfile.mkdtemp(prefix=f"{wanted.name}-", dir=shelf))
    give(folder, runtime)
    (wanted / _POINTER).write_text(str(folder), encoding="utf-8")
    return folder
