"""`verify.html` in a real browser, opened from a folder, with every way out barred."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, sync_playwright

from gateway.ledger.trail import canonical
from gateway.pack import verify
from protocol import p256, seal
from tests.gateway.pack.clinic import TUESDAY_MS, monday
from tests.support.audited import MONDAY
from tests.support.chain import Writer
from tests.support.packs import changed, members, packed
from tests.support.tools import tool

PAGE = Path(verify.__file__).with_name("verify.html")
CHAIN = "records/U1.ocmf"


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("monday")
    packed(monday(folder / "clinic"), folder / "monday.zip", MONDAY, now_ms=TUESDAY_MS)
    return folder / "monday.zip"


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """The page as a file; at the end nothing but files may have been asked for, and nothing complained of."""
    asked: list[str] = []
    complaints: list[str] = []

    def guard(route: Route) -> None:
        if route.request.url.startswith("file://"):
            route.continue_()
        else:
            asked.append(route.request.url)
            route.abort()

    path = tool("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        opened = browser.new_page(viewport={"width": 360, "height": 740})
        opened.route("**/*", guard)
        opened.on("console", lambda message: complaints.append(message.text))
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        yield opened
        browser.close()
    assert not asked and not complaints, (asked, complaints)


@pytest.fixture
def look(page: Page) -> Callable[..., tuple[str, str]]:
    """Gives the page a pack and perhaps files of a kit: (good or bad, all that it then shows)."""

    def looked(pack: Path, kit: list[Path] | None = None) -> tuple[str, str]:
        page.goto(PAGE.as_uri())
        if kit:
            page.set_input_files("#kit", kit)
            page.wait_for_function("document.querySelector('#registry').value !== ''")
        page.set_input_files("#pack", pack)
        page.wait_for_selector("#verdict:not([hidden])", timeout=60_000)
        return page.get_attribute("#verdict", "class") or "", page.inner_text("body")

    return looked


def without_line(number: int) -> Callable[[bytes], bytes]:
    return lambda body: b"".join(
        line for at, line in enumerate(body.splitlines(keepends=True)) if at != number
    )


def test_an_honest_pack_is_green_and_it_says_that_keys_of_the_pack_show_consistency_only(honest, look, page):
    verdict, said = look(honest)
    assert verdict == "good", said
    assert (
        "不能证明真实" in said
        and "consistency only, no authenticity" in said
        and "包里的这一页不可信" in said
    )
    counts = [row.split("\t") for row in page.inner_text("#units tbody").splitlines()]
    assert all(records == good for *_, records, good in counts) and {row[0] for row in counts} >= {"U1", "U2"}


def test_it_is_readable_in_both_languages_and_fits_a_narrow_screen(honest, look, page):
    look(honest)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    labels = page.evaluate(
        "[...document.querySelectorAll('input, textarea')].every(each => each.labels.length || each.ariaLabel)"
    )
    assert page.get_attribute("html", "lang") == "zh-CN" and labels


def test_a_changed_record_is_red_and_named_by_its_seal_and_its_link(honest, look, tmp_path):
    out = changed(honest, tmp_path / "out.zip", {CHAIN: lambda body: body.replace(b'"UI":0', b'"UI":1', 1)})
    number = next(at for at, line in enumerate(_lines(honest), 1) if b'"UI":0' in line)
    verdict, said = look(out)
    assert verdict == "bad"
    assert re.search(rf"U1 {number}：签名不成立", said) and re.search(
        rf"U1 {number + 1}：与前一条不相接", said
    )


def _lines(pack: Path) -> list[bytes]:
    return members(pack)[CHAIN].splitlines()


def test_a_digit_of_any_seal_counts(honest, look, tmp_path):
    line = _lines(honest)[4]
    digit = b"0" if line[-10:-9] != b"0" else b"1"
    out = changed(
        honest, tmp_path / "out.zip", {CHAIN: lambda body: body.replace(line, line[:-10] + digit + line[-9:])}
    )
    verdict, said = look(out)
    assert verdict == "bad" and "U1 5：签名不成立" in said


def test_the_higher_s_of_two_is_refused(honest, look, tmp_path):
    line = _lines(honest)[2]
    payload, section = seal.split(line)
    r, s = seal.signature_of(section)
    other = (
        f'OCMF|{payload}|{{"SA":"ECDSA-secp256r1-SHA256","SD":"{seal.der(r, p256.N - s).hex()}"}}'.encode()
    )
    verdict, said = look(
        changed(honest, tmp_path / "out.zip", {CHAIN: lambda body: body.replace(line, other)})
    )
    assert verdict == "bad" and f"{CHAIN}:3：不是有效记录：较大的 s" in said


def test_a_name_twice_in_a_payload_is_refused(honest, look, tmp_path):
    line = _lines(honest)[2]
    twice = line.replace(b'"UV":1,', b'"UV":1,"UV":1,')
    verdict, said = look(
        changed(honest, tmp_path / "out.zip", {CHAIN: lambda body: body.replace(line, twice)})
    )
    assert verdict == "bad" and f"{CHAIN}:3：不是有效记录" in said and "name twice: UV" in said


def test_a_record_left_out_and_a_tail_cut_off_are_named(honest, look, tmp_path):
    changes = {CHAIN: without_line(6), "records/U1.receipts": without_line(6)}
    verdict, said = look(changed(honest, tmp_path / "middle.zip", changes))
    assert verdict == "bad" and "U1 7..7：缺少记录" in said
    last = len(_lines(honest)) - 1
    verdict, said = look(changed(honest, tmp_path / "tail.zip", {CHAIN: without_line(last)}))
    assert (
        verdict == "bad" and f"U1 {last + 1}：有回执而没有记录" in said and "U1：链的两端与所写不符" in said
    )


def test_a_file_not_as_the_manifest_lists_it_is_named(honest, look, tmp_path):
    out = changed(
        honest,
        tmp_path / "out.zip",
        {"bills/clinic.jsonl": lambda body: body.replace(b"1200", b"1201", 1)},
        relist=False,
    )
    verdict, said = look(out)
    assert verdict == "bad" and "bills/clinic.jsonl：与清单不符" in said


def test_by_a_registry_of_ones_own_another_key_is_named(honest, look, tmp_path):
    registry = tmp_path / "registry.json"
    registry.write_text(canonical({name: {"key": Writer(name).key_hex} for name in ("U1", "U2", "U9")}))
    verdict, said = look(honest, [registry])
    assert verdict == "good" and "公钥来自您给的登记" in said and "登记里没有" not in said
    registry.write_text(canonical({"U1": {"key": Writer("U7").key_hex}, "U2": {"key": Writer("U2").key_hex}}))
    verdict, said = look(honest, [registry])
    assert verdict == "bad" and "U1：公钥不是登记的公钥" in said and "U1 1：签名不成立" in said
    assert "登记里没有，取自包内" in said  # U9


def test_a_record_that_the_district_holds_and_the_pack_does_not_is_named(honest, look, tmp_path):
    registry, heads = tmp_path / "registry.json", tmp_path / "heads.jsonl"
    registry.write_text(canonical({name: {"key": Writer(name).key_hex} for name in ("U1", "U2", "U9")}))
    last = verify.Record(_lines(honest)[-1])
    told = ({"unit": "U1", "us": last.us, "digest": last.digest}, {"unit": "U9", "us": 0, "digest": ""})
    heads.write_text("".join(f"{canonical(each)}\n" for each in told))
    assert look(honest, [heads, registry])[0] == "good"
    heads.write_text(canonical({"unit": "U1", "us": last.us + 3, "digest": "0" * 64}) + "\n")
    verdict, said = look(honest, [heads, registry])
    assert verdict == "bad" and f"U1 {last.us + 3}：区平台有这条记录" in said


@pytest.mark.parametrize(
    "body", [b"", b"no zip", b"PK\x05\x06" + bytes(18)], ids=["empty", "text", "no members"]
)
def test_what_is_no_pack_is_said_to_be_none(look, tmp_path, body):
    (tmp_path / "none.zip").write_bytes(body)
    verdict, said = look(tmp_path / "none.zip")
    assert verdict == "bad" and "不能读这个包" in said


def test_a_zip_in_which_two_programs_could_read_two_packs_is_none(honest, look, tmp_path):
    """Counted from the end there is one directory, counted from the beginning another."""
    whole = honest.read_bytes()
    (tmp_path / "two.zip").write_bytes(whole + whole)
    verdict, said = look(tmp_path / "two.zip")
    assert verdict == "bad" and "不能读这个包" in said


def test_the_page_names_no_place_outside_of_itself():
    text = PAGE.read_text("utf-8")
    assert "default-src 'none'" in text and not re.search(r"https?://|src=|href=|url\(|import ", text)
