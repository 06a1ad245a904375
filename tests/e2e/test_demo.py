"""`parapheur demo --exit --out DIR`, its results before judges that are not ours."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest

from app.demo.acts import Act, deliberation
from app.demo.judges import judges_of_flow, signatures_of
from app.demo.outputs import COMMANDS, ISSUER, JOURNAL
from app.demo.outputs import ROOT as ROOT_CA
from app.demo.play import Cast, Play
from app.demo.signer import Key, SigningPost
from app.demo.stage import Stage
from signing import pes
from signing.facts import PesFacts
from tests.builders.command_line import ROOT, Ended, call, clean_environment, run
from tests.builders.processes import await_fact, is_running, read_pid
from tests.builders.stamps import text_seen
from tests.builders.walks import an_act, flow_of

pytestmark = pytest.mark.slow_process

DEADLINE_S = 300
Tool = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Demo:
    """A run that ended, and where its results are."""

    ended: Ended
    out: Path


def play_demo(out: Path, *arguments: str | Path, **environment: str) -> Demo:
    ended = run(
        *("demo", "--exit", "--out", out, *arguments),
        environment={"PARAPHEUR_PKCS11_MODULE": "", **environment},
        deadline_s=DEADLINE_S,
    )
    return Demo(ended, out)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, softhsm_module: Path) -> Demo:
    played = play_demo(tmp_path_factory.mktemp("demo"), "--module", softhsm_module)
    assert played.ended.status == 0, played.ended.output + played.ended.errors
    return played


def judge(folder: Path, *command: str) -> str:
    """What an outside program says of the results; fails when its status is not 0."""
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


class TestResults:
    def test_every_promised_file_is_there(self, demo: Demo) -> None:
        promised = {
            *("act-signed.pdf", "pes-signed.xml", "journal.jsonl", "tdt.json", "ca.pem"),
            COMMANDS,
        }
        assert promised <= {file.name for file in demo.out.iterdir()}

    def test_the_token_is_named(self, demo: Demo, softhsm_module: Path) -> None:
        told = demo.ended.output
        assert f"Module PKCS#11 : {softhsm_module}" in told
        assert "CKA_ID de la clé : " in told

    def test_each_step_is_one_line_with_its_time(self, demo: Demo) -> None:
        steps = [line for line in demo.ended.output.splitlines() if line.startswith("✓")]
        assert len(steps) >= 10
        assert all(line.endswith(" s)") for line in steps)

    def test_the_judges_commands_all_succeed(self, demo: Demo, require_tool: Tool) -> None:
        for tool in ("pdfsig", "openssl", "xmlsec1", "python3"):
            require_tool(tool)
        script = (demo.out / COMMANDS).read_text(encoding="utf-8")
        others = script.partition("# Nos vérificateurs")[0]
        told = judge(demo.out, "sh", "-c", f"{others}exit $status")
        counts = [told.count(one) for one in ("Signature is Valid", "CMS Verification", "2/2")]
        assert counts == [1, 1, 3]

    def test_our_verifier_vouches_for_both(self, demo: Demo) -> None:
        trust = demo.out / "trust.pem"
        for name in ("act-signed.pdf", "pes-signed.xml"):
            assert call("verify", demo.out / name, "--trust", trust).status == 0

    def test_the_signature_of_the_act_shows_on_its_page(
        self, demo: Demo, tmp_path: Path, require_tool: Tool
    ) -> None:
        signed = (demo.out / "act-signed.pdf").read_bytes()
        shown = text_seen(signed, tmp_path, require_tool("pdftotext"))
        assert "Maire Camille Exemple Le " in shown

    def test_the_flow_is_valid_against_the_official_schema(
        self, demo: Demo, shared_data: Path
    ) -> None:
        assert pes.schema_findings(demo.out / "pes-signed.xml", shared_data / "pes/xsd") == ()

    def test_the_flow_declares_itself_dematerialised(self, demo: Demo) -> None:
        assert facts_of(demo.out / "pes-signed.xml").dematerialised == (
            ("PES_DepenseAller", True),
            ("PES_RecetteAller", True),
        )

    def test_the_remote_answered_for_both(self, demo: Demo) -> None:
        told = json.loads((demo.out / "tdt.json").read_text(encoding="utf-8"))
        states = {key: [one["state"] for one in emissions] for key, emissions in told.items()}
        assert states == {"act": ["acknowledged"], "flow": ["acknowledged"]}

    def test_every_receipt_is_kept_as_received(self, demo: Demo) -> None:
        told = json.loads((demo.out / "tdt.json").read_text(encoding="utf-8"))
        receipts = [one for rows in told.values() for row in rows for one in row["receipts"]]
        assert len(receipts) == 4
        assert all((demo.out / one["file"]).stat().st_size > 0 for one in receipts)

    def test_nothing_secret_is_left(self, demo: Demo) -> None:
        assert not any(b"PRIVATE KEY" in file.read_bytes() for file in demo.out.iterdir())


class TestJournal:
    def test_is_sound(self, demo: Demo) -> None:
        assert call("journal", "verify", demo.out / JOURNAL).status == 0

    @pytest.mark.parametrize("mutation", ["byte", "deleted", "swapped", "tail"])
    def test_threat_40_each_mutation_is_seen(
        self, demo: Demo, tmp_path: Path, mutation: str
    ) -> None:
        lines = (demo.out / JOURNAL).read_bytes().splitlines(keepends=True)
        middle = len(lines) // 2
        match mutation:
            case "byte":
                lines[middle] = lines[middle].replace(b'"seq":', b'"sec":', 1)
            case "deleted":
                del lines[middle]
            case "swapped":
                lines[middle - 1 : middle + 1] = [lines[middle], lines[middle - 1]]
            case "tail":
                lines = lines[:-2]
        altered = tmp_path / JOURNAL
        altered.write_bytes(b"".join(lines))
        ended = call("journal", "verify", altered)
        assert (ended.status, ended.output.startswith("Ligne ")) == (1, True)

    def test_threat_40_another_run_s_journal_is_not_its_sequel(
        self, demo: Demo, stage: Stage, cast: Cast, tmp_path: Path
    ) -> None:
        other = tmp_path / "other.jsonl"
        cast.administrator.download("/journal", other)
        assert call("journal", "verify", other).status == 0
        assert call("journal", "verify", other, "--since", demo.out / JOURNAL).status == 1


class TestRefusals:
    def test_a_flow_of_another_encoding_is_refused_at_the_deposit(
        self, tmp_path: Path, shared_data: Path
    ) -> None:
        sample = shared_data / "pes/samples/A02-depense-pj-utf8.xml"
        played = play_demo(tmp_path, "--pes", sample)
        told = played.ended.output
        assert (played.ended.status, "[pes_encoding]" in told) == (1, True)
        assert "refaites l'export" in told
        assert not (tmp_path / "pes-signed.xml").exists()

    def test_a_flow_without_identifier_is_refused_before_its_circuit(
        self, tmp_path: Path, shared_data: Path
    ) -> None:
        sample = shared_data / "pes/samples/A04-depense-3-mandats-sans-id.xml"
        schemas = str(shared_data / "pes/xsd")
        played = play_demo(tmp_path, "--pes", sample, PARAPHEUR_SCHEMAS_DIR=schemas)
        told = played.ended.output
        assert (played.ended.status, "[pes_no_signable_id]" in told) == (1, True)
        assert "avertissement : " in told
        # One document failing in a batch holds nothing back for the other.
        assert (tmp_path / "act-signed.pdf").exists()

    def test_a_file_that_is_not_there_is_said_before_anything_starts(self, tmp_path: Path) -> None:
        ended = run("demo", "--exit", "--pdf", tmp_path / "absent.pdf")
        assert (ended.status, "[file_unreadable]" in ended.errors) == (1, True)

    def test_no_library_is_an_error_in_ci(self, tmp_path: Path) -> None:
        nothing = {"PATH": str(tmp_path), "CI": "true"}
        ended = run("demo", "--exit", environment=nothing)
        assert (ended.status, "softhsm2" in ended.errors) == (1, True)


class TestSamples:
    """Documents of others, on one stage."""

    @pytest.mark.parametrize("name", ["A01", "A03", "A05", "A06"])
    def test_signable_flows_go_to_the_end(
        self,
        shared_data: Path,
        require_tool: Tool,
        tmp_path: Path,
        play: Play,
        post: SigningPost,
        key: Key,
        name: str,
    ) -> None:
        require_tool("xmlsec1")
        source = next((shared_data / "pes/samples").glob(f"{name}-*.xml"))
        piece = flow_of(tmp_path, source.read_bytes(), name)
        play.deposit(piece)
        play.approve(piece)
        play.sign([piece], post)
        play.await_answer(piece)
        signed = tmp_path / "signed.xml"
        play.cast.finances.download(content_of(piece.folder_id, piece.signed_revision()), signed)
        assert pes.schema_findings(signed, shared_data / "pes/xsd") == ()
        (tmp_path / ROOT_CA).write_bytes(key.chain.root.pem)
        (tmp_path / ISSUER).write_bytes(key.chain.issuer.pem)
        script = "".join(judges_of_flow(signed, ROOT_CA, ISSUER))
        judged = judge(tmp_path, "sh", "-c", f"status=0\n{script}exit $status")
        assert judged.count("2/2") == len(signatures_of(signed.read_bytes()))

    def test_an_act_of_20_mb_goes_to_the_end(
        self, require_tool: Tool, tmp_path: Path, play: Play, post: SigningPost
    ) -> None:
        tool = require_tool("pdfsig")
        piece = an_act(tmp_path, 20)
        piece.file.write_bytes(deliberation(Act(number="20", size_bytes=20_000_000)))
        play.deposit(piece)
        play.approve(piece)
        play.sign([piece], post)
        play.await_answer(piece)
        signed = tmp_path / "signed.pdf"
        play.cast.finances.download(content_of(piece.folder_id, piece.signed_revision()), signed)
        told = subprocess.run(
            [tool, "-nocert", signed], capture_output=True, text=True, check=True
        ).stdout
        assert "Signature is Valid" in told


class TestTwoAtOnce:
    def test_two_runs_in_two_directories_both_succeed(self, tmp_path: Path) -> None:
        outs = [tmp_path / "one", tmp_path / "two"]
        started = [start_demo("--exit", "--out", str(out)) for out in outs]
        statuses = [process.wait(DEADLINE_S) for process in started]
        assert statuses == [0, 0]
        assert all((out / "act-signed.pdf").exists() for out in outs)


class TestEnd:
    def test_ctrl_c_ends_what_stays_open_and_leaves_nothing(self, tmp_path: Path) -> None:
        said = tmp_path / "said.txt"
        with said.open("w") as output:
            process = start_demo(output=output, TMPDIR=str(tmp_path))
        assert await_fact(lambda: "reste ouvert" in said.read_text("utf-8"), timeout_s=200)
        pids = running_pids(tmp_path)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        assert (len(pids) >= 6, any(map(is_running, pids))) == (True, False)
        assert not list(tmp_path.glob("parapheur-demo-*"))

    def test_kill_9_leaves_no_program_behind(self, tmp_path: Path) -> None:
        process = start_demo("--exit", TMPDIR=str(tmp_path))
        assert await_fact(lambda: bool(list(tmp_path.glob("*/logs/api.pid"))), timeout_s=120)
        pids = running_pids(tmp_path)
        process.kill()
        process.wait()
        assert await_fact(lambda: not any(map(is_running, pids)), timeout_s=60)


def running_pids(folder: Path) -> list[int]:
    """The programs of the run whose folder stands in this one."""
    found = [read_pid(file) for file in folder.glob("*/logs/*.pid")]
    return [pid for pid in found if pid is not None]


def start_demo(
    *arguments: str, output: IO[str] | None = None, **environment: str
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "app.cli", "demo", "--token", "software", *arguments],
        cwd=ROOT,
        env={**clean_environment(), **environment},
        stdout=output or subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def content_of(folder_id: str, revision: str | None) -> str:
    assert revision is not None
    return f"/folders/{folder_id}/revisions/{revision}/content"


def facts_of(file: Path) -> PesFacts:
    return pes.inspect([file.read_bytes()])
