import errno
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atdt.errors import StoreError
from atdt.stores.ledger import (
    append_line,
    block_lines,
    block_records,
    read_ledger,
    seal,
    write_ledger,
)

HEADER = {"kind": "array", "metadata": "{}", "files": {"zarr.json": "00"}}
BLOCKS = {n: {"kind": "block", "block": n, "statistics": {"mean": [0.1 * n]}} for n in range(3)}
SHORT = {n: {"kind": "block", "block": n} for n in BLOCKS}  # as they are kept in memory
LINES = [seal(record) for record in BLOCKS.values()]
COMPLETE = {"blocks": 3, "statistics": None}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("ledger") / "whole.jsonl"
    write_ledger(path, HEADER, LINES, COMPLETE)
    return path


def test_what_is_written_is_read(whole):
    ledger = read_ledger(whole)
    assert (ledger.header, ledger.blocks, ledger.problem) == (HEADER, SHORT, None)
    assert ledger.complete["blocks"] == 3
    assert ledger.length == whole.stat().st_size
    assert list(block_records(whole, ledger.places.values())) == list(BLOCKS.values())


def test_appending_in_any_order_and_rewriting_give_the_same_bytes(whole, tmp_path):
    path = tmp_path / "l.jsonl"
    length = write_ledger(path, HEADER)
    for block in (2, 0, 1):
        length = append_line(path, seal(BLOCKS[block]), length)
    ledger = read_ledger(path)
    assert (ledger.blocks, ledger.problem, ledger.complete) == (SHORT, None, None)
    assert ledger.length == length
    ordered = [ledger.places[block] for block in sorted(ledger.places)]
    write_ledger(path, ledger.header, block_lines(path, ordered), COMPLETE)
    assert path.read_bytes() == whole.read_bytes()


@given(data=st.data())
@settings(deadline=None)
def test_any_changed_byte_is_noticed(whole, tmp_path_factory, data):
    content = bytearray(whole.read_bytes())
    position = data.draw(st.integers(0, len(content) - 1))
    content[position] ^= data.draw(st.integers(1, 255))
    path = tmp_path_factory.mktemp("flip") / "l.jsonl"
    path.write_bytes(content)
    ledger = read_ledger(path)
    assert ledger.problem
    assert ledger.blocks.items() <= SHORT.items()
    assert content[: ledger.length] == whole.read_bytes()[: ledger.length]


@given(data=st.data())
@settings(deadline=None)
def test_a_cut_leaves_the_lines_before_it(whole, tmp_path_factory, data):
    content = whole.read_bytes()
    cut = data.draw(st.integers(0, len(content) - 1))
    path = tmp_path_factory.mktemp("cut") / "l.jsonl"
    path.write_bytes(content[:cut])
    ledger = read_ledger(path)
    lines = content[:cut].count(b"\n")
    assert (ledger.header is not None) == (lines > 0)
    assert len(ledger.blocks) == max(0, lines - 1)
    assert ledger.complete is None
    on_a_line = cut > 0 and content[cut - 1 : cut] == b"\n"
    assert (ledger.problem is None) == on_a_line


@pytest.mark.parametrize("shuffle", [[0, 1, 1, 2, 3, 4], [0, 1, 3, 4], [1, 0], [0, 1, 2, 3, 4, 4]])
def test_lines_out_of_place_are_noticed(whole, tmp_path, shuffle):
    lines = whole.read_bytes().splitlines(keepends=True)
    path = tmp_path / "l.jsonl"
    path.write_bytes(b"".join(lines[n] for n in shuffle))
    assert "out of place" in read_ledger(path).problem


def test_an_absent_and_an_empty_ledger(tmp_path):
    assert read_ledger(tmp_path / "none.jsonl").problem == "it has no ledger"
    (tmp_path / "empty.jsonl").touch()
    assert read_ledger(tmp_path / "empty.jsonl").problem == "its ledger is empty"


def test_a_line_that_changes_while_it_is_used_is_noticed(whole, tmp_path):
    path = tmp_path / "l.jsonl"
    places = read_ledger(whole).places
    path.write_bytes(whole.read_bytes().replace(b"0.1", b"0.3"))
    with pytest.raises(StoreError, match=r"l\.jsonl: changed while"):
        list(block_records(path, places.values()))


def test_every_record_is_judged_whole(whole):
    seen = []
    read_ledger(whole, seen.append)
    assert seen == list(BLOCKS.values())


@pytest.mark.parametrize("step", ["short", "write", "fsync"])
def test_a_failed_append_leaves_the_ledger_as_it_was(tmp_path, monkeypatch, step):
    path = tmp_path / "l.jsonl"
    length = write_ledger(path, HEADER, LINES[:1])
    before, pwrite = path.read_bytes(), os.pwrite

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    def half(handle, line, offset):
        return pwrite(handle, line[: len(line) // 2], offset)

    with monkeypatch.context() as patch:
        patch.setattr(
            os, "fsync" if step == "fsync" else "pwrite", half if step == "short" else full
        )
        with pytest.raises(OSError, match="No space left"):
            append_line(path, seal(BLOCKS[1]), length)
    assert path.read_bytes() == before
    append_line(path, seal(BLOCKS[1]), length)
    assert set(read_ledger(path).blocks) == {0, 1}
