"""The signing agent's command line: `parapheur-agent pair | run | certificates`.

Exit statuses: 0 done; 2 usage; 3 not paired or pairing failed; 4 no library, token or certificate
that can sign; 5 job refused (altered, expired, replayed, not rebuilt); 6 server unreachable or
refusing; 7 PIN refused, locked or not given, token removed; 8 declined by the person; 130
interrupted. Statuses 5 to 8 are those of the one job of `run --once`."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NoReturn

import keyring
import typer

from agent.batch import Workplace
from agent.consent import TerminalConsent, read_pin, type_pin
from agent.device_key import FILE, SYSTEM, FileStore, KeyStore, SystemStore, load_key, usable
from agent.devices import Choice, Inventory, explain_nothing, sha256_of, take_stock
from agent.errors import AgentError, LinkError, StateError
from agent.libraries import missing_64_bit
from agent.link import Device, Link, open_server, origin_of
from agent.listing import describe_module
from agent.pairing import pair as pair_device
from agent.running import Agent, ExitStatus
from agent.running import run as run_agent
from agent.software_key import is_pkcs12, only, open_key_file
from agent.state import PAIRING_FILE, StateDirectory, default_directory
from signing.errors import TokenError

cli = typer.Typer(
    name="parapheur-agent",
    help="Agent de signature du Parapheur : pilote la clé de ce poste, n'ouvre aucun port.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

StateOption = Annotated[
    Path | None, typer.Option("--state-dir", help="Dossier de l'appairage (mode 0700).")
]
ModuleOption = Annotated[
    Path | None, typer.Option("--module", help="Bibliothèque PKCS#11 à utiliser.")
]


@dataclass(frozen=True, slots=True)
class SignerOptions:
    """What `run` was told about the device and the questions."""

    choice: Choice
    software_key: Path | None
    pin_fd: int | None
    yes: bool


def main() -> None:
    """Entry point of the installed command."""
    cli()


@cli.command()
def pair(
    *,
    server: Annotated[str, typer.Option(help="Adresse du serveur, https://…")],
    ca_file: Annotated[
        Path | None, typer.Option(help="Autorités TLS admises (PEM), si elles sont privées.")
    ] = None,
    state_dir: StateOption = None,
    key_store: Annotated[
        str, typer.Option(help="Où garder la clé du poste : auto, system ou file.")
    ] = "auto",
    loopback_http: Annotated[
        bool, typer.Option("--loopback-http", help="Admet http:// vers ce poste même (essais).")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Remplace un appairage existant.")
    ] = False,
) -> None:
    """Appaire ce poste : affiche un code à saisir dans le parapheur, puis attend."""
    try:
        origin = origin_of(server, loopback_http=loopback_http)
        state = StateDirectory(_state_path(state_dir))
        if (state.path / PAIRING_FILE).exists() and not replace:
            raise StateError(
                f"Le dossier {state.path} tient déjà un appairage : donnez un autre --state-dir, "
                "ou --replace.",
                code="already_paired",
            )
        opened = open_server(origin, _authorities(ca_file))
        store = _store(key_store, state, origin)
        pair_device(opened, store=store, state=state, say=_say, clock=_now)
    except AgentError as e:
        _stop(e, ExitStatus.SERVER if isinstance(e, LinkError) else ExitStatus.NOT_PAIRED)


@cli.command()
def run(  # noqa: PLR0913 (one parameter per option)
    *,
    state_dir: StateOption = None,
    module: ModuleOption = None,
    token_label: Annotated[str | None, typer.Option(help="Nom de la clé à utiliser.")] = None,
    certificate: Annotated[
        str | None, typer.Option(help="SHA-256 du seul certificat à utiliser.")
    ] = None,
    pin_fd: Annotated[
        int | None, typer.Option(help="Descripteur où lire le PIN, une ligne par lot (essais).")
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Accepte sans demander ; exige --pin-fd (essais).")
    ] = False,
    once: Annotated[bool, typer.Option("--once", help="S'arrête après un lot.")] = False,
    software_key: Annotated[
        Path | None, typer.Option(help="Clé logicielle (PEM ou PKCS#12) au lieu d'un token.")
    ] = None,
) -> None:
    """Attend les ordres de signature du serveur appairé et les fait signer par la clé."""
    if yes and pin_fd is None:
        raise typer.BadParameter("--yes exige --pin-fd", param_hint="--yes")
    choice = Choice(module, token_label, certificate.lower() if certificate else None)
    options = SignerOptions(choice, software_key, pin_fd, yes)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        status = run_agent(_agent(_state_path(state_dir), options), once=once)
    except StateError as e:
        _stop(e, ExitStatus.NOT_PAIRED)
    except TokenError as e:
        _stop(e, ExitStatus.NO_DEVICE)
    except LinkError as e:
        _stop(e, ExitStatus.SERVER)
    except KeyboardInterrupt:
        _say("Agent arrêté.")
        raise typer.Exit(130) from None
    raise typer.Exit(int(status))


@cli.command()
def certificates(
    module: ModuleOption = None,
    software_key: Annotated[Path | None, typer.Option(help="Clé logicielle.")] = None,
) -> None:
    """Liste les certificats des clés branchées, et ce qui empêche les autres de signer."""
    options = SignerOptions(Choice(module), software_key, None, yes=False)
    try:
        inventory = _lister(options)()
    except TokenError as e:
        _stop(e, ExitStatus.NO_DEVICE)
    _show(inventory)
    if not inventory.devices:
        _stop(explain_nothing(inventory), ExitStatus.NO_DEVICE)


@cli.command("list-module", hidden=True)
def list_module(path: Path) -> None:
    """Liste une bibliothèque : la version en un seul fichier se lance ainsi elle-même."""
    _say(describe_module(path))


def _agent(state_path: Path, options: SignerOptions) -> Agent:
    state = StateDirectory(state_path)
    pairing = state.pairing()
    store = _store(pairing.device_key_place, state, pairing.origin)
    server = open_server(pairing.origin, pairing.authorities_pem)
    device = Device(pairing.device_id, load_key(store))
    _say(f"Agent appairé avec {pairing.origin}.")
    lister = _lister(options)
    inventory = lister()
    _show(inventory)
    workplace = Workplace(
        link=Link(server, device, clock=_now),
        pairing=pairing,
        state=state,
        consent=TerminalConsent(say=_say, yes=options.yes, pin_fd=options.pin_fd),
        clock=_now,
        say=_say,
    )
    return Agent(workplace, lister, inventory, _now())


def _lister(options: SignerOptions) -> Callable[[], Inventory]:
    """How to look for devices, now and each time again. Raises TokenError for a bad key file."""
    file = options.software_key
    if file is None:
        return lambda: take_stock(options.choice, environment=os.environ, now=_now())
    _say("ATTENTION : CLÉ LOGICIELLE, ce n'est pas un token ; à réserver aux essais.")
    passphrase = None
    if is_pkcs12(file):
        _say("Mot de passe du fichier PKCS#12, pour lire son certificat :")
        fd = options.pin_fd
        passphrase = read_pin(fd) if fd is not None else type_pin("Mot de passe : ")
    inventory = only(open_key_file(file, passphrase))
    return lambda: inventory


def _show(inventory: Inventory) -> None:
    for problem in inventory.problems:
        _say(f"Pilote : {problem}")
    for product in missing_64_bit(os.environ):
        _say(f"Pilote : {product} n'est installé qu'en 32 bits, installez la version 64 bits.")
    for device in inventory.devices:
        _say(f"Certificat de signature {sha256_of(device.certificate)} sur {device.place}")
    for certificate, reasons in inventory.unfit:
        _say(f"Certificat écarté {sha256_of(certificate)} : {', '.join(reasons)}")


def _store(place: str, state: StateDirectory, origin: str) -> KeyStore:
    backend = keyring.get_keyring() if place != FILE else None
    if backend is not None and (place == SYSTEM or usable(backend)):
        return SystemStore(backend, f"{origin} {state.path.resolve()}")
    return FileStore(state)


def _authorities(ca_file: Path | None) -> str | None:
    if ca_file is None:
        return None
    try:
        return ca_file.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as e:
        raise LinkError(
            f"Le fichier d'autorités {ca_file} est illisible.", code="authorities_unreadable"
        ) from e


def _state_path(given: Path | None) -> Path:
    return given if given is not None else default_directory(os.environ)


def _interrupt(_signal: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _stop(error: AgentError | TokenError, status: ExitStatus) -> NoReturn:
    _say(f"{error.detail} [{error.code}]")
    raise typer.Exit(int(status))


def _say(line: str) -> None:
    print(line, flush=True)


def _now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    main()
