"""Every text of the pages, Chinese first, English second. `{}` fields are filled by name."""

from __future__ import annotations

from collections.abc import Callable

from gateway.pages import lead_words, month_words, nurse_words

LANGUAGES = ("zh", "en")
TAGS = {"zh": "zh-CN", "en": "en"}
"""Language -> its BCP 47 tag, for `lang` attributes."""

Say = Callable[..., str]
"""say("key", name=value ...) -> the text in the language that was chosen."""

_TEXTS: dict[str, tuple[str, str]] = {
    "product": ("以电为证", "WattWitness"),
    "other_language": ("English", "中文"),
    # days and spans of time
    "weekdays": ("一 二 三 四 五 六 日", "Monday Tuesday Wednesday Thursday Friday Saturday Sunday"),
    "months": (
        "1 2 3 4 5 6 7 8 9 10 11 12",
        "January February March April May June July August September October November December",
    ),
    "date": ("{year} 年 {month} 月 {day} 日 星期{weekday}", "{weekday}, {day} {month} {year}"),
    "hours_minutes": ("{hours} 小时 {minutes} 分", "{hours} h {minutes} min"),
    "hours_only": ("{hours} 小时", "{hours} h"),
    "minutes_seconds": ("{minutes} 分 {seconds} 秒", "{minutes} min {seconds} s"),
    "minutes_only": ("{minutes} 分", "{minutes} min"),
    "seconds_only": ("{seconds} 秒", "{seconds} s"),
    "percent": ("{value}%", "{value}%"),
    "yuan": ("{value} 元", "¥{value}"),
    "and": ("、", ", "),
    "clause": ("；", "; "),
    "stop": ("。", "."),
    "gap": ("", " "),
    "previous_day": ("前一天", "Day before"),
    "next_day": ("后一天", "Day after"),
    # verdicts
    "verdict.supported": ("相符", "supported"),
    "verdict.short": ("时长不足", "short"),
    "verdict.no_device_time": ("无设备时间", "no device time"),
    "verdict.unobserved": ("待核", "unobserved"),
    "verdict.not_metered": ("非计量", "not metered"),
    "verdict.reversed": ("已冲销", "reversed"),
    "verdict.pending": ("未核对", "not reconciled yet"),
    "verdict.among": ("线索组成员", "one of a set"),
    "meaning.supported": ("有足够的设备通电时间", "device time of the required length was there"),
    "meaning.short": ("有设备通电，但不够长", "device time was there, but less"),
    "meaning.no_device_time": (
        "开诊时间全程有监测，没有剩余的通电时间",
        "all devices were watched and none had time left",
    ),
    "meaning.unobserved": ("只有未监测的时间才能解释", "only unwatched time could explain it"),
    "meaning.not_metered": ("没有设备可以为它作证", "no device can bear witness for it"),
    "meaning.reversed": ("已退费", "refunded"),
    "meaning.pending": ("导入后还没有核对", "imported, not reconciled yet"),
    # device classes
    "load.tdp": ("红外线治疗灯（TDP）", "TDP lamps"),
    "load.stim": ("电针仪", "Electro-acupuncture stimulators"),
    "load.ionto": ("定向透药仪", "Iontophoresis units"),
    "load.other": ("其他设备（{load}）", "Other devices ({load})"),
    "load.unplaced": ("未登记位置的单元", "Units without a registered place"),
    # the day page
    "day_title": ("{clinic} · {date}", "{clinic} · {date}"),
    "coverage": ("监测时间", "Watched time"),
    "coverage_words": (
        "开诊 {opens}–{closes}，{devices} 台设备应监测 {open}，实际监测 {watched}。"
        "其余时间没有见证，一律按“不知道”处理，不当作没有通电。",
        "Open {opens}–{closes}: {devices} devices, {open} to be watched, {watched} watched. "
        "The rest had no witness and counts as unknown, never as off.",
    ),
    "coverage_unknown": (
        "这一天还没有核对，监测了多少时间尚不知道。",
        "This day has not been reconciled; how much of it was watched is not known.",
    ),
    "closed": ("这一天停诊。", "The clinic was closed on this day."),
    "summary": ("核对概要", "Summary"),
    "summary_count": (
        "导入的理疗项目计费 {lines} 条，共 {treatments} 次治疗",
        "{lines} bill lines imported for {treatments} treatments",
    ),
    "summary_outside": ("另有 {n} 条不在核对目录内", "{n} more lines are outside the catalogue"),
    "summary_pending": (
        "其中 {n} 条核对之后才导入，尚未核对",
        "{n} of them came in after the reconciliation",
    ),
    "summary_sentence": (
        "监测时间 {coverage}。{counts}。",
        "Watched: {coverage}. {counts}.",
    ),
    "count_of": ("{label} {n} 次", "{n} {label}"),
    "honesty": ("线索，不是结论。", "Leads, not conclusions."),
    "honesty_words": (
        "通电时间只能说明最多做得了多少次治疗，不能证明给谁做过或没有做过；每条线索都须由人核查。",
        "Power-on time bounds what can have been done; it never proves that a person was or was not treated. "
        "Every lead is for a person to review.",
    ),
    # the timeline
    "timeline": ("设备通电与计费时间图", "Power-on time and charges"),
    "timeline_hint": (
        "图较宽，可左右滚动；悬停在图形上可见详情，下方各表列出图中的内容。",
        "Scroll sideways to see all; point at a mark for details; the tables below hold what the picture shows.",
    ),
    "timeline_desc": (
        "{devices} 台设备，通电 {sessions} 次，未监测 {darks} 段；计费 {lines} 条。{counts}。",
        "{devices} devices, {sessions} sessions, {darks} unwatched intervals; {lines} bill lines. {counts}.",
    ),
    "column.sessions": ("通电", "sessions"),
    "column.coverage": ("监测", "watched"),
    "devices_count": ("{n} 台", "{n} devices"),
    "stations_served": ("可同时 {n} 人", "serves {n} at once"),
    "blind": ("无见证", "no witness"),
    "bed": ("{bed} 床", "bed {bed}"),
    "charges": ("计费", "Charged"),
    "times": ("{n} 次", "{n} treatments"),
    "item_numbers": ("第 {items} 项", "item {items}"),
    "others": ("没有设备的项目（凭人工登记）", "Items without a device (by records of people)"),
    "required": ("一次至少 {duration}", "one treatment ≥ {duration}"),
    "set_sentence": (
        "线索组 {number}：{lines} 条计费之中，{counts}；分不清是哪几条，不指向其中任何一条。",
        "Set {number}: among {lines} bill lines, {counts}; which of them cannot be told, and none is singled out.",
    ),
    "set_short": ("线索组 {number} · {lines} 条之一", "set {number} · one of {lines} lines"),
    "set_seconds": ("时长不足者实有 {seconds}。", "The short ones had {seconds}."),
    "dark": ("未监测", "unwatched"),
    "session": ("通电", "session"),
    "session_title": (
        "{record}　{start}–{end}　有效通电 {active}　平均 {watts} W　{grade}　{ending}",
        "{record}  {start}–{end}  on for {active}  mean {watts} W  {grade}  {ending}",
    ),
    "interruptions": ("中断 {n} 次", "{n} interruptions"),
    "grade.A": ("A 级见证", "grade A"),
    "grade.B": ("B 级见证", "grade B"),
    "grade.C": ("C 级（人工登记）", "grade C (entered by a person)"),
    "grade.": ("未作依据（链未接上、有分叉或时钟未校准）", "supports nothing (chain or clock unsettled)"),
    "end.L": ("正常关闭", "switched off"),
    "end.P": ("因停电而止", "ended by a power failure"),
    "end.A": ("因故障或失去读数而止", "ended by a fault or lost readings"),
    "long_burn": ("长时间空烧", "long burn"),
    "legend.A": ("通电（A 级见证）", "session, grade A"),
    "legend.B": ("通电（B 级见证）", "session, grade B"),
    "legend.burn": ("长时间通电", "long burn"),
    "legend.aside": ("未作依据", "supports nothing"),
    "legend.torn": ("停电或故障而止", "cut by power failure or fault"),
    "legend.dark": ("未监测", "unwatched"),
    "legend.closed": ("非开诊时间", "outside opening hours"),
    "legend_note": (
        "计费标记画在收费时刻；收费时刻不是治疗时刻，与上方通电不必对齐。",
        "Marks stand at the time of charging, which is not the time of treatment: they need not line up with sessions.",
    ),
    # tables
    "leads": ("线索", "Leads"),
    "leads_none": ("没有线索。", "No leads."),
    "lead_facts": ("涉及 {lines} 条计费，{amount}", "{lines} bill lines, {amount}"),
    "lead_bound": (
        "{treatments} 次治疗，设备时间至多 {capacity} 次",
        "{treatments} treatments, room for {capacity}",
    ),
    "lead_lines": ("所依据的计费与记录", "Bill lines and records it rests on"),
    "sets": ("线索组", "Sets in doubt"),
    "sets_words": (
        "同一天的计费常可互换：能证明其中有几次缺少设备时间，却不能说是哪一条。因此只说整组。",
        "Lines of one day are often interchangeable: that some lack device time can be proved, which ones cannot. "
        "So doubt is said of the whole set.",
    ),
    "set_lines": ("这一组的全部计费", "All bill lines of the set"),
    "show": ("展开", "Show"),
    "count": ("次数", "Treatments"),
    "lines": ("计费明细与核对结果", "Bill lines and verdicts"),
    "lines_none": (
        "这一天没有导入理疗项目的计费。",
        "No bill lines of treatments were imported for this day.",
    ),
    "line": ("计费条目", "Bill line"),
    "item": ("项目", "Item"),
    "charged": ("收费时刻", "Charged"),
    "verdict": ("核对结果", "Verdict"),
    "seconds": ("设备时间／要求", "Device time / required"),
    "records": ("依据的记录", "Records"),
    "amount": ("金额", "Amount"),
    "parts": ("{n} 次{label}", "{n} × {label}"),
    "devices": ("设备与监测时间", "Devices and watched time"),
    "device": ("设备", "Device"),
    "unit": ("单元", "Unit"),
    "place": ("位置", "Place"),
    "unwatched": ("未监测时段", "Unwatched"),
    "none": ("无", "none"),
    "sessions_table": ("通电记录", "Sessions"),
    "findings": ("记录的核验发现", "What checking the records found"),
    "code": ("代码", "Code"),
    "sentence": ("说明", "What it says"),
    "made": ("核对于 {at}；时刻为 {zone} 时间。", "Reconciled at {at}; times are of {zone}."),
    "not_made": ("尚未核对；时刻为 {zone} 时间。", "Not reconciled yet; times are of {zone}."),
    "print_foot": ("由诊所账本自动生成，只读。", "Made from the clinic's ledger, read only."),
    # lead rules
    "rule.capacity": ("设备时间不够", "More billed than devices could serve"),
    "rule.burst": ("短时集中收费", "Many charges in a short time"),
    "rule.short": ("时长不足", "Treatments too short"),
    "rule.device_idle": ("设备整日未用", "Device idle all day"),
    "rule.long_burn": ("长时间空烧", "Lamps that simply burned"),
    "rule.unbilled": ("通电未计费", "Device time without a bill"),
    "rule.undeclared": ("两份明细不一致", "Bill sources differ"),
    "rule.overlong": ("单次通电过长", "Session far too long"),
    "rule.clockwork": ("定时开关", "Like a time switch"),
    "rule.simultaneous": ("同时人数过多", "Too many at once"),
    "rule.quantity": ("数量超限", "More than the item allows"),
    "rule.patient_overlap": ("同一患者时间冲突", "One patient, treatments that clash"),
    "rule.frequency": ("就诊过于频繁", "Unusually frequent visits"),
    "rule.staff_time": ("人员工时不够", "More than staff time allows"),
    "rule.identical": ("多人同一组合", "Same bundle for many patients"),
    "rule.undone": ("未做未退", "Not done, not refunded"),
    "rule.dark": ("长时间未监测", "Unwatched for long"),
    "rule.chain": ("记录链异常", "Chain of records"),
    "rule.load": ("负载不符", "Another appliance"),
    # other pages
    "not_found_title": ("没有这一页", "No such page"),
    "bad_date": (
        "“{text}”不是日期。请写成 2026-03-02 这样的年-月-日。",
        "“{text}” is no date. Write year-month-day, as in 2026-03-02.",
    ),
    "not_found": ("这里没有可看的内容。", "There is nothing at this address."),
    "home": ("回到首页", "Go to the first page"),
    "failed_title": ("暂时不能显示", "Cannot be shown now"),
    "failed": (
        "读取账本时出错，账本内容没有改变。请查看网关的日志，或稍后再试。",
        "Reading the ledger failed; nothing in it was changed. See the gateway's log, or try again later.",
    ),
    "district_title": ("{name} · 各诊所单元", "{name} · units of the clinics"),
    "district.clinic": ("诊所", "Clinic"),
    "district.unit": ("单元", "Unit"),
    "district.held": ("已收记录", "Records held"),
    "district.missing": ("缺少的记录", "Missing records"),
    "district.quarantined": ("诊所被隔离", "Clinic's quarantined"),
    "district.last_heard": ("最近收到", "Last heard"),
    "district.never_heard": ("从未收到", "never heard"),
    "district.forked": ("自记录 {us} 起分叉", "forked at record {us}"),
    "district_none": ("还没有登记单元。", "No units are registered yet."),
}

_TEXTS |= lead_words.TEXTS | month_words.TEXTS | nurse_words.TEXTS


def speak(lang: str) -> Say:
    """The texts in `lang`; Chinese where it is not one of LANGUAGES. KeyError for a key that has no text."""
    place = 1 if lang == "en" else 0

    def say(key: str, **values: object) -> str:
        return _TEXTS[key][place].format(**values)

    return say


def knows(key: str) -> bool:
    """Whether there is a text of that name."""
    return key in _TEXTS
