"""Specs, splits, what opening checks, and --skip-bad."""

import re

import numpy as np
import pytest

from atdt.domains import open_domain
from atdt.domains.encodings import write_png
from atdt.domains.opening import Spec, parse_spec
from atdt.errors import DomainError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a/b", ("a/b", None, None)),
        ("a/b:train", ("a/b", "train", None)),
        ("a/b:train@30", ("a/b", "train", 30)),
        ("a/b@30", ("a/b", None, 30)),
        ("a:b/c", ("a:b/c", None, None)),
        ("a:b:val", ("a:b", "val", None)),
        ("a@b:val@1", ("a@b", "val", 1)),
    ],
)
def test_specs(text, expected):
    spec = parse_spec(text)
    assert (str(spec.path), spec.split, spec.first) == expected


def test_a_path_that_exists_is_no_spec(tmp_path):
    odd = tmp_path / "a:b@3"
    odd.mkdir()
    assert parse_spec(str(odd)) == Spec(odd, None, None)


def test_splits_and_first_images(make_domain):
    folder = make_domain(3)
    (folder / "domain.toml").write_text(
        'name = "x"\nlabel_space = "shared11"\n[lists]\ntrain = "train.txt"\nval = "val.txt"\n'
    )
    (folder / "val.txt").write_text("image/a/2.png\n")
    assert [s.image for s in open_domain(f"{folder}:val").samples] == ["image/a/2.png"]
    first = open_domain(f"{folder}/domain.toml:train@2")
    assert [s.image for s in first.samples] == ["image/a/0.png", "image/a/1.png"]
    assert first.digest() != open_domain(f"{folder}:train").digest()
    choices = re.escape(f"Write one of {folder}:train, {folder}:val")
    with pytest.raises(DomainError, match=rf"domain\.toml: which split\? {choices}"):
        open_domain(folder)
    with pytest.raises(DomainError, match=rf"domain\.toml: no split 'test'\. {choices}"):
        open_domain(f"{folder}:test")
    for count in (0, 4):
        with pytest.raises(DomainError, match=rf"train\.txt: has 3 images, not the {count} of @N"):
            open_domain(f"{folder}:train@{count}")


def test_no_such_domain(tmp_path):
    with pytest.raises(DomainError, match=r"none:x@y: no such file.*PATH\[:SPLIT\]\[@N\]"):
        open_domain(tmp_path / "none:x@y")
    with pytest.raises(DomainError, match=r"domain\.toml: no such file"):
        open_domain(tmp_path)


def test_files_that_are_not_there(make_domain):
    folder = make_domain(3)
    (folder / "depth/a/2.png").unlink()
    open_domain(folder, labels=["semantic"])
    with pytest.raises(DomainError, match=r"train\.txt:3: .*depth/a/2\.png: no such file"):
        open_domain(folder, labels=["semantic", "depth"])
    (folder / "image/a/1.png").unlink()
    with pytest.raises(DomainError, match=r"train\.txt:2: .*image/a/1\.png: no such file"):
        open_domain(folder)


def test_a_label_that_is_needed_and_not_listed(make_domain):
    folder = make_domain(2)
    listed = (folder / "train.txt").read_text().replace("semantic/a/1.png", "_")
    (folder / "train.txt").write_text(listed)
    open_domain(folder, labels=["depth"])
    with pytest.raises(DomainError, match=r"train\.txt:2: has no semantic"):
        open_domain(folder, labels=["semantic"])


def spoil(folder):
    """Seven samples, of which number 0 and 5 remain good (5 only where normals do not matter)."""
    (folder / "image/a/1.png").unlink()
    (folder / "image/a/2.png").write_bytes(b"no image")
    write_png(folder / "semantic/a/3.png", np.zeros((1, 1), np.uint8))
    write_png(folder / "semantic/a/4.png", np.full((12, 20), 99, np.uint8))
    (folder / "normals/a/5.png").write_bytes(b"no image")
    listed = (folder / "train.txt").read_text().replace("semantic/a/6.png", "_")
    (folder / "train.txt").write_text(listed)


def test_skip_bad_names_what_it_skips(make_domain):
    folder = make_domain(7)
    spoil(folder)
    domain = open_domain(folder, labels=["semantic", "depth"], skip_bad=True)
    assert [sample.line for sample in domain.samples] == [1, 6]
    problems = ("no such file", "does not decode", "is 1x1", "holds id 99", "has no semantic")
    lines = (2, 3, 4, 5, 7)
    assert len(domain.skipped) == 5
    for skipped, line, problem in zip(domain.skipped, lines, problems, strict=True):
        assert re.fullmatch(rf".*/train\.txt:{line}: .*{problem}.*", skipped)
    strict = open_domain(folder, labels=["normals", "semantic"], skip_bad=True)
    assert [sample.line for sample in strict.samples] == [1]
    assert domain.digest() != open_domain(make_domain(7)).digest()


def test_skip_bad_takes_the_first_of_the_list_and_then_skips(make_domain):
    folder = make_domain(7)
    spoil(folder)
    assert len(open_domain(f"{folder}@3", labels=["semantic"], skip_bad=True)) == 1


def test_nothing_left_after_skipping(make_domain):
    folder = make_domain(2)
    for index in range(2):
        (folder / f"image/a/{index}.png").write_bytes(b"")
    with pytest.raises(DomainError, match=r"none of 2 images can be used; the first: .*:1: "):
        open_domain(folder, skip_bad=True)


def test_lines_that_leave_the_root_are_not_skipped(make_domain):
    folder = make_domain(2)
    with (folder / "train.txt").open("a") as listed:
        listed.write("../outside.png\n")
    with pytest.raises(DomainError, match=r"train\.txt:3: .*must be a path below"):
        open_domain(folder, skip_bad=True)
