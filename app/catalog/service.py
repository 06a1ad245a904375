"""What a folder is bound to by its subtype, and the accounts that carry folders to their TdT."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.formats import TypeFormat, resolved_format, takes_any_file
from app.catalog.repository import CatalogRepository
from app.catalog.schemas import ConnectorAccountCreate, ConnectorAccountRead
from app.context import Context
from app.db.session import tenant_of
from app.errors import Conflict, Forbidden, Unprocessable
from app.kit.ids import new_id
from app.models import ConnectorAccount, FolderSubtype, FolderType, WorkflowVersion
from connectors.errors import Unreachable
from connectors.registry import FACTORIES
from connectors.tls import client_context
from signing.types import SignatureFormat
from workflows import definition, rules
from workflows.definition import HeliosIntake, Protocol
from workflows.encoding import decode_object
from workflows.metadata import MetadataField


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a folder of this subtype is bound to."""

    subtype: FolderSubtype
    type: FolderType
    version: WorkflowVersion
    workflow: definition.Workflow

    @property
    def protocol(self) -> Protocol:
        return Protocol(self.type.protocol)

    @property
    def intake(self) -> HeliosIntake | None:
        intake = self.subtype.helios_intake
        return HeliosIntake(intake) if intake else None

    @property
    def metadata_fields(self) -> tuple[MetadataField, ...]:
        return fields_of(self.subtype)

    @property
    def rule_table(self) -> rules.RuleTable | None:
        return rule_table_of(self.subtype)

    @property
    def takes_any_file(self) -> bool:
        """Whether main documents may be other files than PDF or PES."""
        return takes_any_file(self.protocol, TypeFormat(self.type.signature_format))

    def signature_format(self, media_type: str, *, has_detached_signature: bool) -> SignatureFormat:
        """The format in which a document is signed, by its type and by whether a detached
        signature stands beside it. Raises Unprocessable (`format_not_available`)."""
        chosen = TypeFormat(self.type.signature_format)
        return resolved_format(chosen, media_type, has_detached_signature=has_detached_signature)


def fields_of(subtype: FolderSubtype) -> tuple[MetadataField, ...]:
    """The metadata that folders of the subtype carry."""
    return tuple(decode_object(MetadataField, one) for one in subtype.metadata_fields)


def rule_table_of(subtype: FolderSubtype) -> rules.RuleTable | None:
    """The rule table that chooses the circuit, where the subtype has one."""
    return None if subtype.rule_table is None else rules.from_json(subtype.rule_table)


def workflows_named(subtype: FolderSubtype) -> frozenset[uuid.UUID]:
    """The circuits that folders of the subtype may enter."""
    table = rule_table_of(subtype)
    by_rule = (uuid.UUID(one.workflow) for one in (table.rows if table else ()))
    return frozenset({subtype.workflow_id, *by_rule})


async def resolve(
    session: AsyncSession, subtype_id: uuid.UUID, *, even_retired: bool = False
) -> Resolved:
    """The subtype, its type and the version of its circuit in force. `even_retired`: also where it
    takes no more folders, for those that are under way.

    Raises Unprocessable (`unknown_subtype`, `subtype_retired`, `no_active_workflow`)."""
    repository = CatalogRepository(session)
    subtype = await repository.subtype(subtype_id)
    if subtype is None:
        raise Unprocessable(
            "Ce sous-type n'existe pas : choisissez-en un dans la liste.", code="unknown_subtype"
        )
    if not (subtype.is_active or even_retired):
        raise Unprocessable(
            f"Le sous-type « {subtype.name} » ne prend plus de dossiers : choisissez-en un autre.",
            code="subtype_retired",
        )
    kind = await repository.folder_type(subtype.type_id)
    version = await repository.active_version(subtype.workflow_id)
    assert kind is not None
    if version is None:
        named = f"Le sous-type « {subtype.name} » prend"
        raise await not_in_force(session, subtype.workflow_id, named)
    return Resolved(subtype, kind, version, definition.from_json(version.definition))


async def not_in_force(
    session: AsyncSession, workflow_id: uuid.UUID, chooser: str
) -> Unprocessable:
    """The refusal (`no_active_workflow`) of a circuit without version in force."""
    workflow = await CatalogRepository(session).workflow(workflow_id)
    named = f"le circuit « {workflow.name} », qui" if workflow else "un circuit qui"
    return Unprocessable(
        f"{chooser} {named} n'est pas en vigueur : un administrateur des circuits doit l'activer.",
        code="no_active_workflow",
    )


def refuse_deposit_desk(resolved: Resolved, desk_id: uuid.UUID) -> None:
    """Raises Forbidden (`desk_may_not_deposit`) for a desk that may not deposit there."""
    allowed = resolved.subtype.deposit_desk_ids
    if allowed is not None and desk_id not in allowed:
        raise Forbidden(
            "Ce bureau ne peut pas déposer dans ce sous-type : choisissez un autre bureau.",
            code="desk_may_not_deposit",
        )


async def create_account(
    session: AsyncSession, context: Context, new: ConnectorAccountCreate
) -> ConnectorAccountRead:
    """Keeps the account's secrets sealed. Raises Conflict or Unprocessable."""
    repository = CatalogRepository(session)
    if new.connector not in FACTORIES:
        raise Unprocessable(
            f"Le connecteur « {new.connector} » n'existe pas : choisissez parmi "
            f"{', '.join(sorted(FACTORIES))}.",
            code="unknown_connector",
        )
    if await repository.account_labelled(new.label) is not None:
        raise Conflict(
            f"Un compte s'appelle déjà « {new.label} » : choisissez un autre nom.",
            code="account_label_taken",
        )
    _refuse_unreadable_pem(new)
    row = ConnectorAccount(
        id=new_id(),
        tenant_id=tenant_of(session),
        connector=new.connector,
        label=new.label,
        base_url=new.base_url,
        server_ca=new.server_ca,
        login=new.login,
        is_archivist=new.is_archivist,
    )
    row.sealed = context.keyring.seal(_secrets(new), context=seal_context(row.id))
    repository.add(row)
    await session.flush()
    return read_account(row)


def _refuse_unreadable_pem(new: ConnectorAccountCreate) -> None:
    """What no connection could be opened with, said while the administrator has the files."""
    authority = new.server_ca.encode()
    try:
        client_context(ca_pem=authority)
    except Unreachable as e:
        raise Unprocessable(
            f"L'autorité du serveur du compte « {new.label} » (« server_ca ») n'est pas un "
            "certificat lisible : donnez le fichier PEM en entier, de -----BEGIN à -----END.",
            code="server_ca_unreadable",
        ) from e
    try:
        client_context(
            ca_pem=authority,
            certificate_pem=new.client_certificate.encode(),
            key_pem=new.client_key.get_secret_value().encode(),
        )
    except Unreachable as e:
        raise Unprocessable(
            f"Le certificat client du compte « {new.label} » (« client_certificate ») ou sa clé "
            "(« client_key ») ne se lit pas, ou la clé est celle d'un autre certificat : donnez "
            "les deux fichiers PEM en entier, la clé sans mot de passe.",
            code="client_pair_unreadable",
        ) from e


def seal_context(account_id: uuid.UUID) -> str:
    """Binds sealed secrets to their row."""
    return f"connector_accounts/{account_id}"


def _secrets(new: ConnectorAccountCreate) -> bytes:
    return json.dumps(
        {
            "client_certificate": new.client_certificate,
            "client_key": new.client_key.get_secret_value(),
            "password": new.password.get_secret_value() if new.password else None,
        }
    ).encode()


def read_account(row: ConnectorAccount) -> ConnectorAccountRead:
    """An account as the API shows it: never its secrets (threat 23)."""
    return ConnectorAccountRead(
        id=row.id,
        connector=row.connector,
        label=row.label,
        base_url=row.base_url,
        login=row.login,
        is_archivist=row.is_archivist,
    )
