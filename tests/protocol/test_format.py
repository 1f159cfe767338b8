"""FORMAT.md cannot drift: every example in it is rendered, sealed, chained, damaged or run."""

from __future__ import annotations

import hmac
import os
import re
import subprocess
from itertools import pairwise

import pytest

from gateway.audit.coverage import attest
from protocol import chain, p256, record, seal, topics
from protocol.errors import RecordError
from protocol.record import Identity
from tests.support import outside
from tests.support.both import on_both
from tests.support.tools import CHECKOUT, tool

TEXT = (CHECKOUT / "protocol/FORMAT.md").read_text("utf-8")


def blocks(mark: str) -> list[str]:
    """The fenced blocks of one mark, in order."""
    return re.findall(rf"^```{mark}\n(.*?)\n```$", TEXT, re.M | re.S)


def pairs(mark: str, between: str) -> list[list[str]]:
    """The lines of the one block of a mark, each split in two."""
    (block,) = blocks(mark)
    return [[part.strip() for part in line.split(between, 1)] for line in block.splitlines()]


RECORDS = blocks("record")
PARSED = [record.parse(seal.split(line)[0]) for line in RECORDS]
KEYS = dict(pairs("key", " "))
SECRET, PUB = bytes.fromhex(KEYS["secret"]), KEYS["public"]
PUBLIC = p256.from_spki(bytes.fromhex(PUB))
OTHER = p256.public_key(bytes(range(1, 33)))


def by_key(public: bytes):
    return lambda message, r, s: p256.verify(public, message, r, s)


def refused_as(line: str, public: bytes = PUBLIC) -> str:
    with pytest.raises(RecordError) as caught:
        record.parse(seal.check(line, by_key(public)))
    return caught.value.code


each_record = pytest.mark.parametrize("line", RECORDS, ids=[f"{each.us} {each.kind}" for each in PARSED])


def test_there_are_no_blocks_but_those_that_are_tested():
    marks = set(re.findall(r"^```(\S*)$", TEXT, re.M)) - {""}
    assert marks == {
        "key",
        "instant",
        "no-instant",
        "tag",
        "record",
        "attested",
        "topic",
        "ack",
        "time",
        "sh",
    }
    assert TEXT.count("\n```") == 2 * sum(len(blocks(mark)) for mark in marks)


# --- records ------------------------------------------------------------------------------------------------


def test_the_public_key_is_that_of_the_secret():
    assert p256.spki(p256.public_key(SECRET)).hex() == PUB


def test_every_kind_has_an_example():
    rows = re.findall(r"^\| `([A-Z]+)` \| [TF] \|", TEXT, re.M)
    assert {each.kind for each in PARSED} == set(rows)
    assert [each.us for each in PARSED] == list(range(1, len(PARSED) + 1))


@each_record
def test_each_record_is_rendered_and_sealed_again_byte_for_byte(line):
    read = record.parse(seal.split(line)[0])
    document = read.document
    identity = Identity(*(document[name] for name in ("GS", "GV", "MV", "MM", "MS", "MF")))
    fields = {name: document[name] for name in document if name[0] == "U" and name not in ("UV", "UK")}
    payload = record.render(identity, read.kind, int(read.pagination[1:]), read.readings, fields)
    assert seal.seal(payload, lambda message: p256.sign(SECRET, message)) == line


@each_record
def test_each_record_verifies_here_and_by_programs_that_are_not_ours(line):
    assert seal.check(line, by_key(PUBLIC)) == seal.split(line)[0]
    assert outside.openssl_accepts(line, PUB)
    if '"TX"' in line:
        assert outside.ocmf_accepts(line, PUB, strict=True)


@each_record
def test_a_tampered_twin_of_each_fails(line):
    payload, section = seal.split(line)
    r, s = seal.signature_of(section)
    tail = line.rsplit("|", 1)[1]
    assert refused_as(line.replace('"US":', '"US":1', 1)) == "bad_seal"
    assert refused_as(f"OCMF|{payload[:-1]} }}|{tail}") == "bad_seal"
    assert refused_as(seal_with(payload, r, s ^ 1)) == "bad_seal"
    assert refused_as(seal_with(payload, r, p256.N - s)) == "high_s"
    assert refused_as(line, OTHER) == "bad_seal"
    assert refused_as(f"{line}|{PUB}") == "malformed"
    assert not outside.openssl_accepts(line.replace('"UM":', '"UM":1', 1), PUB)


def seal_with(payload: str, r: int, s: int) -> str:
    """Sealed with these very numbers: `seal.join` would lower s."""
    return f'OCMF|{payload}|{{"SA":"{seal.ALGORITHM}","SD":"{seal.der(r, s).hex()}"}}'


def test_the_records_are_one_chain():
    head = None
    for each in PARSED:
        assert chain.judge(head, each) == chain.NEXT
        head = chain.lengthen(head, each)
    assert [chain.judge(head, each, each.digest) for each in PARSED] == [chain.REPEAT] * len(PARSED)
    assert chain.judge(chain.lengthen(None, PARSED[0]), PARSED[2]) == chain.GAP


def test_a_tampered_twin_does_not_carry_the_chain_on():
    for before, after in pairwise(PARSED):
        twin = record.parse(before.payload.replace('"UM":', '"UM":1', 1))
        assert chain.judge(chain.lengthen(None, twin), after) == chain.FORK


def test_both_interpreters_verify_the_chain_and_refuse_the_twins():
    script = f"""
import binascii
from protocol import chain, p256, record, seal
from protocol.errors import RecordError

key = p256.from_spki(binascii.unhexlify({PUB!r}))

def code(line):
    try:
        return record.parse(seal.check(line, lambda *signed: p256.verify(key, *signed)))
    except RecordError as error:
        return error.code

head, inside = None, False
with open("protocol/FORMAT.md") as file:
    for line in file:
        line = line.rstrip()
        if line.startswith("OCMF|{{"):
            read = code(line)
            print(chain.judge(head, read), read.us, read.digest, code(line.replace('"UM":', '"UM":1')))
            head = chain.lengthen(head, read)
"""
    said = on_both(script).splitlines()
    assert said == [f"NEXT {each.us} {each.digest} bad_seal" for each in PARSED]


def test_the_day_attests_what_it_says():
    found = attest(PARSED)
    assert found.doubts == []
    said = [f"watched {moment(start)} .. {moment(end)}" for start, end in found.watched]
    said += [
        f"session {each.us} {moment(each.start_ms)} .. {moment(each.end_ms)}"
        f" active {each.active_s} s, ended {each.end_code}"
        for each in found.sessions
    ]
    assert blocks("attested") == ["\n".join(said)]


def moment(at_ms: int) -> str:
    return record.instant(at_ms, "S")[:-2]


# --- the rest -----------------------------------------------------------------------------------------------


def test_the_instants_are_what_they_say():
    for text, at_ms in pairs("instant", " = "):
        assert record.read_instant(text) == (int(at_ms), text[-1])
        assert record.instant(int(at_ms), text[-1]) == text


def test_what_is_no_instant_is_refused():
    (block,) = blocks("no-instant")
    for text in block.splitlines():
        with pytest.raises(RecordError):
            record.read_instant(text)


def test_the_tag_is_the_hmac_of_the_token_and_no_other():
    said = dict(pairs("tag", " "))
    key, token = bytes.fromhex(said["key"]), said["token"].encode()
    assert hmac.new(key, token, "sha256").hexdigest() == said["tag"]
    assert hmac.new(key, token.lower(), "sha256").hexdigest() != said["tag"]
    assert [each.tags for each in PARSED if each.tags] == [[said["tag"]]] * 2


def test_the_topics_are_named_so():
    for names, topic in pairs("topic", "="):
        clinic, *unit, what = names.split()
        if what == "time":
            assert topics.time_topic(clinic) == topic
        else:
            assert topics.topic(clinic, unit[0], what) == topic
            assert topics.read_topic(topic) == (clinic, unit[0], what)


def test_the_acknowledgements_are_those_of_the_chain():
    session, nothing = blocks("ack")
    for text in (session, nothing):
        assert topics.ack(*topics.read_ack(text.encode())).decode() == text
    assert topics.read_ack(session.encode()) == (7, PARSED[6].digest)
    assert topics.read_ack(nothing.encode()) == (0, chain.ORIGIN)


def test_the_times_are_read_and_written_so():
    (block,) = blocks("time")
    for text in block.splitlines():
        assert topics.time(*topics.read_time(text.encode())).decode() == text
    with pytest.raises(RecordError):
        topics.read_time(block.splitlines()[1].replace(":61be", ":61b").encode())


@pytest.mark.parametrize("commands", blocks("sh"), ids=("ocmf", "openssl"))
def test_the_commands_accept_the_session_and_refuse_its_twin(commands, tmp_path):
    for name in ("ocmf", "openssl"):
        tool(name)
    session = RECORDS[6]
    assert shell(commands, session, tmp_path) == 0
    assert shell(commands, session.replace('"UA":1233', '"UA":1234'), tmp_path) != 0


def shell(commands: str, session: str, folder) -> int:
    """The exit code of the commands, of which each must succeed, as a reader would type them."""
    (folder / "session.ocmf").write_text(session + "\n")
    path = f"{tool('ocmf').parent}{os.pathsep}{os.environ['PATH']}"
    script = ["sh", "-ec", commands]
    ran = subprocess.run(
        script, cwd=folder, env=os.environ | {"PATH": path, "PUB": PUB}, capture_output=True, timeout=60
    )
    return ran.returncode


# --- what programs that are not ours do with borderline cases ---------------------------------------------

SESSION = PARSED[6].payload
_END_OF_SECOND = '"RI":"01-00:01.08.00*FF","RU":"kWh","RT":"AC","EF":"","ST":"G"}],'
BORDERLINE = {
    "second reading without": SESSION.replace(_END_OF_SECOND, '"RT":"AC","EF":""}],'),
    "`TM` with `Z`": SESSION.replace("T08:05:00,000+0800 S", "T00:05:00,000Z S"),
    "Chinese text": SESSION.replace(r"\u811a\u672c", "脚本"),
    '`"FV":"1.4"`': SESSION.replace('"FV":"1.0"', '"FV":"1.4"'),
    "energy going back": SESSION.replace('"RV":0.000257', '"RV":9.000257'),
    "time going back": SESSION.replace("T08:05:00,000", "T09:05:00,000"),
    "`EF` or `ST`": SESSION.replace('"ST":"G"', '"ST":"D"'),
    "a fiscal record": PARSED[4].payload,
}


@pytest.mark.parametrize("case", BORDERLINE)
def test_ocmf_does_with_borderline_cases_what_the_table_says(case):
    (row,) = re.findall(rf"^\| {re.escape(case)}[^|]*\|([^|]*)\|([^|]*)\|", TEXT, re.M)
    payload = BORDERLINE[case]
    line = seal_with(payload, *p256.sign(SECRET, payload.encode()))
    assert payload != SESSION
    strictly = outside.ocmf_accepts(line, PUB, strict=True)
    assert strictly is ("refused" not in row[0]) and "valid" in row[0]
    assert strictly or outside.ocmf_accepts(line, PUB, strict=False)
    assert outside.ocmf_finds_compliant(line, PUB) is ("compliant" in row[1])


def test_ocmf_takes_the_higher_s_and_a_key_out_of_the_document_and_we_do_not():
    r, s = seal.signature_of(seal.split(RECORDS[6])[1])
    higher = seal_with(SESSION, r, p256.N - s)
    assert outside.ocmf_accepts(higher, PUB) and refused_as(higher) == "high_s"
    with_key = f"{RECORDS[6]}|{PUB}"
    ran = subprocess.run([tool("ocmf"), "verify", with_key], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0 and "Signature verification: VALID" in ran.stdout
    assert refused_as(with_key) == "malformed"


# --- the tables say what the code does ----------------------------------------------------------------------


def test_the_table_of_fields_names_every_field_and_every_cause():
    fields = set(re.findall(r"^\| `(U[A-Z])` \|", TEXT, re.M))
    assert fields == set(record.FIELDS)
    (row,) = re.findall(r"^\| `UR` \| BOOT FAULT \|(.*)\|$", TEXT, re.M)
    assert tuple(re.findall(r"`([A-Z_]+)`", row)) == record.CAUSES


def test_the_tables_name_every_judgement_flag_and_end():
    assert {"NEXT", "REPEAT", "GAP", "FORK"} <= set(re.findall(r"^\| `([A-Z]+)` \|", TEXT, re.M))
    assert {"L", "P", "A"} <= set(re.findall(r"^\| `([A-Z])` \|", TEXT, re.M))
    assert all(f"`{flag}` " in TEXT for flag in "SIUR")
