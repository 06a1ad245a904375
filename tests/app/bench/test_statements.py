"""What a bare client executes is what the act executed, about another folder."""

from __future__ import annotations

import uuid

from psycopg.types.json import Jsonb

from app.bench.copies import Copy
from app.bench.statements import BEGIN, Recording, Statement, aimed

HERE = Copy(uuid.UUID(int=1), uuid.UUID(int=2), uuid.UUID(int=3))
THERE = Copy(uuid.UUID(int=11), uuid.UUID(int=12), uuid.UUID(int=13))
NAMES = HERE.names_for(THERE)


def aimed_parameters(sql: str, parameters: object) -> object:
    (one,) = aimed(Recording([Statement(sql, parameters)]), NAMES, {7: 70})
    return one.parameters


class TestAimed:
    def test_identifiers_are_replaced_as_values_and_within_text(self) -> None:
        given = {"id": HERE.folder, "key": f"folders.react:{HERE.folder}:4", "all": [HERE.document]}
        assert aimed_parameters("SELECT 1", given) == {
            "id": THERE.folder,
            "key": f"folders.react:{THERE.folder}:4",
            "all": [THERE.document],
        }

    def test_identifiers_are_replaced_within_json(self) -> None:
        found = aimed_parameters("SELECT 1", {"payload": Jsonb({"revision": str(HERE.revision)})})
        assert isinstance(found, dict)
        assert found["payload"].obj == {"revision": str(THERE.revision)}

    def test_places_in_the_journal_change_where_it_is_written_only(self) -> None:
        assert aimed_parameters("INSERT INTO audit_events ...", [{"seq": 7}]) == [{"seq": 70}]
        assert aimed_parameters("UPDATE folders SET version", {"version": 7}) == {"version": 7}

    def test_truth_values_are_no_places_in_the_journal(self) -> None:
        recording = Recording([Statement("UPDATE audit_heads ...", {"flag": True})])
        (one,) = aimed(recording, NAMES, {1: 70})
        assert one.parameters == {"flag": True}


class TestRecording:
    def test_counts_queries_without_the_borders_of_transactions(self) -> None:
        assert Recording([Statement(BEGIN), Statement("SELECT 1")]).queries == 1

    def test_names_the_job_and_the_places_taken_in_the_journal(self) -> None:
        recording = Recording(
            [
                Statement("INSERT INTO audit_events ...", [{"seq": 8}, {"seq": 9}], many=True),
                Statement("INSERT INTO jobs ...", {"id": HERE.folder}),
            ]
        )
        assert recording.numbers == (8, 9)
        assert recording.job_id == str(HERE.folder)
