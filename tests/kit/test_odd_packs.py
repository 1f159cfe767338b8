"""Whatever a clinic writes into its pack, the comparison ends with findings or with one sentence, never with a crash."""

from __future__ import annotations

import json
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import UsageError
from gateway.kit import folder, key, onsite, shown
from gateway.kit.held import open_kit
from protocol import p256
from tests.kit.scene import files_of

SOMEBODY = key.Signer(b"\x01" * 32, p256.spki(p256.public_key(b"\x01" * 32)))
JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(),
    st.text(max_size=5),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


@pytest.fixture(scope="module")
def both(once):
    """The kit, and the members of the honest pack that are compared."""
    folder, _ = once
    return open_kit(folder / "kit", None), shown.read(folder / "pack.zip")


def places(value, at=()):
    """The way to every value in a document."""
    yield at
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in inside:
        yield from places(each, (*at, name))


def replaced(value, at, junk):
    """The document with something else at a place."""
    if not at:
        return junk
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[at[0]] = replaced(value[at[0]], at[1:], junk)
    return copy


@settings(max_examples=300)
@given(st.data())
def test_any_value_of_any_document_may_be_anything(both, data):
    kit, files = both
    paths = sorted(path for path in files if not path.endswith((".ocmf", ".aside")))
    path = data.draw(st.sampled_from(paths))
    lines = files[path].splitlines()
    number = data.draw(st.integers(0, len(lines) - 1))
    document = json.loads(lines[number])
    at = data.draw(st.sampled_from(list(places(document))))
    lines[number] = json.dumps(replaced(document, at, data.draw(JUNK))).encode()
    look(kit, files | {path: b"\n".join(lines)})


@settings(max_examples=100)
@given(st.data())
def test_any_bytes_of_any_member_may_be_anything(both, data):
    kit, files = both
    path = data.draw(st.sampled_from(sorted(files)))
    body = files[path]
    first = data.draw(st.integers(0, len(body)))
    last = data.draw(st.integers(first, len(body)))
    look(kit, files | {path: body[:first] + data.draw(st.binary(max_size=8)) + body[last:]})


@given(st.data())
def test_any_member_may_be_left_out(both, data):
    kit, files = both
    gone = data.draw(st.sets(st.sampled_from(sorted(files)), min_size=1))
    look(kit, {path: body for path, body in files.items() if path not in gone})


@settings(max_examples=200)
@given(st.data())
def test_a_kit_that_a_stranger_signed_may_say_anything_too(once, tmp_path_factory, data):
    """Without the district's key anybody can make one: it is read, or refused in one sentence."""
    files = dict(files_of(once[0] / "kit"))
    head = json.loads(files.pop(folder.HEAD))
    del files[folder.SIGNATURE]
    path = data.draw(
        st.sampled_from([folder.HEAD, *sorted(path for path in files if path.endswith((".json", ".jsonl")))])
    )
    lines = [json.dumps(head).encode()] if path == folder.HEAD else files[path].splitlines()
    number = data.draw(st.integers(0, len(lines) - 1))
    document = json.loads(lines[number])
    junk = data.draw(
        JUNK.filter(lambda each: each == each and each not in (inf, -inf))
    )  # canonical JSON has none
    odd = replaced(document, data.draw(st.sampled_from(list(places(document)))), junk)
    lines[number] = json.dumps(odd).encode()
    if path == folder.HEAD:
        head = odd if isinstance(odd, dict) else {}
    else:
        files[path] = b"\n".join(lines)
    stick = tmp_path_factory.mktemp("stick") / "kit"
    folder.write(stick, folder.sealed(head, files, SOMEBODY))
    try:
        kit = open_kit(stick, None)
    except UsageError:
        return
    assert not kit.authentic
    look(kit, shown.read(once[0] / "pack.zip"))


def look(kit, files):
    try:
        result = onsite.against_files(kit, files)
    except UsageError:
        return
    assert json.dumps(result.document())
