"""What a town keeps of what happened: the entries of its journal, the mails that it owes."""

from __future__ import annotations

from sqlalchemy import text

from tests.builders.people import ApiPerson

_KINDS = "SELECT kind FROM audit_events {} ORDER BY seq"


async def journal_kinds(by: ApiPerson, folder_id: str | None = None) -> list[str]:
    """The kinds of the entries about the folder, or about the whole town, in their order."""
    whose, values = ("WHERE folder_id = :id", {"id": folder_id}) if folder_id else ("", {})
    async with by.context.unit(by.town.tenant_id) as session:
        return list(await session.scalars(text(_KINDS.format(whose)), values))


async def journal_entry(by: ApiPerson, kind: str, folder_id: str | None = None) -> str:
    """The one entry of that kind, as it is chained."""
    whose, values = ("AND folder_id = :id", {"id": folder_id}) if folder_id else ("", {})
    statement = text(f"SELECT entry FROM audit_events WHERE kind = :kind {whose}")
    async with by.context.unit(by.town.tenant_id) as session:
        return str((await session.scalars(statement, {"kind": kind, **values})).one())


async def mailed(by: ApiPerson, folder_id: str, kind: str) -> list[str]:
    """Who is owed such a mail about the folder, once for each mail."""
    async with by.context.unit(by.town.tenant_id) as session:
        found = await session.scalars(
            text("SELECT user_id FROM notifications WHERE folder_id = :id AND kind = :kind"),
            {"id": folder_id, "kind": kind},
        )
        keys = {user: key for key, user in by.town.users.items()}
        return sorted(keys[one] for one in found)
