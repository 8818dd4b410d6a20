"""Depth of stereo domains: from pairs to a predictions folder, and to what learns from it."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from atdt.cli import main
from atdt.decode import proxy_depth as module
from atdt.decode.proxy_depth import ProxyDepth, proxy_depth, share_with_depth
from atdt.domains import open_domain
from atdt.domains.encodings import write_depth, write_png
from atdt.domains.stereo import Matching
from atdt.domains.streets.frame import render_frame
from atdt.errors import DomainError, MismatchError, UserError
from atdt.predictions import INDEX, open_predictions
from atdt.tasks import get_task

SIZE = 40, 96
DISPARITIES = 3, 6, 12
FOCAL, BASELINE = 60.0, 0.5
CAMERA = f"focal = {FOCAL}\nbaseline = {BASELINE}\n"


def describe(folder: Path, camera: str = CAMERA) -> None:
    (folder / "domain.toml").write_text(
        f'name = "pairs"\nlabel_space = "coarse4"\n{camera}\n[lists]\nall = "all.txt"\n'
    )


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """A domain of walls of random dots, each at a disparity of its own."""
    folder, random, lines = tmp_path / "pairs", np.random.default_rng(0), []
    for number, shift in enumerate(DISPARITIES):
        wall = random.integers(0, 256, (SIZE[0], SIZE[1] + shift, 3), np.uint8)
        write_png(folder / f"left/{number}.png", wall[:, : SIZE[1]])
        write_png(folder / f"right/{number}.png", wall[:, shift:])
        lines.append(f"left/{number}.png;right/{number}.png\n")
    (folder / "all.txt").write_text("".join(lines))
    describe(folder)
    return folder


@pytest.fixture
def config(pairs: Path, tmp_path: Path) -> ProxyDepth:
    return ProxyDepth(domain=str(pairs), out=tmp_path / "depth", workers=2)


def contents(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != INDEX)
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


@pytest.mark.parametrize("depth_format", ["npy", "png"])
def test_depth_is_focal_times_baseline_by_disparity(config: ProxyDepth, depth_format: str) -> None:
    made = open_predictions(proxy_depth(replace(config, depth_format=depth_format)))
    assert made.task == "depth"
    assert made.method["kind"] == "stereo"
    for image, shift in zip(made.images, DISPARITIES, strict=True):
        metres = made.read(image, get_task("depth"))
        inner = metres[5:-5, shift + 5 : -5]
        assert np.mean(inner > 0) > 0.95
        assert np.allclose(inner[inner > 0], FOCAL * BASELINE / shift, rtol=0.5 / shift)
        assert not metres[:, :shift].any()
    assert 0.7 < share_with_depth(made.folder) < 1


def test_each_image_has_its_own_camera(config: ProxyDepth, pairs: Path) -> None:
    describe(pairs, 'camera = "camera"\n')
    (pairs / "camera/left").mkdir(parents=True)
    for number in range(3):
        camera = {"focal": FOCAL, "baseline": BASELINE * (1 + number)}
        (pairs / f"camera/left/{number}.json").write_text(json.dumps(camera))
    made = open_predictions(proxy_depth(config))
    for number, shift in enumerate(DISPARITIES):
        metres = made.read(made.images[number], get_task("depth"))
        expected = FOCAL * BASELINE * (1 + number) / shift
        assert np.median(metres[metres > 0]) == pytest.approx(expected, rel=0.1)


def test_what_is_farther_is_none(config: ProxyDepth) -> None:
    made = open_predictions(proxy_depth(replace(config, farthest=6.0)))
    near = [bool(made.read(image, get_task("depth")).any()) for image in made.images]
    assert near == [False, True, True]  # at 10, 5 and 2.5 m


@pytest.mark.parametrize("lacking", ["focal", "baseline"])
def test_an_unknown_camera_names_the_image_and_what_to_write(
    config: ProxyDepth, pairs: Path, lacking: str
) -> None:
    describe(pairs, "\n".join(line for line in CAMERA.splitlines() if lacking not in line))
    with pytest.raises(DomainError, match=rf"all.txt:1: left/0.png: .*{lacking}.*`baseline`"):
        proxy_depth(config)
    assert not config.out.exists()


def test_pairs_that_are_none_are_named(config: ProxyDepth, pairs: Path) -> None:
    write_png(pairs / "right/1.png", np.zeros((40, 90, 3), np.uint8))
    with pytest.raises(DomainError, match=r"all.txt:2: left/1.png is 40x96, but right/1.png is 40"):
        proxy_depth(config)
    (pairs / "right/1.png").unlink()
    with pytest.raises(DomainError, match=r"all.txt:2: .*right/1.png: no such file"):
        proxy_depth(config)
    (pairs / "all.txt").write_text("left/0.png;_\n")
    with pytest.raises(DomainError, match=r"all.txt:1: has no right"):
        proxy_depth(config)
    assert not config.out.exists()


def test_a_camera_file_of_larger_images_is_doubted(config: ProxyDepth, pairs: Path) -> None:
    """Images that were halved, and their camera was not: depth is twice as far."""
    intrinsic, extrinsic = {"fx": FOCAL, "u0": 96.0}, {"baseline": BASELINE}
    (pairs / "camera.json").write_text(json.dumps({"intrinsic": intrinsic, "extrinsic": extrinsic}))
    describe(pairs, 'columns = ["image", "right", "camera"]\n')
    (pairs / "all.txt").write_text("left/0.png;right/0.png;camera.json\n")
    done = CliRunner().invoke(main, ["proxy-depth", str(pairs), "--out", str(config.out)])
    assert done.exit_code == 0 and done.stdout.endswith(f"{config.out}\n")
    said = "all.txt:1: the camera's centre is at column 96, the image is 96 wide: was it resized"
    assert said in done.stderr


def test_values_that_cannot_be_used(config: ProxyDepth) -> None:
    for change, message in (
        ({"depth_format": "exr"}, "--depth-format exr"),
        ({"depth_format": "png", "farthest": 300.0}, "--farthest 300: .* 255.996 at most"),
        ({"farthest": 0.0}, "--farthest 0"),
        ({"workers": 0}, "--workers 0"),
    ):
        with pytest.raises(UserError, match=message):
            replace(config, **change)


def test_a_stopped_run_is_gone_on_with(config: ProxyDepth, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = proxy_depth(replace(config, out=config.out.with_name("whole")))
    real, matched = module.disparity, []

    def dying(left, right, matching):
        if len(matched) == 2:
            raise KeyboardInterrupt
        matched.append(left)
        return real(left, right, matching)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(module, "disparity", dying)
        proxy_depth(replace(config, workers=1))
    with pytest.raises(UserError, match="repeat their command with --resume"):
        open_predictions(config.out)
    other = replace(config, resume=True, matching=Matching(tolerance=2.0))
    with pytest.raises(MismatchError, match="tolerance"):
        proxy_depth(other)
    proxy_depth(replace(config, resume=True))
    assert contents(config.out) == contents(whole)


def test_another_camera_is_not_gone_on_with(config: ProxyDepth, pairs: Path) -> None:
    proxy_depth(config)
    describe(pairs, CAMERA.replace("0.5", "0.6"))
    with pytest.raises(MismatchError, match="focal_baseline"):
        proxy_depth(replace(config, resume=True))
    moved = shutil.copytree(pairs, pairs.with_name("moved"))
    describe(moved)
    proxy_depth(replace(config, resume=True, domain=str(moved)))


def test_a_rendered_street(tmp_path: Path) -> None:
    knobs = ("appearance", "camera", "layout", "shapes")
    frame = render_frame("streets", "b", "train", 0, seed=0, size=(96, 192), knobs=knobs)
    write_png(tmp_path / "left.png", frame.image)
    write_png(tmp_path / "right.png", frame.right)
    write_depth(tmp_path / "depth.npy", frame.depth.astype(np.float32), "npy")
    (tmp_path / "all.txt").write_text("left.png;right.png;_;depth.npy\n")
    describe(tmp_path, "focal = {focal}\nbaseline = {baseline}\n".format(**frame.camera))
    made = open_predictions(proxy_depth(ProxyDepth(domain=str(tmp_path), out=tmp_path / "p")))
    metres = made.read("left.png", get_task("depth"))
    known = (metres > 0) & (frame.depth > 0)
    error = np.abs(metres - frame.depth)[known] / frame.depth[known]
    assert np.mean(known[frame.depth > 0]) > 0.7
    assert np.median(error) < 0.1  # at 20 m a sixth of a pixel is 10 %


def test_on_the_command_line_and_further(config: ProxyDepth, tmp_path: Path) -> None:
    source, out = config.domain, str(tmp_path / "p")
    run = CliRunner().invoke
    done = run(main, ["proxy-depth", source, "--out", out, "--directions", "8", "--workers", "1"])
    assert done.exit_code == 0, done.output
    share, folder = done.stdout.splitlines()[-2:]
    assert share.startswith("depth in ")
    assert folder == out
    again = run(main, ["proxy-depth", source, "--out", out])
    assert again.exit_code == 2
    assert again.output.startswith("Error: ")
    assert len(again.output.splitlines()) == 1
    made = run(main, ["convert", source, "--predictions", out, "--out", str(tmp_path / "domain")])
    assert made.exit_code == 0, made.output
    domain = open_domain(tmp_path / "domain", labels=["depth"])
    metres = domain.label(2, "depth")
    assert np.median(metres[metres > 0]) == pytest.approx(FOCAL * BASELINE / 12, rel=0.05)
    trained = run(
        main,
        ["train-task", "--task", "depth", "--pseudo", f"{source}={out}", "--steps", "1",
         "--batch", "2", "--crop", "32x64", "--out", str(tmp_path / "run")],
    )  # fmt: skip
    assert trained.exit_code == 0, trained.output


def test_pairs_the_wrong_way_round_are_noticed(config: ProxyDepth, pairs: Path) -> None:
    lines = [f"right/{number}.png;left/{number}.png\n" for number in range(3)]
    (pairs / "all.txt").write_text("".join(lines))
    done = CliRunner().invoke(main, ["proxy-depth", str(pairs), "--out", str(config.out)])
    assert done.exit_code == 0, done.output
    assert "swapped" in done.stderr
