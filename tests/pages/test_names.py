"""What of patients and staff a page shows to whom: no more than the role needs, whatever its address."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from gateway import config, config_text, web
from gateway.access.places import ADMINISTRATOR, DISPLAY, INSPECTOR, MANAGER, NURSE
from gateway.bootstrap import open_book
from gateway.clock import real_ms
from gateway.ledger.database import open_ledger
from tests.pages import nurse_desk, sample
from tests.support import signed_in

PERSON, FACE = "ab" * 32, "王小明310101199001011234"  # what is kept of a patient, and what a bill file names
VISITS = ("2026030200071", "2026030200073", "2026030200075")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A clinic's morning, its bill file kept as it came, with a name in it."""
    nurse_desk.morning(tmp_path)
    db = open_ledger(tmp_path)
    with db.conn:
        db.execute("UPDATE bill_files SET body = ?", [FACE.encode()])
    db.close()
    clock = f"\n[clock]\nreal_ms = {real_ms()}\nshown_ms = {nurse_desk.NOW_MS}\nspeed = 0.001\n"
    told = config_text.text(sample.CONFIG) + clock
    (tmp_path / config.FILE).write_text(told, encoding="utf-8")
    return tmp_path


def at(folder: Path, role: str) -> TestClient:
    return signed_in.client(web.app(open_book(folder), {}), folder, role, "X01")


def test_a_display_shows_rooms_and_devices_and_nobody(folder):
    page = at(folder, DISPLAY).get("/board")
    assert page.status_code == 200 and "理疗一室" in page.text and "TDP-01" in page.text
    shown = page.text.replace("X01", "")
    assert [each for each in (*VISITS, "D01", PERSON, "12.00") if each in shown] == []


NURSES = ("/nurse", "/nurse/visit/2026030200071", "/nurse/sheet/2026030200071")


@pytest.mark.parametrize("path", [*NURSES, "/day/2026-03-02", "/month?of=2026-03", "/lead/x"])
def test_a_display_may_not_go_where_visits_are(folder, path):
    page = at(folder, DISPLAY).get(path)
    assert page.status_code == 403 and not any(each in page.text.replace(path, "") for each in VISITS)


@pytest.mark.parametrize("path", NURSES)
def test_a_nurse_sees_visits_and_codes_but_neither_persons_nor_money(folder, path):
    page = at(folder, NURSE).get(path).text
    assert "2026030200071" in page
    assert [each for each in (PERSON, PERSON[:12], FACE[:3], FACE[3:], "12.00", " 元") if each in page] == []


@pytest.mark.parametrize("role", [MANAGER, INSPECTOR, ADMINISTRATOR])
@pytest.mark.parametrize(
    "path", ["/day/2026-03-02", "/month?of=2026-03", "/nurse", "/nurse/sheet/2026030200071"]
)
def test_no_page_shows_anybody_a_patients_name_or_number_or_what_is_kept_of_them(folder, role, path):
    page = at(folder, role).get(path)
    assert page.status_code == 200
    assert [each for each in (PERSON, FACE[:3], FACE[3:]) if each in page.text] == []
