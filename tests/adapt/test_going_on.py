"""Folders of adapted domains that were cut off, are there already, or are replaced."""

import os
from pathlib import Path

import pytest

from atdt.adapt import adapt
from atdt.adapt.folder import INFO, AdaptedFolder
from atdt.digests import sha256_file
from atdt.domains import open_domain
from atdt.errors import DomainError, MismatchError, UserError
from tests.made_kills import dying_after


def files(folder: Path) -> dict[str, str]:
    """Every file below a folder and its sha256, but for what says when it was made."""
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    return {
        name: sha256_file(path) for name, path in found.items() if path.is_file() and name != INFO
    }


class CutOffError(Exception):
    """Stands for whatever ends a process between two files."""


@pytest.mark.parametrize("place", ["add", "finish"])
@pytest.mark.parametrize("after", [0, 1])
def test_what_was_cut_off_does_not_open_and_goes_on(
    adaptation, monkeypatch, tmp_path, place, after
):
    whole = files(adapt(adaptation(out=tmp_path / "whole")))
    dying = dying_after(0 if place == "finish" else after, CutOffError)
    with monkeypatch.context() as patched, pytest.raises(CutOffError):
        patched.setattr(AdaptedFolder, place, dying(getattr(AdaptedFolder, place)))
        adapt(adaptation())
    with pytest.raises(DomainError, match="no such file"):
        open_domain(adaptation().out)
    with pytest.raises(UserError, match="holds an unfinished adapted domain; --resume goes on"):
        adapt(adaptation())
    (adaptation().out / "files" / ".x.png.partial").parent.mkdir(exist_ok=True)
    (adaptation().out / "files" / ".x.png.partial").write_bytes(b"half")
    assert files(adapt(adaptation(resume=True))) == whole


@pytest.mark.parametrize("written", range(11))
def test_a_kill_at_any_write_leaves_nothing_that_looks_whole(
    adaptation, monkeypatch, tmp_path, written
):
    """The process dies before the n-th of all 11 writes and links."""
    dying = dying_after(written, CutOffError)
    whole = files(adapt(adaptation(out=tmp_path / "whole")))
    with monkeypatch.context() as patched, pytest.raises(CutOffError):
        for name in ("write_atomic", "write_json", "write_png"):
            original = getattr(__import__("atdt.adapt.folder", fromlist=["x"]), name)
            patched.setattr(f"atdt.adapt.folder.{name}", dying(original))
        patched.setattr("os.link", dying(os.link))
        adapt(adaptation())
    with pytest.raises(DomainError, match="no such file"):
        open_domain(adaptation().out)
    assert files(adapt(adaptation(resume=True))) == whole


def test_images_that_are_there_are_not_made_again(adaptation, monkeypatch):
    made = adapt(adaptation())
    (made / "domain.toml").unlink()
    (made / "files/train/image/1.png").unlink()
    painted = []
    monkeypatch.setattr(
        "atdt.adapt.adapting.paint",
        lambda generator, pixels, precision: painted.append(1) or pixels,
    )
    adapt(adaptation(resume=True))
    assert len(painted) == 1


def test_what_is_there_is_respected(adaptation, domain_a, domain_b, trained):
    made = adapt(adaptation())
    before = files(made)
    with pytest.raises(UserError, match=r"holds an adapted domain; --resume .* --overwrite"):
        adapt(adaptation())
    with pytest.raises(UserError, match="exclude each other"):
        adapt(adaptation(resume=True, overwrite=True))
    assert adapt(adaptation(resume=True)) == made
    with pytest.raises(MismatchError, match="to: the run has 'a', now 'b'"):
        adapt(adaptation(resume=True, to="b"))
    with pytest.raises(MismatchError, match=r"domains: the run has .*'reddish'.* now .*'plain'"):
        adapt(adaptation(resume=True, domain=str(domain_a)))
    assert files(made) == before
    with pytest.raises(UserError, match=r"is or holds .*, which is read; choose another --out"):
        adapt(adaptation(out=domain_b, overwrite=True))
    with pytest.raises(UserError, match=r"holds other files and no adaptation\.json"):
        adapt(adaptation(out=trained, overwrite=True))


def test_overwriting_leaves_nothing_of_the_old_domain_and_nothing_of_its_source(
    adaptation, domain_a, domain_b
):
    original = files(domain_b)
    adapt(adaptation())
    made = adapt(adaptation(domain=str(domain_a), overwrite=True))
    assert len(open_domain(made)) == 3
    assert open_domain(made).name == "plain-as-plain"
    assert files(domain_b) == original


def test_overwriting_never_opens_in_between(adaptation, domain_a, monkeypatch):
    made = adapt(adaptation())

    def cut(*_arguments):
        raise CutOffError

    monkeypatch.setattr("shutil.rmtree", cut)
    with pytest.raises(CutOffError):
        adapt(adaptation(domain=str(domain_a), overwrite=True))
    with pytest.raises(DomainError, match="no such file"):
        open_domain(made)
