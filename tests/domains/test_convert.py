"""Labels in another encoding: the new folder is a domain that says the same."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from atdt.cli import main
from atdt.domains import convert as module
from atdt.domains import label_space, open_domain
from atdt.domains.convert import FINISHED, STARTED, Conversion, convert
from atdt.domains.encodings import write_depth, write_png
from atdt.errors import DomainError, RunError, UserError
from atdt.hold import exclusive
from atdt.tasks import get_task
from atdt.texts import write_json
from tests.made_predictions import write_index

KINDS = ("semantic", "depth", "normals")


def files(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != FINISHED)
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def write_predictions(folder: Path, domain, values: list[np.ndarray]) -> Path:
    """A finished predictions folder of depth."""
    named = {}
    for sample, metres in zip(domain.samples, values, strict=True):
        path = get_task("depth").write(
            folder / "predictions" / Path(sample.image).with_suffix(""), metres
        )
        named[sample.image] = str(path.relative_to(folder))
    return write_index(folder, domain, "depth", named, view={})


def test_a_second_writer_is_refused_until_the_first_is_done(make_domain, tmp_path):
    config = Conversion(domain=f"{make_domain(2)}:train", out=tmp_path / "out")
    with exclusive(config.out), pytest.raises(RunError, match="another process is writing it"):
        convert(config)
    assert not files(config.out)
    assert len(open_domain(f"{convert(config)}:train")) == 2


def test_labels_and_images_stay_the_same(make_domain, tmp_path):
    source = make_domain(3, toml="focal = 30.0\nbaseline = 0.5\n")
    made = convert(
        Conversion(domain=f"{source}:train", out=tmp_path / "out", depth_encoding="uint16/256")
    )
    old, new = open_domain(f"{source}:train"), open_domain(f"{made}:train", labels=KINDS)
    assert new.encodings == {"semantic": "ids", "depth": "uint16/256", "normals": "rgb8"}
    assert new.name == old.name
    for index in range(3):
        assert new.samples[index].image == old.samples[index].image
        assert new.camera(index) == old.camera(index)
        assert np.array_equal(new.image(index), old.image(index))
        assert np.array_equal(new.right(index), old.right(index))
        for kind in KINDS:
            step = 1 / 512 if kind == "depth" else 1 / 127
            assert np.abs(new.label(index, kind) - old.label(index, kind)).max() <= step


def test_ids_are_those_of_the_label_space_after_its_map(tmp_path):
    source = tmp_path / "source"
    write_png(source / "a.png", np.zeros((2, 2, 3), np.uint8))
    write_png(source / "ids.png", np.array([[7, 7], [9, 255]], np.uint8))
    (source / "all.txt").write_text("a.png;ids.png\n")
    (source / "mine.toml").write_text(
        'name = "mine"\nclasses = ["sky \\"high\\"", "rest"]\ncolours = [[1, 2, 3], [4, 5, 6]]\n'
    )
    (source / "domain.toml").write_text(
        'name = "town"\nlabel_space = "mine.toml"\ncolumns = ["image", "semantic"]\n'
        '[lists]\nall = "all.txt"\n[labels]\n7 = "rest"\n9 = "ignore"\n255 = 0\n'
    )
    new = open_domain(convert(Conversion(domain=str(source), out=tmp_path / "out")))
    assert new.label(0, "semantic").tolist() == [[1, 1], [255, 0]]
    assert new.label_space == label_space(source / "mine.toml")
    assert not new.has("depth")


def test_depth_that_an_encoding_cannot_hold(make_domain, tmp_path):
    source = make_domain(2)  # at 1.5 and 80 m
    config = Conversion(
        domain=str(source), out=tmp_path / "out", labels=("depth",), depth_encoding="uint16/1000"
    )
    with pytest.raises(DomainError, match=r"depth 80 m cannot be written as uint16/1000"):
        convert(replace(config, out=tmp_path / "all"))
    near = open_domain(convert(replace(config, farthest=60.0))).label(0, "depth")
    before = open_domain(source).label(0, "depth")
    assert np.allclose(near, np.where(before < 60, before, 0), atol=1e-3)
    with pytest.raises(UserError, match="--farthest 0"):
        replace(config, farthest=0.0)


def test_every_split_is_written_if_none_is_named(make_domain, tmp_path):
    source = make_domain(3)
    lines = (source / "train.txt").read_text().splitlines()
    (source / "few.txt").write_text(lines[1])
    with (source / "domain.toml").open("a") as file:
        file.write('few = "few.txt"\n')
    made = convert(Conversion(domain=str(source), out=tmp_path / "out", labels=("depth",)))
    assert [len(open_domain(f"{made}:{split}")) for split in ("train", "few")] == [3, 1]
    first = convert(Conversion(domain=f"{source}@1", out=tmp_path / "first"))
    assert [len(open_domain(f"{first}:{split}")) for split in ("train", "few")] == [1, 1]


def test_cameras_that_differ_get_files(make_domain, tmp_path):
    source = make_domain(3, toml='camera = "camera"\nbaseline = 0.2\n')
    for k in range(3):
        write_json(source / f"camera/image/a/{k}.json", {"focal": 10.0 + k})
    new = open_domain(convert(Conversion(domain=str(source), out=tmp_path / "out")))
    assert [new.camera(k).focal for k in range(3)] == [10, 11, 12]
    assert [new.camera(k).baseline for k in range(3)] == [0.2] * 3


def test_a_label_that_a_line_lacks_stays_lacking(make_domain, tmp_path):
    source = make_domain(2)
    lines = (source / "train.txt").read_text().splitlines()
    (source / "train.txt").write_text(f"{lines[0]}\n{lines[1].split(';')[0]}\n")
    new = open_domain(convert(Conversion(domain=str(source), out=tmp_path / "out")))
    assert new.label(0, "depth").any()
    assert new.samples[1].depth is None
    assert new.samples[1].right is None


def test_images_are_links_or_copies(make_domain, tmp_path, monkeypatch):
    source = make_domain(1)
    image = open_domain(source).samples[0].image
    config = Conversion(domain=str(source), out=tmp_path / "linked")
    assert (convert(config) / image).samefile(source / image)
    copied = convert(replace(config, out=tmp_path / "copied", copy=True)) / image
    assert copied.read_bytes() == (source / image).read_bytes()
    assert not copied.samefile(source / image)

    def refused(*_):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refused)
    assert files(convert(replace(config, out=tmp_path / "far"))) == files(tmp_path / "linked")


def test_predictions_take_the_place_of_labels(make_domain, tmp_path):
    source = make_domain(2)
    domain = open_domain(source)
    values = [np.full((12, 20), 7.5 * k, np.float32) for k in range(2)]  # the first has no depth
    folder = write_predictions(tmp_path / "p", domain, values)
    config = Conversion(domain=str(source), out=tmp_path / "out", predictions=(folder,))
    new = open_domain(convert(config))
    assert new.encodings["depth"] == "npy"
    for index in range(2):
        assert np.array_equal(new.label(index, "depth"), values[index])
        assert np.array_equal(new.label(index, "semantic"), domain.label(index, "semantic"))
    with pytest.raises(UserError, match="holds predictions of depth, but labels are semantic"):
        convert(replace(config, out=tmp_path / "other", labels=("semantic",)))


def test_a_stopped_conversion_is_gone_on_with(make_domain, tmp_path, monkeypatch):
    source = make_domain(3)
    config = Conversion(domain=str(source), out=tmp_path / "out")
    whole = convert(replace(config, out=tmp_path / "whole"))
    real, written = module.write_normals, []

    def dying(path, normals):
        if len(written) == 1:
            raise KeyboardInterrupt
        written.append(path)
        return real(path, normals)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(module, "write_normals", dying)
        convert(config)
    assert not (config.out / "domain.toml").exists()
    (config.out / "labels/.0.png.cut-off.partial").touch()
    with pytest.raises(UserError, match=r"partial.json: made from other things"):
        convert(replace(config, depth_encoding="npy"))
    assert files(convert(config)) == files(whole)
    assert not (config.out / STARTED).exists()
    before = (config.out / FINISHED).stat().st_mtime_ns
    assert convert(config) == config.out
    assert (config.out / FINISHED).stat().st_mtime_ns == before


def test_a_folder_with_other_things_is_left_alone(make_domain, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine.txt").touch()
    with pytest.raises(UserError, match="holds other things"):
        convert(Conversion(domain=str(make_domain(1)), out=tmp_path / "out"))
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("name", ["labels/0.png", "domain.toml", "train.txt/0.png"])
def test_an_image_with_a_name_of_ours_is_refused(tmp_path, name):
    source = tmp_path / "source"
    write_png(source / "images" / name, np.zeros((2, 2, 3), np.uint8))
    write_depth(source / "images/depth.npy", np.ones((2, 2)), "npy")
    (source / "list.txt").write_text(f"{name};depth.npy\n")
    (source / "domain.toml").write_text(
        'name = "town"\nroot = "images"\nlabel_space = "coarse4"\ncolumns = ["image", "depth"]\n'
        '[lists]\ntrain = "list.txt"\n[encodings]\ndepth = "npy"\n'
    )
    with pytest.raises(DomainError, match=f"list.txt:1: {name}: this name is needed"):
        convert(Conversion(domain=str(source), out=tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_a_domain_without_labels_has_none_to_convert(make_domain, tmp_path):
    source = make_domain(1)
    (source / "train.txt").write_text(open_domain(source).samples[0].image)
    with pytest.raises(DomainError, match="lists name no label"):
        convert(Conversion(domain=str(source), out=tmp_path / "out"))


def test_on_the_command_line(make_domain, tmp_path):
    source, out = make_domain(2), tmp_path / "out"
    arguments = ["convert", f"{source}:train", "--out", str(out), "--labels", "depth"]
    done = CliRunner().invoke(main, [*arguments, "--depth-encoding", "uint16/100", "--copy"])
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[-1] == str(out)
    assert open_domain(out).encodings["depth"] == "uint16/100"
    assert json.loads((out / FINISHED).read_text())["from"][0]["images"] == 2
    done = CliRunner().invoke(main, [*arguments[:3], str(tmp_path / "x"), "--depth-encoding", "x"])
    assert done.exit_code == 2
    assert "depth encoding 'x'" in done.output
    assert len(done.output.splitlines()) == 1
