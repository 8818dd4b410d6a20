"""The command itself: help without heavy imports, and mistakes in one line."""

import signal
import subprocess
import sys
import warnings

import click
import pytest
from click.testing import CliRunner

from atdt import __version__
from atdt.cli import VERBS, main
from atdt.errors import UserError

HEAVY = ("torch", "zarr", "xarray", "matplotlib", "numpy")


@pytest.mark.parametrize("arguments", [["--help"], *[[verb, "--help"] for verb in VERBS]])
def test_help_imports_nothing_heavy(arguments):
    program = (
        "import sys\n"
        "from atdt.cli import main\n"
        f"main({arguments!r}, standalone_mode=False)\n"
        f"print('heavy:', [m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "heavy: []"
    assert "Usage:" in done.stdout


def test_every_verb_is_listed_in_the_order_of_the_road():
    shown = CliRunner().invoke(main, ["--help"]).output
    positions = [shown.index(f"\n  {verb} ") for verb in VERBS]
    assert positions == sorted(positions)


def test_version():
    assert __version__ in CliRunner().invoke(main, ["--version"]).output


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (UserError("a.txt:3: no such image\n  (x.png)"), "Error: a.txt:3: no such image (x.png)"),
        (FileNotFoundError(2, "No such file", "b.png"), "Error: b.png: No such file"),
    ],
)
def test_a_users_mistake_is_one_line_and_exit_code_2(monkeypatch, error, line):
    @click.command()
    def failing():
        raise error

    monkeypatch.setattr(type(main), "get_command", lambda self, ctx, name: failing)
    done = CliRunner().invoke(main, ["failing"])
    assert done.exit_code == 2
    assert done.output.strip() == line


def test_a_defect_of_ours_is_not_dressed_up_as_a_mistake(monkeypatch):
    @click.command()
    def broken():
        raise KeyError("ours")

    monkeypatch.setattr(type(main), "get_command", lambda self, ctx, name: broken)
    assert isinstance(CliRunner().invoke(main, ["broken"]).exception, KeyError)


def test_ctrl_c_ends_with_130_and_a_line(monkeypatch):
    @click.command()
    @click.option("--resume", is_flag=True)
    def stopped(resume):
        raise KeyboardInterrupt

    monkeypatch.setattr(type(main), "get_command", lambda self, ctx, name: stopped)
    done = CliRunner().invoke(main, ["stopped"])
    assert done.exit_code == 130
    assert done.stderr == "\nstopped; go on by the same command with --resume\n"


def test_ctrl_c_says_nothing_of_what_was_never_awaited(monkeypatch):
    async def never():
        """Stands for what zarr was about to do."""

    @click.command()
    def stopped():
        left.append(never())
        raise KeyboardInterrupt

    left = []
    monkeypatch.setattr(type(main), "get_command", lambda self, ctx, name: stopped)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        assert CliRunner().invoke(main, ["stopped"]).exit_code == 130
        left.clear()
    assert not seen


def test_ctrl_c_before_any_verb_has_begun(monkeypatch):
    def stopped(self, ctx, name):
        raise KeyboardInterrupt

    monkeypatch.setattr(type(main), "make_context", stopped)
    done = CliRunner().invoke(main, ["evaluate"])
    assert (done.exit_code, done.stderr) == (130, "\nstopped\n")  # the empty line is click's


def test_ctrl_c_that_compiled_code_turns_into_another_error(monkeypatch):
    @click.command()
    def stopped():
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise UserError("weights: not readable") from None

    monkeypatch.setattr(type(main), "get_command", lambda self, ctx, name: stopped)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background
    try:
        done = CliRunner().invoke(main, ["stopped"])
        after = signal.getsignal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
    assert (done.exit_code, done.stderr) == (130, "\nstopped\n")
    assert after is signal.default_int_handler
