"""One file per table family member; importing this package declares the whole schema."""

from app.models.api_token import ApiToken
from app.models.audit_event import AuditEvent, AuditHead, AuditValue
from app.models.certificate import Certificate
from app.models.certificate_order import (
    CertificateOrder,
    CertificateOrderState,
    CertificateUsage,
)
from app.models.connector_account import ConnectorAccount
from app.models.desk import Desk, DeskHolder, DeskStaff, StaffRole
from app.models.document import Document, Revision
from app.models.folder import IN_WORKFLOW, UNDER_WAY, Folder
from app.models.folder_event import FolderEvent
from app.models.folder_note import FolderNote, NoteKind
from app.models.folder_type import FolderSubtype, FolderType
from app.models.idempotency_key import IdempotencyKey
from app.models.inbox_entry import InboxEntry, InboxList
from app.models.job import Job
from app.models.login import LoginAttempt, LoginHandle, LoginSession, SpentNonce
from app.models.notification import Notification
from app.models.orphan_blob import OrphanBlob
from app.models.pes_reference import PesReference
from app.models.power import Absence, CouncilInstallation, ElectedMandate, Grant
from app.models.signature_session import (
    ItemState,
    JobState,
    SignatureItem,
    SignatureSession,
    SigningJob,
)
from app.models.signing_device import PairingRequest, SigningDevice
from app.models.tenant import Tenant, TrustAnchor
from app.models.transmission import Transmission, TransmissionAttempt, TransmissionReceipt
from app.models.user import User
from app.models.workflow import Workflow, WorkflowVersion, versions_in_force

__all__ = [
    "IN_WORKFLOW",
    "UNDER_WAY",
    "Absence",
    "ApiToken",
    "AuditEvent",
    "AuditHead",
    "AuditValue",
    "Certificate",
    "CertificateOrder",
    "CertificateOrderState",
    "CertificateUsage",
    "ConnectorAccount",
    "CouncilInstallation",
    "Desk",
    "DeskHolder",
    "DeskStaff",
    "Document",
    "ElectedMandate",
    "Folder",
    "FolderEvent",
    "FolderNote",
    "FolderSubtype",
    "FolderType",
    "Grant",
    "IdempotencyKey",
    "InboxEntry",
    "InboxList",
    "ItemState",
    "Job",
    "JobState",
    "LoginAttempt",
    "LoginHandle",
    "LoginSession",
    "NoteKind",
    "Notification",
    "OrphanBlob",
    "PairingRequest",
    "PesReference",
    "Revision",
    "SignatureItem",
    "SignatureSession",
    "SigningDevice",
    "SigningJob",
    "SpentNonce",
    "StaffRole",
    "Tenant",
    "Transmission",
    "TransmissionAttempt",
    "TransmissionReceipt",
    "TrustAnchor",
    "User",
    "Workflow",
    "WorkflowVersion",
    "versions_in_force",
]
