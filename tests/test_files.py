"""Atomic writes, and paths that must not leave their root."""

from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atdt.errors import UserError
from atdt.files import PLAIN, in_the_making, inside, write_atomic


def test_a_failed_write_leaves_the_old_content_and_no_litter(tmp_path, monkeypatch):
    target = write_atomic(tmp_path / "a.bin", b"old")

    def full_disk(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("atdt.files.os.fsync", full_disk)
    with pytest.raises(OSError, match="No space left"):
        write_atomic(target, b"new")
    assert target.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin"]


def test_a_file_in_the_making_is_there_when_it_is_done(tmp_path):
    target = tmp_path / "deep" / "a.bin"
    with pytest.raises(KeyboardInterrupt), in_the_making(target) as file:
        file.write_bytes(b"half")
        raise KeyboardInterrupt
    assert not list(target.parent.iterdir())
    with in_the_making(target) as file:
        file.write_bytes(b"whole")
        assert not target.exists()
    assert [path.read_bytes() for path in target.parent.iterdir()] == [b"whole"]


@pytest.mark.parametrize("path", ["../secret", "a/../../secret", "/etc/passwd"])
def test_paths_that_climb_out_are_refused(tmp_path, path):
    with pytest.raises(UserError, match="must be a path below"):
        inside(tmp_path, path)


def test_links_that_lead_out_are_refused(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to(tmp_path)
    with pytest.raises(UserError, match="a link leads out"):
        inside(root, "link/secret")
    assert inside(root, "a/b.png") == root / "a" / "b.png"


def test_written_files_are_readable_by_others(tmp_path):
    path = write_atomic(tmp_path / "a.json", b"{}")
    assert path.stat().st_mode & 0o777 == 0o644


@given(st.from_regex(PLAIN, fullmatch=True))
def test_plain_paths_are_those_that_pathlib_leaves_alone(text):
    for path in (PurePosixPath(text), PureWindowsPath(text)):
        assert path.parts == tuple(text.split("/"))
        assert path.as_posix() == text
        assert not path.is_absolute()


def test_pieces_are_written_one_after_the_other(tmp_path):
    assert write_atomic(tmp_path / "a", (b"x" * n for n in (1, 2))).read_bytes() == b"xxx"

    def broken():
        yield b"x"
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        write_atomic(tmp_path / "b", broken())
    assert [file.name for file in tmp_path.iterdir()] == ["a"]
