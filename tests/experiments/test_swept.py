"""Rows of what a sweep chooses, without a label of T2 on B, and the pages that it brings."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from atdt.cli import main
from atdt.decode import Decoding
from atdt.digests import sha256_file
from atdt.domains.rehearse import Rehearsal
from atdt.errors import UserError
from atdt.experiments import swept as swept_module
from atdt.experiments.direction import GUIDED, SWEPT
from atdt.experiments.figures import LABELS
from atdt.experiments.pairs import Place
from atdt.experiments.preset import SMOKE
from atdt.experiments.sides import Direction, Outcome, Side
from atdt.experiments.steps import Counted
from atdt.experiments.swept import Choice, check_grid, decode_choice, rehearse_as_known, swept

ROOT = Path(__file__).parents[2]
SMALL = ("--preset", "smoke", "--seed", "0", "--no-rivals", "--curve", "")
FEW = [f"--set={option}=2" for option in ("steps", "transfer_steps", "test")]
GRID = """
steps = 4
[[grid]]
architecture = ["bottleneck", "residual"]
options.width = 8
[[grid]]
architecture = "ridge"
"""


def call(root, *options):
    arguments = ["reproduce", "table2", *SMALL, *FEW, *options, "--root", root]
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def steps_run(done):
    """Titles of the steps that were not found."""
    steps = re.findall(r"^\[\d+/\d+\] (.*)$", done.stderr, re.MULTILINE)
    return [step for step in steps if ": found " not in step]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Where the table was made with a sweep."""
    root = tmp_path_factory.mktemp("swept")
    (root / "grid.toml").write_text(GRID)
    done = call(root, "--sweep", root / "grid.toml")
    assert done.exit_code == 0, done.output
    assert all(LABELS[row] in done.stdout for row in (SWEPT, GUIDED))
    assert len(steps_run(done)) == int(re.search(r"^\[1/(\d+)\]", done.stderr, re.MULTILINE)[1])
    return root


@pytest.fixture(scope="module")
def runs(root):
    return next(root.glob("runs/*/seed0/semantic-to-depth"))


@pytest.mark.parametrize(("row", "chooser"), [(SWEPT, "chosen"), (GUIDED, "picked")])
def test_rows_are_the_predictions_of_whom_the_leaderboard_names(root, runs, tmp_path, row, chooser):
    (board,) = json.loads((runs / "sweep/leaderboard.json").read_text())
    run = runs / "sweep/semantic-to-depth" / board[chooser]
    arguments = [
        *("decode", run, "--encoder", runs / "n1", "--decoder", runs.parent / "depth/n2"),
        *("--domain", f"{next(root.glob('data/*/b'))}:test", "--out", tmp_path / "again"),
    ]
    done = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert done.exit_code == 0, done.output
    of_row = next(root.glob(f"predictions/*/seed0/semantic-to-depth/{row}"))
    for folder in (of_row, tmp_path / "again"):
        assert len(images_of(folder)) == 2
    assert images_of(of_row) == images_of(tmp_path / "again")


def images_of(folder: Path) -> dict[str, str]:
    files = [file for file in (folder / "predictions").rglob("*") if file.is_file()]
    return {str(file.relative_to(folder)): sha256_file(file) for file in files}


def test_the_report_has_a_leaderboard_and_a_diagnosis(root):
    folder = next(root.glob("reports/*/table2"))
    page = (folder / "index.html").read_text()
    links = dict(re.findall(r'<li><a href="([^"]+)">([^<]+)</a>', page))
    assert list(links.values()) == [
        "Leaderboard of the sweep, seed 0",
        "How far A and B are apart for E1, seed 0",
    ]
    board, diagnosis = ((folder / file).read_text() for file in links)
    assert "By A alone the sweep chooses" in board
    assert "tells the domains apart" in diagnosis
    assert [len(list((folder / file).parent.iterdir())) for file in links] == [1, 2]
    assert "What the sweep chooses by A is" in page
    assert "What the sweep chooses by a rehearsal is" in page


def test_labels_of_b_have_no_part_in_the_choice(root, runs, tmp_path):
    """The same sweep of a store of B that has none."""
    n1, n2 = runs / "n1", runs.parent / "depth/n2"
    stores = next(root.glob("stores/*/seed0/semantic-to-depth"))
    b, images = tmp_path / "b.zarr", f"{next(root.glob('data/*/b'))}:train"
    views = ("--views", "3", "--photometric", "strong", "--flip")
    of_b = ("extract", images, "--encoder", n1, "--encoder", n2, *views, "--out", b)
    again = [
        *("sweep", stores / "a.zarr", "--grid", root / "grid.toml", "--from", "semantic"),
        *("--to", "depth", "--target-run", n2, "--out", tmp_path / "sweep", "--b", b),
        *("--rehearsal", stores / "rehearsal.zarr"),
    ]
    for arguments in (of_b, again):
        done = CliRunner().invoke(main, [str(argument) for argument in arguments])
        assert done.exit_code == 0, done.output
    (blind,), (seeing,) = (
        json.loads((folder / "leaderboard.json").read_text())
        for folder in (tmp_path / "sweep", runs / "sweep")
    )
    assert (blind["chosen"], blind["picked"]) == (seeing["chosen"], seeing["picked"])
    assert [line["name"] for line in blind["lines"]] == [line["name"] for line in seeing["lines"]]
    assert all(line["judged"] for line in seeing["lines"])
    assert not any(line["judged"] for line in blind["lines"])


def test_a_sweep_that_chooses_nothing_says_what_to_do(tmp_path):
    folder = tmp_path / "sweep"
    folder.mkdir()
    board = [{"title": "semantic to depth", "chosen": None, "picked": None}]
    (folder / "leaderboard.json").write_text(json.dumps(board))
    choice = Choice("chosen", folder / "gs", Decoding(transfer=folder, out=tmp_path / "out"))
    with pytest.raises(UserError, match="take another grid, or leave --sweep out"):
        decode_choice(choice)


def test_a_camera_that_is_not_known_leaves_the_rehearsal_its_colours(root, tmp_path, capsys):
    b = next(root.glob("data/*/b"))
    described = tmp_path / "b.toml"
    text = (b / "domain.toml").read_text().partition("[mount]")[0]
    described.write_text(text.replace('root = "."', f'root = "{b}"'))
    config = Rehearsal(
        domain=f"{b.parent}/a:val", to=f"{described}:train", out=tmp_path / "out", scale_height=True
    )
    rehearse_as_known(config)
    assert "camera: A's, since B's description has no [mount]" in capsys.readouterr().err


def test_the_same_grid_elsewhere_is_found_and_another_sweeps_anew(root, tmp_path):
    (tmp_path / "same.toml").write_text(GRID)
    done = call(root, "--sweep", tmp_path / "same.toml")
    assert done.exit_code == 0, done.output
    assert steps_run(done) == []
    (tmp_path / "heads.toml").write_text('steps = 2\n[[grid]]\narchitecture = "head"\n')
    done = call(root, "--sweep", tmp_path / "heads.toml")
    assert done.exit_code == 0, done.output
    assert steps_run(done) == [
        "sweep the grid in A's store",
        "decode swept",
        "measure swept",
        "decode swept-guided",
        "measure swept-guided",
    ]
    predictions = next(root.glob("predictions/*/seed0/semantic-to-depth/swept/predictions.json"))
    assert json.loads(predictions.read_text())["method"]["kind"] == "head"
    page = next(root.glob("reports/*/table2/index.html")).read_text()
    assert "seed by seed: head (a head on E1)" in page


@pytest.mark.parametrize(
    ("grid", "said"),
    [
        ('[[grid]]\narchitecture = "none-such"\n', "none-such"),
        ('[[grid]]\narchitecture = "bottleneck"\noptions.widht = 8\n', "widht"),
        ('[[grid]]\narchitecture = "head"\noptions.widht = 8\n', "widht"),
        ('[[grid]]\narchitecture = "linear"\nlevel = "level2"\n', "the deepest one alone"),
        ('losses = { msee = 1 }\n[[grid]]\narchitecture = "linear"\n', "--loss msee=1"),
        ('losses = "mse"\n[[grid]]\narchitecture = "linear"\n', "losses = 'mse': write a table"),
        ('precision = "half"\n[[grid]]\narchitecture = "linear"\n', "--precision half"),
        ('held_out = 0.0\n[[grid]]\narchitecture = "linear"\n', "nothing of A to choose by"),
        ("steps = 3\n", "has no [[grid]]"),
    ],
)
def test_what_cannot_be_swept_is_refused_before_anything_is_made(tmp_path, grid, said):
    (tmp_path / "grid.toml").write_text(grid)
    done = call(tmp_path, "--sweep", tmp_path / "grid.toml")
    assert done.exit_code == 2
    assert done.stderr.startswith("Error: ")
    assert "grid.toml" in done.stderr
    assert said in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["grid.toml"]


def test_tables_without_one_store_say_so(tmp_path):
    done = CliRunner().invoke(main, ["reproduce", "table5", "--sweep", str(tmp_path / "grid.toml")])
    assert done.exit_code == 2
    assert "--sweep: table5 has no such rows" in done.stderr


@pytest.mark.parametrize(
    ("task", "val", "rows"),
    [
        ("depth", "val", [SWEPT, GUIDED]),
        ("depth", None, [SWEPT]),  # no images of A that nobody learnt from
        ("normals", "val", [SWEPT]),  # no guide was measured
    ],
)
def test_there_is_a_row_for_each_who_can_choose(tmp_path, task, val, rows):
    a = Place(tmp_path / "a", {"train": "train", "val": val, "test": "test"})
    sides = [Side(t, t, a, Place(tmp_path / "b")) for t in ("semantic", task)]
    direction = Direction(*sides, tmp_path, tmp_path, "x")
    names = ("n1", "n2", "g0")
    outcome = Outcome(runs={name: direction.folder("runs") / name for name in names})
    swept(direction, SMOKE, Counted(), outcome, GRID)
    assert list(outcome.rows) == rows


def test_the_grid_of_the_examples_is_the_one_of_the_docs():
    text = check_grid(ROOT / "examples/grid.toml")
    assert text[text.index("steps") :] in (ROOT / "docs/iterate.md").read_text()


def test_the_demo_sweeps_too(tmp_path, monkeypatch):
    (tmp_path / "grid.toml").write_text(GRID)
    asked = []
    monkeypatch.setattr("atdt.experiments.demo.demo", lambda config: asked.append(config))
    for more in ((), ("--full",)):
        arguments = ["demo", "--sweep", str(tmp_path / "grid.toml"), *more]
        assert CliRunner().invoke(main, arguments).exit_code == 0
    assert [config.sweep for config in asked] == [GRID, GRID]


@pytest.mark.parametrize(
    ("verb", "step"), [("sweep", "sweep the grid"), ("decode", "decode swept")]
)
def test_what_was_cut_off_goes_on(root, tmp_path, monkeypatch, verb, step):
    """Stopped when all is written, but not yet that it is done. Last, as it sweeps another grid."""
    grid = tmp_path / "grid.toml"
    grid.write_text(GRID.replace("steps = 4", f"steps = {len(verb)}"))
    real = getattr(swept_module, verb)

    def cut_off(*args, **kwargs):
        real(*args, **kwargs)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(swept_module, verb, cut_off)
        assert call(root, "--sweep", grid).exit_code == 130
    done = call(root, "--sweep", grid)
    assert done.exit_code == 0, done.output
    assert steps_run(done)[0].startswith(step)
