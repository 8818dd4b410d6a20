"""`atdt reproduce` from lists to the printed table: on streets, and on data in true layouts."""

import json
import re

import pytest
import timm
from click.testing import CliRunner
from PIL import Image
from safetensors.torch import save_file

from atdt.cli import main
from atdt.domains.convert import Conversion, convert
from atdt.domains.datasets import Describing, describe
from atdt.errors import DomainError
from atdt.evaluate import Evaluation, evaluate
from atdt.experiments.direction import ADAPTED, ATDT, BASELINE, FOUNDATION, ORACLE, PLAIN
from atdt.experiments.figures import LABELS
from atdt.experiments.pairs import place_of
from atdt.experiments.papers_table import UNLABELLED
from atdt.places import place
from atdt.texts import read_json
from tests.made_datasets import make_dataset

SIZE = (32, 64)
SMALL = ("--preset", "smoke", "--seed", "0", "--no-rivals", "--curve", "")
LEAST = [f"--set={option}=2" for option in ("steps", "transfer_steps", "train", "test")]


def run(*arguments):
    return CliRunner().invoke(main, ["reproduce", *map(str, arguments)])


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


def test_table_1_on_the_papers_data_goes_from_lists_to_differences(tmp_path, bucket):
    """B lies in a bucket."""
    for name, labels in (("carla", "tags23"), ("cityscapes", "labelids")):
        make_dataset(tmp_path / "data" / name, name, labels, SIZE)
        describe(Describing(name, tmp_path / "data" / name, tmp_path / name, labels=labels))
    b = f"{bucket}/cityscapes"
    convert(Conversion(domain=str(tmp_path / "cityscapes"), out=place(b), copy=True))
    done = run(
        *("table1", "--pair", "carla-cityscapes", "--a", tmp_path / "carla", "--b", b),
        *(*SMALL, *LEAST, "--root", tmp_path),
    )
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    start = next(k for k, line in enumerate(lines) if LABELS[PLAIN] in line)
    published, difference = (lines[start + k].split("│") for k in (1, 2))
    assert "published" in published[1] and "39.7" in published[-3] and "76.4" in published[-2]
    measured = float(lines[start].split("│")[-2])
    assert float(difference[-2].replace("−", "-")) == pytest.approx(measured - 76.37, abs=0.11)
    oracle = next(k for k, line in enumerate(lines) if LABELS[ORACLE] in line)
    assert "68.0" in lines[oracle + 1]
    page = next(tmp_path.glob("reports/carla-cityscapes-smoke-*/table1/index.html"))
    assert "published" in page.read_text()


def test_table_2_on_cityscapes_is_tested_where_both_labels_are(tmp_path):
    """Its `test` has disparity, and no semantics that say anything."""
    for name, labels in (("carla", "tags23"), ("cityscapes", "labelids")):
        make_dataset(tmp_path / "data" / name, name, labels, SIZE)
        describe(Describing(name, tmp_path / "data" / name, tmp_path / name, labels=labels))
    done = run(
        *("table2", "--pair", "carla-cityscapes", "--a", tmp_path / "carla"),
        *("--b", tmp_path / "cityscapes", *SMALL, *LEAST, "--root", tmp_path),
    )
    assert done.exit_code == 0, done.output
    assert "published" in done.stdout
    for made in tmp_path.glob("predictions/*/seed0/*/*/predictions.json"):
        domain = json.loads(made.read_text())["domain"]
        assert domain["name"] != "cityscapes" or domain["split"] == "val"


@pytest.fixture(scope="module")
def kitti(tmp_path_factory):
    """CARLA and KITTI 2015 and 2012 in their true layouts, as odd in size as KITTI is."""
    root = tmp_path_factory.mktemp("kitti")
    for name, labels, size in (
        ("carla", "tags23", (40, 64)),
        ("kitti-2015", "ids", (37, 124)),
        ("kitti-2012", None, (37, 122)),
    ):
        make_dataset(root / "data" / name, name, labels, size)
        describe(Describing(name, root / "data" / name, root / name, labels=labels))
    return root


def on_kitti(root, table, *options):
    return run(
        *(table, "--pair", "carla-kitti", "--a", root / "carla", "--b", root / "kitti-2015"),
        *("--b-test", root / "kitti-2012", *SMALL, *LEAST, *options, "--root", root),
    )


def test_carla_to_kitti_learns_on_2015_and_tests_on_2012(kitti):
    done = on_kitti(kitti, "table2", "--set", "crop=[32, 48]")
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    for label, theirs in ((PLAIN, "0.439"), (ORACLE, "0.265")):
        at = next(k for k, line in enumerate(lines) if LABELS[label] in line)
        assert theirs in lines[at + 1] and "published" in lines[at + 1]
        assert "difference" in lines[at + 2]
    assert "none × focal ratio: the description of A, carla, gives no focal length" in " ".join(
        done.stdout.split()
    )
    predictions = next(kitti.rglob("atdt-mse0/predictions.json"))
    assert json.loads(predictions.read_text())["domain"]["name"] == "kitti-2012"
    n1 = json.loads(next(kitti.rglob("n1/run.json")).read_text())["config"]
    assert n1["train"] == [f"{kitti / 'carla'}:train", f"{kitti / 'kitti-2015'}:train"]
    page = next(kitti.glob("reports/*/table2/index.html")).read_text()
    assert "N1 on A: semantic" in page and "N1 on B: semantic" not in page
    assert f"B is tested on another domain, {kitti / 'kitti-2012'}:train" in page


def test_what_another_domain_to_test_on_must_have(kitti):
    done = on_kitti(kitti, "table1")
    assert done.exit_code == 2
    assert "kitti-2012/train.txt:1: has no semantic" in done.stderr
    assert not (kitti / "reports/carla-kitti-smoke").exists()
    done = on_kitti(kitti, "table2", "--b-test", f"{kitti / 'kitti-2012'}:test")
    assert done.exit_code == 2
    assert "write PATH:SPLIT, with one of the lists train" in done.stderr


def test_sizes_that_do_not_go_together_are_refused_before_anything_is_trained(kitti):
    done = on_kitti(kitti, "table2")
    assert done.exit_code == 2
    assert "is 40x64, but " in done.stderr and "is 37x124; N1 learns from both: " in done.stderr
    done = on_kitti(kitti, "table2", "--set", "crop=[40, 64]")
    assert done.exit_code == 2
    assert "frame0_10.png is 37x124, smaller than the crop of 40x64: --set crop=" in done.stderr


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


def test_a_pair_of_ones_own_has_no_published_numbers_beside(kitti):
    done = run(
        *("table2", "--pair", "mine", "--a", kitti / "carla", "--b", kitti / "kitti-2015"),
        *("--b-test", kitti / "kitti-2012", *SMALL, *LEAST, "--set", "crop=[32, 48]"),
        *("--root", kitti / "mine"),
    )
    assert done.exit_code == 0, done.output
    assert "published" not in done.stdout
    assert list(kitti.glob("mine/reports/mine-smoke-*/table2/index.html"))


def test_rival_vi_is_for_tables_of_rivals():
    done = run("table5", "--foundation", "w.pth")
    assert done.exit_code == 2
    assert "--foundation: table5 has no rivals" in done.stderr


def test_without_a_list_for_tests_the_validation_is_it_and_chooses_nothing(tmp_path):
    def described(*splits):
        (tmp_path / "domain.toml").write_text(
            'name = "x"\nlabel_space = "shared11"\n[lists]\n'
            + "".join(f'{split} = "{split}.txt"\n' for split in splits)
        )
        return place_of(tmp_path)

    assert described("train", "val").splits == {"train": "train", "val": None, "test": "val"}
    assert described("train", "val", "test").spec("val") == f"{tmp_path}:val"
    assert described("train", "test").spec("val") is None
    with pytest.raises(DomainError, match="needs 'train', and 'test' or 'val'"):
        described("train")


def test_table_5_measures_one_n1_and_two_on_both_domains(studied):
    done, root = studied("table5", "--seed", "1")
    rows = [line.split("│")[1].strip() for line in done.stdout.splitlines() if "│" in line]
    assert rows == [f"{n1} N1, on {d}" for n1 in ("shared", "separate") for d in "AB"]
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


def test_figure_3_is_pictures_from_depth_to_semantics(studied):
    done, root = studied("figure3")
    assert next(root.rglob("figure3/pictures.png")).stat().st_size > 1000
    assert LABELS[PLAIN] in done.stdout


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
