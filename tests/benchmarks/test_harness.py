import json
import time

import pytest

from benchmarks.compare import compared
from benchmarks.harness import Scale, Table, in_turns, interleaved, ratio_of


def test_a_ratio_is_the_median_of_the_pairs_with_its_quartiles():
    ratio = ratio_of([(1.0, 2.0), (1.0, 4.0), (2.0, 2.0), (1.0, 3.0), (1.0, 5.0)])
    assert (ratio.median, ratio.low, ratio.high) == (3.0, 2.0, 4.0)
    assert (ratio.a, ratio.b, ratio.pairs) == (1.0, 3.0, 5)
    assert str(ratio) == "3 [2–4]"


def test_a_and_b_take_turns_at_being_first():
    calls = []
    interleaved(lambda: calls.append("a"), lambda: calls.append("b"), pairs=3)
    assert "".join(calls) == "ab" + "ab" + "ba" + "ab"


def test_sides_come_once_a_round_in_orders_that_change():
    calls = []

    def side(name):
        return lambda: calls.append(name) or float(len(calls))

    timed = in_turns([side("a"), side("b"), side("c")], rounds=20, warm_up=0)
    rounds = ["".join(calls[at : at + 3]) for at in range(0, 60, 3)]
    assert {"".join(sorted(one)) for one in rounds} == {"abc"}
    assert len(set(rounds)) == 6
    for number, (order, seconds) in enumerate(zip(rounds, timed, strict=True)):
        assert seconds == tuple(3 * number + order.index(name) + 1.0 for name in "abc")


def test_more_than_one_means_that_a_is_faster():
    assert interleaved(lambda: None, lambda: time.sleep(0.01), pairs=2).median > 1


def test_a_table_says_whether_its_bar_holds():
    table = Table("speed", ("what", "ratio"), "≥ 0.9")
    table.add("one", 0.5)
    table.notes.append("why")
    table.met = False
    assert table.text() == (
        "speed (bar: ≥ 0.9; NOT met)\n\n| what | ratio |\n|------|-------|\n| one  | 0.5   |\n\nwhy"
    )
    with pytest.raises(ValueError, match="1 cells for 2 columns"):
        table.add("alone")


def test_files_are_compared_figure_by_figure():
    def file(median, quick=False):
        table = Table("speed", ("what",))
        table.figure("ours ÷ theirs", ratio_of([(1.0, median)] * 3))
        table.figure("bytes", 0.5)
        tables = [{"question": "speed", "met": None, "figures": table.figures}]
        return json.loads(json.dumps({"quick": quick, "measured": {"reading": {"tables": tables}}}))

    lines = compared(file(2.0), file(3.0)).splitlines()
    assert [cell.strip() for cell in lines[4].split("|")[1:-1]] == [
        "reading: ours ÷ theirs",
        "2 [2–2]",
        "3 [3–3]",
        "yes",
    ]
    assert "reading: bytes" in lines[5]
    assert "nothing to compare" in compared(file(2.0), file(2.0, quick=True))


def test_a_taste_has_fewer_pairs():
    assert Scale().pairs >= 7 > Scale(quick=True).pairs
    assert (Scale().of(8, 2), Scale(quick=True).of(8, 2)) == (8, 2)
