"""Founds the town, as a process of its own: the API's imports and these are done side by side.

`python -m app.demo.founding ORDER RESULT`: two JSON files, settings from the environment."""

from __future__ import annotations

import asyncio
import json
import sys
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pwdlib import PasswordHash

from app.catalog.schemas import ConnectorAccountCreate
from app.demo.people import SIRET
from app.demo.town import TownPlan, found_town
from app.process import open_context
from app.settings import load_settings
from app.tenants.schemas import TrustKind

DOMAIN = "saint-exemple.test"


async def found(order: Mapping[str, Any]) -> dict[str, Any]:
    """The town of an order, as JSON."""
    hasher = PasswordHash.recommended()
    plan = TownPlan(
        siret=SIRET,
        domain=DOMAIN,
        password_hashes={key: hasher.hash(one) for key, one in order["passwords"].items()},
        trust=tuple((TrustKind(kind), b64decode(der)) for kind, der in order["trust"]),
        mayor=tuple(b64decode(der) for der in order["mayor"]),
        account=ConnectorAccountCreate.model_validate(order["account"]),
    )
    async with open_context(load_settings()) as context:
        town = await found_town(context, plan)
    return asdict(town)


def main(order: Path, result: Path) -> None:
    """Reads the one, writes the other."""
    made = asyncio.run(found(json.loads(order.read_text(encoding="utf-8"))))
    result.write_text(json.dumps(made, default=str), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
