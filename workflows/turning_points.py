"""The instants at which powers change by themselves: nothing changes between two of them."""

from __future__ import annotations

from datetime import datetime

from workflows.register import PowerRegister


def turning_points(register: PowerRegister) -> tuple[datetime, ...]:
    """Every instant at which a holding, an absence or a grant starts or ends, or an order becomes
    executory, each once, in their order."""
    periods = (
        *(one.period for one in register.holders),
        *(one.period for one in register.absences),
        *(one.period for one in register.grants),
    )
    known = {
        *(one.start for one in periods),
        *(one.end for one in periods),
        *(one.repealed_at for one in register.absences),
        *(one.repealed_at for one in register.grants),
        *(one.executory_at for one in register.grants),
    }
    return tuple(sorted(one for one in known if one is not None))
