"""The verb: files that the domains' own door opens, workers, resuming, refusing."""

from pathlib import Path

import numpy as np
import pytest

from atdt.digests import sha256_file
from atdt.domains import open_domain
from atdt.domains.encodings import read_depth, read_normals, read_png
from atdt.domains.streets import RenderConfig, render
from atdt.domains.streets.config import KNOBS
from atdt.domains.streets.frame import render_frame
from atdt.errors import DomainError, RunError
from atdt.hold import exclusive
from atdt.texts import read_json, write_json

SMALL = {"train": 3, "val": 1, "test": 2, "size": (24, 48), "workers": 1}


def contents(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): sha256_file(path) for path in files}


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render(RenderConfig(out=tmp_path_factory.mktemp("streets"), **SMALL))


def test_the_number_of_workers_changes_no_byte(rendered: Path, tmp_path: Path) -> None:
    other = render(RenderConfig(out=tmp_path / "two", **SMALL | {"workers": 2}))
    assert contents(other) == contents(rendered)


def test_a_second_process_is_refused_until_the_first_is_done(tmp_path: Path) -> None:
    config = RenderConfig(out=tmp_path, **SMALL | {"train": 1, "val": 0, "test": 0})
    with exclusive(tmp_path), pytest.raises(RunError, match="another process is writing it"):
        render(config)
    assert not contents(tmp_path)
    assert len(open_domain(f"{render(config) / 'a'}:train")) == 1


def test_both_domains_open_with_all_labels(rendered: Path) -> None:
    for name in "ab":
        for split, count in (("train", 3), ("val", 1), ("test", 2)):
            domain = open_domain(
                f"{rendered / name}:{split}", labels=("semantic", "depth", "normals")
            )
            assert len(domain) == count
            assert domain.image(0).shape == (24, 48, 3)
            assert domain.right(0).shape == (24, 48, 3)
            camera = read_json(rendered / name / split / "camera" / "000000.json")
            assert domain.focal(0) == pytest.approx(camera["focal"])
            assert camera["size"] == [24, 48]
            assert camera["baseline"] == 0.5


def test_files_hold_the_frame_within_their_encodings(rendered: Path) -> None:
    frame = render_frame("streets", "b", "test", 1, seed=0, size=(24, 48), knobs=KNOBS)
    folder = rendered / "b" / "test"
    np.testing.assert_array_equal(read_png(folder / "image/000001.png"), frame.image)
    np.testing.assert_array_equal(read_png(folder / "right/000001.png"), frame.right)
    np.testing.assert_array_equal(read_png(folder / "semantic/000001.png"), frame.semantic)
    depth = read_depth(folder / "depth/000001.png", "rgb24-1000m")
    np.testing.assert_allclose(depth, frame.depth, atol=1e-4)
    normals = read_normals(folder / "normals/000001.png")
    np.testing.assert_allclose(normals, frame.normals, atol=0.02)


def test_a_second_render_does_nothing(rendered: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in rendered.rglob("*")}
    assert render(RenderConfig(out=rendered, **SMALL | {"workers": 2})) == rendered
    assert {path: path.stat().st_mtime_ns for path in rendered.rglob("*")} == before


@pytest.mark.parametrize("other", [{"seed": 7}, {"knobs": ("camera",)}, {"test": 1}])
def test_another_rendering_in_the_same_folder_is_refused(rendered: Path, other: dict) -> None:
    before = contents(rendered)
    with pytest.raises(DomainError, match="holds another rendering") as caught:
        render(RenderConfig(out=rendered, **SMALL | other))
    assert str(rendered) in str(caught.value)
    assert next(iter(other)).replace("test", "counts") in str(caught.value)
    assert "\n" not in str(caught.value)
    assert contents(rendered) == before


def test_a_folder_with_somebody_elses_domains_is_refused(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    with pytest.raises(DomainError, match="not made by 'atdt render'"):
        render(RenderConfig(out=tmp_path, **SMALL))
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_an_interrupted_render_goes_on_and_ends_the_same(rendered: Path, tmp_path: Path) -> None:
    config = RenderConfig(out=tmp_path / "again", **SMALL)
    wanted = read_json(rendered / "streets.json")
    write_json(config.out / "streets.partial.json", wanted)
    kept = config.out / "a" / "train"
    for kind, suffix in (("image", "png"), ("camera", "json")):
        source = rendered / "a" / "train" / kind / f"000001.{suffix}"
        (kept / kind).mkdir(parents=True)
        (kept / kind / source.name).write_bytes(source.read_bytes())
    marker = (kept / "image" / "000001.png").stat().st_mtime_ns
    for kind in ("right", "semantic", "depth", "normals"):
        (kept / kind).mkdir()
        source = rendered / "a" / "train" / kind / "000001.png"
        (kept / kind / source.name).write_bytes(source.read_bytes())
    render(config)
    assert contents(config.out) == contents(rendered)
    assert (kept / "image" / "000001.png").stat().st_mtime_ns == marker
    with pytest.raises(DomainError, match="holds another rendering"):
        render(RenderConfig(out=tmp_path / "again", **SMALL | {"seed": 2}))


def test_without_right_images_the_lists_have_a_placeholder(tmp_path: Path) -> None:
    config = {"train": 1, "val": 0, "test": 0, "size": (16, 32), "workers": 1, "right": False}
    out = render(RenderConfig(out=tmp_path / "left", **config))
    line = (out / "a" / "train.txt").read_text().strip().split(";")
    assert line[1] == "_"
    assert not (out / "a" / "train" / "right").exists()
    assert not (out / "a" / "val.txt").exists()
    assert len(open_domain(out / "a", labels=("depth",))) == 1
