"""Images and labels of an open domain, and what its digest notices."""

import json

import numpy as np
import pytest

from atdt.domains import IGNORE, Domain, label_space, open_domain
from atdt.domains.cameras import Camera
from atdt.domains.encodings import read_depth, read_normals, read_png, write_depth, write_png
from atdt.errors import DomainError

KINDS = ("semantic", "depth", "normals")


def test_images_and_labels_are_those_of_the_files(make_domain):
    folder = make_domain(2)
    domain = open_domain(folder, labels=KINDS)
    assert (domain.name, domain.split, len(domain)) == ("made", "train", 2)
    assert domain.label_space.name == "shared11"
    for index in range(2):
        stem = f"a/{index}.png"
        assert np.array_equal(domain.image(index), read_png(folder / "image" / stem))
        assert np.array_equal(domain.right(index), read_png(folder / "right" / stem))
        assert domain.image_size(index) == domain.image(index).shape[:2] == (12, 20)
        semantic, depth, normals = (domain.label(index, kind) for kind in KINDS)
        assert np.array_equal(semantic, read_png(folder / "semantic" / stem))
        assert np.array_equal(depth, read_depth(folder / "depth" / stem, "rgb24-1000m"))
        assert np.array_equal(normals, read_normals(folder / "normals" / stem))
        assert (semantic.dtype, depth.dtype, normals.dtype) == (np.uint8, np.float32, np.float32)
        assert normals.shape == (12, 20, 3)


def test_labels_are_read_in_their_encoding(make_domain):
    folder = make_domain(1, toml='[encodings]\ndepth = "uint16/256"')
    write_depth(folder / "depth/a/0.png", np.full((12, 20), 2.5), "uint16/256")
    assert (open_domain(folder).label(0, "depth") == 2.5).all()


def test_disparities_are_read_through_the_camera_that_the_list_names(make_domain):
    folder = make_domain(2, toml='columns = ["image", "depth", "camera"]')
    toml = (folder / "domain.toml").read_text()
    (folder / "domain.toml").write_text(toml + '[encodings]\ndepth = "disparity/256"\n')
    for number, focal in enumerate((100.0, 200.0)):
        camera = {"focal": focal, "baseline": 0.5}
        (folder / f"{number}.json").write_text(json.dumps(camera))
        path = folder / f"depth/a/{number}.png"
        write_depth(path, np.full((12, 20), 4.0), "disparity/256", Camera(**camera))
    lines = [f"image/a/{k}.png;depth/a/{k}.png;{k}.json" for k in range(2)]
    (folder / "train.txt").write_text("\n".join(lines))
    domain = open_domain(folder)
    assert [domain.focal(index) for index in range(2)] == [100, 200]
    for index in range(2):
        assert (domain.label(index, "depth") == 4).all()
    digest = domain.digest()
    (folder / "train.txt").write_text("\n".join(lines).replace("1.json", "0.json"))
    swapped = open_domain(folder)
    assert (swapped.label(1, "depth") == 2).all()
    assert swapped.digest() != digest
    (folder / "domain.toml").write_text("baseline = 0.25\n" + (folder / "domain.toml").read_text())
    assert open_domain(folder).digest() != swapped.digest()
    (folder / "train.txt").write_text(lines[0].replace("0.json", "2.json"))
    with pytest.raises(DomainError, match=r"train\.txt:1: .*2\.json: no such file"):
        open_domain(folder).label(0, "depth")


def test_another_label_space_of_the_same_images_is_another_description(make_domain):
    folder = make_domain(2)
    shared = label_space("shared11").classes
    kept = {"road": "road", "sky": "sky", "vehicle": "vehicle"}
    (folder / "coarse.toml").write_text(
        'name = "made"\nlabel_space = "coarse4"\nfile_label_space = "shared11"\n'
        '[lists]\ntrain = "train.txt"\n[labels]\n'
        + "".join(f'"{name}" = "{kept.get(name, "other")}"\n' for name in shared)
    )
    unnamed = open_domain(folder / "coarse.toml")
    with pytest.raises(DomainError, match=r"semantic/a/0\.png: holds id 255 .* not named"):
        unnamed.label(0, "semantic")
    with (folder / "coarse.toml").open("a") as file:
        file.write('255 = "ignore"\n')
    assert unnamed.digest() == open_domain(folder / "coarse.toml").digest()  # as of old stores
    fine, coarse = open_domain(folder), open_domain(folder / "coarse.toml", labels=["semantic"])
    assert coarse.label_space.classes == ("road", "sky", "vehicle", "other")
    expected = np.full(256, IGNORE)
    expected[:11] = [0, 3, 3, 3, 3, 3, 3, 2, 3, 3, 1]
    for index in range(2):
        assert np.array_equal(
            coarse.label(index, "semantic"), expected[fine.label(index, "semantic")]
        )
        assert np.array_equal(coarse.image(index), fine.image(index))
    assert coarse.digest() != fine.digest()


def test_missing_labels(make_domain):
    folder = make_domain(2)
    (folder / "train.txt").write_text(
        "image/a/0.png;_;semantic/a/0.png\nimage/a/1.png;right/a/1.png;_\n"
    )
    domain = open_domain(folder)
    assert not domain.has("semantic")
    assert not domain.has("depth")
    domain.label(0, "semantic")
    with pytest.raises(DomainError, match=r"train\.txt:2: has no semantic; columns are image;ri"):
        domain.label(1, "semantic")
    with pytest.raises(DomainError, match=r"train\.txt:1: has no right"):
        domain.right(0)
    assert open_domain(make_domain(1)).has("semantic")
    with pytest.raises(ValueError, match="'edges' is no kind of label"):
        domain.has("edges")
    with pytest.raises(ValueError, match="'edges' is no kind of label"):
        domain.label(0, "edges")


def test_a_label_of_another_size(make_domain):
    folder = make_domain(2)
    write_png(folder / "semantic/a/1.png", np.zeros((12, 19), np.uint8))
    with pytest.raises(
        DomainError,
        match=r"train\.txt:2: .*semantic/a/1\.png: semantic is 12x19 .*, but .* is 12x20",
    ):
        open_domain(folder).label(1, "semantic")


def test_an_id_outside_the_label_space(make_domain):
    folder = make_domain(2)
    ids = np.zeros((12, 20), np.uint8)
    ids[0, :3] = 11
    write_png(folder / "semantic/a/1.png", ids)
    with pytest.raises(
        DomainError,
        match=r"train\.txt:2: .*semantic/a/1\.png: holds id 11 \(3 pixels\); 'shared11'",
    ):
        open_domain(folder).label(1, "semantic")


@pytest.mark.parametrize("read", [Domain.image, Domain.image_size, Domain.right])
def test_an_image_that_does_not_decode(make_domain, read):
    folder = make_domain(2)
    for part in ("image", "right"):
        (folder / part / "a/1.png").write_bytes(b"\x89PNG torn")
    with pytest.raises(DomainError, match=r"train\.txt:2: .*a/1\.png: does not decode") as caught:
        read(open_domain(folder), 1)
    assert "\n" not in str(caught.value)


def test_focal_lengths(make_domain):
    assert open_domain(make_domain(1)).focal(0) is None
    assert open_domain(make_domain(1, toml="focal = 96.5")).focal(0) == 96.5
    folder = make_domain(2, toml='camera = "camera"')
    (folder / "camera/image/a").mkdir(parents=True)
    (folder / "camera/image/a/0.json").write_text('{"focal": 80}')
    domain = open_domain(folder)
    assert domain.focal(0) == 80.0
    with pytest.raises(DomainError, match=r"train\.txt:2: image/a/1\.png: no camera file"):
        domain.focal(1)


def test_the_digest_is_the_same_wherever_the_folder_lies(make_domain, tmp_path):
    folder = make_domain(2)
    digest = open_domain(folder).digest()
    assert digest == open_domain(folder / "domain.toml:train").digest()
    moved = folder.rename(tmp_path / "moved")
    assert open_domain(moved, labels=KINDS, skip_bad=True).digest() == digest


@pytest.mark.parametrize(
    "change",
    [
        lambda toml, listed: (toml.replace('"made"', '"other"'), listed),
        lambda toml, listed: (toml.replace("train =", "val ="), listed),
        lambda toml, listed: (toml.replace("shared11", "camvid"), listed),
        lambda toml, listed: (toml + '[encodings]\ndepth = "npy"\n', listed),
        lambda toml, listed: (toml + '[labels]\n0 = "sky"\n', listed),
        lambda toml, listed: (toml, listed.splitlines()[0]),
        lambda toml, listed: (toml, "\n".join(listed.splitlines()[::-1])),
        lambda toml, listed: (toml, listed.replace("depth/a/0.png", "_")),
    ],
)
def test_the_digest_notices_what_changes_images_or_labels(make_domain, change):
    folder = make_domain(2)
    before = open_domain(folder).digest()
    files = folder / "domain.toml", folder / "train.txt"
    for path, content in zip(files, change(*(p.read_text() for p in files)), strict=True):
        path.write_text(content)
    assert open_domain(folder).digest() != before


def test_the_digest_notices_images_made_anew(make_domain):
    folder = make_domain(2)
    domain = open_domain(folder)
    before = domain.digest()
    write_png(folder / "image/a/1.png", np.zeros((12, 20, 3), np.uint8))
    assert domain.digest() != before
    (folder / "image/a/1.png").unlink()
    with pytest.raises(DomainError, match=r"train\.txt:2: image/a/1\.png: cannot be read"):
        domain.digest()


def test_what_others_record_of_a_domain(make_domain):
    folder = make_domain(2)
    domain = open_domain(folder)
    assert json.loads(json.dumps(domain.to_dict())) == {
        "name": "made",
        "split": "train",
        "digest": domain.digest(),
        "list": str(folder / "train.txt"),
        "root": str(domain.root),
        "images": 2,
    }
