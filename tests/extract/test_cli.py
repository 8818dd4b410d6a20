"""`atdt extract`, in process."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from atdt.cli import main
from atdt.cli.options import NamedRun
from atdt.stores import open_store


@pytest.fixture
def arguments(domain, networks, tmp_path) -> list[str]:
    return [
        "extract",
        domain,
        f"--encoder={networks['n1']}",
        f"--encoder=seg={networks['n2']}",
        f"--out={tmp_path / 'a.zarr'}",
        "--views=2",
        "--crop=16x20",
        "--labels=depth",
        "--samples-per-shard=5",
        "--device=cpu",
    ]


def test_a_store_is_made_and_its_path_comes_last(arguments, tmp_path):
    done = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[-1] == str(tmp_path / "a.zarr")
    assert lines[0] == "14 samples of 16x20 pixels"
    store = open_store(tmp_path / "a.zarr")
    assert store.arrays(store.levels()[0]) == ["depth", "seg"]
    assert store.plan["views"] == 2
    assert store.plan["photometric"] == "paper"
    again = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert again.stdout.count("complete, nothing to do") == 3


def test_a_dry_run_writes_nothing(arguments, tmp_path):
    done = CliRunner().invoke(main, [*arguments, "--dry-run"], catch_exceptions=False)
    assert done.exit_code == 0
    assert "measured on a few batches" in done.stdout
    assert not (tmp_path / "a.zarr").exists()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--resume", "--overwrite=depth"], "exclude each other"),
        (["--level=level0", "--all-levels"], "exclude each other"),
        (["--views=0"], "0 is not in the range"),
        (["--encoder=nowhere"], "nowhere: not a run"),
    ],
)
def test_a_mistake_ends_with_2(arguments, more, message):
    done = CliRunner().invoke(main, [*arguments, *more])
    assert done.exit_code == 2
    assert message in done.output


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("runs/n1", (None, Path("runs/n1"))),
        ("depth=runs/n1", ("depth", Path("runs/n1"))),
        ("runs/lr=0.1", (None, Path("runs/lr=0.1"))),
        ("e1=runs/lr=0.1", ("e1", Path("runs/lr=0.1"))),
    ],
)
def test_a_name_stands_before_the_first_equals_sign_and_is_no_path(text, pair):
    assert NamedRun().convert(text, None, None) == pair
