"""What `check` can find wrong with a ledger, as values: a code, where it is, and a sentence in Chinese and in English."""

from __future__ import annotations

from dataclasses import dataclass

_SENTENCES = {
    "no_key": ("没有这个单元的公钥", "there is no public key for this unit"),
    "malformed": ("不是有效记录", "it is no valid record"),
    "bad_seal": ("签名与单元的公钥不符", "the seal is not of the unit's key"),
    "high_s": ("签名取了较大的 s", "the signature has the higher s"),
    "rewritten": ("签名部分不是单元所写的样子", "the signature section is not written as units write it"),
    "misfiled": ("记录的存放与内容不符", "the record is filed under what it does not say"),
    "missing": ("链中缺少这条记录", "it is missing from the chain"),
    "chain": ("与前一条记录不相接", "it does not follow the record before it"),
    "head": ("链的两端与账本所记不符", "the ends of the chain are not those that the ledger names"),
    "bill_file": ("账单文件被改动", "the bill file was changed"),
    "bill": ("判定与收费行不符", "the verdicts and the bill line do not agree"),
    "unreadable": ("核对结果残缺，不能读", "what the reconciliation said cannot be read"),
    "verdict": ("判定的存放与内容不符", "the verdict is filed under what it does not say"),
    "required": ("所需时长与目录不符", "the seconds required are not those of the catalogue"),
    "grounds": ("判定的依据不存在或不同", "what the verdict rests on is not there, or not so"),
    "misfit": ("会话与该次治疗的时间不相容", "the session does not fit the treatment"),
    "overfull": ("会话承载的治疗过多", "the session carries more treatments than fit"),
    "fit": ("长时间空开与否所说不实", "whether the session is a long burn is not as said"),
    "overlooked": ("会话有余，却有治疗未得", "the session has room for a treatment that was left without"),
    "unproven": ("没有线索证明其无设备时间", "no lead proves that it had no device time"),
    "left_out": ("线索漏掉了这段会话", "a lead leaves this session out"),
    "witness": ("线索的算式不成立", "the arithmetic of the lead is wrong"),
    "dark": ("线索所列未监测时段不全或不实", "the lead names other dark time than there was"),
    "among": ("存疑的收费行不全", "the doubt is not said of the lines that share it"),
    "lead": ("线索的存放与内容不符", "the lead is filed under what it does not say"),
    "coverage": ("监测时长与未监测时段不符", "watched and dark time do not make up the opening hours"),
    "trail": (
        "操作记录与前一条不相接，或被改动",
        "the entry does not follow the one before it, or was changed",
    ),
    "act": (
        "线索的经过与前一条不相接，或被改动",
        "what was said of the lead does not follow, or was changed",
    ),
    "attachment": ("附件缺失或被改动", "the attachment is missing or was changed"),
    "closing": (
        "关账与前一次不相接，或被改动",
        "the closing does not follow the one before it, or was changed",
    ),
    "catalogue": (
        "目录或编码的更改没有第二个人、没有留痕，或被改动",
        "a change of the catalogue or of a code lacks its second person or its trace, or was changed",
    ),
    "post": ("登记与单元读到标签的记录不符", "the entry is not what the unit's readings of the tag say"),
    "manifest": ("与清单所列的字节不符", "it is not, byte for byte, what the manifest lists"),
    "member": (
        "包里不应有这个文件，或应有而没有",
        "a pack has no such file, or lacks this one",
    ),
    "written": (
        "不是规范 JSON：不同的程序可能读出不同的内容",
        "it is no canonical JSON, so that two programs may read two things",
    ),
    "gone": (
        "操作记录说到它，包里没有",
        "the trail tells of it, and it is not there",
    ),
    "fork": (
        "所称的分叉没有记录可证，或有分叉而未说",
        "no record bears out the fork that is told, or there is one and it is not told",
    ),
    "sheet": ("签字页不是这份清单的", "the sheet does not name this manifest"),
    "key": ("包里的公钥不是给出的公钥", "the key in the pack is not the one that was handed in"),
    "rules": ("规则文件与所记摘要不符", "the file of rules is not the one that is named"),
    "period": ("核对的不是这段时间", "the reconciliation is not of this period"),
    "summary": ("汇总与各条结果不符", "the summary does not count what is said"),
    "container": (
        "给其他程序的记录与链中的不同",
        "what other programs are given are not the chain's records",
    ),
    "untraced": ("操作记录里没有这一条", "the trail has no trace of it"),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that the stored bytes do not bear out. `code` is stable; `where` names the thing."""

    code: str
    where: str

    def document(self) -> dict[str, str]:
        """As `check --json` prints it."""
        zh, en = _SENTENCES[self.code]
        return {"code": self.code, "where": self.where, "zh": zh, "en": en}
