"""What a HIS sends and gets, as the API's own page documents it. Field names are those of message 2204 where it has them."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

Word = Literal["ok", "attention", "unknown"]
State = Literal[
    "running", "idle", "meter_silent", "full", "unheard", "never", "incomplete", "forked", "blind"
]


class _Shape(BaseModel):
    """A misspelt field is refused: silence would look like a good answer."""

    model_config = ConfigDict(extra="forbid")


class Line(_Shape):
    """A line that is about to be charged."""

    feedetl_sn: str = Field(min_length=1, max_length=64, description="明细流水号 · unique in the request")
    med_list_codg: str = Field("", max_length=64, description="国家医保编码 · national code")
    medins_list_codg: str = Field("", max_length=64, description="院内项目编码 · the clinic's own code")
    medins_list_name: str = Field("", max_length=200, description="项目名称 · what the clinic calls it")
    cnt: int = Field(1, ge=1, le=999, description="次数或区数 · treatments or areas")


class Precheck(_Shape):
    """What a cashier is about to charge to one person in one visit."""

    mdtrt_id: str = Field(min_length=1, max_length=64, description="就诊 ID · the visit")
    psn_no: str = Field(
        "", max_length=64, description="人员编号，只存其带密钥的散列 · kept as a keyed hash only"
    )
    age: int | None = Field(None, ge=0, le=150, description="周岁 · completed years")
    fee_ocur_time: AwareDatetime | None = Field(None, description="收费时间，默认现在 · by default now")
    lines: list[Line] = Field(min_length=1, max_length=200)


class Reason(_Shape):
    """One thing to look at, in both languages."""

    code: str
    zh: str
    en: str


class LineAdvice(_Shape):
    """What can be said of one line. `item`: the number in the catalogue; null where it is none of it."""

    feedetl_sn: str
    item: int | None
    advice: Word
    reasons: list[Reason]


class PrecheckAnswer(_Shape):
    """Advice, never a prohibition: `unknown` and no answer at all mean that the cashier goes on."""

    advice: Word
    lines: list[LineAdvice]
    time_left: dict[str, int] = Field(
        description="设备类别 → 今天还能容纳的次数（未监测的时间计入） · how many more of a class today's device time can hold"
    )


class UnitNow(_Shape):
    """A unit now. `minutes`: run so far; `required_minutes`: for one treatment; `waiting`: treatments of its class that
    were charged today and have no device time yet."""

    unit: str
    device: str
    load: str
    room: str
    bed: str
    state: State
    since: str | None
    minutes: int | None
    required_minutes: int | None
    waiting: int
    bill_waits: bool


class Units(_Shape):
    """Every unit of the clinic, as its own records tell."""

    at: str
    units: list[UnitNow]


class Refused(_Shape):
    """Nothing was stored; what, where and what to do, in both languages."""

    zh: str
    en: str
