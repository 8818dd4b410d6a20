"""`atdt match-camera`: from two described domains to a third, or to what is unknown."""

import numpy as np
import pytest
from click.testing import CliRunner

from atdt.cli import main
from atdt.domains import look as module
from atdt.domains import open_domain
from atdt.domains.match_camera import CameraMatch, match_camera
from atdt.domains.streets import RenderConfig, render
from atdt.errors import DomainError, UserError


@pytest.fixture(scope="module")
def streets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("streets")
    render(RenderConfig(folder, train=3, val=1, test=0, size=(48, 96), right=False, workers=1))
    return folder


def test_a_is_seen_as_by_bs_camera(streets, tmp_path):
    out = tmp_path / "matched"
    done = CliRunner().invoke(
        main, ["match-camera", str(streets / "a"), "--to", str(streets / "b"), "--out", str(out)]
    )
    assert done.exit_code == 0, done.output
    assert done.stdout.strip() == str(out)
    a, b, made = (open_domain(f"{path}:train") for path in (streets / "a", streets / "b", out))
    assert made.name == "streets-a-matched"
    assert made.focal(0) == pytest.approx(b.focal(0))
    assert made.description.mount.pitch == b.description.mount.pitch
    assert made.description.mount.height == a.description.mount.height
    assert len(open_domain(f"{out}:val")) == 1
    for index in range(3):
        assert made.image(index).shape == (48, 96, 3)
        ids = made.label(index, "semantic")
        assert set(np.unique(ids)) <= set(np.unique(a.label(index, "semantic"))) | {255}
        depth, before = made.label(index, "depth"), a.label(index, "depth")
        assert (depth > 0).any() and depth.max() < 1.1 * before.max()
        lengths = np.linalg.norm(made.label(index, "normals"), axis=2)
        assert np.allclose(lengths[lengths > 0], 1, atol=0.01)
    again = match_camera(CameraMatch(domain=str(streets / "a"), to=str(streets / "b"), out=out))
    assert again == out


def test_heights_are_matched_by_scaling_on_request(streets, tmp_path):
    made = []
    for scale in (False, True):
        out = match_camera(
            CameraMatch(
                domain=f"{streets}/a:train", to=f"{streets}/b", out=tmp_path / str(scale),
                scale_height=scale,
            )
        )  # fmt: skip
        made.append(open_domain(f"{out}:train"))
    plain, scaled = made
    heights = [open_domain(f"{streets}/{x}:train").description.mount.height for x in "ab"]
    ratio = heights[1] / heights[0]
    one, other = plain.label(0, "depth"), scaled.label(0, "depth")
    near = (one > 0) & (one < 300)
    assert np.allclose(other[near], ratio * one[near], rtol=1e-3)
    assert scaled.description.mount.height == pytest.approx(heights[1])


def test_heights_are_matched_by_stretching_what_lies_below_on_request(streets, tmp_path):
    command = ["match-camera", f"{streets}/a:train", "--to", f"{streets}/b"]
    made = []
    for option in ("--scale-height", "--stretch-height"):
        out = tmp_path / option
        done = CliRunner().invoke(main, [*command, option, "--out", str(out)])
        assert done.exit_code == 0, done.output
        made.append(open_domain(f"{out}:train"))
    scaled, stretched = made
    assert stretched.description.mount == scaled.description.mount
    depths = [domain.label(0, "depth") for domain in made]
    road = [domain.label(0, "semantic") == 0 for domain in made]
    far = [np.median(d[r & (d > 0)], axis=0) for d, r in zip(depths, road, strict=True)]
    assert far[1] == pytest.approx(far[0], rel=0.15)  # as deep below the camera, in other pixels
    plain = match_camera(
        CameraMatch(domain=f"{streets}/a:train", to=f"{streets}/b", out=tmp_path / "plain")
    )
    before = open_domain(f"{plain}:train").label(0, "depth")
    assert np.allclose(depths[1][:20], before[:20], rtol=1e-3)  # what rises above stays
    assert not np.allclose(depths[0][:20], before[:20], rtol=0.1)


def test_one_way_to_match_heights_is_enough(streets, tmp_path):
    command = ["match-camera", f"{streets}/a", "--to", f"{streets}/b", "--out", f"{tmp_path}/out"]
    done = CliRunner().invoke(main, [*command, "--scale-height", "--stretch-height"])
    assert done.exit_code == 2
    assert "--scale-height and --stretch-height exclude each other" in done.output
    assert not (tmp_path / "out").exists()


def test_what_was_cut_off_is_gone_on_with(streets, tmp_path, monkeypatch):
    config = CameraMatch(domain=f"{streets}/a", to=f"{streets}/b", out=tmp_path / "matched")
    write, calls = module._write, []

    def failing(*arguments):
        calls.append(arguments)
        if len(calls) == 3:
            raise OSError("no space left")
        write(*arguments)

    monkeypatch.setattr("atdt.domains.remaking.THREADS", 1)
    with monkeypatch.context() as patch, pytest.raises(OSError):
        patch.setattr(module, "_write", failing)
        match_camera(config)
    with pytest.raises(DomainError):
        open_domain(f"{config.out}:train")
    match_camera(config)
    assert len(open_domain(f"{config.out}:train")) == 3
    with pytest.raises(UserError, match="made from other things"):
        match_camera(CameraMatch(domain=f"{streets}/a", to=f"{streets}/a", out=config.out))


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("[mount]", r"write \[mount\] with height"),
        ("focal = ", "the focal length is unknown"),
    ],
)
def test_what_is_unknown_is_asked_for(streets, tmp_path, line, problem):
    text = (streets / "b/domain.toml").read_text()
    kept = [row for row in text.splitlines() if not row.startswith(line)]
    if line == "[mount]":
        kept = kept[: -2 if kept[-1].startswith("pitch") else None]
    described = tmp_path / "b.toml"
    described.write_text("\n".join(kept).replace('root = "."', f'root = "{streets}/b"'))
    with pytest.raises(DomainError, match=problem):
        match_camera(
            CameraMatch(domain=f"{streets}/a", to=str(described), out=tmp_path / "matched")
        )
    assert not (tmp_path / "matched").exists()


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("pitch = 3.0", "height = None is no number of metres"),
        ("height = -1.0", "height = -1.0"),
        ("height = 1.0\npitch = 80", "pitch = 80 is no number of degrees within"),
        ("height = 1.0\nyaw = 1", "unknown key 'yaw'; known are height, pitch, roll"),
    ],
)
def test_a_mount_that_makes_no_sense_is_refused(tmp_path, table, problem):
    (tmp_path / "train.txt").write_text("a.png\n")
    path = tmp_path / "domain.toml"
    path.write_text(
        f'name = "x"\nlabel_space = "shared11"\n[lists]\ntrain = "train.txt"\n[mount]\n{table}\n'
    )
    with pytest.raises(DomainError, match=rf"\[mount\]: {problem}"):
        open_domain(f"{path}:train")
