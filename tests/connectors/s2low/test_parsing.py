from __future__ import annotations

import pytest

from connectors.errors import Ambiguous, RefusedByRemote, Unreachable, UnreadableAnswer
from connectors.outbound import Reply
from connectors.s2low import parsing

LOGIN_PAGE = b"<!DOCTYPE html><html><body>Connexion <input type='password'></body></html>"
ERROR_PAGE = b"<html><body>Fatal error</body></html>"
IMPORT = (
    '<?xml version="1.0" encoding="UTF-8"?><import><id>{}</id><resultat>{}</resultat>{}</import>'
)


def reply(content: bytes | str) -> Reply:
    return Reply(200, "text/plain", content.encode() if isinstance(content, str) else content)


class TestDecode:
    @pytest.mark.parametrize("encoding", ["utf-8", "iso-8859-1"])
    def test_reads_both_encodings(self, encoding: str) -> None:
        assert parsing.decode("numéro refusé".encode(encoding)) == "numéro refusé"

    def test_unescapes(self) -> None:
        text = b"l&#039;acte &quot;A&quot; &lt;1&gt;<br/>Erreur"

        assert parsing.decode(text) == 'l\'acte "A" <1> Erreur'


class TestCreatedId:
    @pytest.mark.parametrize("body", ["OK\n1234\n\n", "OK\r\n1234\r\n", "\nOK\n 1234 \n"])
    def test_is_read(self, body: str) -> None:
        assert parsing.created_id(reply(body)) == "1234"

    @pytest.mark.parametrize(
        "body",
        ["", "OK", "OK\n", "OK\n12", "OK\nabc\n", "O", "ok\n1\n", ERROR_PAGE, "<?xml?>", "\x00"],
    )
    def test_otherwise_the_outcome_is_unknown(self, body: bytes | str) -> None:
        with pytest.raises(Ambiguous):
            parsing.created_id(reply(body))

    def test_keeps_what_was_answered(self) -> None:
        with pytest.raises(Ambiguous) as caught:
            parsing.created_id(reply("Notice: à la ligne 3"))

        assert caught.value.remote_text == "Notice: à la ligne 3"

    def test_of_a_used_number_is_a_duplicate(self) -> None:
        text = "KO\nUn acte portant le même numéro interne existe déjà dans la base"

        with pytest.raises(RefusedByRemote) as caught:
            parsing.created_id(reply(text.encode("iso-8859-1")))

        assert caught.value.duplicate

    @pytest.mark.parametrize("body", [LOGIN_PAGE, b"KO\nAcc\xe8s refus\xe9\n", b"KO"])
    def test_a_plain_no_is_not_a_duplicate(self, body: bytes) -> None:
        with pytest.raises(RefusedByRemote) as caught:
            parsing.created_id(reply(body))

        assert not caught.value.duplicate


class TestImportedId:
    def test_is_read(self) -> None:
        assert parsing.imported_id(reply(IMPORT.format("77", "OK", "<message/>"))) == "77"

    def test_a_duplicate_is_told(self) -> None:
        body = IMPORT.format("", "KO", "<message>doublon détecté</message>")

        with pytest.raises(RefusedByRemote) as caught:
            parsing.imported_id(reply(body))

        assert caught.value.duplicate

    @pytest.mark.parametrize("body", [LOGIN_PAGE, b"KO\n\xc9chec de l&#039;authentification"])
    def test_an_authentication_failure_is_refused(self, body: bytes) -> None:
        with pytest.raises(RefusedByRemote):
            parsing.imported_id(reply(body))

    @pytest.mark.parametrize(
        "body",
        [
            *("", "OK\n77\n", ERROR_PAGE, "<import><id>77</id>", "<autre/>"),
            *(
                IMPORT.format("", "OK", ""),
                IMPORT.format("77", "", ""),
                IMPORT.format("x", "OK", ""),
            ),
        ],
    )
    def test_otherwise_the_outcome_is_unknown(self, body: bytes | str) -> None:
        with pytest.raises(Ambiguous):
            parsing.imported_id(reply(body))


class TestStatuses:
    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            (b"OK\n3\n", (3, b"")),
            (b"OK\n-1\nerreur \xe9", (-1, b"erreur \xe9")),
            (b"OK\n4\n<?xml version='1.0'?>\n<a/>\n", (4, b"<?xml version='1.0'?>\n<a/>")),
        ],
    )
    def test_of_an_act(self, body: bytes, expected: tuple[int, bytes]) -> None:
        assert parsing.act_status(reply(body)) == expected

    @pytest.mark.parametrize("body", ["", "OK\n", "OK\nquatre\n", ERROR_PAGE])
    def test_of_an_act_unreadable(self, body: bytes | str) -> None:
        with pytest.raises(UnreadableAnswer):
            parsing.act_status(reply(body))

    @pytest.mark.parametrize("encoding", ["utf-8", "iso-8859-1"])
    def test_of_a_flow_whatever_its_bytes(self, encoding: str) -> None:
        body = (
            '<?xml version="1.0" encoding="ISO-8859-1"?><transaction><id>7</id>'
            "<resultat>OK</resultat><message>acquitté</message><status>8</status></transaction>"
        ).encode(encoding)

        assert parsing.pes_status(reply(body)) == (8, "acquitté")

    @pytest.mark.parametrize(
        "body", ["", "<transaction/>", "<transaction><resultat>OK</resultat></transaction>"]
    )
    def test_of_a_flow_unreadable(self, body: str) -> None:
        with pytest.raises(Unreachable):
            parsing.pes_status(reply(body))

    @pytest.mark.parametrize("body", ["KO\ninconnue", LOGIN_PAGE])
    def test_a_no_is_refused(self, body: bytes | str) -> None:
        with pytest.raises(RefusedByRemote):
            parsing.act_status(reply(body))


class TestRows:
    def test_are_read_with_ids_of_both_kinds(self) -> None:
        rows = parsing.listed_rows(reply('{"transactions": [{"id": 5}, {"id": "4"}]}'))

        assert [parsing.row_id(row) for row in rows] == [5, 4]

    @pytest.mark.parametrize(
        "body", ["", "[]", "{}", '{"transactions": null}', '{"transactions": [1]}', "<a/>"]
    )
    def test_otherwise_unreadable(self, body: str) -> None:
        with pytest.raises(UnreadableAnswer):
            parsing.listed_rows(reply(body))

    @pytest.mark.parametrize("identifier", [None, "", "x", -1, 1.5])
    def test_a_row_needs_an_id(self, identifier: object) -> None:
        with pytest.raises(UnreadableAnswer):
            parsing.row_id({"id": identifier})
