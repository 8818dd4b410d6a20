"""The pass over all samples finds each bad one, by threads, and shows how far it is."""

import pytest

from atdt.domains import check, open_domain
from atdt.domains.check import check_files, find_bad
from atdt.errors import DomainError


def test_only_what_is_asked_for_is_read(make_domain):
    folder = make_domain(4)
    domain = open_domain(folder)
    (folder / "depth/a/1.png").write_bytes(b"")
    assert find_bad(domain, ["semantic"]) == {}
    bad = find_bad(domain, ["semantic", "depth"])
    assert list(bad) == [1]
    assert bad[1].startswith(f"{folder}/train.txt:2: {domain.root}/depth/a/1.png: does not decode")


def test_a_folder_is_no_file(make_domain):
    folder = make_domain(1)
    domain = open_domain(folder)
    (folder / "image/a/0.png").unlink()
    (folder / "image/a/0.png").mkdir()
    with pytest.raises(DomainError, match=r"0\.png: no such file"):
        check_files(domain, [])
    assert list(find_bad(domain, [])) == [0]


def test_progress_counts_images(make_domain, monkeypatch):
    seen = []

    class Recorder:
        def __init__(self, what, total, unit):
            seen.append((what, total, unit))

        def __enter__(self):
            return seen.append

        def __exit__(self, *_):
            return None

    monkeypatch.setattr(check, "progress", Recorder)
    find_bad(open_domain(make_domain(5)), [])
    assert seen == [("check made:train", 5, "images"), 1, 1, 1, 1, 1]
