"""Bills of a clinic that does not exist: codes for people, no names. Rows as hospital systems and platforms write them."""

from __future__ import annotations

import json
from typing import Any

TDP, STIM = "003401000010000", "004300000160100"

FEE_COLUMNS = (
    "bkkp_sn", "mdtrt_id", "psn_no", "fee_ocur_time", "setl_id", "fixmedins_code", "cnt", "pric",
    "det_item_fee_sumamt", "hilist_code", "hilist_name", "med_list_codg", "medins_list_codg", "medins_list_name",
    "bilg_dr_code", "acord_dr_code", "chrg_bchno", "init_feedetl_sn",
)  # fmt: skip


def detail(number: str = "1", visit: str = "V1", **other: Any) -> dict[str, Any]:
    """One line of a 2204 upload: a TDP treatment of one area for 12 yuan. `other` fields win; None leaves one out."""
    line = {
        "feedetl_sn": number,
        "mdtrt_id": visit,
        "psn_no": "P0001",
        "chrg_bchno": "B1",
        "fee_ocur_time": "2026-03-02 09:15:00",
        "med_list_codg": TDP,
        "medins_list_codg": "OWN31",
        "det_item_fee_sumamt": "12.00",
        "cnt": "1.0000",
        "pric": "12.000000",
        "bilg_dept_name": "中医科",
        "bilg_dr_codg": "D01",
    } | other
    return {name: value for name, value in line.items() if value is not None}


def upload(*lines: dict[str, Any]) -> dict[str, Any]:
    """The 2204 message with these lines."""
    return _message("2204", {"feedetail": list(lines)})


def deletion(visit: str = "V1", batch: str = "0000") -> dict[str, Any]:
    """The 2205 that deletes a visit's unsettled lines, all of them or those of a batch."""
    return _message("2205", {"data": {"mdtrt_id": visit, "chrg_bchno": batch, "psn_no": "P0001"}})


def settlement(visit: str = "V1", batch: str = "B1", name: str = "S1") -> dict[str, Any]:
    """The 2207 that settles a batch, with its answer beside it."""
    message = _message("2207", {"data": {"mdtrt_id": visit, "chrg_bchno": batch}})
    return message | {"output": {"setlinfo": {"mdtrt_id": visit, "setl_id": name}}}


def cancellation(visit: str = "V1", name: str = "S1") -> dict[str, Any]:
    """The 2208 that cancels a settlement."""
    return _message("2208", {"data": {"mdtrt_id": visit, "setl_id": name, "psn_no": "P0001"}})


def _message(kind: str, content: dict[str, Any]) -> dict[str, Any]:
    return {"infno": kind, "fixmedins_code": "H0001", "inf_time": "2026-03-02 17:00:00", "input": content}


def as_json(*messages: dict[str, Any]) -> bytes:
    """The messages as one JSON file."""
    return json.dumps(messages, ensure_ascii=False).encode()


def fee(number: str = "1", visit: str = "V1", **other: str) -> dict[str, str]:
    """One row of the platform's fee list: a TDP treatment of one area for 12 yuan. `other` columns win."""
    return {
        "bkkp_sn": number,
        "mdtrt_id": visit,
        "psn_no": "P0001",
        "fee_ocur_time": "2026-03-02 09:15:00",
        "setl_id": "S1",
        "fixmedins_code": "H0001",
        "cnt": "1",
        "pric": "12",
        "det_item_fee_sumamt": "12.00",
        "hilist_code": "340100001",
        "hilist_name": "红外线治疗(TDP)",
        "med_list_codg": TDP,
        "medins_list_codg": "OWN31",
        "medins_list_name": "红外线治疗（TDP）",
        "bilg_dr_code": "D01",
        "acord_dr_code": "",
        "chrg_bchno": "B1",
        "init_feedetl_sn": "",
    } | other


def refund(number: str, visit: str = "V1", **other: str) -> dict[str, str]:
    """One negative row that takes a treatment back, settled by S2."""
    return fee(number, visit, **({"cnt": "-1", "det_item_fee_sumamt": "-12.00", "setl_id": "S2"} | other))


def fee_list(
    *rows: dict[str, str], quote: str = "'", encoding: str = "utf-8", columns: tuple[str, ...] = FEE_COLUMNS
) -> bytes:
    """The rows as a fee list: comma, CRLF, a header, each value in `quote`."""
    cells = [",".join(f"{quote}{row[column]}{quote}" for column in columns) for row in rows]
    return "".join(line + "\r\n" for line in [",".join(columns), *cells]).encode(encoding)
