"""`atdt rehearse`: A's images in B's look, with A's labels."""

import numpy as np
import pytest
from click.testing import CliRunner

from atdt.cli import main
from atdt.domains import open_domain
from atdt.domains.match_camera import CameraMatch, match_camera
from atdt.domains.rehearse import Rehearsal, rehearse
from atdt.domains.streets import RenderConfig, render
from atdt.errors import UserError


@pytest.fixture(scope="module")
def streets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("streets")
    render(RenderConfig(folder, train=3, val=2, test=0, size=(48, 96), right=False, workers=1))
    return folder


def colours(domain):
    pixels = np.stack([domain.image(index) for index in range(len(domain))]).reshape(-1, 3)
    return pixels.mean(axis=0), pixels.std(axis=0)


def test_b_itself_is_no_rehearsal(streets, tmp_path):
    config = Rehearsal(domain=f"{streets}/b:val", to=f"{streets}/b:train", out=tmp_path / "made")
    with pytest.raises(UserError, match="B itself, whose labels may choose nothing"):
        rehearse(config)
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("height", ["", "scale", "stretch"])
def test_colours_and_camera_are_bs_and_labels_are_as_with_the_camera_alone(
    streets, tmp_path, height
):
    out = tmp_path / "rehearsal"
    options = [f"--{height}-height"] if height else []
    done = CliRunner().invoke(
        main,
        ["rehearse", f"{streets}/a:val", "--to", f"{streets}/b:train", "--out", str(out), *options],
    )
    assert done.exit_code == 0, done.output
    assert done.stdout.strip() == str(out)
    assert "camera: B's pitch" in done.stderr and "colours: B's moments" in done.stderr
    camera = match_camera(
        CameraMatch(
            domain=f"{streets}/a:val",
            to=f"{streets}/b",
            out=tmp_path / "camera",
            scale_height=height == "scale",
            stretch_height=height == "stretch",
        )
    )
    a, b = open_domain(f"{streets}/a:val"), open_domain(f"{streets}/b:train")
    made, turned = open_domain(f"{out}:val"), open_domain(f"{camera}:val")
    assert made.name == "streets-a-rehearsal" and len(made) == 2
    assert made.focal(0) == pytest.approx(b.focal(0))
    for index in range(2):
        assert not np.array_equal(made.image(index), turned.image(index))
        for kind in ("semantic", "depth", "normals"):
            assert np.array_equal(made.label(index, kind), turned.label(index, kind))
    before, after = (np.abs(colours(d)[0] - colours(b)[0]).max() for d in (a, made))
    assert after < before / 2


def test_what_is_kept_is_as_a_has_it(streets, tmp_path):
    said = []
    out = rehearse(
        Rehearsal(
            domain=f"{streets}/a:val", to=f"{streets}/b", out=tmp_path / "kept",
            colours="keep", keep_camera=True,
        ),
        said.append,
    )  # fmt: skip
    assert said == ["camera: A's, as asked", "colours: A's, as asked"]
    a, made = open_domain(f"{streets}/a:val"), open_domain(f"{out}:val")
    assert made.focal(1) == pytest.approx(a.focal(1))
    assert made.description.mount == a.description.mount
    assert np.array_equal(made.image(1), a.image(1))
    assert np.allclose(made.label(1, "depth"), a.label(1, "depth"), atol=1e-3)
    again = Rehearsal(domain=f"{streets}/a:val", to=f"{streets}/b", out=tmp_path / "kept")
    with pytest.raises(UserError, match="made from other things"):
        rehearse(again)


@pytest.mark.parametrize("option", ["--scale-height", "--stretch-height"])
def test_an_unknown_camera_stays_and_is_said(streets, tmp_path, option):
    text = (streets / "b/domain.toml").read_text()
    described = tmp_path / "b.toml"
    described.write_text(
        text.partition("[mount]")[0].replace('root = "."', f'root = "{streets}/b"')
    )
    said = []
    config = Rehearsal(domain=f"{streets}/a:val", to=f"{described}:train", out=tmp_path / "made")
    rehearse(config, said.append)
    assert said[0] == "camera: A's, since B's description has no [mount]"
    done = CliRunner().invoke(
        main,
        ["rehearse", f"{streets}/a:val", f"--to={described}:train", f"--out={tmp_path}/other",
         option],
    )  # fmt: skip
    assert done.exit_code == 2
    assert f"{option}: the camera stays A's, since B's description" in done.stderr
    assert not (tmp_path / "other").exists()
