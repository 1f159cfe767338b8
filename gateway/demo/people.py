"""The people at work on the demo day: a counter whose HIS asks and charges, and a nurse with her list. Both speak to the
clinic's gateway over HTTP, as a HIS and a browser do."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any

from gateway.demo.bills import Message, charged, text
from gateway.demo.plan import CODES, ROOM_BY_HAND, ByHand, Charge
from gateway.demo.visitor import Visitor
from gateway.errors import SurroundingsError

_PATIENCE_S = 20


class Counter:
    """The HIS at the counter. `url` is the gateway's, `key` that of its [his]."""

    def __init__(self, url: str, key: str):
        self._url, self._headers = (
            f"{url}/api/v1",
            {"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
        )

    def charge(self, charges: list[Charge]) -> None:
        """These lines were charged: tell the gateway."""
        self._post("bill-lines", charged(charges))

    def ask(self, before: Charge) -> list[Mapping[str, str]]:
        """May the same be charged once more, to the same person in another visit? What speaks against it (`zh`, `en`)."""
        line = {"feedetl_sn": "1", "med_list_codg": CODES[before.item][0], "cnt": 1}
        answer = self._post("precheck", {"mdtrt_id": "V9999", "psn_no": before.patient, "lines": [line]})
        return [reason for each in answer["lines"] for reason in each["reasons"]]

    def _post(self, what: str, said: list[Message] | Message) -> Any:
        body = text(said) if isinstance(said, list) else json.dumps(said)
        return json.loads(
            _answer(urllib.request.Request(f"{self._url}/{what}", body.encode(), self._headers))
        )


class Nurse:
    """The nurse at her list, and the desk where tokens are given out."""

    def __init__(self, nurse: Visitor, desk: Visitor, tokens: Mapping[str, str]):
        self._nurse, self._desk, self._tokens = nurse, desk, tokens

    def give(self, visit: str) -> None:
        """The patient gets a printed token."""
        self._desk.post("/nurse/token", {"visit": visit, "token": self._tokens[visit]})

    def begin(self, treatment: ByHand) -> int:
        """The first tap; the entry that runs now."""
        visit, seen = treatment.charge.visit, ""
        if treatment.scanned:
            at = self._nurse.post("/nurse/scan", {"token": self._tokens[visit]})
            seen = urllib.parse.parse_qs(urllib.parse.urlsplit(at).query)["seen"][0]
        self._nurse.post("/nurse/begin", {"seen": seen, **_said(treatment)})
        shown = self._nurse.get(self.address(f"/visit/{visit}"))
        return max(int(entry) for entry in re.findall(r'id="e(\d+)"', shown))

    def end(self, treatment: ByHand, entry: int) -> None:
        """The second tap, with what the item asks for."""
        asked = {} if treatment.acupoints is None else {"acupoints": str(treatment.acupoints)}
        self._nurse.post("/nurse/end", {"entry": str(entry), "outcome": "done", **asked})

    def undone(self, treatment: ByHand) -> None:
        """It was charged and is not done."""
        self._nurse.post("/nurse/undone", {"reason": treatment.why[0], **_said(treatment)})

    def address(self, path: str = "", lang: str = "zh") -> str:
        """Where her list of her room is, or what belongs to it."""
        return f"/nurse{path}?{urllib.parse.urlencode({'room': ROOM_BY_HAND, 'lang': lang})}"


def _said(treatment: ByHand) -> dict[str, str]:
    charge = treatment.charge
    line = f"{charge.visit}/{charge.line}"
    return {"room": ROOM_BY_HAND, "visit": charge.visit, "item": str(charge.item), "line": line}


def _answer(request: urllib.request.Request) -> str:
    """What the answer says; SurroundingsError where there is none."""
    try:
        with urllib.request.urlopen(request, timeout=_PATIENCE_S) as answer:
            return str(answer.read().decode("utf-8"))
    except urllib.error.HTTPError as error:
        why = f"HTTP {error.code} {error.read(300).decode('utf-8', 'replace')}"
    except OSError as error:
        why = str(error)
    path = urllib.parse.urlsplit(request.full_url).path
    raise SurroundingsError(f"网关没有接受 {path}：{why}", f"the gateway did not take {path}: {why}")
