"""Views in which what rises above the camera is higher or lower than it was."""

import re
import shutil

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from atdt.cli import main
from atdt.domains import IGNORE, ViewPlan, open_domain
from atdt.domains.cameras import Mount, Pose
from atdt.domains.pose import pose
from atdt.domains.reprojection import Reprojection
from atdt.domains.streets import RenderConfig, render
from atdt.errors import DomainError
from atdt.stores import open_store
from atdt.training.batches import Views
from atdt.training.order import Draw

SIZE = (48, 96)
LEVEL = Pose(60.0, Mount(1.5))
PLAN = ViewPlan(views=9, seed=1, stretch=2.0)


@pytest.fixture(scope="module")
def streets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("streets")
    config = RenderConfig(folder, train=2, val=0, test=0, size=SIZE, right=False, workers=1)
    return render(config) / "a"


@given(st.integers(1, 99), st.floats(1, 10))
def test_heights_are_drawn_within_the_factor_and_move_no_other_draw(number, factor):
    options = {"seed": 4, "crop": (20, 30), "flip": True, "photometric": "strong"}
    plain = ViewPlan(**options).draw("a.png", number, SIZE)
    drawn = ViewPlan(**options, stretch=factor).draw("a.png", number, SIZE, LEVEL)
    assert 1 / factor <= drawn.rise <= factor
    assert (drawn.box, drawn.flip, drawn.colours) == (plain.box, plain.flip, plain.colours)
    assert plain.rise == 1


def test_half_of_the_draws_are_higher_and_view_0_is_as_it_was():
    rises = np.array([PLAN.draw(str(k), 1, SIZE).rise for k in range(400)])
    assert 0.4 < (rises > 1).mean() < 0.6
    assert rises.min() < 0.6 and rises.max() > 1.8
    assert PLAN.draw("a.png", 0, SIZE).rise == 1


def test_a_plan_of_before_says_nothing_of_it():
    assert "stretch" not in ViewPlan(seed=3).to_dict()
    assert ViewPlan.from_dict(PLAN.to_dict()) == PLAN
    assert PLAN.plain() == ViewPlan()


@pytest.mark.parametrize("factor", [0.5, 0, float("nan"), 11])
def test_a_factor_that_cannot_be_drawn_is_refused(factor):
    with pytest.raises(DomainError, match=r"stretch .*: write 1 to 10"):
        ViewPlan(stretch=factor)


def test_image_and_labels_move_together(streets):
    domain = open_domain(f"{streets}:train")
    view = PLAN.draw("a", 2, SIZE, pose(domain, 0))
    assert abs(np.log(view.rise)) > 0.2
    focal, mount = domain.focal(0), domain.description.mount
    moved = Reprojection.between(SIZE, (focal, focal), (mount, mount), above=view.rise)
    pixels = domain.image(0)
    expected = moved.image(pixels).transpose(2, 0, 1) / 255
    assert np.allclose(view.image(pixels), expected, atol=1e-6)
    for kind, move in (("semantic", moved.ids), ("depth", moved.depth), ("normals", moved.normals)):
        label = domain.label(0, kind)
        assert view.label(label, kind).dtype == label.dtype
        assert np.array_equal(view.label(label, kind), move(label))
        assert not np.array_equal(view.label(label, kind), label)
    confidence = np.full(SIZE, 200, np.uint8)
    assert np.array_equal(view.label(confidence, "confidence"), 200 * moved.seen)


def test_nothing_below_the_camera_moves_and_depth_of_what_rises_stays():
    view = PLAN.draw("a", 2, SIZE, LEVEL)
    wall, ids = np.full(SIZE, 9, np.float32), np.full(SIZE, 3, np.uint8)
    depth = view.label(wall, "depth")
    assert set(np.unique(depth.round(4))) <= {0, 9}
    assert (depth[24:] == 9).all()
    assert ((view.label(ids, "semantic") == IGNORE) == (depth == 0)).all()


def test_views_of_other_heights_share_no_pixel():
    first, second = (PLAN.draw("a", number, SIZE) for number in (1, 2))
    assert first.shared(second) is None
    assert first.shared(first) is not None


def test_a_pair_from_two_domains_is_stretched_alike_each_by_its_own_camera(streets):
    domains = [open_domain(f"{streets.with_name(name)}:train") for name in "ab"]
    poses = [pose(domain, 0) for domain in domains]
    assert poses[0] != poses[1]
    views = Views(domains, None, PLAN, needs_clean=False, memory=0, paired=True)
    one, other = views.batch([Draw(0, 0, 3), Draw(1, 0, 5)]).image
    name = domains[0].samples[0].image
    for image, domain, of in zip((one, other), domains, poses, strict=True):
        cut = PLAN.draw(f"training:0:{name}", 3, SIZE, of)
        assert np.array_equal(image, cut.image(domain.image(0)))


def test_a_bug_is_told_where_nobody_said_how_the_camera_stands():
    with pytest.raises(ValueError, match="needs to know how the camera stands"):
        PLAN.draw("a", 1, SIZE).image(np.zeros((*SIZE, 3), np.uint8))


def test_trainings_and_stores_have_such_views(streets, tmp_path):
    train = [
        *("train-task", "--task", "depth", "--train", f"{streets}:train", "--steps", "2"),
        *("--batch", "2", "--network", "tiny", "--device", "cpu"),
    ]
    runs = []
    for factor in ("1", "2"):
        runs.append(tmp_path / factor)
        done = CliRunner().invoke(main, [*train, "--stretch", factor, "--out", str(runs[-1])])
        assert done.exit_code == 0, done.output
    weights = [(run / "weights.safetensors").read_bytes() for run in runs]
    assert weights[0] != weights[1]
    assert '"stretch": 2.0' in (runs[1] / "run.json").read_text()
    assert '"stretch"' not in (runs[0] / "run.json").read_text()
    store = tmp_path / "a.zarr"
    extract = ["extract", f"{streets}:train", "--encoder", f"{runs[0]}", "--views", "3"]
    extract += ["--stretch", "2", "--photometric", "none", "--labels", "depth", "--device", "cpu"]
    done = CliRunner().invoke(main, [*extract, "--out", str(store)])
    assert done.exit_code == 0, done.output
    made, domain = open_store(store), open_domain(f"{streets}:train")
    plan = ViewPlan.from_dict(made.plan)
    assert plan.stretch == 2
    depths = made.labels_reader("depth").read_all()
    names = [sample.image for sample in domain.samples]
    for sample, (image, view) in enumerate(zip(made.samples.image, made.samples.view, strict=True)):
        index = names.index(str(image))
        cut = plan.draw(str(image), int(view), SIZE, pose(domain, index))
        expected = cut.label(domain.label(index, "depth"), "depth")
        assert np.array_equal(depths[sample], expected)


@pytest.mark.parametrize("missing", ["mount", "focal"])
def test_a_domain_whose_camera_is_unknown_is_refused_before_anything_is_made(
    streets, tmp_path, missing
):
    shutil.copytree(streets, tmp_path / "a")
    description = tmp_path / "a/domain.toml"
    text = description.read_text()
    if missing == "mount":
        text = text.partition("[mount]")[0]
    else:
        text = re.sub(r"^focal.*\n", "", text, flags=re.MULTILINE)
    description.write_text(text)
    out = tmp_path / "run"
    done = CliRunner().invoke(
        main,
        [
            *("train-task", "--task", "depth", "--train", f"{description}:train", "--steps", "2"),
            *("--network", "tiny", "--stretch", "2", "--out", str(out)),
        ],
    )
    assert done.exit_code == 2
    (line,) = done.output.splitlines()
    assert str(description) in line
    assert ("[mount]" if missing == "mount" else "`focal` or `fov`") in line
    assert not out.exists()
