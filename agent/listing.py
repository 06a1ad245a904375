"""The child process that lists one PKCS#11 library: kept light, it may hang or crash.

`python -m agent.listing PATH` prints one line of JSON, last."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from signing.errors import TokenError
from signing.pkcs11 import Module, TokenCertificate


def describe_module(path: Path) -> str:
    """What the library at `path` shows, or its problem, as one line of JSON."""
    try:
        module = Module(path)
        tokens = module.tokens()
        certificates = [_written(c) for c in module.certificates()]
    except TokenError as e:
        return json.dumps({"problem": e.detail})
    return json.dumps({"tokens": len(tokens), "certificates": certificates})


def main(arguments: list[str]) -> None:
    """Entry point of the child process."""
    print(describe_module(Path(arguments[0])), flush=True)


def _written(c: TokenCertificate) -> dict[str, object]:
    return {
        "label": c.token.label,
        "serial": c.token.serial,
        "manufacturer": c.token.manufacturer,
        "model": c.token.model,
        "pin_pad": int(c.token.pin_pad),
        "pin_state": c.token.pin_state.value,
        "key_id": c.key_id.hex(),
        "certificate": c.certificate.hex(),
        "chain": [{"certificate": i.hex()} for i in c.chain],
    }


if __name__ == "__main__":
    main(sys.argv[1:])
