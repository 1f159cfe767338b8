"""A reconciliation as JSON: exactly what commands.md promises to other people's scripts."""

from __future__ import annotations

import json

import pytest

from gateway.audit import document
from gateway.audit.hours import Hours
from gateway.audit.reconcile import Reconciliation
from tests.audit.clinic import ACUPUNCTURE, CONFIG, TDP, Clinic, at, line, on
from tests.audit.test_leads import finding

pytestmark = pytest.mark.pure

HOURS = Hours(CONFIG)


@pytest.fixture
def found() -> Reconciliation:
    """A supported treatment, a short one, one without, one unobserved, one not metered, one reversed."""
    clinic = Clinic().lamp(
        "U1",
        on(3, "09:00", 20),
        on(5, "11:00", 10),
        watched=[(at("08:00"), at("19:20")), (at("19:50"), at("20:00"))],
    )
    clinic.findings = [finding()]
    lines = [line("V1/1"), line("V1/2"), line("V2/1"), line("V3/1"), line("V4/1", item=ACUPUNCTURE)]
    return clinic.settle(*lines, line("V5/1", reversed_by="R"), now_ms=at("23:00"))


@pytest.fixture
def said(found: Reconciliation) -> dict:
    return json.loads(json.dumps(document.document(found, HOURS), ensure_ascii=False))


def test_the_document_has_the_promised_members_and_no_others(said):
    assert list(said) == ["from", "to", "summary", "treatments", "coverage", "leads"]
    assert (said["from"], said["to"]) == ("2026-03-02", "2026-03-02")


def test_the_summary_counts_every_code_also_those_that_did_not_occur(said):
    assert said["summary"] == {
        "supported": 1, "short": 1, "no_device_time": 1, "unobserved": 1, "not_metered": 1, "reversed": 1,
    }  # fmt: skip
    assert sum(said["summary"].values()) == len(said["treatments"])


def test_a_supported_treatment_says_what_it_rests_on(said):
    supported = next(each for each in said["treatments"] if each["verdict"] == "supported")
    assert supported == {
        "line": supported["line"], "visit": "V" + supported["line"], "item": TDP, "index": 1, "verdict": "supported",
        "grade": "A", "active_s": 1200, "required_s": 1140, "item_required_s": 1140, "fit": "ordinary", "tagged": False,
        "records": ["U1:3"], "dark": [], "among": [],
        "window": ["2026-03-02T00:00:00+08:00", "2026-03-02T23:59:59+08:00"],
        "charged": "2026-03-02T10:00:00+08:00", "amount": "12.00",
    }  # fmt: skip


def test_what_a_treatment_does_not_have_is_null_or_empty(said):
    without = next(each for each in said["treatments"] if each["verdict"] == "no_device_time")
    assert (without["grade"], without["active_s"], without["fit"], without["records"]) == (
        None,
        None,
        None,
        [],
    )
    assert without["among"] == ["V1/1", "V1/2", "V2/1", "V3/1"]


def test_an_unobserved_treatment_names_the_dark_time_as_instants_with_zone(said):
    unobserved = next(each for each in said["treatments"] if each["verdict"] == "unobserved")
    assert unobserved["dark"] == [["U1", "2026-03-02T19:20:00+08:00", "2026-03-02T19:50:00+08:00"]]


def test_coverage_has_one_row_for_each_unit(said):
    assert said["coverage"] == [{"unit": "U1", "device": "lamp of U1", "open_s": 43200, "watched_s": 41400}]


def test_coverage_of_several_days_is_summed_and_a_device_without_a_unit_goes_by_its_own_name():
    clinic = Clinic().lamp("U1", days=2).device("box", load="stim", blind=True)
    rows = document.document(clinic.settle(last=1), HOURS)["coverage"]
    assert [(row["unit"], row["open_s"], row["watched_s"]) for row in rows] == [
        ("U1", 86400, 86400),
        ("box", 86400, 0),
    ]


def test_a_lead_has_the_promised_members(said):
    lead = said["leads"][0]
    assert list(lead) == [
        "id", "rule", "item", "day", "treatments", "capacity", "lines", "supplies", "dark", "amount", "zh", "en",
        "parameters", "witness",
    ]  # fmt: skip
    assert (lead["rule"], lead["treatments"], lead["capacity"], lead["amount"]) == ("capacity", 4, 2, "24.00")
    assert lead["dark"] == [["U1", "2026-03-02T19:20:00+08:00", "2026-03-02T19:50:00+08:00"]]
    assert len(lead["id"]) == 12
    assert lead["parameters"] == {"required_s": 1140}
    assert [(row["records"], row["dark"], row["carries"]) for row in lead["witness"]] == [
        (["U1:3"], [], 1),
        ([], ["U1"], 1),
    ]
    assert lead["witness"][1]["from"] == "2026-03-02T19:20:00+08:00"


def test_a_lead_that_shows_no_item_says_null():
    clinic = Clinic().lamp("U1")
    clinic.findings = [finding("malformed", "", None)]
    assert document.document(clinic.settle(), HOURS)["leads"][0]["item"] is None


def test_rows_for_the_ledger_hold_the_same_words(found):
    said = document.document(found, HOURS)
    (verdict, charged), body = found.verdicts[0], said["treatments"][0]
    row = document.row(verdict, charged, HOURS)
    assert json.loads(row.pop("body")) == body
    assert row == {
        "source": "clinic", "line": "V1/1", "index": 1, "item": TDP, "code": body["verdict"], "day": "2026-03-02",
        "amount_fen": 1200,
    }  # fmt: skip
    kept = document.lead_row(found.leads[0], HOURS)
    assert json.loads(kept["body"]) == said["leads"][0]
    assert document.coverage_row(found.coverage[0])["dark"] == json.dumps([[at("19:20"), at("19:50")]])
