"""A ledger folder's own rules.toml: what it may change, and what it is told where it cannot stand."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from gateway.audit.figures import default_rules, laid_over, read
from gateway.errors import UsageError


def test_a_folder_without_a_file_goes_by_the_rules_as_shipped(tmp_path: Path):
    chosen = read(tmp_path)
    assert chosen.rules == default_rules() and chosen.sha256 == ""


def test_a_folders_file_says_only_what_is_other_and_is_known_by_its_hash(tmp_path: Path):
    text = (
        "[burst]\nleast_lines = 30\n[overlong]\nenabled = false\n[load.envelope_mw]\ntdp = [40000, 900000]\n"
    )
    (tmp_path / "rules.toml").write_text(text)
    chosen = read(tmp_path)
    assert chosen.rules["burst"] == {**default_rules()["burst"], "least_lines": 30}
    assert chosen.rules["overlong"]["enabled"] is False
    assert chosen.rules["load"]["envelope_mw"] == {
        **default_rules()["load"]["envelope_mw"],
        "tdp": [40000, 900000],
    }
    assert chosen.sha256 == hashlib.sha256(text.encode()).hexdigest()


def test_a_whole_number_will_do_for_a_share():
    assert laid_over(default_rules(), {"dark": {"times": 4}})["dark"]["times"] == 4


@pytest.mark.parametrize(
    "text, told",
    [
        ("[bursts]\nenabled = true\n", "bursts"),
        ("[burst]\nleast_line = 3\n", "burst.least_line"),
        ("[burst]\nzh = '别的话'\n", "burst.zh"),
        ("[burst]\nleast_lines = '20'\n", "burst.least_lines = '20'"),
        ("[burst]\nleast_lines = 2.5\n", "burst.least_lines = 2.5"),
        ("[burst]\nleast_lines = -1\n", "burst.least_lines = -1"),
        ("[burst]\nenabled = 1\n", "burst.enabled = 1"),
        ("[dark]\ntimes = nan\n", "dark.times = nan"),
        ("[load]\nenvelope_mw = 5\n", "load.envelope_mw = 5"),
        ("[load.envelope_mw]\ntdp = ['60']\n", "load.envelope_mw.tdp"),
        ("[staff_time.presence_min]\n4 = 1.5\n", "staff_time.presence_min.4 = 1.5"),
        ("burst = 3\n", "[burst] = 3"),
        ("[burst\n", "TOML"),
        ("[quantity]\nmost_names = true\n", "quantity.most_names = True"),
    ],
)  # fmt: skip
def test_what_cannot_stand_is_refused_with_its_name_and_what_it_must_be(tmp_path: Path, text: str, told: str):
    (tmp_path / "rules.toml").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        read(tmp_path)
    assert told in caught.value.en and told in caught.value.zh and "rules.toml" in caught.value.en


def test_bytes_that_are_no_text_are_refused(tmp_path: Path):
    (tmp_path / "rules.toml").write_bytes(b"\xff\xfe[\x00")
    with pytest.raises(UsageError):
        read(tmp_path)
