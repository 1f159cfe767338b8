#!/usr/bin/env python3
# fmt: off
"""核验证据包，只用 Python 标准库（3.8 起）。 · Checks an evidence pack with Python's standard library alone (3.8 or newer).
    python3 verify.py PACK.zip [--keys registry.json] [--kit DIR] [--every] [--lang zh|en]
请用自己带来的这一份，包里的不可信。退出码：0 全部成立，1 发现问题（逐条写明），2 不是可读的包。
Bring your own copy: the one in a pack is never to be trusted. Exit codes: 0 all holds, 1 something was found, 2 no readable pack.
Rules: docs/pack-format.md, section 5 ("5e"), and protocol/FORMAT.md. What is taken as given or not recomputed: see GIVEN, at the end."""
import argparse, base64, hashlib, itertools, json, pathlib, re, sys, zipfile, zlib
from collections import Counter, defaultdict, namedtuple
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any, Dict, Iterable, Iterator, List, Optional, Set, Tuple
Json, Files, Span = Dict[Any, Any], Dict[str, bytes], Tuple[Any, Any]  # a span: two instants in ms since 1970 UTC; None: not known
FOREVER, NOTHING, EPOCH, MS = 1 << 62, "0" * 64, datetime(1970, 1, 1, tzinfo=timezone.utc), timedelta(milliseconds=1)
RESTING, CHINA = ("supported", "unobserved"), timezone(timedelta(hours=8))  # verdicts that take room; Windows has no table of zones
FORMAT = {"format": "wattwitness-pack/1", "tolerance_s": 60}  # what pack.json says of all packs
BROKEN = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, NameError, RecursionError)  # what nonsense raises
Fault = namedtuple("Fault", "what where should found")  # what does not hold, in Chinese | English; what should be there, and what is
def differ(what: str, where: str, should: Json, found: Json) -> Iterator[Fault]:  # a fault for each name of which two tables differ
    for name in sorted((each for each in {**should, **found} if should.get(each, "-") != found.get(each, "-")), key=str):
        whole = [where, *(name if isinstance(name, tuple) else [name])]
        yield Fault(what, " ".join(map(str, filter(None, whole))), should.get(name, "-"), found.get(name, "-"))
# --- signatures: ECDSA over P-256 with SHA-256 (FIPS 186-5, 6.4.2; the curve: SP 800-186, 3.2.1.3) --------------------------------------
P = 2**256 - 2**224 + 2**192 + 2**96 - 1
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
X = 0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296
Y = 0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5
SPKI = "3059301306072a8648ce3d020106082a8648ce3d03010703420004"  # RFC 5480: what stands before x and y of a key
Point = Optional[Tuple[int, int]]  # None is the point at infinity
def plus(one: Point, other: Point) -> Point:  # the sum of two points of the curve (SEC 1, 2.2.1)
    if one is None or other is None: return one or other
    if one[0] == other[0] and (one[1] + other[1]) % P == 0: return None
    rise, run = (3 * (one[0] ** 2 - 1), 2 * one[1]) if one == other else (other[1] - one[1], other[0] - one[0])
    slope = rise * pow(run, -1, P) % P
    x = (slope * slope - one[0] - other[0]) % P
    return x, (slope * (one[0] - x) - one[1]) % P
def is_signed(key: str, message: bytes, r: int, s: int) -> bool:  # whether (r, s) signs it; key: DER SubjectPublicKeyInfo, hex
    if not re.fullmatch(SPKI + "[0-9a-f]{128}", key) or not (0 < r < N and 0 < s < N): return False
    x, y, inverse, total = int(key[54:118], 16), int(key[118:], 16), pow(s, -1, N), None
    if max(x, y) >= P or (x**3 - 3 * x + B - y * y) % P: return False
    one, two, sums = int(digest(message), 16) * inverse % N, r * inverse % N, [None, (X, Y), (x, y), plus((X, Y), (x, y))]
    for bit in range(255, -1, -1):  # one times the base point and two times the key, both at once (Shamir)
        total = plus(plus(total, total), sums[(one >> bit & 1) + 2 * (two >> bit & 1)])
    return total is not None and total[0] % N == r
def undo_der(raw: bytes) -> Tuple[int, int]:  # (r, s); ValueError unless DER's one way (SEC 1, C.5) and the lower s (FORMAT 1)
    r, s = int.from_bytes(raw[4 : 4 + raw[3]], "big"), int.from_bytes(raw[6 + raw[3] :], "big")
    body = b"".join(b"\2" + bytes([each.bit_length() // 8 + 1]) + each.to_bytes(each.bit_length() // 8 + 1, "big") for each in (r, s))
    if raw != b"\x30" + bytes([len(body)]) + body or s > N // 2: raise ValueError("high s" if s > N // 2 else "not canonical DER")
    return r, s
# --- files (5a) --------------------------------------------------------------------------------------------------------------------
def digest(raw: bytes) -> str: return hashlib.sha256(raw).hexdigest()
def in_force(item: Json, first: str, last: str) -> bool: return (item["valid_from"] or "") <= last and first <= (item["valid_to"] or "~")
def yuan(fen: int) -> str: return "%d.%02d" % divmod(fen, 100)
def length(spans: List[Span]) -> int: return sum(end - start for start, end in spans)
def meets(one: Span, other: Span) -> bool: return max(one[0], other[0]) <= min(one[1], other[1])  # ends included
def plain(value: object) -> str: return json.dumps(value, sort_keys=True, separators=(",", ":"))  # canonical JSON (format 2)
def load(raw: bytes, where: str = "") -> Any:  # what JSON writes; ValueError: not readable, or a name twice in one object
    try:
        return json.loads(raw.decode("ascii"), parse_float=Decimal, parse_constant=int, object_pairs_hook=lambda pairs:
                          dict(pairs) if len(dict(pairs)) == len(pairs) else int("a name stands twice"))
    except BROKEN as error:
        raise ValueError(f"{where} {error}") from None
def rows(files: Files, name: str) -> List[Json]:  # the objects of a JSON Lines file; none of one that is not there
    return [load(line, f"{name}:{at}") for at, line in enumerate(files.get(name, b"").splitlines(), 1)]
def unzipped(path: str) -> Tuple[Files, List[Fault]]:  # the members, and which are damaged or stand twice (format 1)
    files, faults, is_fit = {}, [], re.compile(r"(?!(.*/)?[.]{0,2}(/|$))[-A-Za-z0-9_./]+").fullmatch
    with zipfile.ZipFile(path) as archive:
        if sum(each.file_size for each in archive.infolist()) > 1 << 32: raise ValueError("more than 4 GiB unpacked")
        faults += differ("文件名不可收 | name refused", "", dict.fromkeys(names := archive.namelist(), 1), Counter(filter(is_fit, names)))
        for name in names:
            try:
                files[name] = archive.read(name)
            except (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError) as error:
                faults.append(Fault("文件损坏 | file damaged", name, "", error))
    return files, faults
def manifest(files: Files, name: str, apart: Set[str]) -> Iterator[Fault]:  # each file, and no other, is as listed
    listed = {each["path"]: (each["bytes"], each["sha256"]) for each in load(files[name], name)["files"]}
    here = {path: (len(raw), digest(raw)) for path, raw in files.items() if path not in apart}
    yield from differ(f"文件与清单不符 | file not as {name} lists it", "", listed, here)
# --- records and chains (5b, 5c; FORMAT 1 to 7) --------------------------------------------------------------------------------------
def instant(text: str) -> Tuple[int, str]:  # (milliseconds since 1970 UTC, flag of the clock) of a TM (FORMAT 3)
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d,\d{3}\+0800 [SIUR]", text): raise ValueError(f"no instant: {text}")
    return (datetime.strptime(text[:-2], "%Y-%m-%dT%H:%M:%S,%f%z") - EPOCH) // MS, text[-1]
class Record:  # what a line says, its exact bytes kept; one of BROKEN where it is no record of FORMAT 1 to 5
    def __init__(self, line: bytes):
        if not re.fullmatch(rb"OCMF\|[ -{}~]+\|[ -{}~]+", line): raise ValueError("not OCMF|payload|signature in printable ASCII")
        _, self.payload, section = line.split(b"|")
        self.digest, said = digest(self.payload), load(self.payload)
        seal = {"SA": "ECDSA-secp256r1-SHA256", "SM": "application/x-der", "SE": "hex", **load(section)}
        if [seal["SA"], seal["SM"]] != ["ECDSA-secp256r1-SHA256", "application/x-der"] or " " in seal["SD"]: raise ValueError("what seal")
        self.seal = undo_der(bytes.fromhex(seal["SD"]) if seal["SE"] == "hex" else base64.b64decode(seal["SD"], validate=True))
        self.said, self.unit, self.kind, self.boot, self.up = said, said["GS"], said["UK"], said["UB"], said["UP"]
        self.us, self.um, self.step = int(said["US"]), int(said["UM"]), int(said["UR"]) if self.kind == "CLOCK" else 0
        self.times = [instant(each["TM"]) for each in said["RD"]]
        (begin, _), (at, self.flag), self.end = self.times[0], self.times[-1], said["RD"][-1].get("TX")
        self.is_session, self.active_s = self.kind == "SESSION", int(said.get("UA", 0))
        self.is_set = self.flag == "S" and self.end != "P"  # what ended P speaks in the clock of the boot that died
        runs_on = Decimal(said["RD"][0].get("RV", 0)) <= Decimal(said["RD"][-1].get("RV", 0))
        self.is_sensible = runs_on and 0 <= at - begin and self.active_s * 1000 <= at - begin + 1000
        self.gap = [instant(each) for each in said["UG"]] if self.kind == "GAP" else []
def read_chain(files: Files, unit: str, key: str, skipped: Set[Any], every: bool, chain: List[Record]) -> Iterator[Fault]:
    """Fills `chain` and says what does not hold. A good seal vouches for the run before it, by UP (FORMAT 7); `every` asks for each."""
    for name, found in ((f"records/{unit}.ocmf", chain), (f"records/{unit}.aside", aside := [])):
        for at, line in enumerate(files.get(name, b"").splitlines(), 1):
            try:
                found.append(Record(line))
            except BROKEN as error:
                yield Fault("不是有效记录 | no valid record", f"{name}:{at}", "", error)
    told = Counter((each["us"], each["digest"]) for each in rows(files, f"records/{unit}.receipts"))
    yield from differ("记录与回执不符 | record not as its receipt", unit, told, Counter((each.us, each.digest) for each in chain + aside))
    ends = {id(each) for each in aside + chain[-1:]}
    for before, each in zip(chain, chain[1:]):
        if (each.us, each.up) != (before.us + 1, before.digest):
            ends.add(id(before))
            if each.us <= before.us + 1:
                yield Fault("与前一条不相接 | link broken", f"{unit} {each.us}", (before.us + 1, before.digest), (each.us, each.up))
            elif (unit, each.us) not in skipped:
                yield Fault("缺少记录 | records missing", f"{unit} {before.us + 1}..{each.us - 1}", "", "")
    for each in chain + aside:
        if each.unit != unit or (each.us == 1) != (each.up == NOTHING):
            yield Fault("不是这个单元的记录 | record of another unit", f"{unit} {each.us}", unit, each.unit)
        elif (every or id(each) in ends) and not is_signed(key, each.payload, *each.seal):
            yield Fault("签名不成立 | seal does not hold", f"{unit} {each.us}", f"key ...{key[-16:]}", "%064x %064x" % each.seal)
# --- what a unit watched (5e; FORMAT 8, 9) --------------------------------------------------------------------------------------------
def union(spans: Iterable[Span]) -> List[Span]:  # the same instants as sorted spans that do not touch; unknown ones vanish
    merged = []
    for start, end in sorted(each for each in spans if None not in each and each[0] < each[1]):
        if merged and start <= merged[-1][1]: start, end = merged[-1][0], max(end, merged.pop()[1])
        merged.append((start, end))
    return merged
def common(spans: Iterable[Span], others: Iterable[Span]) -> List[Span]:  # the instants that are in both
    ones, others = union(spans), union(others)
    return union((max(a, c), min(b, d)) for a, b in ones for c, d in others)
def without(spans: Iterable[Span], away: Iterable[Span]) -> List[Span]:  # the instants of `spans` that are in none of `away`
    edges = [-FOREVER] + [edge for span in union(away) for edge in span] + [FOREVER]
    return common(spans, zip(edges[::2], edges[1::2]))
class Boot:  # what a unit wrote from one start to the next, each record placed on the true clock (5e, 1 to 3)
    def __init__(self, records: List[Record], before: Any):
        self.records, self.last, self.before, self.after, self.shift, self.made = records, records[-1], before, None, {}, {}  # type: Any
        if before: before.after = self
        clock = max((at for at, each in enumerate(records) if each.kind == "CLOCK"), default=0)
        shift = 0 if any(each.is_set for each in records[clock:]) else None
        for each in reversed(records):
            self.shift[each.us] = shift = 0 if each.is_set else shift
            shift = None if shift is None else shift + each.step
        stamp = next((each for each in records if not each.is_session), records[0])  # a session is stamped by its neighbour
        for each in records:
            stamp = stamp if each.is_session else each
            at = None if stamp.is_session else self.placed(stamp.times[-1], stamp)
            self.made[each.us] = None if at is None else at + each.um - stamp.um
    def placed(self, told: Tuple[int, str], record: Record) -> Any:  # the true instant of what it tells; None: unknown (5e, 2)
        shift = 0 if told[1] == "S" else self.shift[record.us]
        return None if shift is None else told[0] + shift
    def alive(self) -> Any:  # the last instant at which it was surely alive: its last record's, or what the next BOOT proves (5e, 4)
        last, proof = self.made[self.last.us], self.after.records[0] if self.after else None
        is_proof = last is not None and proof and "UL" in proof.said and self.after.made[proof.us] is not None
        proven = self.placed(instant(proof.said["UL"]), self.last) if is_proof else None
        return proven if proven is not None and last < proven <= last + 660000 else last
    def attested(self) -> Iterator[Span]:  # from record to record at most 11 minutes apart, and from the last to `alive` (5e, 5)
        pairs = zip(self.records, self.records[1:])
        yield from ((self.made[one.us], self.made[two.us]) for one, two in pairs if 0 <= two.um - one.um <= 660000)
        yield self.made[self.last.us], self.alive()
    def rest(self, first: int, last: int = FOREVER) -> Iterator[Span]:
        """When it was alive from its first record in [first, last] on, to its last there, or to its end if it ended before."""
        part = [each.us for each in self.records if first <= each.us <= last]
        yield from [(self.made[part[0]], self.alive() if self.last.us < last else self.made[part[-1]])] if part else []
    def session(self, record: Record) -> Span:  # when it was; P speaks in the clock of the boot that died, if that has its OPEN (5f)
        begin, end, died = record.times[0], record.times[-1], self.before
        if record.end == "P" and not (died and any(each.kind == "OPEN" for each in died.records)):
            return (begin[0], end[0]) if begin[1] == end[1] == "S" else (None, None)
        boot, by = (died, died.last) if record.end == "P" else (self, record)
        return boot.placed(begin, by), boot.placed(end, by)
def boots_of(chain: Iterable[Record]) -> List[Boot]:  # a chain's boots; none is before another across a missing number (5e, 1)
    boots = []
    for _, run in itertools.groupby(enumerate(chain), lambda pair: pair[1].us - pair[0]):
        before = None
        for _, records in itertools.groupby((each for _, each in run), lambda each: each.boot):
            boots.append(before := Boot(list(records), before))
    return boots
def unwatched(boots: List[Boot]) -> Iterator[Span]:  # what the words of a unit take from what it attests: the list of 5e, 6
    turns = [(boot, each) for boot in boots for each in boot.records if each.kind in ("OPEN", "SESSION")]
    for (boot, turn), (other, after) in zip(turns, [*turns[1:], (None, None)]):
        made, last = boot.made[turn.us], after.us if after else FOREVER
        start = other.session(after)[0] if other and after.is_session and after.is_sensible else None
        if turn.kind == "OPEN" and (start is None or (made is not None and start > made + 120000)):
            yield from (span for one in boots if one.last.boot == turn.boot for span in one.rest(turn.us - 1, last))
    for boot in boots:
        same = [each for each in boots if each.last.boot == boot.last.boot]
        telling = [each.us for one in same for each in one.records if each.kind in ("OPEN", "SESSION", "GAP")]
        if not boot.before and boot.records[0].kind != "BOOT" and max(telling, default=0) < boot.records[0].us: yield from boot.rest(0)
        for each in boot.records:
            if each.gap:
                yield boot.placed((each.gap[0][0], each.gap[0][1]), each), boot.placed((each.gap[1][0], each.gap[0][1]), each)
            elif each.kind == "FAULT" and each.said["UR"] in ("METER_SILENT", "STORAGE"):
                yield from silence(boot, each, same)
            elif each.is_session and not each.is_sensible:
                known = [at for at in (*boot.session(each), boot.made[each.us]) if at is not None] or [0]
                yield min(known), max(known)
        told = [each for each in boot.records if not each.is_session]
        for one, two in zip(told, told[1:]):
            start, end, lasted = boot.made[one.us], boot.made[two.us], two.um - one.um
            most_ms = 120000 if two.kind == "CLOCK" or two.flag != one.flag else 2000
            if None not in (start, end) and abs(end - start - lasted) > most_ms: yield min(start, end), max(start, end, start + lasted)
def silence(boot: Boot, fault: Record, same: List[Boot]) -> Iterator[Span]:
    """After a FAULT that ends the readings: to the GAP that tells of it, else from the last reading there can have been (5e, 6)."""
    made, gaps = boot.made[fault.us], [each for one in same for each in one.records if each.gap and each.us >= fault.us]
    until = next((each.us for each in gaps if each.um - (each.gap[1][0] - each.gap[0][0]) <= fault.um), FOREVER)
    if until == FOREVER and made is not None:
        told = [each for each in boot.records if each.us < fault.us and each.kind in ("BOOT", "OPEN", "GAP", "SESSION")]
        known = [boot.session(each)[1] if each.is_session else boot.made[each.us] for each in told]
        yield max([made - 600000, *(each for each in known if each is not None)]), made
    yield from (span for one in same for span in one.rest(fault.us, until))
# --- sessions, and what they and unwatched time could carry (5f, 5i) -------------------------------------------------------------------
Session = namedtuple("Session", "key load device start end active_s stations grade broken visits")  # seen by a unit, or entered
Supply = namedtuple("Supply", "first last capacity keys darks")  # room for so many treatments that begin in [first, last]; in `darks` too
Treatment = namedtuple("Treatment", "name row item window fen inside part")  # (line, index); `inside` the period or beside; see supplies
def attest(records: Iterable[Record], grade: str, visits: Dict[str, str]) -> Tuple[List[Span], List[Session]]:
    """When a unit watched, and its sessions that make sense; what overlaps by over two minutes is one, under the lower number (5f)."""
    boots, seen, merged = boots_of(records), [], []
    for boot, each in ((boot, each) for boot in boots for each in boot.records if each.is_session and each.is_sensible):
        tags, graded = {visits[tag] for tag in each.said.get("UT", ()) if tag in visits}, "B" if each.said["MV"] == "plug" else grade
        seen.append(Session(each.us, "", "", *boot.session(each), each.active_s, 0, graded, each.end != "L", tags))
    for one in sorted((each for each in seen if None not in each), key=lambda each: (each.start, each.end, each.key)):
        if merged and min(merged[-1].end, one.end) - one.start > 120000:
            top, last = merged[-1], max(merged.pop(), one, key=lambda each: each.end)
            active_s, visits = min(top.active_s + one.active_s, (last.end - top.start) // 1000), top.visits | one.visits
            about = {"key": min(top.key, one.key), "start": top.start, "grade": max(top.grade, one.grade)}
            one = last._replace(active_s=active_s, visits=visits, **about)
        merged.insert(len(merged) - bool(merged and one.end < merged[-1].end), one)
    return without((span for boot in boots for span in boot.attested()), unwatched(boots)), merged
def joined(sessions: List[Session], darks: List[Tuple[Any, ...]], required_s: int) -> Iterator[Supply]:
    """What unwatched time of one device could have carried, with the sessions that touch it, beyond their own (5i)."""
    groups: List[Tuple[Set[int], List[Session]]] = [({at}, []) for at in range(len(darks))]
    links = [({at, at + 1}, []) for at in range(len(darks) - 1) if darks[at + 1][0] <= darks[at][1] + 2000]
    for session in sorted(sessions, key=lambda each: (each.start, each.end)):
        begins, ends = ({at for at, dark in enumerate(darks) if dark[0] - 2000 <= edge <= dark[1] + 2000} for edge in session[3:5])
        after = min((dark[0] for dark in darks if dark[0] >= session.end), default=FOREVER)
        seen_again = any(session.end < each.start < after for each in sessions)
        if session.broken and not ends and after - session.end <= 660000 and not seen_again:
            ends = {at for at, dark in enumerate(darks) if dark[0] == after}
        links.append((begins | ends, [session]))
    for met, who in (link for link in links if link[0]):
        hit = [group for group in groups if group[0] & met]
        groups = [group for group in groups if not group[0] & met]
        groups.append((met.union(*(group[0] for group in hit)), sum((group[1] for group in hit), []) + who))
    for places, who in groups:
        spans, own = [darks[at] for at in sorted(places)], sum(each.active_s // required_s for each in who)
        on_s = sum(each.active_s for each in who) + sum(b - a for a, b, _, _ in spans) // 1000
        first, last = min([spans[0][0], *(each.start for each in who)]), max([spans[-1][1], *(each.end for each in who)])
        stations = max([each.stations for each in who] + [dark[3] for dark in spans])
        keys = [each.key for each in sorted(who, key=lambda each: (each.start, each.end))]
        yield Supply(first, last - required_s * 1000, (on_s // required_s - own) * stations, keys, [(dark[2], *dark[:2]) for dark in spans])
# --- one source's reconciliation (5e 7, 5f to 5i) ---------------------------------------------------------------------------------
class Book:  # all that a reconciliation rests on, and what must come of it
    def __init__(self, files: Files, source: str, attested: Dict[str, Tuple[List[Span], List[Session]]]):
        names = ("pack.json", "inventory.json", "rules.json", "catalogue.json", f"runs/{source}.json")
        self.pack, inventory, self.rules, catalogue, self.run = (load(files[name], name) for name in names)
        self.where, self.first, self.last, self.items = source, self.pack["from"], self.pack["to"], catalogue["items"]
        self.zone = CHINA if self.pack["timezone"] == "Asia/Shanghai" else __import__("zoneinfo").ZoneInfo(self.pack["timezone"])
        devices = [{**each, "until_ms": each["until_ms"] or FOREVER} for each in inventory["devices"] if each["load"][:4] != "post"]
        self.devices, self.sessions, self.watched = {each["device"]: each for each in devices}, {}, defaultdict(list)
        self.placed = sorted((one["from_ms"], one["until_ms"] or FOREVER, one["unit"], one["device"]) for one in inventory["placements"])
        for a, b, unit, name in (each for each in self.placed if each[3] in self.devices):
            self.watched[name] += common(attested.get(unit, ([], []))[0], [(a, b)])
            for each in (each for each in attested.get(unit, ([], []))[1] if a <= each.start < b):
                key, device = f"{unit}:{each.key}", self.devices[name]
                self.sessions[key] = each._replace(key=key, load=device["load"], device=name, stations=device["stations"])
        entries, loads = rows(files, "attended.jsonl"), {each["number"]: each["device_class"] for each in self.items}
        replaced = {each["replaces"] for each in entries}
        entries = [each for each in entries if each["entry"] not in replaced]
        self.entered = {(each["visit"], each["item"], each["outcome"].replace("stopped", "done")) for each in entries}
        for each in (each for each in entries if each["outcome"] in ("done", "stopped") and each["ended_ms"] is not None):
            key, a, b = f"attended:{each['entry']}", each["began_ms"], each["ended_ms"]
            self.sessions[key] = Session(key, loads.get(each["item"]), "", a, b, (b - a) // 1000, 1, "C", False, {each["visit"]})
        self.all = list(self.treatments(rows(files, f"bills/{source}.jsonl")))
        self.said = {(each["line"], each["index"]): each for each in self.run["treatments"]}
        there = [each.item for each in self.all] + [each for each in self.items if in_force(each, self.first, self.last)]
        longest_first = sorted(((self.needs(each), each["device_class"]) for each in there), reverse=True)
        self.required = {load: seconds for seconds, load in longest_first}  # so the shortest of a class stays
        days = [self.first, self.last, *(self.iso(at)[:10] for each in self.all for at in each.window)]
        self.days = self.opening(min(days), max(days))
        self.beside = {each.part for each in self.all if not each.inside}  # lines of other days use room too, and which is not told
        parts, self.by_part, self.cache = {each.part for each in self.all}, defaultdict(list), {}
        for each in self.sessions.values():  # what people entered serves its own visit where there was no device, else until units came
            placed = min((a for a, _, _, name in self.placed if self.devices.get(name, {}).get("load") == each.load), default=FOREVER)
            is_bare = each.grade == "C" and not self.had(each.load, (each.start, each.start))
            own = {(each.load, visit) for visit in each.visits if is_bare} & parts
            if each.grade != "C" or own or each.start < placed: self.by_part[own.pop() if own else (each.load, "")].append(each)
        self.room = {part: [each for each in self.supplies(*part) if each.capacity > 0] for part in parts}
        self.users = Counter(plain([each["records"], each["dark"]]) for each in self.said.values() if each["verdict"] in RESTING)
        self.shorts = Counter(each["records"][0] for each in self.said.values() if each["verdict"] == "short" and each["records"])
        self.tagged, self.leads = any(each["tagged"] for each in self.said.values()), defaultdict(list)
        for lead, line in ((lead, line) for lead in self.run["leads"] for line in lead["lines"] if lead["rule"] == "capacity"):
            self.leads[line].append(lead)
    def needs(self, item: Json) -> int: return item["min_minutes"] * 60 - 60  # seconds, at least (5g); not by the pack's own tolerance_s
    def iso(self, at_ms: int) -> str: return (EPOCH + timedelta(seconds=at_ms // 1000)).astimezone(self.zone).isoformat()
    def midnight(self, day: str, later: int = 0) -> int:  # when a local day begins, or one some days later
        return (datetime.combine(date.fromisoformat(day) + timedelta(days=later), time(), self.zone) - EPOCH) // MS
    def opening(self, first: str, last: str) -> Dict[str, Span]:  # day -> opening hours, if the clinic is not closed then
        days = [str(date.fromordinal(at)) for at in range(*(date.fromisoformat(day).toordinal() for day in (first, last)))] + [last]
        opens, closes = (int(self.pack[name][:2]) * 3600000 + int(self.pack[name][3:]) * 60000 for name in ("opens", "closes"))
        return {day: (self.midnight(day) + opens, self.midnight(day) + closes) for day in days if day not in self.pack["closed"]}
    def treatments(self, told: List[Json]) -> Iterator[Treatment]:
        """Every treatment charged in the period, and of lines whose windows overlap theirs, directly or by chain (format 3, 5g)."""
        found, reach, wider = [], (0, 0), (self.midnight(self.first), self.midnight(self.last, 1) - 1)
        for row in (each for each in told if each["item"] is not None and each["count"][0] != "-"):
            day = self.iso(row["charged_ms"])[:10]
            for item in (each for each in self.items if each["number"] == row["item"] and in_force(each, day, day)):
                found.append((row, item, self.window(row, item, day), self.first <= day <= self.last))
        while reach != wider:
            reach = wider
            near = [each for each in found if each[3] or (each[0]["reversed_by"] is None and meets(each[2], reach))]
            wider = min([reach[0], *(each[2][0] for each in near)]), max([reach[1], *(each[2][1] for each in near)])
        for row, item, span, inside in near:
            load, count, share = item["device_class"], row["treatments"], row["amount_fen"] // max(row["treatments"], 1)
            for index in range(1, count + 1):  # split by n, rounded down to the fen, the last taking the rest
                fen = share if index < count else row["amount_fen"] - share * (count - 1)
                yield Treatment((row["line"], index), row, item, span, fen, inside, (load, "" if self.had(load, span) else row["visit"]))
    def window(self, row: Json, item: Json, day: str) -> Span:  # when it may have begun: its day, course or time (5g)
        if row["performed_ms"] is not None: return row["performed_ms"] - 1800000, row["performed_ms"] + 1800000
        count, days = 1 if item["per"] == "根" else int(Decimal(row["count"])), item["valid_days"]
        if item["day_max"] and count > item["day_max"]:  # as many as a course has are one; any other excess stays in its day
            days = item["course_days"] if item["per"] == "次" and count <= (item["course_max"] or 0) else 1
        return self.midnight(day), self.midnight(day, days or 1) - 1
    def had(self, load: str, span: Span) -> bool:  # whether there was a device of the class at some instant from the first to the last
        return any(each["load"] == load and each["from_ms"] <= span[1] and span[0] < each["until_ms"] for each in self.devices.values())
    def dark(self, name: str, opening: Iterable[Span]) -> Tuple[List[Span], List[Span]]:  # when it was there, and unwatched (5e, 7)
        there = common(opening, [(self.devices[name]["from_ms"], self.devices[name]["until_ms"])])
        missed = [(a // 1000 * 1000, -(-b // 1000) * 1000) for a, b in without(there, self.watched[name])]
        return there, there if self.devices[name]["blind"] else common(there, missed)
    def unit_on(self, device: str, first: int, last: int) -> Any:  # the first unit on a device in [first, last), or None
        return next((unit for a, b, unit, name in self.placed if name == device and a < last and first < b), None)
    def coverage(self, told: List[Json]) -> Iterator[Fault]:  # each device's day, and the sum, are as attested (5e, 7)
        should, total = {}, Counter()
        for day, name in ((day, name) for day in self.days for name in self.devices if self.first <= day <= self.last):
            there, dark = self.dark(name, [self.days[day]])
            if not there: continue
            open_s, watched_s = length(there) // 1000, (length(there) - length(dark)) // 1000
            unit = self.unit_on(name, there[0][0], there[-1][1])
            should[day, name] = [unit, open_s, watched_s, [list(each) for each in dark]]
            total.update({(unit or name, "open_s"): open_s, (unit or name, "watched_s"): watched_s})
        found = {(each["day"], each["device"]): [each["unit"], each["open_s"], each["watched_s"], each["dark"]] for each in told}
        found.update({(each["unit"], name): each[name] for each in self.run["coverage"] for name in ("open_s", "watched_s")})
        yield from differ("监测与记录链不符 | coverage not as attested", self.where, {**should, **total}, found)
    def supplies(self, load: str, visit: str) -> Iterator[Supply]:
        """What treatments of one part can use: device time of their class, or what was entered of their visit; and unwatched time (5f)."""
        for each in self.by_part[load, visit]:
            capacity = each.active_s // self.required[load] * each.stations
            yield Supply(each.start, each.end - self.required[load] * 1000, capacity, [each.key], [])
        for name in (name for name in self.devices if self.devices[name]["load"] == load and not visit):
            stations, spans = self.devices[name]["stations"], self.dark(name, self.days.values())[1]
            darks = [(a, b, self.unit_on(name, a, a + 1) or name, stations) for a, b in spans]
            for group in joined([each for each in self.by_part[load, ""] if each.device == name], darks, self.required[load]):
                yield group._replace(darks=[[unit, self.iso(a), self.iso(b)] for unit, a, b in group.darks])
    def usable(self, *asked: Tuple[Any, Span]) -> List[Supply]:  # all in which a treatment of such a part and window could have begun
        if asked not in self.cache:
            self.cache[asked] = [one for part in sorted({part for part, _ in asked}) for one in self.room[part]
                                 if any(part == whose and meets(one[:2], span) for whose, span in asked)]
        return self.cache[asked]
    def is_measured(self, each: Treatment) -> bool:  # not taken back; its class had devices, or it was recorded as done (5g)
        done, undone = ((each.row["visit"], each.row["item"], outcome) in self.entered for outcome in ("done", "undone"))
        is_away = undone and self.said.get(each.name, {}).get("verdict") == "not_metered"
        return each.row["reversed_by"] is None and (not each.part[1] or (done and not is_away))
    def faults(self) -> Iterator[Fault]:  # all that the run says and bills, chains and hours do not bear out
        inside, codes = {each.name: each for each in self.all if each.inside}, Counter(each["verdict"] for each in self.run["treatments"])
        yield from differ("判定与收费行不符 | verdicts not of the lines", self.where, dict.fromkeys(inside, 1), dict.fromkeys(self.said, 1))
        yield from differ("合计不符 | summary not the count of its verdicts", self.where, codes, +Counter(self.run["summary"]))
        for name, said in ((name, self.said[name]) for name in inside if name in self.said):
            should = {**self.charged(inside[name]), **self.grounds(inside[name], said)}
            found = {key: said.get(key) for key in should}
            yield from differ("判定不成立 | verdict does not hold", f"{self.where} {name[0]}#{name[1]}", should, found)
        for lead, lines in ((each, set(each["lines"])) for each in self.run["leads"] if each["rule"] == "capacity"):
            should = self.hall([each for each in self.all if each.name[0] in lines and self.is_measured(each)])
            found = {key: sorted(lead[key]) if key in ("supplies", "dark") else lead[key] for key in should}
            yield from differ("线索的算式不成立 | arithmetic of a lead does not hold", f"{self.where} {lead['id']}", should, found)
    def charged(self, each: Treatment) -> Json:  # what a verdict must say of what was charged, and of the seconds that it asks for (5g)
        row, amount, window = each.row, yuan(each.fen), [self.iso(at) for at in each.window]
        return {"visit": row["visit"], "item": row["item"], "charged": self.iso(row["charged_ms"]), "amount": amount, "window": window,
                "item_required_s": self.needs(each.item), "required_s": self.required[each.part[0]]}
    def grounds(self, each: Treatment, said: Json) -> Json:
        """What a verdict must say of what it rests on (5g): a session or dark time with room for it, a session too short, or nothing."""
        code, keys, fitting = said["verdict"], said["records"], self.usable((each.part, each.window))
        session, users = self.sessions.get("".join(keys[:1])), self.users[plain([keys, said["dark"]])]
        taken, judged = each.row["reversed_by"] is not None, code if code not in ("reversed", "not_metered") else "another"
        should: Json = {"verdict": "reversed" if taken else judged if self.is_measured(each) else "not_metered",
                        "grade": None, "active_s": None, "fit": None, "records": [], "dark": [], "among": []}
        if code in ("short", "no_device_time", "unobserved") and each.part not in self.beside:
            spare = [one.keys for one in fitting if not one.darks and self.users[plain([one.keys, []])] < one.capacity]
            idle = [one.key for one in self.by_part[each.part] if not self.users[plain([[one.key], []])] + self.shorts[one.key]
                    and code == "no_device_time" and self.inside_s(one, each) >= 60]
            should["verdict"] = f"supported by {spare[0]}" if spare else f"short by {idle[0]}" if idle else should["verdict"]
        if code in RESTING:
            rooms = [one.capacity for one in fitting if (one.keys, one.darks, bool(one.darks)) == (keys, said["dark"], code != RESTING[0])]
            should.update({"records": keys, "dark": said["dark"]} if rooms and users <= rooms[0] else {"records": f"room for {users}"})
        if code == "supported" and session:
            fit = "long_burn" if session.active_s > users * each.item["max_minutes"] * 60 + 900 else "ordinary"
            should.update(grade=session.grade, active_s=session.active_s, fit=said["fit"] if each.part in self.beside else fit)
            should["tagged"] = said["tagged"] and said["visit"] in session.visits
        if code == "short" and session:
            most_s = self.inside_s(session, each)
            is_so = 60 <= said["active_s"] <= most_s and session.load == each.part[0] and self.shorts[session.key] <= session.stations
            should.update(grade=session.grade, active_s=said["active_s"] if is_so else f"60 to {most_s}", records=keys[:1])
        if code in ("short", "no_device_time"):
            leads, named = self.leads[each.name[0]], set(said["among"])
            is_alone = len(leads) == 1 and not leads[0]["supplies"] + leads[0]["dark"]
            among = [each.name[0]] if is_alone else [line for one in leads for line in one["lines"]]
            is_part = self.tagged and {each.name[0]} <= named <= set(among)  # what a tag has given a place shares no doubt
            should["among"] = said["among"] if is_part or not self.rules["capacity"]["enabled"] else among
        return {**should, "among": said["among"]} if code == "unobserved" else should
    def inside_s(self, session: Session, each: Treatment) -> int:  # the seconds of a session that can lie in a treatment's window
        return min(session.active_s, (min(session.end, each.window[1]) - max(session.start, each.window[0])) // 1000)
    def hall(self, mine: List[Treatment]) -> Json:  # what a `capacity` lead must say: all they could have used is too little (5i)
        usable, lines = self.usable(*{(each.part, each.window) for each in mine}), sorted({each.name[0] for each in mine})
        capacity, codes = sum(each.capacity for each in usable), [self.said.get(each.name, {}).get("verdict") for each in mine]
        over, left = len(mine) - capacity, sum(code in ("short", "no_device_time") for code in codes)
        is_so = over > 0 and (left == over or (None in codes and left < over))  # None: charged on other days, and not told
        amount, darks = yuan(sum(sorted(each.fen for each in mine)[:over])), sorted(dark for each in usable for dark in each.darks)
        return {"id": digest("\n".join(["capacity", *lines]).encode())[:12], "lines": lines, "amount": amount, "dark": darks,
                "treatments": len(mine) if is_so else f"{len(mine)}, {left} left over", "capacity": capacity,
                "supplies": sorted({key for each in usable for key in each.keys})}
# --- trail, a kit, and the whole (5c, 5d) ----------------------------------------------------------------------------------------------
def trail(files: Files, heads: List[Json]) -> Iterator[Fault]:  # each hash is of the one before and of its entry; heads are there (5d)
    known = {0: NOTHING}
    for each in rows(files, "trail.jsonl"):
        said = f"{known.get(each['entry'] - 1, '-')}\n{plain({name: each[name] for name in each if name != 'hash'})}"
        yield from differ("操作记录被改动 | trail changed", "trail", {each["entry"]: digest(said.encode())}, {each["entry"]: each["hash"]})
        known[each["entry"]] = each["hash"]
    ends = {each["entry"]: each["hash"] for each in heads}
    yield from differ("操作记录被截去 | trail cut off", "trail", ends, {number: known.get(number, "-") for number in ends})
def compare(kit: Files, files: Files, chains: Dict[str, List[Record]], book: Book) -> Iterator[Fault]:
    """What the district knows: its kit is signed as a whole; its heads are in the chains; its insured lines are the pack's."""
    about, (r, s) = load(kit["kit.json"]), undo_der(kit["kit.sig"])
    yield from manifest(kit, "kit.json", {"kit.json", "kit.sig"})
    if not is_signed(about["key"], kit["kit.json"], r, s): yield Fault("套件的签名不成立 | seal of the kit", "kit.sig", about["key"], "")
    heads = {(each["unit"], each["us"]): each["digest"] for each in rows(kit, "heads.jsonl") if each["us"]}
    here = {(unit, each.us): each.digest for unit, chain in chains.items() for each in chain}
    here.update({name: heads[name] for name in heads if chains.get(name[0]) and name[1] < chains[name[0]][0].us})  # before the pack begins
    yield from differ("记录被扣下或改动 | record withheld or changed", "", heads, {name: here.get(name, "-") for name in heads})
    span = book.midnight(max(book.first, about["from"])), book.midnight(min(book.last, about["to"]), 1)
    names = ("item", "charged_ms", "treatments", "amount_fen", "reversed_by")
    told, mine = ({each["line"]: [each[name] for name in names] for each in rows(one, path) if each["item"] and each["insured"] != 0
                   and span[0] <= each["charged_ms"] < span[1] and each["count"][0] != "-"}
                  for one, path in ((kit, "bills/platform.jsonl"), (files, f"bills/{book.where}.jsonl")))
    yield from differ("收费行与平台不符 | bill line not the platform's", book.where, told, mine) if told else ()
def examined(files: Files, kit: Files, keys: Dict[str, Json], every: bool) -> Iterator[Fault]:
    """Everything in a pack, part by part; what one part cannot read does not hide the rest."""
    pack, inventory, chains, attested = load(files["pack.json"]), load(files["inventory.json"]), {}, {}
    units, heads = ({each["unit"]: each for each in inventory[name]} for name in ("units", "heads"))
    skipped = {(each["unit"], each["to_us"]) for each in rows(files, "skips.jsonl")}
    visits = {each["tag"]: each["visit"] for each in rows(files, "visit_tags.jsonl")}
    yield from differ("不是这一格式 | not of this format", "pack.json", FORMAT, {name: pack[name] for name in FORMAT})
    odd = {name: "there" for name in files if name[:8] == "records/" and name[8:].rpartition(".")[0] not in units}
    yield from differ("没有登记的单元 | unit not in the inventory", "", {}, odd)
    for name, unit in units.items():
        known = {**unit, **keys[name]} if name in keys else {**unit, "approved_ms": None if keys else 0}  # unknown: of grade B at most
        key, chains[name], claimed = known["key"], [], unit["approved_ms"] is not None and known["approved_ms"] is None
        yield from differ("公钥不是登记的 | key not the registry's", name, {"key": key, "A": 0}, {"key": unit["key"], "A": +claimed})
        yield from guarded(name, read_chain(files, name, key, skipped, every, chains[name]))
        whole, grade = heads.get(name, {}).get("forked_us") or FOREVER, "B" if unit["plug"] or unit["approved_ms"] is None else "A"
        attested[name] = attest((each for each in chains[name] if each.us < whole), grade, visits)
    ends = {name: (each["pack_us"], each["us"], each["digest"]) for name, each in heads.items()}
    here = {name: (chain[0].us, chain[-1].us, chain[-1].digest) for name, chain in chains.items() if chain}
    yield from differ("链的两端不符 | ends of the chain not as told", "", ends, here)
    yield from guarded("trail.jsonl", trail(files, [pack["trail"], *rows(kit, "trail_heads.jsonl")]))
    for source in sorted({*pack["sources"], *(name[5:-5] for name in files if re.fullmatch("runs/[a-z]+[.]json", name))}):
        book = Book(files, source, attested)
        yield from guarded(source, book.coverage(rows(files, f"runs/{source}.coverage.jsonl")))
        yield from guarded(source, book.faults())
    yield from guarded("kit", compare(kit, files, chains, book)) if kit else ()
def guarded(where: str, faults: Iterator[Fault]) -> Iterator[Fault]:  # the faults of a part; that it cannot be read is one too
    try:
        yield from faults
    except BROKEN as error:
        yield Fault("不能读 | cannot be read", where, "", repr(error))
GIVEN = ("取为已知：台账、时间、目录、登记、收费行、套件公钥。未重算：其他线索、待核的 among、短时用哪段、关账、复核、ocmf/、签字、网页。",
         "Taken as given: inventory, hours, catalogue, what people entered, bill lines, a kit's key. Not recomputed: leads of other rules, "
         "`among` of unobserved, which session a short one was given, closings, reviews, raw bill files, rules.toml, ocmf/, sheet, pages.")
def shown(value: object) -> str: return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in str(value))  # and no trick
def main() -> int:  # what people ask for, and what they are told
    parser, on_off = argparse.ArgumentParser(description="核验证据包 · check an evidence pack"), {"action": "store_true"}
    options = {"pack": {}, "--keys": {}, "--kit": {}, "--every": on_off, "--lang": {"choices": ("zh", "en"), "default": "zh"}}
    for name in options: parser.add_argument(name, **options[name])
    asked = parser.parse_args()
    try:
        (files, faults), paths = unzipped(asked.pack), pathlib.Path(asked.kit).rglob("*") if asked.kit else ()
        kit = {each.relative_to(asked.kit).as_posix(): each.read_bytes() for each in paths if each.is_file()}
        given = load(pathlib.Path(asked.keys).read_bytes() if asked.keys else kit["registry.json"] if asked.kit else b"{}")
        keys = {unit: {"key": each} if isinstance(each, str) else each for unit, each in given.items()}
        faults += manifest(files, "manifest.json", {"manifest.json", "sheet.pdf"})
    except (*BROKEN, OSError, zipfile.BadZipFile) as error:
        return print(f"不能读 · cannot be read: {asked.pack}: {error}", file=sys.stderr) or 2
    en, faults = asked.lang == "en", [*faults, *guarded("pack.json", examined(files, kit, keys, asked.every))]
    for each in faults: print("\n    ".join(map(shown, (f"✗ {each.what.split(' | ')[en]}: {each.where}", each.should, each.found))))
    mine = ("公钥取自包内：只证明前后一致，不证明真实。", "Keys of the pack: consistency only, no authenticity.")[en]
    print(f"manifest.json SHA-256 {digest(files['manifest.json'])}", "" if keys else mine, GIVEN[en], sep="\n")
    print((f"发现 {len(faults)} 处。", f"{len(faults)} found.")[en] if faults else ("全部成立。", "All holds.")[en])
    return bool(faults)
if __name__ == "__main__": sys.exit(main())
