"""The list of scores: whole, readable, and longer by one line."""

import pytest

from atdt.diagnose.scores.registry import SCORES
from atdt.diagnose.scores.table import ORDER, Network, in_order, measured_order, note_on_order
from atdt.domains import label_space
from atdt.tasks import get_task, task_names
from atdt.texts import read_toml

SPACE = label_space("coarse4")


@pytest.mark.parametrize("name", task_names())
def test_every_score_that_applies_says_what_is_better(name):
    task = get_task(name)
    for known in SCORES:
        if known.applies(task, SPACE):
            column = known.column(task, SPACE)
            assert column.better in ("lower", "higher"), known.key
            assert "{" not in column.name
            assert known.unit(task, SPACE) in (1, 0.01)


def test_each_has_a_key_a_sentence_and_one_function():
    keys = [known.key for known in SCORES]
    assert len(set(keys)) == len(keys)
    for known in SCORES:
        assert known.reading.endswith(".")
        assert (known.of_images is None) != (known.of_network is None)


def test_what_is_for_classes_does_not_apply_to_depth():
    depth, semantic = (get_task(name) for name in ("depth", "semantic"))
    useless = {known.key for known in SCORES if not known.applies(depth, SPACE)}
    assert useless == {"entropy", "density"}
    assert all(known.applies(semantic, SPACE) for known in SCORES)
    edges = {known.key for known in SCORES if not known.applies(get_task("edges"), SPACE)}
    assert "views_second" in edges and "views" not in edges


def test_the_measured_order_names_scores_and_where_it_comes_from():
    known = {score.key for score in SCORES}
    for task in read_toml(ORDER):
        order = measured_order(task)
        assert set(order.keys) <= known
        assert order.source.startswith("atdt rank-scores")
        assert in_order(get_task(task))[0].key == order.keys[0]
        assert order.result in note_on_order(get_task(task), [])


def test_an_order_that_was_not_measured_is_said_to_be_none(monkeypatch, tmp_path):
    path = tmp_path / "order.toml"
    path.write_text('[depth]\norder = ["views"]\nsource = "atdt rank-scores x"\nresult = "0.5"\n')
    monkeypatch.setattr("atdt.diagnose.scores.table.ORDER", path)
    assert in_order(get_task("depth"))[0].key == "views"
    there = [Network("g", {"views": 0.1})]
    assert note_on_order(get_task("depth"), there).endswith("first: 0.5 (`atdt rank-scores x`).")
    assert "is not among these" in note_on_order(get_task("depth"), [Network("g", {"on_a": 1})])
    assert in_order(get_task("semantic")) == list(SCORES)
    assert "has not been measured" in note_on_order(get_task("semantic"), there)
