"""Whoever asks how a record stands to a chain hears the same answer, whatever came in whatever order."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protocol import chain, record, seal
from protocol.chain import FORK, GAP, NEXT, ORIGIN, REPEAT, Head
from tests.support.both import on_both
from tests.support.tools import CHECKOUT

GOLDEN = [
    record.parse(seal.split(line)[0])
    for line in (CHECKOUT / "tests/vectors/golden.ocmf").read_text().splitlines()
]


@dataclass(frozen=True)
class Link:
    """As little of a record as the chain looks at."""

    us: int
    up: str
    digest: str


def history(length: int, name: str = "a", after: list[Link] | None = None) -> list[Link]:
    """Links that follow each other, from the first record on or from the last of `after`."""
    links = list(after or [])
    for us in range(len(links) + 1, length + 1):
        links.append(Link(us, links[-1].digest if links else ORIGIN, f"{name}{us}"))
    return links


A = history(8)
TWIN = history(8, "b", A[:4])  # the same unit tells another story from record 5 on
STRANGER = history(8, "c")  # and here from its first


def hangs_together(links: set[Link]) -> bool:
    ordered = sorted(links, key=lambda link: link.us)
    return all(b.us == a.us + 1 and b.up == a.digest for a, b in pairwise(ordered))


def naive(run: set[Link], link: Link) -> str:
    """`judge` as one would say it of a set of links that hang together."""
    if link in run:
        return REPEAT
    if hangs_together(run | {link}):
        return NEXT
    beside = any(abs(link.us - each.us) <= 1 for each in run)
    return FORK if beside else GAP


class Book:
    """Keeps what joins, as any reader of records does."""

    def __init__(self) -> None:
        self.head: Head | None = None
        self.run: dict[int, Link] = {}

    def judge(self, link: Link) -> str:
        stored = self.run.get(link.us)
        return chain.judge(self.head, link, stored.digest if stored else None)

    def take(self, link: Link) -> str:
        judgement = self.judge(link)
        if judgement == NEXT:
            self.head = chain.lengthen(self.head, link)
            self.run[link.us] = link
        return judgement

    def take_all(self, links: list[Link]) -> None:
        """Until nothing joins any more."""
        while any(self.take(link) == NEXT for link in links):
            pass


arrivals = st.lists(st.sampled_from(A + TWIN[4:] + STRANGER), max_size=40)


@given(arrivals)
@example([A[4], A[3], STRANGER[2], A[2], A[4]])
@example([A[0], STRANGER[0]])
@example([A[1], STRANGER[0]])
def test_every_judgement_is_that_of_the_naive_model_over_any_history(links):
    book = Book()
    for link in links:
        expected = naive(set(book.run.values()), link)
        assert book.take(link) == expected


@given(arrivals)
def test_what_joined_always_hangs_together_and_the_head_holds_both_of_its_ends(links):
    book = Book()
    for link in links:
        book.take(link)
        first, last = book.run[min(book.run)], book.run[max(book.run)]
        assert book.head and hangs_together(set(book.run.values()))
        assert (book.head.us, book.head.digest) == (last.us, last.digest)
        assert (book.head.first_us, book.head.first_up) == (first.us, first.up)


@given(st.permutations(A + A[2:5]))
def test_an_honest_history_joins_whole_in_any_order_and_is_never_called_a_fork(links):
    book = Book()
    assert all(book.take(link) != FORK for link in links)
    book.take_all(links)
    assert [book.run[us] for us in sorted(book.run)] == A
    assert all(book.judge(link) == REPEAT for link in A)


@given(st.permutations(A + TWIN[4:]))
def test_of_two_histories_with_one_past_only_one_joins_and_the_other_is_a_fork(links):
    book = Book()
    book.take_all(links)
    told = [book.run[us] for us in sorted(book.run)]
    assert told in (A, TWIN)
    other = TWIN if told == A else A
    assert {book.judge(link) for link in other[4:]} == {FORK}


@given(st.permutations(A), st.integers(0, 7))
def test_while_one_record_is_missing_nothing_joins_across_it(links, missing):
    book = Book()
    book.take_all([link for link in links if link.us != missing + 1])
    assert max(book.run) <= missing or min(book.run) > missing + 1


# --- one sentence of the profile each -----------------------------------------------------------------------


def head_of(links: list[Link]) -> Head:
    return Head(links[-1].us, links[-1].digest, links[0].us, links[0].up)


def test_the_first_record_that_comes_may_have_any_number():
    assert chain.judge(None, A[5]) == NEXT
    head = chain.lengthen(None, A[5])
    assert (head.us, head.digest, head.first_us, head.first_up) == (6, "a6", 6, "a5")


def test_earlier_records_attach_downwards_by_the_digest_that_the_first_names():
    head = chain.lengthen(chain.lengthen(None, A[5]), A[4])
    assert (head.us, head.digest, head.first_us, head.first_up) == (6, "a6", 5, "a4")
    assert chain.judge(head, STRANGER[3]) == FORK


def test_the_same_payload_again_is_a_repeat_wherever_it_stands():
    assert [chain.judge(head_of(A), link, link.digest) for link in A] == [REPEAT] * 8


def test_another_payload_under_a_known_number_is_a_fork():
    assert chain.judge(head_of(A[:6]), TWIN[4], "a5") == FORK


def test_the_next_number_that_names_another_predecessor_is_a_fork():
    assert chain.judge(head_of(A[:6]), TWIN[6]) == FORK


@pytest.mark.parametrize("link", (A[7], A[0]), ids=("above", "below"))
def test_a_record_with_something_missing_between_is_a_gap(link):
    assert chain.judge(head_of(A[2:6]), link) == GAP


def test_the_golden_chain_is_next_from_its_first_to_its_last_and_a_repeat_afterwards():
    head = None
    for each in GOLDEN:
        assert chain.judge(head, each) == NEXT
        head = chain.lengthen(head, each)
    assert [chain.judge(head, each, each.digest) for each in GOLDEN] == [REPEAT] * 6


def test_a_tampered_golden_record_forks_the_chain_at_itself_and_at_the_next():
    head = None
    for each in GOLDEN[:3]:
        head = chain.lengthen(head, each)
    tampered = record.parse(GOLDEN[3].payload.replace('"UA":1255', '"UA":1256'))
    assert chain.judge(head, tampered) == NEXT  # the chain does not know seals: they are judged before
    assert chain.judge(chain.lengthen(head, tampered), GOLDEN[4]) == FORK


# --- under MicroPython --------------------------------------------------------------------------------------


def test_both_interpreters_judge_the_same():
    script = """
from protocol import chain, record, seal

class Link:
    def __init__(self, us, up, digest):
        self.us, self.up, self.digest = us, up, digest

def story(name, past):
    links = list(past)
    for us in range(len(links) + 1, 9):
        links.append(Link(us, links[-1].digest if links else chain.ORIGIN, name + str(us)))
    return links

one = story("a", [])
links = one + story("b", one[:4])[4:] + story("c", [])
for first in range(len(links)):
    head, run, said = None, {}, []
    for step in range(60):
        link = links[(first + step * 7) % len(links)]
        judgement = chain.judge(head, link, run.get(link.us))
        said.append(judgement[0])
        if judgement == chain.NEXT:
            head = chain.lengthen(head, link)
            run[link.us] = link.digest
    print("".join(said), head.first_us, head.us, head.first_up, head.digest)

head = None
with open("tests/vectors/golden.ocmf") as file:
    for line in file:
        each = record.parse(seal.split(line.strip())[0])
        print(chain.judge(head, each), chain.judge(head, each, each.digest))
        head = chain.lengthen(head, each)
"""
    said = on_both(script).splitlines()
    assert set("".join(line.split()[0] for line in said[:20])) == set("NRGF")
    assert said[20:] == ["NEXT NEXT"] + ["NEXT REPEAT"] * 5
