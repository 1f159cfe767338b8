"""What the clinic's HIS and the platform tell of the planned day, as interface messages 2204 and 2205."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime

from gateway.demo.plan import (
    CLINIC,
    CLINIC_NAME,
    CODES,
    PRICES_FEN,
    ROOM_BY_HAND,
    SHORT_NAMES,
    Charge,
    Day,
    at,
)

Message = dict[str, object]


def clinic(day: Day) -> str:
    """The clinic's own export of the day, refunds included. What it leaves out is not in it."""
    return text([*charged(day.charges), *(refunded(visit, at("16:58")) for visit in day.refunded)])


def platform(day: Day) -> str:
    """The platform's extract: what was really uploaded."""
    everything = sorted([*day.charges, *day.left_out], key=lambda each: (each.charged, each.line))
    return text([*charged(everything), *(refunded(visit, at("16:58")) for visit in day.refunded)])


def charged(charges: Iterable[Charge]) -> list[Message]:
    """The uploads of these lines, one message each."""
    return [_message("2204", each.charged, {"feedetail": [_feedetail(each)]}) for each in charges]


def refunded(visit: str, when: datetime) -> Message:
    """The message that deletes all lines of a visit."""
    return _message("2205", when, {"data": {"mdtrt_id": visit, "chrg_bchno": "0000"}})


def text(messages: list[Message]) -> str:
    """Messages as a file or a request holds them."""
    return json.dumps(messages, ensure_ascii=False, indent=1)


def _message(infno: str, when: datetime, content: Mapping[str, object]) -> Message:
    return {
        "infno": infno,
        "fixmedins_code": CLINIC,
        "fixmedins_name": CLINIC_NAME,
        "inf_time": when.strftime("%Y-%m-%d %H:%M:%S"),
        "input": content,
    }


def _feedetail(charge: Charge) -> dict[str, str]:
    code, name = CODES[charge.item]
    price = PRICES_FEN[charge.item]
    return {
        "feedetl_sn": str(charge.line),
        "mdtrt_id": charge.visit,
        "psn_no": charge.patient,
        "chrg_bchno": f"B{charge.line:04d}",
        "fee_ocur_time": charge.charged.strftime("%Y-%m-%d %H:%M:%S"),
        "med_list_codg": code,
        "medins_list_codg": f"OWN{charge.item}",
        "medins_list_name": name,
        "det_item_fee_sumamt": f"{price * charge.count / 100:.2f}",
        "cnt": f"{charge.count}.0000",
        "pric": f"{price / 100:.6f}",
        "bilg_dept_codg": "TCM",
        "bilg_dept_name": "中医科",
        "acord_dept_name": ROOM_BY_HAND if charge.item in SHORT_NAMES else "",
        "bilg_dr_codg": charge.staff,
        "bilg_dr_name": charge.staff,
    }
