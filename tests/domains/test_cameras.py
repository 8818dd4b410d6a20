"""Camera files of several kinds, and what is said of those that are none."""

import pytest

from atdt.domains.cameras import Camera, focal_of, read_camera
from atdt.errors import DomainError

ROW = "721.5 0 609.6 {} 0 721.5 172.9 0 0 0 1 0"


def written(tmp_path, name, content):
    path = tmp_path / name
    path.write_text(content)
    return path


@pytest.mark.parametrize(
    ("name", "content", "camera"),
    [
        ("a.json", '{"focal": 96}', Camera(96)),
        ("a.json", '{"focal": 96.5, "baseline": 0.5}', Camera(96.5, 0.5)),
        (
            "a_camera.json",
            '{"extrinsic": {"baseline": 0.2093, "x": 1.7}, "intrinsic": {"fx": 2262.52, "u0": 1}}',
            Camera(2262.52, 0.2093),
        ),
        ("a_camera.json", '{"intrinsic": {"fx": 2262.52}}', Camera(2262.52)),
        ("000001.txt", "P_rect_00: 1\nP_rect_02: " + ROW.format(45.0), Camera(721.5)),
        ("intrinsics.txt", "520.5 0 277.9\n0 520.7 215.1\n0 0 1\n", Camera(520.5)),
    ],
)
def test_each_kind_is_read(tmp_path, name, content, camera):
    assert read_camera(written(tmp_path, name, content)) == camera


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a_camera.json", '{"intrinsic": {"fx": 2262.52, "u0": 1096.98}}'),
        ("000001.txt", "P_rect_02: 721.5 0 1096.98 45.0 0 721.5 172.9 0 0 0 1 0"),
        ("intrinsics.txt", "520.5 0 1096.98\n0 520.7 215.1\n0 0 1\n"),
    ],
)
def test_a_camera_whose_centre_is_far_off_an_images_middle_is_doubted(tmp_path, name, content):
    camera = read_camera(written(tmp_path, name, content))
    assert camera.centre == 1096.98
    assert all(camera.doubt_of_width(width) is None for width in (1850, 2048, 2700))
    for width in (1024, 1638, 3072):
        said = f"column 1096.98, the image is {width} wide: was it resized or cropped"
        assert said in camera.doubt_of_width(width)
    assert Camera(721.5).doubt_of_width(1) is None


@pytest.mark.parametrize("names", [("P_rect_02", "P_rect_03"), ("P2", "P3"), ("P0", "P1")])
def test_kittis_baseline_lies_between_its_colour_cameras(tmp_path, names):
    left, right = (f"{n}: {ROW.format(t)}" for n, t in zip(names, (45.0, -340.0), strict=True))
    camera = read_camera(written(tmp_path, "0.txt", f"calib_time: 09-Jan\n{left}\n{right}\n"))
    assert camera.focal == 721.5
    assert camera.baseline == pytest.approx(385 / 721.5)
    assert camera.stereo() == pytest.approx(385)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", "[]", 'holds no {"focal": pixels}'),
        ("a.json", '{"intrinsic": {"v0": 1}}', 'holds no {"focal": pixels}'),
        ("a.json", '{"focal": "96"}', "focal = '96' is no number of pixels above 0"),
        ("a.json", '{"focal": 96, "baseline": -1}', "baseline = -1 is no number of metres"),
        ("a.json", "{", "not valid JSON"),
        ("a.txt", "P9: 1", "holds none of the lines P_rect_02, P2, P0"),
        ("a.txt", "P2: 1 2 3", "P2 has 3 numbers, not 12"),
        ("a.txt", "P2: " + ROW.format("x"), "P2: could not convert"),
        ("a.txt", "1 2 3", "the matrix has 3 numbers, not 9"),
        ("a.yaml", "", "a camera file ends in .json or .txt"),
    ],
)
def test_what_is_no_camera_is_named(tmp_path, name, content, message):
    with pytest.raises(DomainError) as caught:
        read_camera(written(tmp_path, name, content))
    assert message in str(caught.value) and str(caught.value).count(name) == 1


def test_an_absent_file_and_unknown_numbers_are_named(tmp_path):
    with pytest.raises(DomainError, match=r"a\.json: no such file"):
        read_camera(tmp_path / "a.json")
    with pytest.raises(DomainError, match=r"the baseline is unknown.*`baseline` into the descr"):
        Camera(focal=1.0).stereo()
    with pytest.raises(DomainError, match="the focal length is unknown"):
        Camera(baseline=1.0).stereo()


def test_the_focal_length_of_an_angle():
    # AT/DT's CARLA: 859.238 pixels, which its evaluation names, are 2048 pixels at 100 degrees.
    assert focal_of(100, 2048) == pytest.approx(859.238022326)
    assert focal_of(90, 96) == pytest.approx(48)
