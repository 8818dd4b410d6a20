"""NYUv2's .mat file becomes files: on a small one that is written as MATLAB lays out its own."""

import sys

import h5py
import numpy as np
import pytest
import scipy.io

from atdt.domains import IGNORE, label_space, open_domain
from atdt.domains.datasets import Describing, check_dataset, describe, nyu_mat
from atdt.domains.datasets.nyu_mat import Unpacking, unpack_nyu
from atdt.domains.encodings import read_depth, read_png
from atdt.domains.pictures import read_numbers
from atdt.errors import DomainError, UserError
from atdt.texts import read_json

HEIGHT, WIDTH, FRAMES = 4, 6, 3
CLASSES = [40, 3, 22, 1, 5]  # by label 1 … 5: otherprop, cabinet, ceiling, wall, chair


def arrays():
    """What MATLAB holds, its axes in MATLAB's order; no two frames or rows are alike."""
    random = np.random.default_rng(0)
    depths = random.uniform(0.7, 9.9, (HEIGHT, WIDTH, FRAMES)).astype(np.float32)
    depths[0, 0] = 10
    raw = np.where(random.random(depths.shape) < 0.3, 0, depths - np.float32(0.1))
    labels = random.integers(0, len(CLASSES) + 1, depths.shape).astype(np.uint16)
    labels[:2, 0], labels[-1, -1] = np.array([[0], [1]]), 5
    images = random.integers(0, 256, (HEIGHT, WIDTH, 3, FRAMES)).astype(np.uint8)
    return {"images": images, "depths": depths, "rawDepths": raw, "labels": labels}


def write_mat(path, held, names=5, **options):
    """An HDF5 file as MATLAB 7.3 writes it: its header first, and all axes turned round."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in held.items():
            file.create_dataset(name, data=array.T, **options)
        cell = file.create_dataset("names", (1, names), h5py.ref_dtype)
        cell[:] = file["labels"].ref
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\0\2IM")
    return path


@pytest.fixture
def mat(tmp_path):
    return write_mat(tmp_path / "labeled.mat", arrays(), compression="gzip")


@pytest.fixture
def classes(tmp_path):
    path = tmp_path / "classMapping40.mat"
    names = np.array(["otherprop", "cabinet"], object)
    mapping = np.array([CLASSES], np.uint8)
    scipy.io.savemat(path, {"mapClass": mapping, "className": names})
    return path


@pytest.fixture
def splits(tmp_path):
    path = tmp_path / "splits.mat"
    scipy.io.savemat(path, {"trainNdxs": [[3.0], [1.0]], "testNdxs": [[2.0]]})
    return path


def files_of(folder):
    return {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}


def contents(folder):
    return {name: path.read_bytes() for name, path in files_of(folder).items()}


def test_frames_become_files_that_lie_as_matlab_shows_them(mat, tmp_path):
    out = unpack_nyu(Unpacking(mat, tmp_path / "out"))
    held = arrays()
    for frame in range(FRAMES):
        name = f"000{frame + 1}.png"
        assert np.array_equal(read_png(out / "image" / name), held["images"][..., frame])
        label = read_numbers(out / "label894" / name)
        assert label.dtype == np.uint16 and np.array_equal(label, held["labels"][..., frame])
        metres = held["depths"][..., frame]
        numbers = read_numbers(out / "depth" / name)
        assert np.array_equal(numbers, np.rint(metres.astype(np.float64) * 1000))
        assert numbers[0, 0] == 10_000
        depth = read_depth(out / "depth" / name, "uint16/1000")
        assert np.abs(depth - metres).max() < 0.0006
    assert len(files_of(out)) == 3 * FRAMES + 2
    assert not (out / "label40").exists()


def test_raw_depth_has_none_where_nothing_was_measured(mat, tmp_path):
    out = unpack_nyu(Unpacking(mat, tmp_path / "out", raw_depth=True))
    raw = arrays()["rawDepths"][..., 2]
    depth = read_depth(out / "depth/0003.png", "uint16/1000")
    assert np.array_equal(depth == 0, raw == 0) and (raw == 0).any()
    assert np.abs(depth - raw).max() < 0.0006


def test_labels_become_those_of_40_classes_from_0_on(mat, classes, tmp_path):
    out = unpack_nyu(Unpacking(mat, tmp_path / "a", classes=classes))
    ids = np.array([IGNORE, 39, 2, 21, 0, 4])
    for frame in range(FRAMES):
        made = read_png(out / f"label40/000{frame + 1}.png")
        assert np.array_equal(made, ids[arrays()["labels"][..., frame]])
    text = tmp_path / "classes.txt"
    text.write_text("\n".join(map(str, CLASSES)) + "\n")
    assert contents(unpack_nyu(Unpacking(mat, tmp_path / "b", classes=text))) == contents(out)


def test_the_layout_reads_what_was_unpacked(mat, classes, splits, tmp_path):
    out = unpack_nyu(Unpacking(mat, tmp_path / "out", splits, classes))
    checked = check_dataset("nyuv2-png", out, files=None)
    assert checked.wrong is None and checked.found.unsplit == 0
    assert checked.opened == {"train": 2, "test": 1, "all": 3}
    spec = describe(Describing("nyuv2-png", out, out)).parent  # its lists replace no others
    train = open_domain(f"{spec}:train", labels=["semantic", "depth"])
    assert [sample.image for sample in train.samples] == ["image/0001.png", "image/0003.png"]
    assert train.label_space == label_space("nyu40")
    assert train.image(1).shape == (HEIGHT, WIDTH, 3)
    described = describe(Describing("nyuv2-png", out, tmp_path / "13", labels="13"))
    thirteen = open_domain(f"{described.parent}:train")
    space = label_space("nyu13")
    names = ["objects", "furniture", "ceiling", "wall", "chair"]
    ids = np.array([IGNORE, *map(space.classes.index, names)])
    assert np.array_equal(thirteen.label(1, "semantic"), ids[arrays()["labels"][..., 2]])


def test_without_splits_and_classes_there_is_one_split_without_semantics(mat, tmp_path):
    out = unpack_nyu(Unpacking(mat, tmp_path / "out"))
    checked = check_dataset("nyuv2-png", out)
    assert checked.opened == {"all": 3} and checked.found.columns == ("image", "depth")


def test_a_stopped_unpacking_looks_unfinished_and_goes_on(mat, classes, tmp_path, monkeypatch):
    whole = unpack_nyu(Unpacking(mat, tmp_path / "whole", classes=classes))
    config = Unpacking(mat, tmp_path / "out", classes=classes)
    write = nyu_mat.write_png

    def stops(path, array):
        if path.name == "0002.png" and path.parent.name == "label40":
            raise KeyboardInterrupt
        write(path, array)

    monkeypatch.setattr(nyu_mat, "write_png", stops)
    with pytest.raises(KeyboardInterrupt):
        unpack_nyu(config)
    assert not (config.out / "label40/0002.png").exists()
    with pytest.raises(DomainError, match=r"splits/all\.txt: no such list"):
        check_dataset("nyuv2-png", config.out)
    before = {path: path.stat().st_mtime_ns for path in config.out.glob("*/*.png")}
    assert before
    monkeypatch.undo()
    unpack_nyu(config)
    assert contents(config.out) == contents(whole)
    assert before == {path: path.stat().st_mtime_ns for path in before}


def test_labels_of_40_classes_and_splits_can_be_added(mat, classes, splits, tmp_path):
    config = Unpacking(mat, tmp_path / "out")
    unpack_nyu(config)
    images = {path: path.stat().st_mtime_ns for path in config.out.glob("image/*")}
    unpack_nyu(Unpacking(mat, config.out, splits, classes))
    unpack_nyu(config)  # takes nothing away
    assert images == {path: path.stat().st_mtime_ns for path in images}
    whole = unpack_nyu(Unpacking(mat, tmp_path / "whole", splits, classes))
    assert contents(config.out) == contents(whole)
    assert read_json(config.out / "unpack.json")["ids_of_40"]


def test_a_folder_of_something_else_is_left_alone(mat, classes, tmp_path):
    out = unpack_nyu(Unpacking(mat, tmp_path / "out", classes=classes))
    before = contents(out)
    other = tmp_path / "classes.txt"
    other.write_text("1 1 1 1 1")
    larger = write_mat(tmp_path / "larger.mat", arrays())
    for config in (
        Unpacking(mat, out, raw_depth=True),
        Unpacking(mat, out, classes=other),
        Unpacking(larger, out),
    ):
        with pytest.raises(UserError, match="unpacked from another file, or with other --classes"):
            unpack_nyu(config)
    with pytest.raises(UserError, match="holds other things"):
        unpack_nyu(Unpacking(mat, tmp_path))
    assert contents(out) == before


def test_frames_are_read_one_by_one(mat, classes, tmp_path, monkeypatch):
    read, asked = h5py.Dataset.__getitem__, []

    def reads(array, key, **options):
        asked.append((array.name, key))
        return read(array, key, **options)

    monkeypatch.setattr(h5py.Dataset, "__getitem__", reads)
    unpack_nyu(Unpacking(mat, tmp_path / "out", classes=classes))
    frames = [(name, k) for name in ("/depths", "/images", "/labels") for k in range(FRAMES)]
    assert sorted(asked) == frames


def without(name):
    return lambda held: {k: v for k, v in held.items() if k != name}


def replaced(name, change):
    return lambda held: held | {name: change(held[name])}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (without("depths"), "it holds no depths"),
        (without("images"), "it holds no images"),
        (replaced("depths", lambda a: a.astype(np.float64)), "depths is float64"),
        (replaced("labels", lambda a: a.astype(np.int16)), "labels is int16"),
        (replaced("labels", lambda a: a[:, :, :2]), r"labels \(2, 6, 4\)"),
        (replaced("depths", lambda a: a.transpose(1, 0, 2)), r"depths \(3, 4, 6\)"),
        (replaced("images", lambda a: a[:, :, :2]), r"images is \(3, 2, 6, 4\)"),
        (replaced("images", lambda a: a[..., 0]), r"images is uint8 \(3, 6, 4\)"),
        (replaced("images", lambda a: a[..., :0]), "images is uint8"),
    ],
)
def test_another_hdf5_file_is_refused(tmp_path, change, problem):
    path = write_mat(tmp_path / "labeled.mat", {"labels": np.zeros(1)} | change(arrays()))
    with pytest.raises(DomainError, match=f"expected nyu_depth_v2_labeled.mat.*, but .*{problem}"):
        unpack_nyu(Unpacking(path, tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_what_is_no_hdf5_or_cut_off_is_refused(mat, splits, tmp_path):
    cut = tmp_path / "cut.mat"
    cut.write_bytes(mat.read_bytes()[:-100])
    for path in (splits, cut):
        with pytest.raises(DomainError, match=r"expected .*, but it does not open") as error:
            unpack_nyu(Unpacking(path, tmp_path / "out"))
        assert str(error.value).startswith(f"{path}: ")
    for path in (tmp_path / "none.mat", tmp_path):
        with pytest.raises(DomainError, match="no such file"):
            unpack_nyu(Unpacking(path, tmp_path / "out"))


def test_arrays_that_lie_in_other_files_are_not_read(mat, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(FRAMES * 3 * WIDTH * HEIGHT))
    shape = (FRAMES, 3, WIDTH, HEIGHT)
    layout = h5py.VirtualLayout(shape, np.uint8)
    layout[:] = h5py.VirtualSource(str(mat), "images", shape)
    ways = {
        "link": lambda file: file.__setitem__("images", h5py.ExternalLink(str(mat), "images")),
        "soft": lambda file: file.__setitem__("images", h5py.SoftLink("/labels")),
        "virtual": lambda file: file.create_virtual_dataset("images", layout),
        "external": lambda file: file.create_dataset(
            "images", shape, np.uint8, external=[(str(secret), 0, h5py.h5f.UNLIMITED)]
        ),
    }
    for name, put in ways.items():
        path = write_mat(tmp_path / f"{name}.mat", without("images")(arrays()))
        with h5py.File(path, "r+") as file:
            put(file)
        with pytest.raises(DomainError, match="it holds no images"):
            unpack_nyu(Unpacking(path, tmp_path / "out"))


def test_frames_of_endless_size_are_refused_before_they_are_read(tmp_path):
    path = write_mat(tmp_path / "labeled.mat", {"labels": np.zeros(1)})
    with h5py.File(path, "r+") as file:
        del file["labels"]
        for name, dtype in (("images", "u1"), ("depths", "f4"), ("labels", "u2")):
            shape = (1, 3, 10**5, 10**5) if name == "images" else (1, 10**5, 10**5)
            file.create_dataset(name, shape, dtype, chunks=True)
    with pytest.raises(DomainError, match=r"images is \(1, 3, 100000, 100000\)"):
        unpack_nyu(Unpacking(path, tmp_path / "out"))


def test_a_damaged_frame_is_named(mat, tmp_path):
    with h5py.File(mat) as file:
        _, packed = file["depths"].id.read_direct_chunk((0, 0, 0))
    content = mat.read_bytes()
    assert content.count(packed) == 1
    mat.write_bytes(content.replace(packed, b"\xff" * len(packed)))
    with pytest.raises(DomainError, match=r"labeled\.mat: depth of frame \d cannot be read"):
        unpack_nyu(Unpacking(mat, tmp_path / "out"))
    assert not (tmp_path / "out/splits/all.txt").exists()


def test_a_label_without_a_name_is_an_error(tmp_path):
    path = write_mat(tmp_path / "labeled.mat", arrays(), names=4)
    with pytest.raises(DomainError, match=r"frame 1 has label 5, but names only 4"):
        unpack_nyu(Unpacking(path, tmp_path / "out"))


def test_depth_that_is_none_is_an_error(tmp_path):
    held = arrays()
    held["depths"][1, 1, 1] = np.nan
    path = write_mat(tmp_path / "labeled.mat", held)
    with pytest.raises(DomainError, match=r"depth/0002\.png: depth nan m in 1 pixels"):
        unpack_nyu(Unpacking(path, tmp_path / "out"))


def test_a_missing_h5py_is_named(mat, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(UserError, match=r'h5py is not installed: pip install "atdt\[mat\]"'):
        unpack_nyu(Unpacking(mat, tmp_path / "out"))
    assert not (tmp_path / "out").exists()
