"""Powers, absences and mandates of a document, through the services of `app.powers`."""

from __future__ import annotations

from app.configuration.comparison import Change
from app.configuration.document import AbsencePart, Dated, MandatePart, PowerPart
from app.configuration.drawing import parent_of
from app.configuration.moments import ending, starting
from app.configuration.site import Site, part_of
from app.powers import absences, grants
from app.powers.mandates import record_mandate, update_mandate
from app.powers.schemas import (
    AbsenceCreate,
    AbsenceUpdate,
    DocumentInput,
    GrantCreate,
    MandateCreate,
    MandateUpdate,
    PeriodInput,
)


async def repeal_power(site: Site, change: Change) -> None:
    """A power that is no more, or is given anew to change."""
    await grants.repeal(site.session, site.read.row_of(change.before), clock=site.clock)


async def give_power(site: Site, change: Change) -> None:
    """A power is given, once those that have to be are repealed."""
    if change.after is None:
        return
    power = part_of(PowerPart, change.after)
    ids, founding = site.read.ids, power.document
    parent = parent_of(site.result, power)
    new = GrantCreate(
        kind=power.kind,
        office_desk_id=ids.desks[power.office],
        grantor_id=ids.persons[power.grantor] if power.grantor is not None else None,
        grantee_id=ids.persons[power.grantee],
        grantee_desk_id=ids.desks[power.grantee_office]
        if power.grantee_office is not None
        else None,
        capacity=power.capacity,
        period=_period(site, power),
        type_ids=[ids.types[one] for one in power.types],
        subtype_ids=[ids.subtypes[one] for one in power.subtypes],
        ceiling_cents=power.ceiling_cents,
        document=DocumentInput(**founding.model_dump()) if founding else None,
        executory_at=starting(power.executory_from, site.read.zone),
        may_be_regranted=power.may_be_regranted,
        regrants_id=site.read.row_of(parent) if parent is not None else None,
    )
    made = await grants.give(site.session, site.principal, new, clock=site.clock)
    site.read.rows[id(power)] = made.id


async def change_absence(site: Site, change: Change) -> None:
    """An absence is declared, ended, withdrawn before it starts, or moved."""
    if change.after is None:
        await _end_absence(site, part_of(AbsencePart, change.before))
        return
    absence = part_of(AbsencePart, change.after)
    ids = site.read.ids
    replacements = [ids.persons[one] for one in absence.replacements]
    until = ending(absence.until, site.read.zone)
    if change.before is not None:
        was = part_of(AbsencePart, change.before)
        if until is not None or was.until is None:
            update = AbsenceUpdate(ends_at=until, replacement_ids=replacements)
            row = site.read.row_of(was)
            await absences.change(site.session, site.principal, row, update, clock=site.clock)
            return
        await _end_absence(site, was)
    new = AbsenceCreate(
        user_id=ids.persons[absence.person],
        desk_id=ids.desks[absence.desk] if absence.desk is not None else None,
        period=_period(site, absence),
        replacement_ids=replacements,
    )
    await absences.declare(site.session, site.principal, new, clock=site.clock)


async def _end_absence(site: Site, absence: AbsencePart) -> None:
    row = site.read.row_of(absence)
    start = starting(absence.starts, site.read.zone)
    if start is not None and start > site.now:
        await absences.withdraw(site.session, site.principal, row, clock=site.clock)
        return
    update = AbsenceUpdate(ends_now=True)
    await absences.change(site.session, site.principal, row, update, clock=site.clock)


def _period(site: Site, dated: Dated) -> PeriodInput:
    zone = site.read.zone
    return PeriodInput(starts_at=starting(dated.starts, zone), ends_at=ending(dated.until, zone))


async def change_mandate(site: Site, change: Change) -> None:
    """A mandate is recorded or corrected; nothing erases one."""
    if change.after is None:
        return
    mandate, ids = part_of(MandatePart, change.after), site.read.ids
    desk_id = ids.desks[mandate.desk] if mandate.desk is not None else None
    if change.before is not None:
        update = MandateUpdate(ends_on=mandate.ends_on, desk_id=desk_id)
        await update_mandate(site.session, site.read.row_of(change.before), update)
        return
    new = MandateCreate(
        user_id=ids.persons[mandate.person],
        body=mandate.body,
        function=mandate.function,
        desk_id=desk_id,
        starts_on=mandate.starts_on,
        ends_on=mandate.ends_on,
    )
    await record_mandate(site.session, new)
