"""Local authorities: made by the operator, described and trusted by their administrators."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cryptography import x509
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.session import tenant_of
from app.errors import Conflict, Unprocessable
from app.kit.ids import new_id
from app.kit.working_days import SUBDIVISIONS
from app.models import Tenant, TrustAnchor
from app.register.service import change_powers, review_signers_at
from app.tenants.repository import TenantRepository
from app.tenants.schemas import TenantUpdate, TrustKind
from signing.trust import TrustMaterial, lapse_of
from workflows.mentions import DEFAULT_MENTIONS, check_template
from workflows.register import PowerKind

_LA_POSTE = "356000000"
_REMOVABLE = frozenset({"subdivision", "host_id"})


@dataclass(frozen=True, slots=True)
class NewTenant:
    """What the operator says of a local authority."""

    siret: str
    name: str
    city: str
    postal_code: str
    timezone: str = "Europe/Paris"
    country: str = "France"
    default_role: str = "Ordonnateur"


def check_siret(siret: str) -> None:
    """Fourteen digits and their checksum (Luhn; La Poste's offices: sum multiple of five).

    Raises Unprocessable (`bad_siret`)."""
    is_number = len(siret) == 14 and siret.isascii() and siret.isdigit()
    if not is_number or not _checksum_holds(siret, [int(one) for one in siret]):
        raise Unprocessable(
            "Le SIRET compte 14 chiffres avec une clé de contrôle : vérifiez la saisie.",
            code="bad_siret",
        )


def _checksum_holds(siret: str, digits: list[int]) -> bool:
    if siret.startswith(_LA_POSTE) and sum(digits) % 5 == 0:
        return True
    doubled = [one * 2 if place % 2 == 0 else one for place, one in enumerate(digits)]
    return sum(one - 9 if one > 9 else one for one in doubled) % 10 == 0


def make_tenant(tenant_id: uuid.UUID, new: NewTenant) -> Tenant:
    """The row of a new local authority. Raises Unprocessable."""
    check_siret(new.siret)
    known_zone(new.timezone)
    return Tenant(
        id=tenant_id,
        siret=new.siret,
        name=new.name,
        timezone=new.timezone,
        city=new.city,
        postal_code=new.postal_code,
        country=new.country,
        default_role=new.default_role,
        requires_latin1_pes=True,
    )


def known_zone(name: str) -> ZoneInfo:
    """The time zone of that name. Raises Unprocessable (`bad_timezone`)."""
    try:
        return ZoneInfo(name)
    # A name may also be that of a directory of zones, or too long for a file.
    except (ZoneInfoNotFoundError, ValueError, OSError) as e:
        raise Unprocessable(
            "Fuseau horaire inconnu : donnez un nom tel que Europe/Paris.", code="bad_timezone"
        ) from e


async def timezone_of(session: AsyncSession) -> ZoneInfo:
    """The tenant's, in which its days count."""
    return ZoneInfo((await TenantRepository(session).current()).timezone)


async def today_of(session: AsyncSession, now: datetime) -> date:
    """What day it is for the tenant."""
    return now.astimezone(await timezone_of(session)).date()


async def update_tenant(session: AsyncSession, update: TenantUpdate) -> Tenant:
    """Changes what is given. Raises Unprocessable (`bad_timezone`, `unknown_subdivision`,
    `unknown_host`) or the refusal of a template."""
    await change_powers(session)
    if update.timezone is not None:
        known_zone(update.timezone)
    check_subdivision(update.subdivision)
    row = await TenantRepository(session).current()
    for name, value in update.model_dump(exclude={"mentions"}, exclude_unset=True).items():
        if value is not None or name in _REMOVABLE:
            setattr(row, name, value)
    if update.mentions is not None:
        check_mentions(update.mentions)
        row.mentions = {kind.value: template for kind, template in update.mentions.items()}
    await _save_with_host(session, row)
    return row


def check_subdivision(code: str | None) -> None:
    """Raises Unprocessable (`unknown_subdivision`); None is no subdivision."""
    if code is not None and code not in SUBDIVISIONS:
        known = ", ".join(f"{one} ({name})" for one, name in SUBDIVISIONS.items())
        raise Unprocessable(
            f"Subdivision inconnue : laissez-la vide ou choisissez parmi {known}.",
            code="unknown_subdivision",
        )


def check_mentions(templates: Mapping[PowerKind, str]) -> None:
    """Raises Unprocessable (`mention_without_power`) or the refusal of a template."""
    for kind, template in templates.items():
        if kind not in DEFAULT_MENTIONS:
            raise Unprocessable(
                f"On agit en son nom propre par un pouvoir « {kind.value} » : retirez sa formule.",
                code="mention_without_power",
            )
        check_template(template)


async def _save_with_host(session: AsyncSession, row: Tenant) -> None:
    """Other tenants are not to be read from here: the foreign key says whether the host exists."""
    unknown = Unprocessable(
        "Cette structure n'existe pas sur la plateforme : vérifiez son identifiant.",
        code="unknown_host",
    )
    if row.host_id == row.id:
        raise unknown
    try:
        async with session.begin_nested():
            await session.flush()
    except IntegrityError as e:
        raise unknown from e


async def add_trust(
    session: AsyncSession, *, kind: TrustKind, label: str, content: bytes, now: datetime
) -> TrustAnchor:
    """Adds an anchor, an intermediate or a CRL, in DER; what waits for a signature is looked at
    now and when the CRL lapses; no act that was judged without it ends after it. Raises
    Unprocessable or Conflict."""
    _check_trust(kind, content)
    await change_powers(session)
    repository = TenantRepository(session)
    sha256 = hashlib.sha256(content).hexdigest()
    known = await repository.trust_anchor(sha256)
    if known is not None:
        raise Conflict(
            f"Ce fichier est déjà enregistré sous le nom « {known.label} » : choisissez-en un "
            "autre.",
            code="already_trusted",
        )
    row = TrustAnchor(
        id=new_id(),
        tenant_id=tenant_of(session),
        kind=kind.value,
        label=label,
        sha256=sha256,
        content=content,
    )
    repository.add(row)
    await session.flush()
    await session.refresh(row)
    lapse = lapse_of(content) if kind is TrustKind.CRL else None
    for at in (now, lapse):
        if at is not None and at >= now:
            await review_signers_at(session, at)
    return row


def _check_trust(kind: TrustKind, content: bytes) -> None:
    try:
        if kind is TrustKind.CRL:
            x509.load_der_x509_crl(content)
        else:
            x509.load_der_x509_certificate(content)
    except ValueError as e:
        awaited = "une liste de révocation" if kind is TrustKind.CRL else "un certificat"
        raise Unprocessable(
            f"Ce fichier n'est pas {awaited} au format DER : convertissez-le, ou choisissez-en un "
            "autre.",
            code="bad_trust_content",
        ) from e


async def trust_material(session: AsyncSession) -> TrustMaterial:
    """What the tenant trusts, as `signing` takes it."""
    rows = await TenantRepository(session).trust_anchors()
    by_kind: dict[str, list[bytes]] = {kind.value: [] for kind in TrustKind}
    for row in rows:
        by_kind[row.kind].append(row.content)
    return TrustMaterial(
        anchors=tuple(by_kind[TrustKind.ANCHOR.value]),
        intermediates=tuple(by_kind[TrustKind.INTERMEDIATE.value]),
        crls=tuple(by_kind[TrustKind.CRL.value]),
    )
