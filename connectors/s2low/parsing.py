"""S²LOW's answers, from bytes to values or to the error that says what may be tried next."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping

from connectors import xml
from connectors.errors import Ambiguous, RefusedByRemote, UnreadableAnswer
from connectors.outbound import Reply

_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_LOGIN_MARKS = (b'type="password"', b"type='password'", b"connexion", b"authent", b"login")
_DUPLICATE_MARKS = ("doublon", "même numéro interne existe déjà")
_SHOWN_TEXT = 2000


def decode(content: bytes) -> str:
    """The text for people: UTF-8, else ISO-8859-1, HTML unescaped (s2low-api.md §1.6)."""
    try:
        decoded = content.decode("utf-8")
    except UnicodeDecodeError:
        decoded = content.decode("iso-8859-1")
    return _BREAK.sub(" ", html.unescape(decoded)).strip()[:_SHOWN_TEXT]


def is_page(content: bytes) -> bool:
    """Whether the answer is an HTML page: what the TdT shows to people."""
    start = content.lstrip()[:15].lower()
    return start.startswith((b"<!doctype html", b"<html"))


def is_login_page(content: bytes) -> bool:
    """An HTML page that asks who we are; another HTML page proves nothing."""
    lowered = content[:20_000].lower()
    return is_page(content) and any(mark in lowered for mark in _LOGIN_MARKS)


def authentication_refusal(remote_text: str | None = None) -> RefusedByRemote:
    """The refusal behind a redirection or a log-in page."""
    return RefusedByRemote(
        "Le TdT n'a pas reconnu le compte : vérifiez le certificat client, l'identifiant, le mot "
        "de passe et les droits du compte sur la plateforme.",
        remote_text=remote_text,
    )


def created_id(reply: Reply) -> str:
    """The id in the text answer to a creation, `OK\\n<id>\\n`.

    The id counts only with its line end: a cut answer never gives another transaction's id.
    Raises RefusedByRemote on KO or a login page, Ambiguous on anything else."""
    word, rest = _first_line(reply.body)
    if word == b"OK":
        line, end, _ = rest.partition(b"\n")
        if end and line.strip().isdigit():
            return line.strip().decode("ascii")
    _refuse_plain_no(reply.body)
    raise _unclear(reply.body)


def imported_id(reply: Reply) -> str:
    """The id in `<import><id/><resultat/><message/></import>` (s2low-api.md §3.1).

    Raises as `created_id`; RefusedByRemote(duplicate=True) on « doublon »."""
    _refuse_plain_no(reply.body)
    try:
        root = xml.parse(reply.body)
    except UnreadableAnswer as e:
        raise _unclear(reply.body) from e
    result = xml.text(xml.descend(root, "resultat")).upper()
    identifier = xml.text(xml.descend(root, "id"))
    if xml.local_name(root) != "import" or result not in {"OK", "KO"}:
        raise _unclear(reply.body)
    if result == "KO":
        raise refusal(html.unescape(xml.text(xml.descend(root, "message"))))
    if not identifier.isdigit():
        raise _unclear(reply.body)
    return identifier


def act_status(reply: Reply) -> tuple[int, bytes]:
    """Status code and payload bytes of `OK\\n<status>\\n<payload>` (s2low-api.md §2.2).

    Raises RefusedByRemote on KO, UnreadableAnswer otherwise."""
    word, rest = _first_line(reply.body)
    line, _, payload = rest.partition(b"\n")
    if word == b"OK" and re.fullmatch(rb"-?\d{1,4}", line.strip()):
        return int(line), payload.strip()
    _refuse_plain_no(reply.body)
    raise _unreadable(reply.body)


def pes_status(reply: Reply) -> tuple[int, str]:
    """Status code and last event of `<transaction>` (s2low-api.md §3.2). Raises as above."""
    _refuse_plain_no(reply.body)
    root = xml.parse(reply.body)
    code = xml.text(xml.descend(root, "status"))
    message = html.unescape(xml.text(xml.descend(root, "message")))
    if xml.text(xml.descend(root, "resultat")).upper() == "KO":
        raise refusal(message)
    if not re.fullmatch(r"-?\d{1,4}", code):
        raise _unreadable(reply.body)
    return int(code), message


def listed_rows(reply: Reply) -> list[Mapping[str, object]]:
    """The rows of a JSON list call. Raises RefusedByRemote on KO, UnreadableAnswer otherwise."""
    _refuse_plain_no(reply.body)
    try:
        content: object = json.loads(reply.body)
    except ValueError as e:
        raise _unreadable(reply.body) from e
    rows = content.get("transactions") if isinstance(content, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _unreadable(reply.body)
    return rows


def row_id(row: Mapping[str, object]) -> int:
    """A row's id, whether sent as a number or as text."""
    identifier = str(row.get("id", ""))
    if not identifier.isdigit():
        raise _unreadable(str(dict(row)).encode())
    return int(identifier)


def refusal(remote_text: str) -> RefusedByRemote:
    """The TdT's KO, its « doublon » marked as a duplicate."""
    lowered = remote_text.lower()
    duplicate = any(mark in lowered for mark in _DUPLICATE_MARKS)
    shown = remote_text or "sans explication"
    return RefusedByRemote(
        f"Le TdT a refusé : {shown}", duplicate=duplicate, remote_text=remote_text
    )


def _refuse_plain_no(content: bytes) -> None:
    word, rest = _first_line(content)
    if word == b"KO":
        raise refusal(decode(rest))
    if is_login_page(content):
        raise authentication_refusal()


def _first_line(content: bytes) -> tuple[bytes, bytes]:
    line, _, rest = content.lstrip().partition(b"\n")
    return line.strip(), rest


def _unclear(content: bytes) -> Ambiguous:
    return Ambiguous(
        "Le TdT a répondu à l'envoi par un message incompréhensible : il est interrogé avant tout "
        "nouvel envoi.",
        remote_text=decode(content),
    )


def _unreadable(content: bytes) -> UnreadableAnswer:
    return UnreadableAnswer(
        "La réponse du TdT est incompréhensible : elle sera demandée de nouveau.", raw=content
    )
