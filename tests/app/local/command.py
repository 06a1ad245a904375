"""A command as the product's own: servers and a stubborn program, then it waits to be ended.

python -m tests.app.local.command FOLDER: prints one JSON line once everything answers.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from app.local.postgres import NOT_DURABLE, start_postgres
from app.local.runtime import Premises, find_runtime
from app.local.supervisor import Program, Supervisor, signals_as_interrupt
from app.local.valkey import start_valkey
from tests.builders.processes import children_of

# Ignores the polite signals, and has a child of its own.
STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("ready", flush=True)
time.sleep(600)
"""


def main(folder: Path) -> None:
    premises = Premises(folder / "data", folder / "logs", find_runtime())
    with signals_as_interrupt(), Supervisor() as supervisor:
        postgres = start_postgres(supervisor, premises, options=NOT_DURABLE)
        valkey = start_valkey(supervisor, premises)
        log = premises.logs / "stubborn.log"
        argv = (sys.executable, "-c", STUBBORN)
        supervisor.start(Program("stubborn", argv, log, grace_s=0.2))
        supervisor.await_ready("stubborn", lambda: "ready" in log.read_text(encoding="utf-8"))
        names = ("postgres", "valkey", "stubborn")
        pids = [supervisor.child(name).pid for name in names]
        below = [child for pid in pids for child in children_of(pid)]
        told = {"database": postgres.url(), "queue": valkey.url, "pids": pids, "below": below}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        supervisor.wait()


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except KeyboardInterrupt:
        sys.exit(130)
