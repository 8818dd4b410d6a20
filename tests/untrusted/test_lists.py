"""Lists from strangers: paths stay below the root (more in tests/domains/test_lists.py)."""

import os

import pytest

from atdt.domains.lists import read_list
from atdt.errors import DomainError


@pytest.mark.parametrize(
    "path",
    [
        "../secret.png",
        "a/../../secret.png",
        "/etc/passwd",
        "out/secret.png",
        "loop/a.png",
        "a\0b.png",
        "\ud800.png",
    ],
)
@pytest.mark.parametrize("column", ["{};_", "a.png;{}"])
def test_no_path_leaves_the_root(tmp_path, path, column):
    root = tmp_path / "root"
    root.mkdir()
    (root / "out").symlink_to(tmp_path)
    (root / "loop").symlink_to("loop")
    file = tmp_path / "train.txt"
    file.write_bytes(column.format(path).encode("utf-8", "surrogatepass"))
    with pytest.raises(DomainError, match=r"train\.txt"):
        read_list(file, root)


def test_a_tilde_is_a_name_and_no_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "train.txt").write_text("~/a.png\n~root/a.png\n")
    found = read_list(tmp_path / "train.txt", tmp_path)
    assert [sample.image for sample in found] == ["~/a.png", "~root/a.png"]


def test_a_list_that_would_fill_the_memory_is_not_read(tmp_path, frugal):
    with (tmp_path / "train.txt").open("wb") as file:
        file.truncate(2**40)  # takes no room on the disk
    with frugal(), pytest.raises(DomainError, match=r"train\.txt: .* no more than"):
        read_list(tmp_path / "train.txt", tmp_path)


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "train.txt")
    with pytest.raises(DomainError, match=r"train\.txt.*is not a file"):
        read_list(tmp_path / "train.txt", tmp_path)


@pytest.mark.parametrize("line", ["a" * 10**6, ";" * 10**6, "a/" * 10**5 + "b.png"])
def test_a_gigantic_line_is_refused_in_a_short_one(tmp_path, frugal, line):
    (tmp_path / "train.txt").write_text(line)
    with frugal(), pytest.raises(DomainError, match=r"train\.txt:1: .{,300}$"):
        read_list(tmp_path / "train.txt", tmp_path)
