"""A domain's own files say what they were written from."""

from pathlib import Path

import pytest

from atdt.domains import LabelSpace, label_space
from atdt.domains.cameras import Camera
from atdt.domains.description import read_description
from atdt.domains.lists import Sample, read_list
from atdt.domains.writing import SPACE, Written, write_domain
from atdt.errors import UserError

SAMPLES = [
    Sample(1, "a.png", depth="a.npy", camera="cameras/a.json"),
    Sample(2, "b.png", right="right/b.png", camera="cameras/b.json"),
]


def write(folder: Path, cameras: list[Camera], space: LabelSpace | str = "coarse4") -> Path:
    space = label_space(space) if isinstance(space, str) else space
    written = Written("town", space, {"all": SAMPLES}, {"all": cameras}, {"depth": "npy"})
    return write_domain(folder, written)


@pytest.mark.parametrize(
    "cameras",
    [
        [Camera(), Camera()],
        [Camera(100.0, 0.5), Camera(100.0, 0.5)],
        [Camera(100.0, 0.5, centre=9.0), Camera(120.0, 0.5, centre=8.0)],
        [Camera(100.0, 0.5, centre=9.0), Camera(100.0, 0.5, centre=8.0)],
        [Camera(100.0), Camera(120.0)],
        [Camera(100.0, 0.5), Camera(120.0, 0.25)],
        [Camera(100.0, 0.5), Camera(None, 0.5)],
        [Camera(None, 0.5), Camera(None, 0.5)],
    ],
)
def test_cameras_and_samples_come_back(tmp_path, cameras):
    description = read_description(write(tmp_path, cameras))
    samples = read_list(description.lists["all"], tmp_path, description.columns)
    for sample, before, camera in zip(samples, SAMPLES, cameras, strict=True):
        for column in ("image", "right", "semantic", "depth", "normals"):
            assert getattr(sample, column) == getattr(before, column)
        assert description.camera_of(sample, lambda: 0) == camera
    assert "semantic" not in description.columns
    assert description.encodings["depth"] == "npy"


def test_a_label_space_of_a_known_name_but_other_classes_gets_a_file(tmp_path):
    other = LabelSpace("coarse4", ("road", "rest"), ((1, 2, 3), (4, 5, 6)))
    assert read_description(write(tmp_path / "a", [Camera()] * 2, other)).label_space == other
    write(tmp_path / "b", [Camera()] * 2)
    assert not (tmp_path / "b" / SPACE).exists()


def test_a_list_does_not_leave_the_folder(tmp_path):
    written = Written("town", label_space("coarse4"), {"../x": []}, {"../x": []}, {})
    with pytest.raises(UserError, match="must be a path below"):
        write_domain(tmp_path / "out", written)
    assert not (tmp_path / "x.txt").exists()
