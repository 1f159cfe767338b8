"""On site: a kit and the pack of a real clinic that is honest, or withholds, exchanges, rewrites, leaves out. Each is named right."""

from __future__ import annotations

import json
import shutil
from datetime import date

import pytest

from gateway.errors import UsageError
from gateway.kit import folder, onsite
from gateway.kit.held import open_kit
from gateway.kit.shown import Unreadable
from gateway.ledger import trail
from gateway.ledger.database import transaction
from tests.kit.scene import CLINIC, DAY, FEES, HEARD_MS, Scene, act, at, platform
from tests.support.audited import EVENING_MS, MINUTE_MS, MONDAY, charge, lamp_day
from tests.support.bills import detail, fee_list, upload
from tests.support.chain import Writer
from tests.support.ledgers import enrol, in_folder, take_in
from tests.support.packs import changed


@pytest.fixture
def kit(there, tmp_path):
    """The kit of the day."""
    return tmp_path / "kit"


@pytest.fixture
def found(kit, tmp_path, capsys):
    """Makes a pack of a clinic's ledger and holds it against the kit: (findings, notes), each code -> where."""

    def look(book, cable=()):
        out = tmp_path / f"pack-{len(list(tmp_path.iterdir()))}.zip"
        code, _, said = at(book, capsys)("pack", *DAY, "--out", out)
        assert code == 0, said
        result = onsite.against(open_kit(kit, None), out, cable)
        return (
            {each.code: each for each in result.findings},
            {each.code: each for each in result.notes},
        )

    return look


def other_clinic(there: Scene, tmp_path, *writers: Writer, lines=None, charges=range(1, 5)):
    """The clinic's ledger as a gateway would show it that took in only these lines and told only these charges. What the
    district was told of its trail stands in it."""
    book = in_folder(tmp_path / "shown", *writers)
    with book.ledger() as db:
        for writer in writers:
            take_in(db, writer.lines if lines is None else lines[writer.unit], EVENING_MS - 1000)
        if charges:
            charge(db, book, upload(*(detail(str(number)) for number in charges)))
        act(db, "V1")
    return book


# --- honest clinics ---


def test_an_honest_clinic_has_neither_findings_nor_notes(there, found):
    assert found(there.clinic) == ({}, {})


def test_records_of_a_line_that_was_down_are_a_note_that_says_since_when(there, found):
    there.write_on(there.writers[0], 30, HEARD_MS + 40 * MINUTE_MS)
    findings, notes = found(there.clinic)
    last = len(there.writers[0].lines)
    assert findings == {} and list(notes) == ["not_yet_sent"]
    assert f"{last - 2}-{last}" in notes["not_yet_sent"].zh
    assert "2026-03-02T21:00:00+08:00" in notes["not_yet_sent"].en


def test_acts_of_people_after_the_trail_was_last_told_are_in_order(there, found):
    with there.clinic.ledger() as db:
        act(db, "V2")
    assert found(there.clinic) == ({}, {})


def test_a_unit_that_only_the_clinic_enrolled_is_a_note(there, found):
    with there.clinic.ledger() as db:
        enrol(db, lamp_day(Writer("PLUG1")))
    findings, notes = found(there.clinic)
    assert findings == {} and list(notes) == ["unit_unknown"] and "PLUG1" in notes["unit_unknown"].zh


# --- a gateway that withholds or changes ---


def test_a_tail_that_the_gateway_withholds_is_named_from_record_to_record(there, found, tmp_path):
    lines = {writer.unit: writer.lines for writer in there.writers}
    total = len(lines["U1"])
    shown = other_clinic(there, tmp_path, *there.writers, lines=lines | {"U1": lines["U1"][:-5]})
    findings, notes = found(shown)
    assert list(findings) == ["withheld"] and notes == {}
    assert f"{total - 4}-{total}" in findings["withheld"].en and findings["withheld"].where == "U1"


def test_records_in_the_middle_that_the_gateway_does_not_show_are_named(there, found, tmp_path):
    lines = {writer.unit: writer.lines for writer in there.writers}
    cut = lines["U1"][:10] + lines["U1"][12:]
    findings, _ = found(other_clinic(there, tmp_path, *there.writers, lines=lines | {"U1": cut}))
    assert list(findings) == ["withheld"] and "11-12" in findings["withheld"].zh


def test_a_unit_that_the_gateway_does_not_show_at_all_is_named(there, found, tmp_path):
    findings, _ = found(other_clinic(there, tmp_path, there.writers[0]))
    assert [(each.code, each.where) for each in findings.values()] == [("unit_hidden", "U2")]


def test_an_exchanged_key_is_named_with_the_chain_that_it_signed(there, found, tmp_path):
    """The clinic made a box of its own under the unit's name: its pack is consistent in itself."""
    forged = lamp_day(Writer("U1", key="the clinic's own"), 30, 45)
    findings, _ = found(other_clinic(there, tmp_path, forged, there.writers[1]))
    assert set(findings) == {"key_differs", "head_contradicted"}
    assert findings["key_differs"].where == "U1"


def test_a_past_that_was_written_anew_with_the_units_own_key_is_named(there, found, tmp_path):
    """Whoever has the key writes another day; the district has the first one's end."""
    twin = lamp_day(Writer("U1"), 30, 45)
    twin.lines = twin.lines[: len(there.writers[0].lines)]
    other = other_clinic(there, tmp_path, twin, there.writers[1])
    findings, _ = found(other)
    assert "head_contradicted" in findings and "key_differs" not in findings


def test_records_that_were_left_out_while_later_ones_were_sent_were_held_back(there, tmp_path, capsys):
    """U1's last records came to the gateway first and never left it; U2's came later and did."""
    there.write_on(there.writers[0], 30, EVENING_MS)
    there.write_on(there.writers[1], 30, EVENING_MS + MINUTE_MS)
    position = "SELECT min(position) FROM records WHERE unit = 'U1' AND us > ?"
    with there.clinic.ledger() as db:
        kept = db.execute(position, [len(there.writers[0].lines) - 3]).fetchone()[0]
        rows = db.execute("SELECT * FROM records WHERE position BETWEEN ? AND ?", [kept, kept + 2]).fetchall()
        db.execute("DELETE FROM records WHERE position BETWEEN ? AND ?", [kept, kept + 2])
        db.conn.commit()
    there.send(EVENING_MS + 2 * MINUTE_MS)
    with there.clinic.ledger() as db:
        db.conn.executemany(f"INSERT INTO records VALUES ({', '.join('?' * len(rows[0]))})", rows)
        db.conn.commit()
    run = at(there.district, capsys)
    assert run("kit", "--clinic", CLINIC, "--out", tmp_path / "kit", *DAY)[0] == 0
    assert at(there.clinic, capsys)("pack", *DAY, "--out", tmp_path / "new.zip")[0] == 0
    result = onsite.against(open_kit(tmp_path / "kit", None), tmp_path / "new.zip")
    assert [(each.code, each.where) for each in result.findings] == [("held_back", "U1")]
    assert "U2" in result.findings[0].zh


def test_a_trail_that_was_rewritten_is_named_by_the_entry_that_was_told(there, found, tmp_path):
    shown = tmp_path / "shown"
    shutil.copytree(there.clinic.folder, shown)
    book = in_folder(tmp_path / "unused")
    book = type(book)(shown, there.clinic.config, there.clinic.clock)
    with book.ledger() as db:
        db.execute("DROP TRIGGER trail_stays")
        db.execute("DELETE FROM trail")
        db.conn.commit()
        with transaction(db):
            trail.note(db, EVENING_MS - 500, "D02", "visit token", "visit:V1", {"tag": "V1"})
    findings, _ = found(book)
    assert [(each.code, each.where) for each in findings.values()] == [("trail_contradicted", "trail:1")]


def test_a_trail_that_was_cut_short_is_named(there, found, tmp_path):
    book = other_clinic(there, tmp_path, *there.writers)
    with book.ledger() as db:
        db.execute("DROP TRIGGER trail_stays")
        db.execute("DELETE FROM trail")
        db.conn.commit()
    assert list(found(book)[0]) == ["trail_contradicted"]


# --- bills ---


def test_bills_that_the_clinic_left_out_are_named_with_their_money(there, found, tmp_path):
    findings, _ = found(other_clinic(there, tmp_path, *there.writers, charges=(1, 2, 3)))
    assert list(findings) == ["bills_missing"]
    assert "12.00" in findings["bills_missing"].zh and "V1/4" in findings["bills_missing"].where


def test_bills_that_no_file_of_the_clinic_speaks_of_are_named(there, found, tmp_path):
    findings, _ = found(other_clinic(there, tmp_path, *there.writers, charges=()))
    assert list(findings) == ["bills_untold"] and "48.00" in findings["bills_untold"].en


def test_insured_bills_that_the_platform_never_got_are_named(there, found, tmp_path):
    findings, _ = found(other_clinic(there, tmp_path, *there.writers, charges=range(1, 6)))
    assert list(findings) == ["bills_extra"] and "V1/5" in findings["bills_extra"].where


def test_a_line_of_another_amount_is_named_with_the_difference(there, found, tmp_path):
    book = other_clinic(there, tmp_path, *there.writers, charges=(1, 2, 3))
    with book.ledger() as db:
        charge(
            db, book, upload(detail("4", det_item_fee_sumamt="24.00", cnt="2.0000")), now_ms=EVENING_MS + 1
        )
    findings, _ = found(book)
    assert list(findings) == ["bills_other"] and "12.00" in findings["bills_other"].zh


def test_a_platform_file_that_was_altered_in_the_clinics_ledger_is_named(there, found):
    platform(there.clinic, fee_list(*FEES))
    assert found(there.clinic) == ({}, {})
    with there.clinic.ledger() as db:
        db.execute("UPDATE bill_lines SET amount_fen = 100 WHERE source = 'platform' AND line = 'V1/2'")
        db.conn.commit()
    findings, _ = found(there.clinic)
    assert findings["platform_altered"].where == "V1/2"


def test_without_the_platforms_bills_that_is_a_note(there, tmp_path, capsys):
    with there.district.ledger() as db:
        db.execute("DELETE FROM bill_lines")
        db.execute("DELETE FROM bill_files")
        db.conn.commit()
    assert at(there.district, capsys)("kit", "--clinic", CLINIC, "--out", tmp_path / "kit", *DAY)[0] == 0
    assert at(there.clinic, capsys)("pack", *DAY, "--out", tmp_path / "new.zip")[0] == 0
    result = onsite.against(open_kit(tmp_path / "kit", None), tmp_path / "new.zip")
    assert (result.findings, [each.code for each in result.notes]) == ([], ["no_platform_bills"])


def test_the_control_totals_of_both_stand_beside(there, kit, tmp_path, capsys):
    assert at(there.clinic, capsys)("pack", *DAY, "--out", tmp_path / "new.zip")[0] == 0
    told = onsite.against(open_kit(kit, None), tmp_path / "new.zip").document()
    assert told["totals"] == [
        {"source": "platform", "lines": 4, "amount": "48.00"},
        {"source": "clinic", "lines": 4, "amount": "48.00"},
    ]


# --- by cable ---


def cable(tmp_path, lines, name="u1.ocmf"):
    path = tmp_path / name
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def test_a_tail_that_only_the_unit_still_has_is_found_by_cable(there, found, tmp_path):
    """Neither the district nor the pack knows of it: the gateway never let it out."""
    before = len(there.writers[0].lines)
    for _ in range(3):
        there.writers[0].alive()
    findings, _ = found(there.clinic, [cable(tmp_path, there.writers[0].lines)])
    assert (
        list(findings) == ["cable_withheld"] and f"{before + 1}-{before + 3}" in findings["cable_withheld"].zh
    )


def test_what_the_unit_holds_and_the_pack_shows_is_in_order(there, found, tmp_path):
    assert found(there.clinic, [cable(tmp_path, there.writers[0].lines[-20:])]) == ({}, {})


def test_lines_under_no_good_seal_accuse_nobody_and_are_counted(there, kit, tmp_path, capsys):
    stranger = lamp_day(Writer("U1", key="a stranger's"), 20)
    assert at(there.clinic, capsys)("pack", *DAY, "--out", tmp_path / "new.zip")[0] == 0
    read = cable(tmp_path, [*stranger.lines[:3], b"nonsense", there.writers[0].lines[-1]])
    result = onsite.against(open_kit(kit, None), tmp_path / "new.zip", [read])
    assert (result.findings, result.refused) == ([], 4)


# --- what cannot be compared ---


def test_a_pack_of_another_clinic_is_refused(there, kit, tmp_path, capsys):
    other = in_folder(tmp_path / "other")
    text = (other.folder / "wattwitness.toml").read_text("utf-8").replace(CLINIC, "C002")
    (other.folder / "wattwitness.toml").write_text(text, encoding="utf-8")
    assert at(other, capsys)("pack", *DAY, "--out", tmp_path / "new.zip")[0] == 0
    with pytest.raises(UsageError, match="C002"):
        onsite.against(open_kit(kit, None), tmp_path / "new.zip")


@pytest.mark.parametrize("body", [b"", b"PK\x03\x04", b"no zip at all", b"PK\x05\x06" + bytes(18)])
def test_what_is_no_pack_is_refused(body, kit, tmp_path):
    (tmp_path / "new.zip").write_bytes(body)
    with pytest.raises(UsageError):
        onsite.against(open_kit(kit, None), tmp_path / "new.zip")


def test_days_that_the_two_do_not_share_are_not_compared(there, kit, tmp_path, capsys):
    later = ("--from", "2026-03-10", "--to", "2026-03-11")
    assert at(there.clinic, capsys)("pack", *later, "--out", tmp_path / "new.zip")[0] == 0
    result = onsite.against(open_kit(kit, None), tmp_path / "new.zip")
    assert result.findings == [] and [each.lines for each in result.totals] == [0, 0]


def test_the_kits_own_head_says_which_days(kit):
    head = folder.read(kit, None).head
    assert (date.fromisoformat(head["from"]), date.fromisoformat(head["to"])) == (MONDAY, MONDAY)
    assert json.loads(json.dumps(head))["heard_ms"] == HEARD_MS


# --- what the clinic set by itself ---


def configured(book, old, new):
    """The clinic's ledger with another line in its configuration."""
    path = book.folder / "wattwitness.toml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_opening_hours_that_the_clinic_made_shorter_are_named(there, found):
    configured(there.clinic, 'closes = "20:00"', 'closes = "12:00"')
    findings, _ = found(there.clinic)
    assert list(findings) == ["hours_differ"] and "08:00-12:00" in findings["hours_differ"].zh


def test_a_day_that_the_clinic_calls_closed_though_it_charged_is_named(there, found):
    configured(there.clinic, "closed = []", 'closed = ["2026-03-02"]')
    assert list(found(there.clinic)[0]) == ["closed_but_charged"]


def test_minutes_that_the_clinic_cut_in_its_catalogue_are_named(there, found, tmp_path, capsys):
    run = at(there.clinic, capsys)
    (tmp_path / "change.toml").write_text("[[items]]\nnumber = 31\nmin_minutes = 5\n", encoding="utf-8")
    assert run("catalogue", "propose", tmp_path / "change.toml", "--by", "D01", "--why", "w")[0] == 0
    assert run("catalogue", "approve", 1, "--by", "D02")[0] == 0
    findings, _ = found(there.clinic)
    assert findings["item_differs"].where == "item:31" and "min_minutes" in findings["item_differs"].en


def test_rules_of_leads_that_the_clinic_changed_are_named(there, found):
    (there.clinic.folder / "rules.toml").write_text("[dark]\nleast_s = 86400\n", encoding="utf-8")
    assert list(found(there.clinic)[0]) == ["rules_differ"]


def test_stations_that_the_clinic_added_are_named(there, found, capsys):
    run = at(there.clinic, capsys)
    assert run("device", "amend", "tdp-U1", "--stations", 2, "--by", "D01", "--and", "D02")[0] in (0, 1)
    findings, _ = found(there.clinic)
    assert list(findings) == ["device_differs"] and "tdp ×2" in findings["device_differs"].zh


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        (["INSERT INTO devices VALUES ('dry', 'C001', 'tdp', 'R1', '', 1, 1, 0, NULL)"], ["unseen_added"]),
        (["UPDATE devices SET blind = 1 WHERE device = 'tdp-U2'"], ["unseen_added"]),
        (["UPDATE placements SET from_ms = 1772440000000 WHERE unit = 'U2'"], ["unit_displaced"]),
        (["DELETE FROM placements WHERE unit = 'U2'"], ["unit_displaced", "unseen_added"]),
        (["UPDATE devices SET until_ms = 1772420000000 WHERE device = 'tdp-U2'"], ["unit_displaced"]),
        (
            [
                "INSERT INTO devices VALUES ('nine', 'C001', 'tdp', 'R1', '', 9, 0, 0, NULL)",
                "UPDATE placements SET device = 'nine', until_ms = 1772452800000 WHERE unit = 'U1'",
                "INSERT INTO placements VALUES ('U1', 'tdp-U1', 1772452800000, NULL)",
            ],
            ["device_differs"],
        ),
        (["INSERT INTO devices VALUES ('door', 'C001', 'post16', 'R1', '', 1, 1, 0, NULL)"], []),
    ],
    ids=[
        "a blind one",
        "made blind",
        "placed late",
        "placed nowhere",
        "sold",
        "nine stations once",
        "a post",
    ],
)
def test_an_inventory_that_explains_everything_is_named(there, found, statements, expected):
    """The pack is consistent each time: more dark time, or more room, than the district's inventory leaves."""
    with there.clinic.ledger() as db:
        for statement in statements:
            db.execute(statement)
        db.conn.commit()
    assert sorted(found(there.clinic)[0]) == expected


def test_a_clinic_in_another_time_zone_is_named(there, found):
    configured(there.clinic, 'timezone = "Asia/Shanghai"', 'timezone = "Asia/Tokyo"')
    assert "hours_differ" in found(there.clinic)[0]


def test_what_cannot_be_compared_is_said_once_and_for_people(there, tmp_path):
    out = changed(tmp_path / "pack.zip", tmp_path / "less.zip", {"trail.jsonl": lambda body: None})
    with pytest.raises(Unreadable) as refused:
        onsite.against(open_kit(tmp_path / "kit", None), out)
    assert "trail.jsonl" in refused.value.en and "Unreadable(" not in str(refused.value)
