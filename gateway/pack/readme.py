"""README.txt of a pack: what it is and how to check it, for whoever opens it without knowing anything."""

from __future__ import annotations

from gateway.pack.contents import Contents

_TEXT = r"""以电为证 WattWitness · 证据包 Evidence pack
{name} ({clinic}) · {first} – {last}


怎样看 · How to read it
------------------------
index.html   用任何浏览器打开，不联网。  Open it in any browser; it needs no network.
sheet.pdf    供签字，印有 manifest.json 的 SHA-256。  For signing; it prints the SHA-256 of manifest.json.


怎样核验 · How to verify it
---------------------------
1. 请用自己带来的核验程序。包里的 verify.py 和 verify.html 与其余内容出自同一处，不可信。
   Bring your own verifier. The verify.py and verify.html in here come from the same hand as the rest, and are not to be trusted.

       python3 verify.py PACK.zip --keys keys.json
       wattwitness check PACK.zip --keys keys.json

2. keys.json 由区平台给出（{{"单元": "公钥十六进制"}}）。没有它，只能证明前后一致，不能证明真实。
   keys.json comes from the district ({{"unit": "key in hex"}}). Without it a check shows consistency, not authenticity.

3. manifest.json 的摘要须与签字页上的一致：
   The hash of manifest.json must be the one on the signed sheet:

       sha256sum manifest.json

4. 任一条记录都可用 openssl 或 ocmf 单独核验，无需本项目的程序：
   Any record can be checked alone with openssl or ocmf, without any program of this project:

       ocmf verify ocmf/UNIT.xml --all

       LINE=$(sed -n 3p records/UNIT.ocmf)
       printf %s "$LINE" | cut -d'|' -f2 | tr -d '\n' > payload.json
       printf %s "$LINE" | sed 's/.*"SD":"\([0-9a-f]*\)".*/\1/' | xxd -r -p > signature.der
       printf %s KEY | xxd -r -p | openssl pkey -pubin -inform DER -out key.pem
       openssl dgst -sha256 -verify key.pem -signature signature.der payload.json
       （第 3 条记录；KEY：区里给出的公钥 · the third record; KEY: the unit's key from the district, hex）


它不能证明什么 · What it does not prove
---------------------------------------
通电时间只是上限：它说明最多做得了多少次，从不证明给谁做过治疗。没有人监测的时间从不当作“没有通电”。
这里的每一条都是线索，供人核实，没有一条是认定违规。
Power-on time is an upper bound: it says how many treatments can have been done, never that one was. What nobody watched is never
taken as off. Everything here is a lead for a person to review; nothing is a finding of guilt.

每个文件、每个字段见 docs/pack-format.md（格式 {format}）。
docs/pack-format.md tells every file and field (format {format}).
{patients}"""

_PATIENTS = """
注意：bills/raw/ 里是原始账单文件，含患者姓名或号码，请按个人信息保管。
Mind: bills/raw/ holds the bill files as they came. They name patients: keep them as personal data.
"""


def text(held: Contents) -> bytes:
    """The file, in UTF-8 with a mark, so that every editor shows the Chinese."""
    about = held.document()
    said = _TEXT.format(
        name=about["name"],
        clinic=about["clinic"],
        first=about["from"],
        last=about["to"],
        format=about["format"],
        patients=_PATIENTS if held.asked.bill_files else "",
    )
    return said.replace("\n", "\r\n").encode("utf-8-sig")
