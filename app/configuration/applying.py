"""Carries a document's changes out through the services of each feature, one transaction for all.

What is set up goes from the tenant to its powers, what is removed the other way round. Circuits
are put in force last, once everything that uses them is there; one that may not be stays a draft.
Accounts are closed once they have their seats and powers: nobody gives any to a closed one.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from zoneinfo import ZoneInfo

from app.auth.principal import Role
from app.catalog.folder_subtypes import change_subtype, create_subtype, delete_subtype
from app.catalog.folder_types import change_type, create_type, delete_type
from app.catalog.schemas import (
    FolderSubtypeChange,
    FolderTypeChange,
    FolderTypeCreate,
    StampPosition,
    WorkflowCreate,
)
from app.catalog.workflows import add_version, create_workflow, delete_workflow
from app.configuration.activation import (
    Applied,
    put_in_force,
    refuse_idle_subtype,
    refuse_unfit_subtype,
)
from app.configuration.bodies import subtype_body, workflow_body
from app.configuration.comparison import Change, ChangeKind, Section, Standing, same_content
from app.configuration.document import (
    Configuration,
    DeskPart,
    HolderPart,
    PersonPart,
    PowerPart,
    StaffPart,
    SubtypePart,
    TenantPart,
    TypePart,
    WorkflowPart,
    capitalised,
    subtype_reference,
)
from app.configuration.moments import ending, starting
from app.configuration.setting_powers import (
    change_absence,
    change_mandate,
    give_power,
    repeal_power,
)
from app.configuration.site import Site, part_of
from app.desks.schemas import DeskCreate, DeskUpdate, HolderCreate, HolderUpdate, StaffCreate
from app.desks.service import (
    add_holder,
    add_staff,
    create_desk,
    delete_desk,
    end_holder,
    remove_staff,
    update_desk,
)
from app.errors import AppError, Conflict, Unprocessable
from app.tenants.schemas import TenantUpdate
from app.tenants.service import update_tenant
from app.users.schemas import UserCreate, UserUpdate
from app.users.service import create_user, taken_logins, update_user
from workflows.errors import Refused
from workflows.register import Gender

Act = Callable[[Site, Change], Awaitable[None]]


async def carry_out(site: Site, changes: Sequence[Change]) -> Applied:
    """Raises the refusal of the first service that refuses, told with the object's name."""
    kept = sorted((one for one in changes if one.kind is not ChangeKind.REMOVED), key=_turn)
    gone = [one for one in reversed(changes) if one.kind is ChangeKind.REMOVED]
    await _refuse_taken_logins(site, kept)
    await _each(site, repeal_power, (one for one in changes if _is_power_that_stood(one)))
    await _each(site, _do, (one for one in gone if one.section in _BEFORE))
    await _each(site, _do, kept)
    await _each(site, _place, (one for one in kept if one.section is Section.DESK))
    await _each(site, _charge, (one for one in kept if one.section is Section.PERSON))
    await _each(site, _do, (one for one in gone if one.section not in _BEFORE))
    await _each(site, _close, (one for one in kept if _closes_account(one)))
    applied = await put_in_force(site, kept)
    for change in (one for one in kept if one.section is Section.SUBTYPE):
        with _naming(change):
            await refuse_unfit_subtype(site, change, applied)
            if change.before is not None:
                await refuse_idle_subtype(site, change, applied)
    return applied


def _turn(change: Change) -> int:
    """Administrators come before those who are so no more: one always stays. A power re-delegated
    comes after the one that it re-delegates."""
    match change.after:
        case PersonPart(active=True, roles=roles) if Role.TENANT_ADMIN in (roles or ()):
            return 0
        case PowerPart(regrants=str()):
            return 2
        case _:
            return 1


async def _refuse_taken_logins(site: Site, changes: Sequence[Change]) -> None:
    """All of them at once: whoever starts from a template has every one to change."""
    new = [
        part_of(PersonPart, one.after).login
        for one in changes
        if one.section is Section.PERSON and one.before is None
    ]
    taken = await taken_logins(site.session, site.context, new)
    if taken:
        raise Conflict(
            f"Identifiants de connexion déjà pris : {', '.join(taken)}. Choisissez-en d'autres.",
            code="login_taken",
        )


# What goes first makes room, as powers do, for what replaces it; the rest goes once nothing needs
# it.
_BEFORE = frozenset({Section.ABSENCE, Section.HOLDER, Section.STAFF})


def _is_power_that_stood(change: Change) -> bool:
    return change.section is Section.POWER and change.before is not None


def _closes_account(change: Change) -> bool:
    return isinstance(change.after, PersonPart) and not change.after.active


async def _each(site: Site, act: Act, changes: Iterable[Change]) -> None:
    for change in changes:
        with _naming(change):
            await act(site, change)


async def _do(site: Site, change: Change) -> None:
    await _ACTS[change.section](site, change)


@contextmanager
def _naming(change: Change) -> Iterator[None]:
    """Refusals speak of one object: in a whole document, they must say which."""
    about = capitalised(change.name)
    try:
        yield
    except AppError as refusal:
        refusal.detail = f"{about} : {refusal.detail}"
        raise
    except Refused as refusal:
        raise Unprocessable(f"{about} : {refusal.detail}", code=refusal.code) from refusal


async def _set_tenant(site: Site, change: Change) -> None:
    after = part_of(TenantPart, change.after)
    given = {name: getattr(after, name) for name in change.fields}
    await update_tenant(site.session, TenantUpdate(**given))


async def _set_person(site: Site, change: Change) -> None:
    ids = site.read.ids.persons
    if change.after is None:
        await _close(site, change)
        return
    person = part_of(PersonPart, change.after)
    if change.before is None:
        ids[person.login] = await _create_person(site, person)
        return
    update = UserUpdate(
        email=person.email,
        first_name=person.first_name,
        last_name=person.last_name,
        roles=person.roles,
        is_active=person.active or None,
    )
    await update_user(site.session, ids[person.login], update, now=site.now)


async def _create_person(site: Site, person: PersonPart) -> uuid.UUID:
    if person.email is None:
        raise Unprocessable(
            "cette personne n'existe pas encore, donnez son adresse électronique.",
            code="person_without_email",
        )
    new = UserCreate(
        login=person.login,
        email=person.email,
        first_name=person.first_name,
        last_name=person.last_name,
        roles=person.roles or [],
    )
    return (await create_user(site.session, site.context, new, password_hash=None)).id


async def _close(site: Site, change: Change) -> None:
    person = part_of(PersonPart, change.after or change.before)
    user_id = site.read.ids.persons[person.login]
    if user_id == site.principal.id:
        raise Conflict(
            "vous ne pouvez pas fermer votre propre compte : demandez-le à un autre "
            "administrateur.",
            code="own_account",
        )
    await update_user(site.session, user_id, UserUpdate(is_active=False), now=site.now)


async def _charge(site: Site, change: Change) -> None:
    """The desks of a desk administrator, once they exist."""
    person = part_of(PersonPart, change.after)
    if person.administered_desks is not None:
        desks = [site.read.ids.desks[one] for one in person.administered_desks]
        update = UserUpdate(administered_desk_ids=desks)
        user_id = site.read.ids.persons[person.login]
        await update_user(site.session, user_id, update, now=site.now)


async def _set_desk(site: Site, change: Change) -> None:
    ids = site.read.ids.desks
    if change.after is None:
        gone = part_of(DeskPart, change.before)
        await delete_desk(site.session, ids[gone.name], now=site.now)
        return
    desk = part_of(DeskPart, change.after)
    if change.before is None:
        new = DeskCreate(name=desk.name, capacity=desk.capacity, gender=desk.gender)
        ids[desk.name] = (await create_desk(site.session, new)).id
        return
    # Its superior may be a desk that is still to come, or turn round: set apart at first.
    update = DeskUpdate(capacity=desk.capacity, gender=Gender(desk.gender), superior_id=None)
    await update_desk(site.session, ids[desk.name], update)


async def _place(site: Site, change: Change) -> None:
    """Under its superior, in service or not, once every desk exists and nothing uses it."""
    desk, ids = part_of(DeskPart, change.after), site.read.ids.desks
    before = change.before
    update = DeskUpdate(superior_id=ids[desk.superior] if desk.superior else None)
    if not desk.active or (isinstance(before, DeskPart) and not before.active):
        update = DeskUpdate(superior_id=update.superior_id, is_active=desk.active)
    await update_desk(site.session, ids[desk.name], update)


async def _set_holder(site: Site, change: Change) -> None:
    desk_id = site.read.ids.desks[change.owner]
    zone = site.read.zone
    if change.before is not None:
        held = site.read.row_of(change.before)
        await end_holder(
            site.session, desk_id, held, _end_of(change, zone), by=site.principal, clock=site.clock
        )
        return
    holder = part_of(HolderPart, change.after)
    new = HolderCreate(
        user_id=site.read.ids.persons[holder.login],
        starts_at=starting(holder.starts, zone),
        ends_at=ending(holder.until, zone),
    )
    await add_holder(site.session, desk_id, new, by=site.principal, now=site.now)


def _end_of(change: Change, zone: ZoneInfo) -> HolderUpdate | None:
    """Of a holding that stands: now where the document has it no more, None where it has no end."""
    if change.after is None:
        return HolderUpdate()
    until = ending(part_of(HolderPart, change.after).until, zone)
    return HolderUpdate(ends_at=until) if until is not None else None


async def _set_staff(site: Site, change: Change) -> None:
    desk_id = site.read.ids.desks[change.owner]
    if change.before is not None:
        await remove_staff(site.session, desk_id, site.read.row_of(change.before))
    if change.after is not None:
        staff = part_of(StaffPart, change.after)
        new = StaffCreate(
            user_id=site.read.ids.persons[staff.login],
            role=staff.role,
            may_declare_absence=staff.may_declare_absence,
        )
        await add_staff(site.session, site.principal, desk_id, new)


async def _set_type(site: Site, change: Change) -> None:
    ids = site.read.ids
    if change.after is None:
        await delete_type(site.session, ids.types[part_of(TypePart, change.before).name])
        return
    kind = part_of(TypePart, change.after)
    account = ids.accounts[kind.account] if kind.account is not None else None
    stamp = StampPosition(**dict(kind.stamp)) if kind.stamp is not None else None
    if change.before is None:
        new = FolderTypeCreate(
            name=kind.name,
            protocol=kind.protocol,
            signature_format=kind.signature_format,
            connector_account_id=account,
            transmit_within_days=kind.transmit_within_days,
            stamp=stamp,
        )
        ids.types[kind.name] = (await create_type(site.session, new)).id
        return
    if "protocol" in change.fields:
        raise Conflict(
            "un type garde son protocole, créez-en un autre sous un autre nom.",
            code="protocol_kept",
        )
    update = FolderTypeChange(
        signature_format=kind.signature_format,
        connector_account_id=account,
        transmit_within_days=kind.transmit_within_days,
        stamp=stamp,
    )
    await change_type(site.session, ids.types[kind.name], update)


async def _set_workflow(site: Site, change: Change) -> None:
    ids = site.read.ids
    if change.after is None:
        gone = part_of(WorkflowPart, change.before)
        await delete_workflow(site.session, ids.workflows[gone.name])
        return
    workflow = part_of(WorkflowPart, change.after)
    body = workflow_body(workflow, ids)
    if change.before is None:
        new = WorkflowCreate(name=workflow.name, **dict(body))
        made = await create_workflow(site.session, new, now=site.now)
        ids.workflows[workflow.name] = made.id
    elif not _is_drawn(site.read.standing, workflow, site.result):
        await add_version(site.session, ids.workflows[workflow.name], body, now=site.now)


def _is_drawn(standing: Standing, workflow: WorkflowPart, result: Configuration) -> bool:
    """Whether the newest version, or the one in force, is this very drawing."""
    newest = standing.drafts.get(workflow.name)
    if newest is None:
        newest = next(one for one in standing.document.workflows if one.name == workflow.name)
    return same_content(newest, workflow, _with_all_desks(standing.document, result))


def _with_all_desks(before: Configuration, after: Configuration) -> Configuration:
    return after.model_copy(update={"desks": [*after.desks, *before.desks]})


async def _set_subtype(site: Site, change: Change) -> None:
    ids = site.read.ids
    if change.after is None:
        gone = part_of(SubtypePart, change.before)
        reference = subtype_reference(change.owner, gone.name)
        await delete_subtype(site.session, ids.subtypes[reference])
        return
    subtype = part_of(SubtypePart, change.after)
    reference = subtype_reference(change.owner, subtype.name)
    body = subtype_body(subtype, ids.types[change.owner], ids)
    if change.before is None:
        made = await create_subtype(site.session, body, now=site.now, circuits_follow=True)
        ids.subtypes[reference] = made.id
        if not subtype.active:
            retired = FolderSubtypeChange(is_active=False)
            await change_subtype(site.session, made.id, retired, now=site.now, circuits_follow=True)
        return
    if "helios_intake" in change.fields:
        raise Conflict(
            "un sous-type garde les flux qu'il prend, créez-en un autre sous un autre nom.",
            code="intake_kept",
        )
    given: dict[str, Any] = dict(body)
    for name in ("type_id", "name", "helios_intake"):
        del given[name]
    update = FolderSubtypeChange(**given, is_active=subtype.active)
    subtype_id = ids.subtypes[reference]
    await change_subtype(site.session, subtype_id, update, now=site.now, circuits_follow=True)


_ACTS: dict[Section, Act] = {
    Section.TENANT: _set_tenant,
    Section.PERSON: _set_person,
    Section.DESK: _set_desk,
    Section.HOLDER: _set_holder,
    Section.STAFF: _set_staff,
    Section.TYPE: _set_type,
    Section.WORKFLOW: _set_workflow,
    Section.SUBTYPE: _set_subtype,
    Section.POWER: give_power,
    Section.ABSENCE: change_absence,
    Section.MANDATE: change_mandate,
}
