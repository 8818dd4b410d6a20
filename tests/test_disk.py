"""What a disk refuses is named, and told with what is free."""

import errno
import os
import re

import pytest

from atdt.disk import naming, told
from atdt.files import write_atomic


@pytest.mark.parametrize(
    ("code", "advice"), [(errno.ENOSPC, "make room"), (errno.EIO, "see to that")]
)
def test_it_is_told_with_path_reason_room_and_advice(tmp_path, code, advice):
    path = tmp_path / "not" / "there.npy"
    said = told(path, OSError(code, os.strerror(code)))
    assert re.fullmatch(
        rf"{re.escape(str(path))}: {os.strerror(code)}, with [\d,]+ MiB free on its disk; {advice}",
        said,
    )


def test_an_error_without_a_name_gets_one_and_others_keep_theirs(tmp_path):
    with pytest.raises(OSError, match="full") as caught, naming(tmp_path / "a"):
        raise OSError(errno.ENOSPC, "full")
    assert caught.value.filename == str(tmp_path / "a")
    with pytest.raises(FileNotFoundError) as caught, naming(tmp_path / "a"):
        (tmp_path / "b").read_bytes()
    assert caught.value.filename == str(tmp_path / "b")


def test_a_write_that_fails_names_the_file_that_was_wanted(tmp_path, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left") as caught:
        write_atomic(tmp_path / "x.json", b"1")
    assert caught.value.filename == str(tmp_path / "x.json")
    assert not list(tmp_path.iterdir())
