"""Domains in another look: what changes, what stays, and what is refused."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from atdt.adapt import adapt, load_cyclegan
from atdt.adapt.folder import INFO
from atdt.adapt.painting import paint
from atdt.domains import open_domain
from atdt.domains.encodings import read_png, write_png
from atdt.errors import DomainError, RunError, UserError
from atdt.texts import read_json


def test_images_are_adapted_and_all_else_stays(adaptation, trained, domain_b):
    made, old = (
        open_domain(adapt(adaptation()), labels=["semantic", "depth"]),
        open_domain(domain_b),
    )
    assert made.name == "reddish-as-plain"
    assert made.split == old.split
    assert [s.image for s in made.samples] == [s.image for s in old.samples]
    assert made.label_space == old.label_space
    generator = load_cyclegan(trained).generators["a"]
    for index in range(len(old)):
        pixels = old.image(index)
        np.testing.assert_array_equal(made.image(index), paint(generator, pixels))
        assert not np.array_equal(made.image(index), pixels)
        for kind in ("semantic", "depth"):
            np.testing.assert_array_equal(made.label(index, kind), old.label(index, kind))
        assert made.focal(index) == old.focal(index) == 40.0 + index
    assert not made.has("normals")


def test_each_look_has_its_generator(adaptation, trained, domain_b, tmp_path):
    other = open_domain(adapt(adaptation(to="b", out=tmp_path / "b")))
    assert other.name == "reddish-as-reddish"
    wanted = paint(load_cyclegan(trained).generators["b"], open_domain(domain_b).image(0))
    np.testing.assert_array_equal(other.image(0), wanted)


def test_it_is_said_what_made_it(adaptation, trained, domain_b):
    info = read_json(adapt(adaptation(domain=f"{domain_b}:train@1")) / INFO)
    made_from = info["made_from"]
    assert made_from["weights_sha256"] == read_json(trained / "run.json")["weights"]["sha256"]
    assert made_from["to"] == "a"
    digest = open_domain(f"{domain_b}:train@1").digest()
    told = {"name": "reddish", "split": "train", "digest": digest, "images": 1}
    assert made_from["domains"] == [told]
    assert info["run"] == str(trained)
    assert info["provenance"]["versions"]["atdt"]


def test_labels_are_links_where_the_disk_has_them(adaptation, domain_b):
    made = adapt(adaptation())
    label = "train/semantic/0.png"
    assert (made / "files" / label).samefile(domain_b / label)
    assert not (made / "files" / label).is_symlink()
    assert not (made / "files" / "train/image/0.png").samefile(domain_b / "train/image/0.png")


def test_labels_are_copies_elsewhere(adaptation, domain_b, monkeypatch):
    def refused(*_arguments, **_options):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refused)
    made = adapt(adaptation())
    label = "train/semantic/0.png"
    assert not (made / "files" / label).samefile(domain_b / label)
    assert (made / "files" / label).read_bytes() == (domain_b / label).read_bytes()
    open_domain(made).label(0, "semantic")


def test_links_inside_the_root_become_files(adaptation, make_domain, tmp_path):
    original = make_domain(tmp_path / "linked", "linked")
    label = original / "train/semantic/0.png"
    label.rename(original / "elsewhere.png")
    label.symlink_to(original / "elsewhere.png")
    made = adapt(adaptation(domain=str(original)))
    assert not (made / "files/train/semantic/0.png").is_symlink()
    open_domain(made).label(0, "semantic")


SPACE = """name = "mine"
classes = ["road", "other"]
colours = [[1, 2, 3], [4, 5, 6]]
"""
DESCRIPTIONS = {
    "ids": 'label_space = "coarse4"\nfocal = 12.5\n',
    "own label space": 'label_space = "mine.toml"\n[labels]\n0 = "road"\n7 = 1\n',
    "classes of files": 'label_space = "mine.toml"\nfile_label_space = "shared11"\nfocal = 3\n'
    '[labels]\nroad = "road"\nvehicle = "other"\n',
    "own space of files": 'label_space = "coarse4"\nfile_label_space = "mine.toml"\n'
    '[labels]\nroad = "road"\nother = "sky"\n7 = "ignore"\n',
    "odd names": 'label_space = "coarse4"\n[labels]\n0 = 0\n7 = "ignore"\n',
}


@pytest.mark.parametrize("text", DESCRIPTIONS.values(), ids=DESCRIPTIONS)
def test_whatever_a_description_says_is_carried_over(adaptation, make_domain, tmp_path, text):
    original = make_domain(tmp_path / "odd", "odd", count=2)
    (original / "mine.toml").write_text(SPACE)
    (original / "own.txt").write_text(
        "train/depth/0.png;train/image/0.png\n\n_;train/image/1.png\n"
    )
    keys, brackets, tables = text.partition("[labels]")
    (original / "domain.toml").write_text(
        f'name = "od\\"d \\\\ ü \\u007f"\ncolumns = ["depth", "image"]\n{keys}'
        f'[encodings]\ndepth = "uint16/256"\n[lists]\n"a b\'c" = "own.txt"\n{brackets}{tables}'
    )
    old, made = open_domain(original), open_domain(adapt(adaptation(domain=str(original))))
    assert made.name == 'od"d \\ ü \x7f-as-plain'
    assert made.split == "a b'c"
    assert made.label_space == old.label_space
    assert made.description.label_map.ids == old.description.label_map.ids
    assert made.encodings == old.encodings
    assert made.focal(0) == old.focal(0)
    np.testing.assert_array_equal(made.label(0, "depth"), old.label(0, "depth"))
    with pytest.raises(DomainError, match=r"lists/a b'c\.txt:2: has no depth"):
        made.label(1, "depth")


def test_images_of_other_formats_and_sizes_become_png_files(adaptation, make_domain, tmp_path):
    original = make_domain(tmp_path / "jpg", "jpg", count=2, suffix="jpg")
    write_png(original / "train/image/1.jpg", np.zeros((9, 14, 3), np.uint8))
    made = open_domain(adapt(adaptation(domain=str(original))))
    assert [s.image for s in made.samples] == ["train/image/0.png", "train/image/1.png"]
    assert made.image(1).shape == (9, 14, 3)
    assert made.focal(1) == 41.0


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("a.jpg\na.png\n", r"own\.txt:2: a\.jpg adapted and a\.png adapted would both be a\.png"),
        ("a.jpg;_;a.png\n", r"own\.txt:1: a\.png as it is and a\.jpg adapted would both be"),
        ("a.jpg\nb.png;_;a.png\n", r"own\.txt:2: a\.jpg adapted and a\.png as it is would both"),
        ("a.jpg;_;gone.png\n", r"own\.txt:1: .*gone\.png: no such file"),
        ("tiny.png\n", r"own\.txt:1: tiny\.png is 7x20; a generator needs at least 8 pixels"),
    ],
)
def test_lists_that_cannot_be_written_are_refused_before_anything_is(
    adaptation, tmp_path, lines, message
):
    folder = tmp_path / "odd"
    for name in ("a.jpg", "a.png", "b.png"):
        write_png(folder / name, np.zeros((8, 8, 3), np.uint8))
    write_png(folder / "tiny.png", np.zeros((7, 20, 3), np.uint8))
    (folder / "own.txt").write_text(lines)
    (folder / "domain.toml").write_text(
        'name = "odd"\nlabel_space = "coarse4"\n[lists]\nall = "own.txt"\n'
    )
    with pytest.raises(DomainError, match=message):
        adapt(adaptation(domain=str(folder)))
    assert not (adaptation().out / INFO).exists()


def test_every_split_is_adapted_if_none_is_named(adaptation, make_domain, tmp_path):
    original = make_domain(tmp_path / "splits", "splits", count=3)
    (original / "val.txt").write_text("train/image/2.png;_;train/semantic/1.png\n")
    text = (original / "domain.toml").read_text()
    text = text.replace("[lists]", '[lists]\nval = "val.txt"')
    (original / "domain.toml").write_text(text)
    (original / "train.txt").write_text("train/image/2.png\ntrain/image/0.png\n")
    made = adapt(adaptation(domain=str(original)))
    val, train = open_domain(f"{made}:val"), open_domain(f"{made}:train")
    assert [s.image for s in val.samples] == ["train/image/2.png"]
    assert [s.image for s in train.samples] == ["train/image/2.png", "train/image/0.png"]
    old = open_domain(f"{original}:val")
    np.testing.assert_array_equal(val.label(0, "semantic"), old.label(0, "semantic"))
    splits = read_json(made / INFO)["made_from"]["domains"]
    assert {split["split"]: split["images"] for split in splits} == {"val": 1, "train": 2}
    alone = adapt(adaptation(domain=f"{original}:val", out=tmp_path / "alone"))
    assert open_domain(alone).split == "val"


def test_a_split_whose_list_would_leave_the_folder_is_refused(adaptation, make_domain, tmp_path):
    original = make_domain(tmp_path / "climbing", "climbing")
    text = (original / "domain.toml").read_text()
    (original / "domain.toml").write_text(text.replace("train =", '"../../out" ='))
    with pytest.raises(UserError, match=r"without '\.\.'"):
        adapt(adaptation(domain=str(original)))
    assert not (adaptation().out / INFO).exists()
    assert not list(tmp_path.glob("*out*"))


def test_no_path_leaves_the_folder(adaptation, tmp_path):
    made = adapt(adaptation())
    (made / "domain.toml").unlink()
    (made / "files/train/image").rename(tmp_path / "outside")
    (made / "files/train/image").symlink_to(tmp_path / "outside")
    (tmp_path / "outside" / "0.png").unlink()
    with pytest.raises(UserError, match="a link leads out"):
        adapt(adaptation(resume=True))
    assert not (tmp_path / "outside" / "0.png").exists()


def test_a_damaged_note_is_refused(adaptation):
    made = adapt(adaptation())
    (made / INFO).write_text(json.dumps({"schema": 9}))
    with pytest.raises(UserError, match=r"adaptation\.json: not of schema 1"):
        adapt(adaptation(resume=True))


def test_images_that_cannot_be_used_can_be_left_out(adaptation, make_domain, tmp_path):
    original = make_domain(tmp_path / "broken", "broken")
    (original / "train/image/1.png").write_bytes(b"no image")
    with pytest.raises(DomainError, match=r"train\.txt:2: .*does not decode"):
        adapt(adaptation(domain=str(original)))
    made = adapt(adaptation(domain=str(original), skip_bad=True))
    assert len(open_domain(made)) == 2
    assert "1.png" in read_json(made / INFO)["skipped"][0]


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        ({"to": "c"}, UserError, "--to c: choose one of a, b"),
        ({"precision": "float8"}, UserError, "--precision float8"),
        ({"run": Path("nowhere")}, RunError, "nowhere: not a run"),
        ({"domain": "nowhere"}, DomainError, "nowhere: no such file"),
    ],
)
def test_mistakes_are_found_before_anything_is_written(adaptation, changes, kind, message):
    with pytest.raises(kind, match=message):
        adapt(adaptation(**changes))
    assert not adaptation().out.exists()


def test_a_file_is_no_folder(adaptation, tmp_path):
    (tmp_path / "adapted").write_text("mine")
    with pytest.raises(UserError, match="adapted: is a file; a domain needs a folder"):
        adapt(adaptation(overwrite=True))


def test_an_output_that_is_not_finite_names_its_image(adaptation, trained, tmp_path, monkeypatch):
    loaded = load_cyclegan(trained)
    for parameter in loaded.generators["a"].parameters():
        parameter.fill_(float("nan"))
    monkeypatch.setattr("atdt.adapt.adapting.load_cyclegan", lambda *_: loaded)
    with pytest.raises(UserError, match=r"train/image/0\.png: the generator's output holds NaN"):
        adapt(adaptation())
    with pytest.raises(DomainError):
        open_domain(adaptation().out)


def test_painting_keeps_what_a_generator_keeps():
    class Identity:
        def parameters(self):
            import torch

            return iter([torch.zeros(1)])

        def __call__(self, images):
            assert images.min() == -1
            assert images.max() == 1
            return images

    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    np.testing.assert_array_equal(paint(Identity(), pixels), pixels)


def test_adapted_images_are_plain_png_files(adaptation):
    made = adapt(adaptation())
    assert read_png(made / "files/train/image/0.png").shape == (32, 32, 3)
