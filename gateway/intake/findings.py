"""What intake can find, as values: a code, whom it concerns, and one sentence in Chinese and in English."""

from __future__ import annotations

from dataclasses import dataclass

_SENTENCES = {
    "malformed": ("收到的内容不是有效记录，已隔离", "what came is no valid record; it is in quarantine"),
    "unknown_unit": (
        "单元未登记，其记录已隔离；用 unit add 登记后自动补收",
        "the unit is not enrolled; its records wait in quarantine until unit add enrols it",
    ),
    "high_s": ("签名取了较大的 s，已隔离", "the signature has the higher s; the record is in quarantine"),
    "bad_seal": (
        "签名与单元的公钥不符，已隔离",
        "the seal is not of the unit's key; the record is in quarantine",
    ),
    "wrong_clinic": (
        "记录由别的机构或单元送来，已隔离",
        "the record was brought by another clinic or unit; it is in quarantine",
    ),
    "fork": (
        "同一序号有两份不同的已签名记录：自此起该单元的记录不作依据，需更换密钥",
        "two sealed histories differ at this record: from here on the unit supports nothing until it has a new key",
    ),
    "clock": (
        "记录的时刻晚于收到的时刻，相关时段需复核",
        "the record's instant is later than its receipt; the time concerned must be reviewed",
    ),
    "ack_lowered": (
        "账本中的记录少于已确认的：账本可能由旧备份恢复，正请单元补发",
        "the ledger holds less than was acknowledged: restored from a backup? The units are asked to send again",
    ),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. `detail` tells apart what has code, unit and us in common."""

    code: str
    unit: str
    us: int | None
    zh: str
    en: str
    detail: str = ""

    @property
    def name(self) -> str:
        """Its name in the ledger, so that the same is found once."""
        return f"{self.code}:{self.unit}:{'' if self.us is None else self.us}:{self.detail}"

    def document(self) -> dict[str, object]:
        """As `take-in --json` prints it."""
        return {"code": self.code, "unit": self.unit, "us": self.us, "zh": self.zh, "en": self.en}


def finding(code: str, unit: str | None, us: int | None = None, detail: str = "") -> Finding:
    """The finding `code` with its sentence."""
    zh, en = _SENTENCES[code]
    return Finding(code, unit or "", us, zh, en, detail)


def withheld(unit: str, first_us: int, last_us: int) -> Finding:
    """The finding `withheld`: the unit, read by its cable, held records that the ledger lacked at its end."""
    zh = f"从单元读出的记录 {first_us} 至 {last_us}，账本里没有：没有送到，或被扣下；现已收入"
    en = f"the unit held records {first_us} to {last_us} that the ledger lacked: not delivered, or withheld; now taken in"
    return Finding("withheld", unit, first_us, zh, en, str(last_us))


def missing(unit: str, first_us: int, last_us: int) -> Finding:
    """The finding `gap`: records from `first_us` to `last_us` have not come."""
    zh = f"缺少记录 {first_us} 至 {last_us}，补到后自动接上"
    en = f"records {first_us} to {last_us} are missing; later ones wait aside until they come"
    return Finding("gap", unit, first_us, zh, en, str(last_us))
