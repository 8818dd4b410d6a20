"""Pictures of labels and predictions: the colours of their task, under the names of the images."""

import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from atdt.cli import main
from atdt.domains.encodings import read_png, write_png
from atdt.errors import DomainError, UserError
from atdt.evaluate.colorize import Colouring, colorize, meaning
from atdt.tasks import get_task


@pytest.mark.parametrize("kind", ["semantic", "depth", "normals"])
def test_labels_of_a_domain(domain, tmp_path, kind):
    config = Colouring(source=f"{domain.root}:val", out=tmp_path / "out", labels=kind)
    out = colorize(config)
    assert sorted(path.name for path in (out / "image").iterdir()) == [f"{k}.png" for k in range(8)]
    for index in range(8):
        expected = get_task(kind).colour(domain.label(index, kind), domain.label_space)
        assert np.array_equal(read_png(out / f"image/{index}.png"), expected)
    said = meaning(config)
    assert said.startswith(f"{kind}: ")
    if kind == "semantic":
        space = domain.label_space
        assert said.splitlines()[1].split(", ") == [
            f"{name} #{bytes(colour).hex()}"
            for name, colour in zip(space.classes, space.colours, strict=True)
        ]


def test_predictions(domain, predict, noisy, tmp_path):
    guess = noisy("semantic", 0.5)
    out = colorize(Colouring(source=str(predict("p", "semantic", guess)), out=tmp_path / "out"))
    colours = np.array(domain.label_space.colours, np.uint8)
    for index in range(8):
        assert np.array_equal(read_png(out / f"image/{index}.png"), colours[guess[index]])


def test_the_range_of_depth_is_the_one_that_is_told(domain):
    config = Colouring(source=f"{domain.root}:val", out=domain.root, labels="depth")
    assert "from 2 to 100 m" in meaning(config)
    row = get_task("depth").colour(
        np.array([[1.0, 2.0, 2.1, 99.0, 100.0, 200.0]]), domain.label_space
    )[0]
    changes = (np.diff(row.astype(int), axis=0) != 0).any(axis=1)
    assert changes.tolist() == [False, True, True, True, False]


def test_a_folder_with_files_is_written_into_only_on_request(domain, tmp_path):
    (tmp_path / "out/image").mkdir(parents=True)
    (tmp_path / "out/image/mine.png").touch()
    config = Colouring(source=f"{domain.root}:few", out=tmp_path / "out", labels="depth")
    with pytest.raises(UserError, match="--overwrite writes over those of the same names"):
        colorize(config)
    colorize(replace(config, overwrite=True))
    names = sorted(path.name for path in (tmp_path / "out/image").iterdir())
    assert names == ["0.png", "1.png", "2.png", "mine.png"]


def test_what_is_to_be_shown_must_be_said(domain, predict, noisy, tmp_path):
    folder = str(predict("p", "depth", noisy("depth", 0.0)))
    for source, labels, message in (
        (f"{domain.root}:val", None, "say which labels to show"),
        (folder, "depth", "leave out --labels"),
        (str(tmp_path / "none"), "depth", "no such file"),
    ):
        with pytest.raises(UserError, match=message):
            colorize(Colouring(source=source, out=tmp_path / "out", labels=labels))
    assert not (tmp_path / "out").exists()


def test_no_picture_leaves_the_folder(domain, predict, noisy, tmp_path):
    folder = predict("p", "depth", noisy("depth", 0.0))
    index = folder / "predictions.json"
    info = json.loads(index.read_text())
    info["files"] = {"../../secret.png": next(iter(info["files"].values()))}
    index.write_text(json.dumps(info))
    with pytest.raises(UserError, match="must be a path below"):
        colorize(Colouring(source=str(folder), out=tmp_path / "deep/out"))


def test_colours_in_place_of_ids_are_one_line(domain, predict, noisy, tmp_path):
    folder = predict("p", "semantic", noisy("semantic", 0.0))
    write_png(folder / "predictions/image/3.png", np.zeros((6, 8, 3), np.uint8))
    with pytest.raises(UserError, match=r"image/3\.png: semantic of shape \(6, 8, 3\) is no map"):
        colorize(Colouring(source=str(folder), out=tmp_path / "out"))


def test_a_missing_label_names_its_line(domain, tmp_path):
    (domain.root / "depth/2.png").unlink()
    with pytest.raises(DomainError, match=r"val.txt:3: .*no such file"):
        colorize(Colouring(source=f"{domain.root}:val", out=tmp_path / "out", labels="depth"))


def test_on_the_command_line(domain, tmp_path):
    arguments = ["colorize", f"{domain.root}:few", "--labels", "depth", "--out"]
    done = CliRunner().invoke(main, [*arguments, str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    told, folder = done.stdout.splitlines()[-2:]
    assert told.startswith("depth: Near is bright")
    assert folder == str(tmp_path / "out")
    done = CliRunner().invoke(main, [*arguments, str(tmp_path / "out")])
    assert done.exit_code == 2
    assert done.output.startswith("Error: ")
    assert len(done.output.splitlines()) == 1
