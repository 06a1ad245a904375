"""The double's pages, path by path, as s2low-api.md describes the real ones."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape

from app.demo import s2low_acts, s2low_pes
from app.demo.s2low_life import act_error, poll, today
from app.demo.s2low_model import (
    ACCEPTING,
    Attempt,
    DoubleAccount,
    Kind,
    Mode,
    Store,
    Transaction,
)
from app.demo.s2low_upload import Form, UploadedFile

MAX_PES_BYTES = 128 * 1024 * 1024
_LOGIN_HTML = (
    b"<!DOCTYPE html><html><head><title>S2LOW</title></head><body><h1>Connexion</h1>"
    b'<form><input type="password" name="password"></form></body></html>'
)


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated request."""

    query: Mapping[str, str]
    account: DoubleAccount
    form: Form = field(default_factory=Form)
    mode: Mode = Mode.OK


@dataclass(frozen=True, slots=True)
class Page:
    """An answer; `file` is streamed instead of `body`."""

    body: bytes = b""
    status: int = 200
    content_type: str = "text/plain"
    location: str | None = None
    file: Path | None = None


def ko(message: str) -> Page:
    """The error text: HTML-escaped, ISO-8859-1 (s2low-api.md §1.6)."""
    escaped = html.escape(message, quote=True).replace("&#x27;", "&#039;")
    return Page(f"KO\n{escaped}\n".encode("iso-8859-1", "replace"))


def redirect(to: str) -> Page:
    return Page(_LOGIN_HTML, status=302, content_type="text/html", location=to)


def login_page() -> Page:
    return Page(_LOGIN_HTML, content_type="text/html")


def not_authenticated(query: Mapping[str, str]) -> Page:
    """With `api=1` a text, without it a redirect to a page (s2low-api.md §1.4)."""
    if query.get("api") == "1":
        return ko("Échec de l'authentification")
    return redirect("/connexion-status.php")


def create_act(store: Store, call: Call) -> Page:
    form = call.form
    with store.lock:
        fault = _sending_fault(call) or s2low_acts.fault(form, today=today())
        siren, number = call.account.siren, form.value("number")
        if fault is None and _number_is_used(store, siren, number):
            fault = (
                "Un acte portant le même numéro interne existe déjà dans la base de données.\n"
                "Il faut peut-être ajouter un suffixe au numéro."
            )
        document = form.file("acte_pdf_file")
        _note(store, call, Kind.ACT, number, document, accepted=fault is None)
        if fault is not None or document is None or call.mode not in ACCEPTING:
            form.discard()
            return ko(fault or "Refus de démonstration : « acte non conforme »")
        act = _new_act(store, call, document)
        return Page(f"OK\n{act.id}\n\n".encode("ascii"))


def act_status(store: Store, call: Call) -> Page:
    with store.lock:
        act = _own(store, call, Kind.ACT, "transaction")
        if act is None:
            return ko("Transaction inconnue ou accès refusé")
        poll(store, act)
        payload = b""
        if act.status == 4:
            payload = s2low_acts.make_ar(act, received_on=today())
        elif act.status == -1:
            payload = act_error(store, act)
        return Page(f"OK\n{act.status}\n".encode("ascii") + payload)


def act_ar(store: Store, call: Call) -> Page:
    with store.lock:
        act = _own(store, call, Kind.ACT, "id")
        if act is None or act.status < 4:
            return ko("Pas d'acquittement reçu")
        return Page(s2low_acts.make_ar(act, received_on=today()), content_type="application/xml")


def list_acts(store: Store, call: Call) -> Page:
    with store.lock:
        rows = [
            {
                "id": str(act.id),
                "subject": act.subject,
                "number": act.number,
                "date": act.decided_on,
                "nature_descr": "",
                "classification": ".".join(str(level) for level in act.classification),
                "type": "1",
            }
            for act in _listed(store, call, Kind.ACT)
        ]
    return _list_page(call, rows)


def import_pes(store: Store, call: Call) -> Page:
    document = call.form.file("enveloppe")
    with store.lock:
        fault = _sending_fault(call) or _import_fault(store, document)
        key = _nomfic(document)
        _note(store, call, Kind.PES, key, document, accepted=fault is None)
        if fault is not None or document is None or call.mode not in ACCEPTING:
            call.form.discard()
            return _import_page(None, fault or "Refus de démonstration : « flux non conforme »")
        flow = Transaction(
            id=store.next_id(),
            kind=Kind.PES,
            siren=call.account.siren,
            sha1=document.sha1,
            sha256=document.sha256,
            size_bytes=document.size_bytes,
            file=document.path.name,
            file_name=document.file_name,
            nomfic=key,
        )
        store.transactions[flow.id] = flow
        store.save()
        return _import_page(flow.id, "")


def pes_status(store: Store, call: Call) -> Page:
    with store.lock:
        flow = _own(store, call, Kind.PES, "transaction")
        if flow is None:
            return _pes_status_page(call.query.get("transaction", ""), None)
        poll(store, flow)
        return _pes_status_page(str(flow.id), flow)


def pes_acquit(store: Store, call: Call) -> Page:
    with store.lock:
        flow = _own(store, call, Kind.PES, "id")
        if flow is None or flow.status not in {4, 6, 8}:
            return redirect("/modules/helios/index.php")
        read = s2low_pes.read_flow(store.directory / flow.file)
        acquit = s2low_pes.make_acquit(read, store.verdict_for(flow.nomfic))
        return Page(acquit, content_type="text/xml")


def list_pes(store: Store, call: Call) -> Page:
    if not call.account.archivist:
        body = json.dumps({"error": "L'utilisateur n'est pas archiviste"}).encode("ascii")
        return Page(body, status=400, content_type="application/json")
    with store.lock:
        rows = [{"id": flow.id} for flow in _listed(store, call, Kind.PES)]
    return _list_page(call, rows)


def pes_file(store: Store, call: Call) -> Page:
    with store.lock:
        flow = _own(store, call, Kind.PES, "id")
    if flow is None:
        return redirect("/modules/helios/index.php")
    return Page(content_type="text/xml", file=store.directory / flow.file)


def test_connection(store: Store, call: Call) -> Page:
    del store, call
    return Page(b"OK")


def test_rgs(store: Store, call: Call) -> Page:
    del store
    return Page(b"OK" if call.account.rgs else b"KO")


def connection_info(store: Store, call: Call) -> Page:
    del store
    body = {
        "user_info": {"login": call.account.login},
        "authority_info": {
            "id": 1,
            "name": call.account.authority,
            "department": call.account.department,
        },
    }
    return Page(json.dumps(body).encode("utf-8"), content_type="application/json")


Endpoint = Callable[[Store, Call], Page]

READS: Mapping[str, Endpoint] = {
    "/api/test-rgs.php": test_rgs,
    "/api/info-connexion.php": connection_info,
    "/modules/actes/actes_transac_get_status.php": act_status,
    "/modules/actes/actes_transac_get_ARActe.php": act_ar,
    "/modules/actes/api/list_actes.php": list_acts,
    "/modules/helios/api/helios_transac_get_status.php": pes_status,
    "/modules/helios/helios_download_acquit.php": pes_acquit,
    "/modules/helios/api/list_pes_aller.php": list_pes,
    "/modules/helios/helios_download_file.php": pes_file,
}
PROBES: Mapping[str, Endpoint] = {"/api/test-connexion.php": test_connection}
SUBMISSIONS: Mapping[str, Endpoint] = {
    "/modules/actes/actes_transac_create.php": create_act,
    "/modules/helios/api/helios_importer_fichier.php": import_pes,
}


def scripted_refusal(store: Store, path: str, call: Call) -> Page | None:
    """KO and « doublon » by script, in the dialect of the page; None for the other modes."""
    texts = {
        Mode.KO: "Refus de démonstration : « l'envoi n'est pas accepté »",
        Mode.DUPLICATE: "doublon détecté : le fichier a déjà été posté",
    }
    if call.mode not in texts:
        return None
    kind = Kind.PES if path.endswith("helios_importer_fichier.php") else Kind.ACT
    document = call.form.file("enveloppe") or call.form.file("acte_pdf_file")
    key = _nomfic(document) if kind is Kind.PES else call.form.value("number")
    with store.lock:
        _note(store, call, kind, key, document, accepted=False)
    call.form.discard()
    text = texts[call.mode]
    return _import_page(None, text) if kind is Kind.PES else ko(text)


def _new_act(store: Store, call: Call, document: UploadedFile) -> Transaction:
    form = call.form
    levels = [form.value(f"classif{level}") for level in range(1, 6)]
    act = Transaction(
        id=store.next_id(),
        kind=Kind.ACT,
        siren=call.account.siren,
        sha1=document.sha1,
        sha256=document.sha256,
        size_bytes=document.size_bytes,
        file=document.path.name,
        file_name=document.file_name,
        status=17 if form.value("en_attente") == "1" else 1,
        number=form.value("number"),
        subject=form.value("subject"),
        decided_on=form.value("decision_date"),
        nature_code=int(form.value("nature_code")),
        classification=[int(level) for level in levels if level.isdigit()],
        type_code=form.value("type_acte"),
        annexes=[one.file_name for one in form.files if one.field == "acte_attachments[]"],
        signature=s2low_acts.signature_text(form),
        reference=s2low_acts.reference(call.account, form),
    )
    store.transactions[act.id] = act
    store.save()
    return act


def _sending_fault(call: Call) -> str | None:
    if not call.account.rgs:
        return "La télétransmission nécessite un certificat RGS<br/>Erreur : non RGS"
    return None


def _import_fault(store: Store, document: UploadedFile | None) -> str | None:
    if document is None:
        return "Aucun fichier n'a été posté"
    if document.size_bytes == 0:
        return "Le fichier est vide"
    if document.size_bytes > MAX_PES_BYTES:
        return "Le fichier dépasse la taille maximale"
    if any(one.sha1 == document.sha1 for one in store.transactions.values()):
        return "doublon détecté : le fichier a déjà été posté"
    return None


def _number_is_used(store: Store, siren: str, number: str) -> bool:
    return any(
        one.kind is Kind.ACT and one.siren == siren and one.number == number
        for one in store.transactions.values()
    )


def _note(
    store: Store,
    call: Call,
    kind: Kind,
    key: str,
    document: UploadedFile | None,
    *,
    accepted: bool,
) -> None:
    sha256 = "" if document is None else document.sha256
    taken = accepted and call.mode in ACCEPTING
    store.attempts.append(Attempt(kind, key, sha256, call.mode, taken))
    store.save()


def _nomfic(document: UploadedFile | None) -> str:
    if document is None:
        return ""
    try:
        return s2low_pes.read_flow(document.path).nomfic
    except s2low_pes.FlowError:
        return ""


def _own(store: Store, call: Call, kind: Kind, parameter: str) -> Transaction | None:
    identifier = call.query.get(parameter, "")
    found = store.transactions.get(int(identifier)) if identifier.isdigit() else None
    if found is None or found.kind is not kind or found.siren != call.account.siren:
        return None
    return found


def _listed(store: Store, call: Call, kind: Kind) -> list[Transaction]:
    """One status per call, newest first; an absent status is 0, never « all »."""
    status = int(call.query.get("status_id") or 0)
    offset = int(call.query.get("offset") or 0)
    limit = int(call.query.get("limit") or 100)
    rows = [
        one
        for one in reversed(store.transactions.values())
        if one.kind is kind and one.siren == call.account.siren and one.status == status
    ]
    return rows[offset : offset + limit]


def _list_page(call: Call, rows: list[dict[str, str]] | list[dict[str, int]]) -> Page:
    body = {
        "status_id": int(call.query.get("status_id") or 0),
        "authority_id": 1,
        "offset": int(call.query.get("offset") or 0),
        "limit": int(call.query.get("limit") or 100),
        "transactions": rows,
    }
    return Page(json.dumps(body).encode("utf-8"), content_type="application/json")


def _import_page(identifier: int | None, message: str) -> Page:
    result = "KO" if identifier is None else "OK"
    shown = "" if identifier is None else str(identifier)
    return Page(
        (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f"<import><id>{shown}</id><resultat>{result}</resultat>"
            f"<message>{escape(message)}</message></import>"
        ).encode(),
        content_type="text/xml",
    )


def _pes_status_page(identifier: str, flow: Transaction | None) -> Page:
    # Declared ISO-8859-1 yet written in UTF-8, as the real server does.
    result = "KO" if flow is None else "OK"
    message = "Transaction inconnue" if flow is None else flow.message
    status = "" if flow is None else str(flow.status)
    return Page(
        (
            '<?xml version="1.0" encoding="ISO-8859-1"?>\n'
            f"<transaction><id>{escape(identifier)}</id><resultat>{result}</resultat>"
            f"<message>{escape(message)}</message><status>{status}</status></transaction>"
        ).encode(),
        content_type="text/xml",
    )
