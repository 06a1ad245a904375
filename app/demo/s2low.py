"""The scripted S²LOW double: in-process for tests, a process of its own for the demonstration."""

from __future__ import annotations

import argparse
import hashlib
import json
import signal
import ssl
import threading
from collections.abc import Sequence
from pathlib import Path
from types import FrameType, TracebackType

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from app.demo.pki import Validity, make_authority, make_tls_client, make_tls_server
from app.demo.s2low_http import DoubleServer, Settings
from app.demo.s2low_life import advance
from app.demo.s2low_model import (
    Attempt,
    Channel,
    DoubleAccount,
    Kind,
    Mode,
    Store,
    Transaction,
    Verdict,
)

HOST = "127.0.0.1"
CA_FILE, ACCOUNTS_FILE = "s2low-ca.pem", "s2low-accounts.json"
SERVER_FILES = ("s2low-server.pem", "s2low-server-key.pem")
CLIENT_FILES = ("s2low-client.pem", "s2low-client-key.pem")


class S2lowDouble:
    """A running double. `with S2lowDouble(...) as double:` stops it at the end."""

    def __init__(
        self,
        *,
        accounts: Sequence[DoubleAccount],
        tls: ssl.SSLContext,
        store: Store,
        port: int = 0,
        control_token: str | None = None,
    ) -> None:
        self.store = store
        self._server = DoubleServer((HOST, port), Settings(accounts, store, tls, control_token))
        self._thread = threading.Thread(target=self._serve, name="s2low-double")

    def __enter__(self) -> S2lowDouble:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.stop()
        self._thread.join()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def base_url(self) -> str:
        return f"https://{HOST}:{self.port}"

    def script(self, channel: Channel, *modes: Mode) -> None:
        """The next requests of the channel end so, one each."""
        self.store.script(channel, modes)

    def set_default(self, channel: Channel, mode: Mode) -> None:
        self.store.set_default(channel, mode)

    def set_verdict(self, verdict: Verdict, *, key: str | None = None) -> None:
        """What comes back for an act number or a NomFic; for everything when `key` is None."""
        with self.store.lock:
            if key is None:
                self.store.default_verdict = verdict
            else:
                self.store.verdicts[key] = verdict

    def advance(self, remote_id: str, steps: int = 1) -> None:
        advance(self.store, self.store.transactions[int(remote_id)], steps)

    def set_status(self, remote_id: str, status: int) -> None:
        with self.store.lock:
            self.store.transactions[int(remote_id)].status = status

    def attempts(self, *, sha256: str | None = None, key: str | None = None) -> list[Attempt]:
        """Complete submission requests, taken or not."""
        with self.store.lock:
            return [
                one
                for one in self.store.attempts
                if sha256 in {None, one.sha256} and key in {None, one.key}
            ]

    def emissions(self, *, sha256: str | None = None, key: str | None = None) -> int:
        """How many of them were taken: the figure that must be one."""
        return sum(one.accepted for one in self.attempts(sha256=sha256, key=key))

    def transactions(self, kind: Kind | None = None) -> list[Transaction]:
        with self.store.lock:
            found = self.store.transactions.values()
            return [one for one in found if kind in {None, one.kind}]

    def _serve(self) -> None:
        self._server.serve_forever(poll_interval=0.05)


def certificate_sha256(pem: bytes) -> str:
    """How an account is found."""
    der = x509.load_pem_x509_certificate(pem).public_bytes(serialization.Encoding.DER)
    return hashlib.sha256(der).hexdigest()


def server_context(*, ca_pem: bytes, certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS that refuses a client without a certificate of the authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(cadata=ca_pem.decode("ascii"))
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def write_pki(directory: Path, validity: Validity) -> None:
    """A fictional authority, a server and a client certificate, and the account of the latter."""
    directory.mkdir(parents=True, exist_ok=True)
    authority = make_authority("AC fictive du TdT de démonstration", validity=validity)
    server = make_tls_server(HOST, issuer=authority, validity=validity)
    client = make_tls_client("Compte TdT fictif", issuer=authority, validity=validity)
    (directory / CA_FILE).write_bytes(authority.pem)
    for issued, (certificate, key) in ((server, SERVER_FILES), (client, CLIENT_FILES)):
        (directory / certificate).write_bytes(issued.pem)
        (directory / key).touch(mode=0o600)
        (directory / key).write_bytes(issued.key_pem)


def open_double(
    directory: Path,
    *,
    state_file: Path | None = None,
    port: int = 0,
    control_token: str | None = None,
) -> S2lowDouble:
    """A double on the files of `write_pki`. Accounts: `s2low-accounts.json` (fields of
    DoubleAccount) when present, else one archivist account on the client certificate.
    Uploaded files stand beside the state file, or in the directory."""
    home = directory if state_file is None else state_file.parent
    return S2lowDouble(
        accounts=_accounts(directory),
        tls=server_context(
            ca_pem=(directory / CA_FILE).read_bytes(),
            certificate=directory / SERVER_FILES[0],
            key=directory / SERVER_FILES[1],
        ),
        store=Store(home / "s2low-uploads", state_file),
        port=port,
        control_token=control_token,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """`python -m app.demo.s2low --pki DIR`: prints the port on one line, stops on SIGTERM."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--pki", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--state", type=Path)
    parser.add_argument("--control-token-file", type=Path)
    options = parser.parse_args(arguments)
    token_file: Path | None = options.control_token_file
    token = token_file.read_text("utf-8").strip() if token_file is not None else None
    ended = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        del number, frame
        ended.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    with open_double(
        options.pki, state_file=options.state, port=options.port, control_token=token
    ) as double:
        print(double.port, flush=True)
        ended.wait()
    return 0


def _accounts(directory: Path) -> list[DoubleAccount]:
    file = directory / ACCOUNTS_FILE
    if file.exists():
        return [DoubleAccount(**row) for row in json.loads(file.read_text("utf-8"))]
    return [DoubleAccount(certificate_sha256((directory / CLIENT_FILES[0]).read_bytes()))]


if __name__ == "__main__":
    raise SystemExit(main())
