"""The insurer's platform's extract of its fee list: comma, header, CRLF, values in single quotes or in none.

Where a refund has the number of the row that it takes back, the two are told apart by their settlements.
"""

from __future__ import annotations

from gateway.audit.formats import table
from gateway.audit.formats.line import Layout
from gateway.audit.formats.statements import Contents
from gateway.audit.formats.values import Instants

LAYOUT: Layout = {
    "line": ("feedetl_sn", "bkkp_sn"),
    "visit": ("mdtrt_id",),
    "code": ("med_list_codg", "hilist_code"),
    "own_code": ("medins_list_codg",),
    "name": ("medins_list_name", "hilist_name"),
    "count": ("cnt",),
    "amount": ("det_item_fee_sumamt",),
    "price": ("pric",),
    "charged_at": ("fee_ocur_time",),
    "room": ("acord_dept_name", "acord_dept_codg", "bilg_dept_name", "bilg_dept_codg"),
    "staff": ("acord_dr_code", "acord_dr_codg", "orders_dr_code", "bilg_dr_code", "bilg_dr_codg"),
    "patient": ("psn_no",),
    "settlement": ("setl_id",),
    "batch": ("chrg_bchno",),
    "reversal_of": ("init_feedetl_sn",),
    "valid": ("vali_flag",),
    "refunded": ("refd_setl_flag",),
    "institution": ("fixmedins_code",),
}


def fits(text: str) -> bool:
    """Whether the header is that of a fee list, complete or not."""
    first = text.lstrip().split("\n", 1)[0].replace("'", "").replace('"', "")
    names = {name.strip() for name in first.split(",")}
    return len(names & {column for columns in LAYOUT.values() for column in columns}) >= 4


def read(text: str, instants: Instants) -> Contents:
    """What the rows say; UnreadableFile where columns are missing."""
    return table.read(text, LAYOUT, instants, quote=_quote(text), insured=True)


def _quote(text: str) -> str:
    """Single quotes, if some cell begins with one; else double ones, which spreadsheets add when they save."""
    return "'" if text.startswith("'") or ",'" in text or "\n'" in text else '"'
