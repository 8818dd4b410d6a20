"""`atdt reproduce` on data that lies as the paper's does, or is one's own."""

import json

import pytest

from atdt.domains.convert import Conversion, convert
from atdt.domains.datasets import Describing, describe
from atdt.errors import DomainError
from atdt.experiments.direction import ORACLE, PLAIN
from atdt.experiments.figures import LABELS
from atdt.experiments.pairs import PAIRS, check_names, place_of
from atdt.places import place
from tests.made_datasets import make_dataset
from tests.made_reproductions import LEAST, SMALL, run

SIZE = (32, 64)


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


def test_a_pair_of_ones_own_has_no_published_numbers_beside(kitti):
    done = run(
        *("table2", "--pair", "mine", "--a", kitti / "carla", "--b", kitti / "kitti-2015"),
        *("--b-test", kitti / "kitti-2012", *SMALL, *LEAST, "--set", "crop=[32, 48]"),
        *("--root", kitti / "mine"),
    )
    assert done.exit_code == 0, done.output
    assert "published" not in done.stdout
    assert list(kitti.glob("mine/reports/mine-smoke-*/table2/index.html"))


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


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--a", "cityscapes", "--b", "carla"), "--a {root}/cityscapes: is called 'cityscapes', "),
        (("--a", "carla", "--b", "carla"), "--b {root}/carla: is called 'carla', "),
        (
            ("--a", "carla", "--b", "cityscapes", "--b-test", "carla"),
            "--b-test {root}/carla: is called 'carla', but pair carla-cityscapes has cityscapes",
        ),
    ],
)
def test_domains_that_are_changed_round_are_refused(tmp_path, options, said):
    """Or the paper's numbers would stand beside those of other data."""
    for name, labels in (("carla", "tags23"), ("cityscapes", "labelids")):
        make_dataset(tmp_path / "data" / name, name, labels, SIZE)
        describe(Describing(name, tmp_path / "data" / name, tmp_path / name, labels=labels))
    options = [word if word.startswith("-") else tmp_path / word for word in options]
    done = run("table1", "--pair", "carla-cityscapes", *options, *SMALL, "--root", tmp_path)
    assert done.exit_code == 2
    assert said.format(root=tmp_path) in done.stderr and "swap the domains, " in done.stderr
    assert not (tmp_path / "reports").exists()


def test_a_domain_may_be_called_as_one_likes(tmp_path):
    for name in ("my-town", "cityscapes-and-carla"):
        make_dataset(tmp_path / "data" / name, "carla", "tags23", SIZE)
        describe(
            Describing("carla", tmp_path / "data" / name, tmp_path / name, name, labels="tags23")
        )
    for a, b in (("my-town", "cityscapes-and-carla"), ("cityscapes-and-carla", "my-town")):
        check_names(PAIRS["carla-cityscapes"], {"--a": tmp_path / a, "--b": tmp_path / b})


def test_a_cyclegan_s_crop_is_looked_at_before_anything_learns(kitti, tmp_path):
    for places in (("--root", tmp_path), ("--pair", "carla-kitti", *on_the_disk(kitti))):
        done = run("table3", *SMALL, "--set", "cyclegan_crop=[256, 256]", *places)
        assert done.exit_code == 2
        assert "cyclegan_crop = [256, 256]: no room for it in " in done.stderr
    assert not list(tmp_path.glob("*"))


def on_the_disk(root):
    options = ("--a", root / "carla", "--b", root / "kitti-2015", "--b-test", root / "kitti-2015")
    return *options, "--set", "crop=[32, 48]", "--root", root / "none"
