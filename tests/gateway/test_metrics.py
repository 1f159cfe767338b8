"""What Prometheus is told of a gateway."""

from __future__ import annotations

from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from gateway import web
from tests.support.audited import EVENING_MS, lamp_day
from tests.support.chain import Writer
from tests.support.ledgers import in_folder, take_in
from tests.support.signed_in import HERE

KEY = "m" * 24
ASKED = {"Authorization": f"Bearer {KEY}"}


def told(client: TestClient) -> dict[tuple[str, ...], float]:
    answer = client.get("/metrics", headers=ASKED)
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.text)
    return {(each.name, *each.labels.values()): each.value for family in families for each in family.samples}


def test_prometheus_reads_how_far_each_unit_came_and_what_is_in_trouble(tmp_path):
    writer = lamp_day(Writer("U1"), 20)
    book = in_folder(tmp_path, writer, extra=f'[metrics]\nkey = "{KEY}"\n')
    with book.ledger() as db:
        take_in(db, [*writer.lines, b"nonsense"], EVENING_MS)
    found = told(TestClient(web.app(book, {"mqtt": "断 · down"}), HERE))
    assert found["wattwitness_units",] == 1
    assert found["wattwitness_unit_head", "U1"] == len(writer.lines)
    assert found["wattwitness_unit_heard_timestamp_seconds", "U1"] == EVENING_MS / 1000
    assert found["wattwitness_quarantined", "malformed"] == 1
    assert found["wattwitness_trouble", "mqtt"] == 1
    assert found["wattwitness_ledger_bytes",] > 4096
    assert found["process_resident_memory_bytes",] > 0


def test_a_district_that_never_answered_is_not_said_to_have_answered_long_ago(tmp_path):
    forward = '[forward]\nurl = "https://district.example"\ntoken = "0123456789abcdef"\n'
    book = in_folder(tmp_path, Writer("U1"), extra=f'[metrics]\nkey = "{KEY}"\n{forward}')
    found = told(TestClient(web.app(book, {}), HERE))
    assert found["wattwitness_forward_waiting_records",] == 0
    assert ("wattwitness_forward_heard_timestamp_seconds",) not in found


def test_nobody_is_told_without_the_key_or_where_no_key_was_set(tmp_path):
    book = in_folder(tmp_path / "with", Writer("U1"), extra=f'[metrics]\nkey = "{KEY}"\n')
    client = TestClient(web.app(book, {}), HERE)
    for shown in (
        {},
        {"Authorization": "Bearer "},
        {"Authorization": f"Bearer {KEY}x"},
        {"Authorization": KEY},
    ):
        assert client.get("/metrics", headers=shown).status_code == 401
    without = in_folder(tmp_path / "without", Writer("U1"))
    assert TestClient(web.app(without, {}), HERE).get("/metrics", headers=ASKED).status_code == 404
