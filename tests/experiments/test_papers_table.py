"""Published, measured and their difference, in every table of the paper; and how it is drawn."""

import numpy as np
import pytest
from matplotlib.collections import PathCollection

from atdt.evaluate.table import markdown
from atdt.experiments.direction import ATDT, BASELINE, HEAD, ORACLE, PLAIN
from atdt.experiments.figures import LABELS, Result, figures
from atdt.experiments.pairs import PAIRS, Place
from atdt.experiments.papers_table import ONE_LOSS, adapted_tables, papers_tables, study_table
from atdt.experiments.plots import curve_plot, findings_plot, method_plot
from atdt.experiments.sides import Direction, Outcome, Side
from atdt.experiments.studies import Finding
from tests.made_measured import measured_depth, measured_semantic

METHODS = (BASELINE, HEAD, PLAIN, ATDT, ORACLE)
HITS = dict(zip(METHODS, (40, 50, 60, 70, 80), strict=True))
ERRORS = dict(zip(METHODS, (0.8, 0.6, 0.5, 0.4, 0.2), strict=True))


@pytest.fixture
def result(tmp_path):
    """`result(task, seeds, without)`: all methods; a later seed has other figures."""

    def made(task, seeds=1, without=(), ratio=2.0):
        side = Side(task, task, Place(tmp_path), Place(tmp_path))
        outcomes, curves = [], []
        for seed in range(seeds):
            rows = {}
            for method in METHODS:
                folder = tmp_path / f"{method}-{seed}"
                if task == "semantic":
                    measured_semantic(folder, HITS[method] + 10 * seed)
                else:
                    measured_depth(folder, ERRORS[method] + 0.1 * seed, ratio)
                if method not in without:
                    rows[method] = [folder]
            outcomes.append(Outcome(rows))
            between = tmp_path / f"ten-{seed}"
            if task == "semantic":
                measured_semantic(between, 65 + 10 * seed)
            else:
                measured_depth(between, 0.45 + 0.1 * seed, ratio)
            curves.append({0: rows[BASELINE][0], 10: between, 100: rows[ORACLE][0]})
        direction = Direction(side, side, tmp_path, tmp_path, "x")
        return Result([direction] * seeds, outcomes, curves)

    return made


def below(table, label):
    """The cells of a row, and of the two below it, which are published and difference."""
    at = [row.label for row in table.rows].index(label)
    assert [row.label for row in table.rows[at + 1 : at + 3]] == ["· published", "· difference"]
    return [[*row.cells] for row in table.rows[at : at + 3]]


def iou(hits):
    return 100 * hits / (200 - hits)


def test_table_1(result):
    (table,) = papers_tables("table1", result("semantic"), PAIRS["synthia-cityscapes"])
    columns = [column.name for column in table.columns]
    assert columns[0] == "road" and columns[-2:] == ["mIoU", "Acc"] and len(columns) == 13
    measured, published, apart = below(table, LABELS[PLAIN])
    assert measured[-2:] == [f"{iou(60):.1f}", "60.0"]
    assert published[0] == 85.77 and published[-2:] == [23.24, 64.03]
    assert apart[0] == pytest.approx(iou(60) - 85.77)
    assert apart[-2:] == pytest.approx([iou(60) - 23.24, 60 - 64.03])
    assert below(table, LABELS[BASELINE])[1][-2:] == [7.72, 28.49]
    assert below(table, LABELS[ORACLE])[1][-2:] == [68.02, 93.56]
    labels = [row.label for row in table.rows]
    assert labels[labels.index(LABELS[ATDT]) + 1] == LABELS[ORACLE]  # it is not the paper's


@pytest.mark.parametrize(
    ("pair", "abs_rel"),
    [
        ("synthia-carla", (0.632, 0.316, None)),
        ("synthia-cityscapes", (None, None, 0.176)),
        ("carla-cityscapes", (0.667, 0.394, 0.176)),
        ("carla-kitti", (0.500, 0.439, 0.265)),
    ],
)
def test_both_tables_2(result, pair, abs_rel):
    """Raw and × the focal ratio, since the paper leaves open which it prints; an oracle that knows
    B's camera is in both as it is."""
    raw, scaled = papers_tables("table2", result("depth"), PAIRS[pair])
    assert "depth, raw" in raw.caption and "depth × focal ratio" in scaled.caption
    for table, factor in ((raw, 1), (scaled, 0.5)):
        assert len(table.columns) == 7
        for method, theirs in zip((BASELINE, PLAIN, ORACLE), abs_rel, strict=True):
            if theirs is None:
                at = [row.label for row in table.rows].index(LABELS[method])
                assert at + 1 == len(table.rows) or "·" not in table.rows[at + 1].label
                continue
            own = ERRORS[method] * (1 if method == ORACLE else factor)
            measured, published, apart = below(table, LABELS[method])
            assert measured[0] == f"{own:.3f}"
            assert published[0] == theirs
            assert apart[0] == pytest.approx(own - theirs)


def test_over_seeds_the_mean_has_a_spread_and_the_difference_is_the_means(result):
    (table,) = papers_tables("table1", result("semantic", 2), PAIRS["carla-cityscapes"])
    measured, published, apart = below(table, LABELS[PLAIN])
    assert measured[-1].split() == ["65.0", "±", f"{np.std([60, 70], ddof=1):.1f}"]
    assert apart[-1] == pytest.approx(65 - published[-1])
    assert "over 2 seeds" in table.caption


def test_rendered_domains_have_no_published_numbers(result):
    for table, task in (("table1", "semantic"), ("table2", "depth")):
        for made in papers_tables(table, result(task), PAIRS["streets"]):
            assert not any(row.label.startswith("·") for row in made.rows)


def test_why_there_is_no_table_by_the_focal_ratio(result):
    (table,) = papers_tables("table2", result("depth", ratio=None), PAIRS["carla-kitti"])
    reason = "none × focal ratio: the description of A, carla, gives no focal length"
    assert reason in table.caption and reason in markdown(table)


def test_a_camera_of_b_that_is_not_known_is_named(tmp_path):
    why = "no focal ratio: b/domain.toml gives no focal length for 1.png"
    folder = measured_depth(tmp_path, 0.5, None, why)
    found = [[Finding("(a) N2", "b", (folder,), {"method": "baseline"})]]
    (table,) = adapted_tables("table4", found, PAIRS["carla-cityscapes"])
    assert f"depth, raw ({why})" in table.caption
    assert below(table, "(a) N2")[1][0] == 0.667


def test_where_atdts_losses_are_the_papers_its_row_is_the_papers_too(result):
    one = result("depth", without=[PLAIN])
    for table in papers_tables("table2", one, PAIRS["carla-cityscapes"]):
        assert below(table, LABELS[ATDT])[1][0] == 0.394
        assert ONE_LOSS in markdown(table)


def findings(tmp_path, ways, measure, step):
    """For two seeds, what was measured of (label, domain, printed): each a step from the last."""
    made = []
    for seed in range(2):
        same = []
        for k, (label, domain, printed) in enumerate(ways):
            folder = measure(tmp_path / f"{k}-{seed}", step(k + seed))
            same.append(Finding(label, domain, (folder,), printed))
        made.append(same)
    return made


TABLE5 = [
    (f"{name} N1", d, {"shared": name == "shared", "domain": d})
    for name in ("shared", "separate")
    for d in "ab"
]
TABLE6 = [
    (norm, d, {} if kind is None else {"batchnorm": kind, "domain": d})
    for norm, kind in (("batch norm", True), ("without a norm", False), ("group norm", None))
    for d in "ab"
]
FIGURE4 = [(f"level{k}", d, {"level": k, "domain": d}) for k in (3, 4) for d in "ab"]


@pytest.mark.parametrize(
    ("name", "ways", "published"),
    [
        ("table5", TABLE5, [(65.41, 97.53), (23.24, 64.03), (61.73, 97.02), (6.42, 29.36)]),
        (
            "table6",
            TABLE6,
            [(65.41, 97.53), (23.24, 64.03), (72.48, 98.09), (22.75, 58.29), None, None],
        ),
        ("figure4", FIGURE4, [None, None, (65.41, 97.53), (23.24, 64.03)]),
    ],
)
def test_studies_have_a_published_row_below_each_that_the_paper_has(
    tmp_path, name, ways, published
):
    found = findings(tmp_path, ways, measured_semantic, lambda k: 40 + 5 * k)
    table = study_table(name, found, PAIRS["synthia-cityscapes"])
    assert [column.name for column in table.columns] == ["mIoU", "Acc"]
    assert len(table.rows) == len(ways) + 2 * sum(each is not None for each in published)
    for k, ((label, domain, _), theirs) in enumerate(zip(ways, published, strict=True)):
        if theirs is None:
            continue
        means = np.mean([[iou(h), h] for h in (40 + 5 * k, 45 + 5 * k)], axis=0)
        measured, printed, apart = below(table, f"{label}, on {domain.upper()}")
        assert [cell.split()[0] for cell in measured] == [f"{mean:.1f}" for mean in means]
        assert printed == list(theirs)
        assert apart == pytest.approx(means - theirs)
    other = study_table(name, found, PAIRS["carla-cityscapes"])  # the paper has it of Synthia alone
    assert len(other.rows) == len(ways)


WAYS = ("baseline", "atdt", "cyclegan", "atdt_cyclegan")
ADAPTED = [(f"({'abcd'[k]}) {way}", "b", {"method": way}) for k, way in enumerate(WAYS)]


def test_table_3(tmp_path):
    found = findings(tmp_path, ADAPTED, measured_semantic, lambda k: 40 + 5 * k)
    (table,) = adapted_tables("table3", found, PAIRS["carla-cityscapes"])
    published = ((37.88, 74.61), (39.66, 76.37), (42.33, 80.93), (43.20, 81.92))
    for k, ((label, *_), theirs) in enumerate(zip(ADAPTED, published, strict=True)):
        means = np.mean([[iou(h), h] for h in (40 + 5 * k, 45 + 5 * k)], axis=0)
        measured, printed, apart = below(table, label)
        assert measured[-1].split()[0] == f"{means[1]:.1f}"
        assert printed[-2:] == list(theirs)
        assert apart[-2:] == pytest.approx(means - theirs)


def test_both_tables_4(tmp_path):
    found = findings(tmp_path, ADAPTED, measured_depth, lambda k: 0.8 - 0.1 * k)
    tables = adapted_tables("table4", found, PAIRS["carla-cityscapes"])
    published = (0.667, 0.394, 0.943, 0.563)
    for table, factor in zip(tables, (1, 0.5), strict=True):
        for k, ((label, *_), theirs) in enumerate(zip(ADAPTED, published, strict=True)):
            own = factor * (0.75 - 0.1 * k)
            measured, printed, apart = below(table, label)
            assert measured[0].split()[0] == f"{own:.3f}"
            assert printed[0] == theirs
            assert apart[0] == pytest.approx(own - theirs)


def drawn(plot):
    """For each field of a plot of bars: widths by label, published numbers by label, all labels."""
    fields = []
    for axes in plot.figure.axes:
        labels = [text.get_text() for text in axes.get_yticklabels()] or fields[0][2]
        widths = dict(zip(labels, (bar.get_width() for bar in axes.patches), strict=True))
        marks = [each for each in axes.collections if isinstance(each, PathCollection)]
        points = [point for each in marks for point in each.get_offsets()]
        fields.append((widths, {labels[round(y)]: x for x, y in points}, labels))
    return fields


def test_bars_are_what_was_measured_and_what_is_published(result):
    made = result("depth", 2)
    raw, scaled = drawn(method_plot("table2", made, figures(made), PAIRS["carla-cityscapes"]))
    own = {LABELS[method]: ERRORS[method] + 0.05 for method in METHODS}
    assert raw[0] == pytest.approx(own)
    oracle = {LABELS[ORACLE]: own[LABELS[ORACLE]]}  # it knows B's camera
    assert scaled[0] == pytest.approx({label: error / 2 for label, error in own.items()} | oracle)
    theirs = {LABELS[BASELINE]: 0.667, LABELS[PLAIN]: 0.394, LABELS[ORACLE]: 0.176}
    assert raw[1] == scaled[1] == pytest.approx(theirs)
    for field in drawn(method_plot("table2", made, figures(made), PAIRS["streets"])):
        assert field[1] == {}


def test_bars_of_a_study(tmp_path):
    found = findings(tmp_path, TABLE6, measured_semantic, lambda k: 40 + 5 * k)
    _, accuracy = drawn(findings_plot("table6", found, PAIRS["synthia-cityscapes"]))
    assert accuracy[0]["batch norm, on A"] == pytest.approx(42.5)
    assert accuracy[1] == pytest.approx(
        {
            "batch norm, on A": 97.53,
            "batch norm, on B": 64.03,
            "without a norm, on A": 98.09,
            "without a norm, on B": 58.29,
        }
    )


def test_the_curve_goes_from_the_baseline_to_the_oracle(result):
    made = result("depth", 2)
    plot = curve_plot(made, figures(made))
    assert "The oracle is shown × focal ratio or without, whichever is better" in plot.caption
    (axes,) = plot.figure.axes
    oracle, atdt, rival = axes.lines[0], *axes.get_lines()[-2:]
    assert oracle.get_xdata().tolist() == [0, 10, 100]
    # × focal ratio; all labels are better than none, without it as well, as the oracle has it.
    assert oracle.get_ydata() == pytest.approx([0.425, 0.25, 0.125])
    assert atdt.get_ydata() == pytest.approx([0.225] * 2)
    assert rival.get_label().startswith(LABELS[HEAD])
