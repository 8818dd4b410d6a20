"""Tables in the terminal and in Markdown, with their marks."""

import pytest

from atdt.evaluate.report_table import Column, Row, Table, Value, digits_for, number_text
from atdt.evaluate.table import Entry, figures_by_method, figures_table, markdown, terminal_text


def metric(key: str, title: str, **more: object) -> dict:
    known = {"better": "higher", "digits": 1, "percent": True, "way": "", "factor": ""}
    return {"key": key, "title": title, "diagnostic": "", "detail": False, **known, **more}


@pytest.fixture
def semantic() -> dict:
    return {
        "task": "semantic",
        "headline": "miou",
        "metrics": [
            metric("miou", "mIoU"),
            metric("accuracy", "accuracy"),
            metric("iou/road", "road", detail=True),
            metric("iou/sky", "sky", detail=True),
        ],
        "scores": {"miou": 0.3821, "accuracy": 0.8, "iou/road": 0.9, "iou/sky": None},
        "intervals": {"miou": [0.36, 0.4], "accuracy": None, "iou/road": [0.8, 0.95]},
        "gap_closed": None,
        "images": {"count": 10, "left_out": ["a.png"]},
        "ways": {"focal_ratio": None, "scale": None},
        "domain": {"name": "streets-b", "split": "test"},
        "mismatch": [],
    }


@pytest.fixture
def depth() -> dict:
    scalar = {"way": "× scalar", "factor": "scale", "diagnostic": "fitted on labels"}
    number = {"percent": False, "digits": 3, "better": "lower"}
    return {
        "task": "depth",
        "headline": "abs_rel",
        "metrics": [
            metric("abs_rel", "abs rel", **number),
            metric("rmse", "RMSE", **number),
            metric("scalar/abs_rel", "abs rel", **number, **scalar),
            metric("scale_free/silog", "SILog", **number | {"way": "scale-free"}),
        ],
        "scores": {"abs_rel": 0.4, "rmse": 9.5, "scalar/abs_rel": 0.25, "scale_free/silog": 20.0},
        "intervals": {},
        "gap_closed": {
            "metrics": {
                "abs_rel": {"value": 0.348, "interval": [0.2, 0.5], "undefined": 0.0},
                "scalar/abs_rel": {"value": None, "interval": None, "undefined": 0.9},
            }
        },
        "images": {"count": 10, "left_out": []},
        "ways": {"focal_ratio": None, "scale": 1.2345},
        "domain": {"name": "streets-b", "split": "test"},
        "mismatch": [],
    }


def test_markdown_of_a_semantic_table(semantic):
    other = semantic | {"mismatch": ["encoder: store has ab12, run has cd34"]}
    table = figures_table([Entry("AT/DT | six views", semantic), Entry("oracle", other, tag="B")])
    assert markdown(table).splitlines() == [
        "**semantic on streets-b:test, 9 images**",
        "",
        "| method | mIoU % ↑ | accuracy % ↑ |",
        "| :-- | --: | --: |",
        r"| AT/DT \| six views | 38.2 [36.0, 40.0] | 80.0 |",
        "| oracle (B) (mismatch) [1] | 38.2 [36.0, 40.0] | 80.0 |",
        "",
        "[1] mismatch allowed: encoder: store has ab12, run has cd34  ",
    ]


def test_depth_has_a_row_for_each_way_and_marks_diagnostics(depth):
    table = figures_table([Entry("ours", depth)])
    lines = markdown(table).splitlines()
    assert lines[2] == "| method | abs rel ↓ | RMSE ↓ | SILog ↓ | gap closed % ↑ |"
    assert lines[4] == "| ours | 0.400 | 9.500 | – | 35 [20, 50] |"
    assert lines[5] == "| ours × scalar 1.23 [1] | 0.250 | – | – | undefined |"
    assert lines[6] == "| ours scale-free | – | – | 20.000 | – |"
    assert lines[8] == "[1] diagnostic: fitted on labels  "


def test_turned_round_there_is_a_row_for_each_figure_and_class(semantic):
    other = semantic | {"mismatch": ["encoder: other", "level: other"]}
    table = figures_by_method([Entry("ours", semantic), Entry("oracle", other)])
    assert markdown(table).splitlines()[2:] == [
        "| figure | ours | oracle |",
        "| :-- | --: | --: |",
        "| mismatch allowed |  | encoder: other; level: other |",
        "| mIoU % ↑ | 38.2 [36.0, 40.0] | 38.2 [36.0, 40.0] |",
        "| accuracy % ↑ | 80.0 | 80.0 |",
        "| road % ↑ | 90.0 [80.0, 95.0] | 90.0 [80.0, 95.0] |",
        "| sky % ↑ | – | – |",
    ]


def test_turned_round_each_method_has_its_own_factor(depth):
    unfitted = depth | {"ways": {"scale": None}, "gap_closed": None}
    lines = markdown(figures_by_method([Entry("ours", depth), Entry("o", unfitted)])).splitlines()
    assert lines[2] == "| figure | ours | o | gap closed % |"
    assert lines[4] == "| abs rel ↓ | 0.400 | 0.400 | 35 [20, 50] |"
    assert lines[6] == "| × scalar: factor | 1.23 | – |  |"
    assert lines[7] == "| × scalar: abs rel ↓ [1] | 0.250 | 0.250 | undefined |"
    both = figures_by_method([Entry("ours", depth), Entry("mine", depth)])
    assert [c.name for c in both.columns[2:]] == ["ours: gap closed %", "mine: gap closed %"]


def test_what_was_fitted_on_labels_never_competes_for_the_best(depth):
    table = figures_table([Entry("ours", depth), Entry("oracle", depth, competes=False)])
    assert [row.competes for row in table.rows] == [True, False, True, False, False, False]


def test_the_terminal_shows_the_same_cells_and_notes(depth):
    text = terminal_text(figures_table([Entry("[red]ours", depth)]), width=100)
    assert max(len(line) for line in text.splitlines()) <= 100
    assert "[red]ours × scalar 1.23 [1]" in text
    assert "35 [20, 50]" in text
    assert text.splitlines()[-1] == "[1] diagnostic: fitted on labels"


@pytest.mark.parametrize("width", [60, 80, 100, 140, 200])
def test_no_terminal_cuts_a_figure_in_two(width):
    spread = "55.9\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}2.1"
    columns = [Column(name, 3) for name in ("road", "abs rel × focal ratio", "a", "b", "c", "d")]
    row = Row("AT/DT, transferred labels", [spread, Value(0.3, 0.28, 0.35), 0.1, 0.2, 0.4, 0.5])
    text = terminal_text(Table("figures", columns, [row]), width)
    assert max(len(line) for line in text.splitlines()) <= width
    for figure in (spread, "0.300", "[0.280, 0.350]", "0.100", "0.200", "0.400", "0.500"):
        assert text.count(figure) == 1
    assert "…" not in text


@pytest.mark.parametrize("width", [60, 80, 120])
def test_long_words_leave_room_for_the_figures(width):
    said = (
        "predictions were made for domain 'cityscapes' (digest 12ab), these labels are of another"
    )
    columns = [Column("AT/DT", 3), Column("x" * 70, 3)]
    rows = [Row("mismatch allowed", [said, ""]), Row("abs rel", [Value(0.3, 0.28, 0.35), 0.5])]
    for label in ("", "y" * 90):
        table = Table("", columns, [*rows, Row(label, [0.25, None])], "figure")
        text = terminal_text(table, width)
        assert max(len(line) for line in text.splitlines()) <= width
        for figure in ("0.300", "[0.280, 0.350]", "0.500", "0.250"):
            assert text.count(figure) == 1


def test_a_table_without_rows_shows_its_columns():
    assert "abs rel" in terminal_text(Table("none yet", [Column("abs rel")], []))


def test_a_column_of_small_numbers_has_digits_that_tell_them_apart():
    assert digits_for([0.53, 12.0, None, 0.0, float("nan")], 4) == 4
    digits = digits_for([0.53, 0.000123], 4)
    assert number_text(0.000123, digits) == "0.000123"
    assert [number_text(value, 1) for value in (24.95, 69.05, -0.05, -0.04, 1e30)] == [
        *("25.0", "69.1", "\N{MINUS SIGN}0.1", "0.0", f"{1e30:.1f}")
    ]
    assert digits_for([], 3) == 3
