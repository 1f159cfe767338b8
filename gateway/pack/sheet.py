"""The sheet for signing, as PDF/A by Typst: it prints the SHA-256 of the manifest, so that who signs it signs every byte of the
pack. The same pack gives the same bytes. It needs a font with Chinese in it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from importlib import resources
from typing import Any

import typst

from gateway.instants import iso
from gateway.pack import sums
from gateway.pack.contents import Contents
from gateway.report.pdf import chinese_font
from gateway.report.sheets import Both, both, same

Json = dict[str, Any]

_MOST_LEADS = 20
"""More than so many are told by rule: a sheet is signed by people who read it."""

_SIGNED = ("pack.signed_clinic", "pack.signed_inspector", "pack.signed_witness")


def pdf(held: Contents, manifest_sha256: str) -> bytes:
    """The sheet. SurroundingsError where this machine has no Chinese font: boxes would be no sheet."""
    said = json.dumps(_document(held, manifest_sha256, chinese_font()), ensure_ascii=False)
    template = resources.files("gateway.pack").joinpath("sheet.typ").read_bytes()
    return typst.compile(template, sys_inputs={"data": said}, pdf_standards=["a-2b"])


def _document(held: Contents, manifest_sha256: str, font: str) -> Json:
    about, last = held.document(), held.asked.last
    return {
        "fonts": [font],
        "date": [last.year, last.month, last.day],
        "title": _both(both("pack.sheet")),
        "about": [
            _pair("pack.clinic", f"{about['name']} ({about['clinic']})"),
            _pair("pack.period", f"{about['from']} – {about['to']}"),
            _pair("pack.made", iso(held.asked.now_ms, held.asked.config.zone)),
            _pair("pack.version", f"WattWitness {about['version']} · {about['format']}"),
        ],
        "manifest": _manifest(manifest_sha256),
        "coverage": _coverage(held),
        "sources": [_source(held, name) for name in held.judged],
        "trail": _pair("pack.trail_head", f"{held.trail.entry} · {held.trail.hash}"),
        "honesty": _both(both("pack.honesty")),
        "signatures": [_both(both(key)) for key in _SIGNED],
        "signing": _both(both("pack.signing")),
        "date_line": _both(both("pack.date_line")),
        "footer": f"{about['name']} {about['clinic']} · {about['from']} – {about['to']} · SHA-256 {manifest_sha256[:16]}…",
        "page": _both(both("report.page", page="#", pages="%")),
    }  # fmt: skip


def _manifest(sha256: str) -> Json:
    """The hash that is signed: in eights for people, whole for programs."""
    named = {"name": _both(both("pack.manifest")), "why": _both(both("pack.manifest_why"))}
    return {**named, "hash": _groups(sha256), "sha256": sha256}


def _groups(sha256: str) -> list[str]:
    """In eights, as people read them to each other."""
    return [sha256[at : at + 8] for at in range(0, len(sha256), 8)]


def _coverage(held: Contents) -> Json:
    devices = sums.watched(held)
    open_s, watched_s = sum(each.open_s for each in devices), sum(each.watched_s for each in devices)
    rows = [
        [each.device.device, each.device.room, each.device.load, " ".join(each.units) or "–",
         sums.hours(each.open_s), sums.hours(each.watched_s), sums.hours(each.dark_s), sums.share(each.watched_s, each.open_s)]
        for each in devices
    ]  # fmt: skip
    return {
        "title": _both(both("pack.coverage")),
        "share": sums.share(watched_s, open_s),
        "said": _both(both("pack.coverage_said", watched=sums.hours(watched_s), open=sums.hours(open_s))),
        "table": _table(("device", "room", "class", "unit", "open", "watched", "dark", "share"), 4, rows),
    }


def _source(held: Contents, name: str) -> Json:
    said = held.judged[name].said
    counted = [
        {"name": _both(both(f"verdict.{each.code}")), "treatments": str(each.treatments), "amount": f"¥ {sums.money(each.amount)}"}
        for each in sums.counts(said)
    ]  # fmt: skip
    total = sum((Decimal(each["amount"]) for each in said["leads"]), Decimal(0))
    many = len(said["leads"]) > _MOST_LEADS
    return {
        "title": _both(both(f"pack.source_{name}")),
        "verdicts": counted,
        "found": _both(both("pack.leads_said", leads=len(said["leads"]), amount=sums.money(total))),
        "leads": _by_rule(said["leads"]) if many else _each(said["leads"]),
        "wide": 0 if many else 3,
        "folded": _both(both("pack.leads_folded")) if many else None,
    }


def _each(leads: Sequence[Json]) -> Json:
    """A table of leads, each with its sentence."""
    rows: list[list[Both | str]] = [
        [each["id"], both(f"rule.{each['rule']}"), each["day"], Both(each["zh"], each["en"]), sums.money(Decimal(each["amount"]))]
        for each in leads
    ]  # fmt: skip
    return _table(("lead", "rule", "day", "sentence", "amount"), 4, rows)


def _by_rule(leads: Sequence[Json]) -> Json:
    """A table of rules, each with how many leads it found and over how much money."""
    found = [
        (rule, [each for each in leads if each["rule"] == rule])
        for rule in dict.fromkeys(each["rule"] for each in leads)
    ]
    rows: list[list[Both | str]] = [
        [both(f"rule.{rule}"), str(len(group)), sums.money(sum((Decimal(each["amount"]) for each in group), Decimal(0)))]
        for rule, group in found
    ]  # fmt: skip
    return _table(("rule", "leads", "amount"), 1, rows)


def _table(columns: Sequence[str], first_right: int, rows: Sequence[Sequence[Both | str]]) -> Json:
    """A table as the template draws it: from the column `first_right` on they are figures."""
    return {
        "columns": [_both(both(f"pack.col_{name}")) for name in columns],
        "right": first_right,
        "rows": [[_both(cell if isinstance(cell, Both) else same(cell)) for cell in row] for row in rows],
    }


def _pair(key: str, value: str) -> Json:
    return {"name": _both(both(key)), "value": value}


def _both(text: Both) -> Json:
    return {"zh": text.zh, "en": text.en}
