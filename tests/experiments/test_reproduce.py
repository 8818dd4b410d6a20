"""`atdt reproduce` on streets, to the printed tables; on data in true layouts: test_papers_data."""

import json
import re

import pytest
import timm
from PIL import Image
from safetensors.torch import save_file

from atdt.evaluate import Evaluation, evaluate
from atdt.experiments.direction import ADAPTED, ATDT, BASELINE, FOUNDATION, ORACLE, PLAIN
from atdt.experiments.figures import LABELS
from atdt.experiments.papers_table import UNLABELLED
from atdt.texts import read_json
from tests.made_reproductions import LEAST, SMALL, run


@pytest.fixture(scope="module")
def studied(tmp_path_factory):
    """`studied(table, …)`: its output; all tables share a root, and so their trainings."""
    root = tmp_path_factory.mktemp("studies")

    def study(table, *options):
        done = run(table, *SMALL, *LEAST, *options, "--root", root)
        assert done.exit_code == 0, done.output
        return done, root

    return study


def test_table_2_on_streets_has_no_published_numbers(studied):
    done, root = studied("table2", "--curve", "1")
    assert "Table 2, streets: depth, raw; one seed" in done.stdout
    assert "depth × focal ratio" in done.stdout
    assert "published" not in done.stdout and "difference" not in done.stdout
    assert LABELS[PLAIN] in done.stdout
    report = next(root.glob("reports/streets-smoke-*/table2"))
    assert done.stdout.strip().endswith(str(report / "index.html"))
    tables = (report / "tables.md").read_text()
    assert tables.count("| AT/DT |") >= 3
    rows = tables.partition("by the class of the pixels")[2].splitlines()[2:]
    names = rows[0].replace(" ↓", "").strip("|").split("|")[1:]
    baseline = next(row for row in rows if row.startswith(f"| {LABELS[BASELINE]} |"))
    measured = evaluate_by_class(root, "baseline")
    assert [f"{error:.3f}" for error in measured.values()] == [
        cell.strip() for cell in baseline.strip("|").split("|")[1:]
    ]
    assert len(names) == len(measured)
    assert (report / "pictures.png").stat().st_size > 1000
    page = (report / "index.html").read_text()
    for file in ("bars.png", "curve.png"):
        with Image.open(report / file) as picture:
            assert picture.width > 500
    assert page.count('<figure class="plot">') == 2
    assert "worth (images)" in page


def evaluate_by_class(root, name) -> dict[str, float]:
    """What `atdt evaluate --by-class` says of predictions on B: abs rel × focal ratio."""
    folder = next(root.glob(f"predictions/streets-smoke-*/seed0/depth/{name}"))
    domain = next(root.glob("data/streets-smoke-*/b"))
    out = root / "by_class.json"
    path = evaluate(Evaluation(folder, f"{domain}:test", out=out, by_class=True))
    classes = read_json(path)["by_class"]
    return {name: each["method"]["scores"]["focal/abs_rel"] for name, each in classes.items()}


def test_a_foundation_encoder_has_a_row_where_there_are_weights(studied, tmp_path):
    done, root = studied("table2")
    tables = next(root.glob("reports/streets-smoke-*/table2/tables.md"))
    assert f"{LABELS[FOUNDATION]}: unmeasured" in tables.read_text()
    model = "vit_tiny_patch16_224"
    save_file(timm.create_model(model).state_dict(), tmp_path / "w.safetensors")
    options = ("--foundation", tmp_path / "w.safetensors", "--foundation-model", model)
    done, _ = studied("table2", *options)
    assert LABELS[FOUNDATION] in done.stdout
    assert "unmeasured" not in tables.read_text()
    steps = re.findall(r"^\[\d+/\d+\] (.*)$", done.stderr, re.MULTILINE)
    again = [step for step in steps if ": found " not in step]
    assert again[0].startswith(f"a decoder on a frozen {model} learns depth")
    run_json = json.loads(next(root.glob("runs/*/seed0/depth/foundation/run.json")).read_text())
    assert run_json["network"]["options"]["model"] == model


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--foundation", "w.pth", "--preset", "smoke"), "--foundation w.pth: no such file"),
        (("--pair", "gta-cityscapes"), "pair 'gta-cityscapes': known are streets"),
        (("--pair", "carla-kitti"), "name your copies by --a (carla) and --b (kitti)"),
        (("--a", "x"), "pair 'streets' is rendered: leave --a, --b and --b-test out"),
        (("--b-test", "x"), "pair 'streets' is rendered: leave --a, --b and --b-test out"),
        (("--pair", "carla-kitti", "--a", "x", "--b", "y"), "x: no such file; a domain is"),
        (("--set", "steps"), "'steps' is not OPTION=VALUE"),
        (("--set", "steps=0"), "steps = 0 is not a whole number above 0"),
        (("--curve", "10,x"), "'10,x' is not numbers"),
        (("--pair", "my/own", "--a", "x", "--b", "y"), "pair 'my/own': names folders"),
        (("--set", "network=resnet5"), "network 'resnet5'"),
        (("--set", "network={name='tiny', wdth=2}"), "wdth"),
        (("--set", "architecture=botleneck"), "--architecture botleneck: unknown; choose one of"),
        (("--set", "losses={mes=1}"), "--loss mes=1.0: choose among mse"),
        (("--set", "precision=float8"), "precision = 'float8': choose one of"),
        (("--set", "photometric=vivid"), "photometric 'vivid': known are"),
        (("--preset", "huge"), "preset 'huge': known are"),
        (("--from", "semantic"), "--from and --to belong together"),
        (("--from", "semantic", "--to", "depth"), "not for table2, whose tasks are"),
    ],
)
def test_mistakes_end_with_2(arguments, message, tmp_path):
    done = run("table2", *arguments, "--root", tmp_path)
    assert done.exit_code == 2
    assert message in done.stderr
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("table", "network", "message"),
    [
        ("table6", "{name='tiny', norm='none'}", "its norm is 'none', and table6 changes the norm"),
        ("table6", "resnet50", "table6: no 'none' norm in every network (network 'resnet50'"),
        ("table1", "{name='atdt-resnet50', skips=true}", "has skips, so it cannot be cut into"),
    ],
)
def test_a_network_that_a_table_cannot_use_is_refused_before_all(table, network, message, tmp_path):
    done = run(table, *SMALL, "--set", f"network={network}", "--root", tmp_path)
    assert done.exit_code == 2
    assert message in done.stderr
    assert not any(tmp_path.iterdir())


def test_rival_vi_is_for_tables_of_rivals():
    done = run("table5", "--foundation", "w.pth")
    assert done.exit_code == 2
    assert "--foundation: table5 has no rivals" in done.stderr


def test_table_5_measures_one_n1_and_two_on_both_domains(studied):
    done, root = studied("table5", "--seed", "1")
    rows = [line.split("│")[1].strip() for line in done.stdout.splitlines() if "│" in line]
    assert rows == [f"{n1} N1, on {d}" for d in "AB" for n1 in ("shared", "separate")]
    assert "2 seeds of the encoders" in " ".join(done.stdout.split())
    assert "\N{NO-BREAK SPACE}±" in done.stdout
    crossed = next(root.rglob("separate0-on-b/predictions.json"))
    assert "encoder" in str(json.loads(crossed.read_text())["mismatch"])
    assert next(root.rglob("table5/bars.png")).stat().st_size > 1000
    inside = next(root.rglob("separate0-on-a/predictions.json"))
    assert json.loads(inside.read_text())["mismatch"] == []


def test_table_6_changes_the_norm_of_every_network(studied, monkeypatch):
    monkeypatch.setattr("atdt.experiments.studies.NORMS", ("batch", "none"))
    done, root = studied("table6")
    assert "batch norm, on B" in done.stdout and "without a norm, on A" in done.stdout
    for name in ("n1-none", "n2-none"):
        spec = json.loads(next(root.rglob(f"{name}/run.json")).read_text())["network"]
        assert spec["options"] == {"norm": "none"}


def test_figure_4_has_every_level_from_one_store(studied):
    studied("table5")  # whose N1 and N2 it shares, whichever test comes first
    done, root = studied("figure4")
    for level in range(5):
        assert f"level{level}, on B" in done.stdout
    assert len(list(root.rglob("levels.zarr"))) == 1
    plot = next(root.rglob("levels.png"))
    with Image.open(plot) as picture:
        assert picture.width > 500
    assert "found" in done.stderr  # N2 of table 5


def test_figure_3_is_pictures_of_both_directions(studied):
    done, root = studied("figure3")
    for name in ("depth-to-semantic", "semantic-to-depth"):
        assert next(root.rglob(f"figure3/{name}.png")).stat().st_size > 1000
    for caption in ("Figure 3, streets: IoU of each class", "Figure 3, streets: depth, raw; one"):
        assert caption in done.stdout
    assert "AT/DT, the paper&#x27;s loss" in next(root.rglob("figure3/index.html")).read_text()


def test_tables_3_and_4_share_a_cyclegan_and_have_the_papers_rows(studied):
    done, root = studied("table3")
    rows = [line.split("│")[1].strip() for line in done.stdout.splitlines() if "│" in line]
    small = "(4 channels for 64, 1 blocks for 9)"
    names = ["(a) baseline (N2)", "(b) AT/DT", f"(c) CycleGAN {small}"]
    assert rows == [*names, f"(d) AT/DT + CycleGAN {small}"]
    assert next(root.rglob("table3/bars.png")).stat().st_size > 1000
    assert len(list(root.rglob("cyclegan/looks.png"))) == 1
    info = json.loads(next(root.rglob("n1-cyclegan/run.json")).read_text())
    assert "-as-a/" in json.dumps(info["domains"]["train"])
    done, _ = studied("table4")
    assert done.stdout.count("(d) AT/DT + CycleGAN") == 2  # raw and × focal ratio
    assert re.search(r"learns the looks of A and B: found", done.stderr)


def test_a_perfect_adaptation_has_rows_below_the_papers(studied, tmp_path):
    done, root = studied("table3", "--perfect-look")
    rows = [line.split("│")[1].strip() for line in done.stdout.splitlines() if "│" in line]
    assert rows[-2:] == ["(c) B rendered in A's look", "(d) AT/DT + B rendered in A's look"]
    assert len(rows) == 6
    info = json.loads(next(root.rglob("n1-rendered/run.json")).read_text())
    assert "-look/b" in json.dumps(info["domains"]["train"])
    refused = run("table2", "--perfect-look", "--root", tmp_path)
    assert refused.exit_code == 2
    assert "--perfect-look: table2 adapts no pixels; tables 3 and 4 do" in refused.stderr
    own = ("--pair", "carla-cityscapes", "--a", tmp_path, "--b", tmp_path)
    refused = run("table3", "--perfect-look", *own, "--root", tmp_path)
    assert refused.exit_code == 2
    assert "--perfect-look: pair 'carla-cityscapes' is not rendered" in refused.stderr
    assert not any(tmp_path.iterdir())


def test_edges_are_a_task_2_like_others_without_what_needs_its_labels(studied):
    done, root = studied("tasks", "--from", "depth", "--to", "edges")
    rows = [line.split("│")[1].strip() for line in done.stdout.splitlines() if "│" in line]
    rivals = [LABELS[BASELINE], LABELS[ADAPTED], LABELS[PLAIN]]
    assert rows == [*rivals, f"{LABELS[ATDT]} [1]", LABELS[ORACLE]]
    assert f"[1] {UNLABELLED}" in done.stdout
    g = json.loads(next(root.glob("runs/*/seed0/depth-to-edges/g0/run.json")).read_text())
    assert g["config"]["losses"] == {"match-l1": 1.0}


def test_any_pair_of_tasks_has_a_table_of_all_its_figures(studied):
    done, _ = studied("tasks", "--from", "semantic", "--to", "normals")
    assert "Tasks, streets: all figures" in done.stdout
    assert LABELS[ORACLE] in done.stdout
    for table, options, named in (("tasks", ["--students"], "--students"), ("noise", [], "noise")):
        refused = run(table, *options, *SMALL, "--from", "depth", "--to", "edges")
        assert refused.exit_code == 2
        assert f"{named}: needs labels of task 2; edges has truth from images" in refused.stderr
    refused = run("tasks", *SMALL, "--from", "normals", "--to", "normals")
    assert refused.exit_code == 2 and "the same task" in refused.stderr
    assert run("tasks", *SMALL).exit_code == 2


def test_a_study_of_other_tasks_has_a_report_of_its_own(studied):
    done, root = studied("table5", "--from", "semantic", "--to", "depth")
    assert "abs rel × focal ratio" in " ".join(done.stdout.split())
    assert next(root.rglob("table5-semantic-to-depth/index.html")).is_file()


def test_the_supplement_leaves_g_out(studied):
    done, root = studied("supplement")
    rows = [line.split("│")[1].strip() for line in done.stdout.splitlines() if "│" in line]
    ways = ("no G", "mean and variance", "a linear G", "G (bottleneck)")
    assert rows == [f"{way}, on {domain}" for way in ways for domain in "AB"]
    run = json.loads(next(root.rglob("identity0/run.json")).read_text())
    assert run["config"]["architecture"] == "identity"
