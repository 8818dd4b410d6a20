"""The command line: each verb lives in a module of its own name and is imported when it is used."""

import importlib
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from atdt import __version__, places
from atdt.cli import options
from atdt.disk import TROUBLE, told
from atdt.errors import ToldError, UserError
from atdt.launch import launch
from atdt.process import keep_freed_memory

# In the order of the road from images to a report.
VERBS = (
    "render",
    "data",
    "proxy-depth",
    "ground-depth",
    "pseudo-label",
    "convert",
    "match-camera",
    "rehearse",
    "train-task",
    "import",
    "plan",
    "extract",
    "inspect",
    "verify",
    "diagnose",
    "embed",
    "prune",
    "train-cross-task",
    "train-label-transfer",
    "train",
    "sweep",
    "decode",
    "predict",
    "transfer-labels",
    "merge",
    "distill",
    "consistency",
    "export",
    "adapt-bn",
    "train-cyclegan",
    "adapt",
    "colorize",
    "evaluate",
    "demo",
    "reproduce",
    "rank-scores",
)

TOGETHER = "train", "train-task"  # which several processes can do, as torchrun starts them

STOPPED = 130  # 128 + SIGINT, as shells have it


class Road(click.Group):
    """A group whose commands are modules beside this one; a user's mistake becomes one line."""

    interrupted = False

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in VERBS:
            return None
        module = importlib.import_module(f"atdt.cli.{module_name(name)}")
        options.take_storage_options(module.command)
        return module.command

    def main(self, *args: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        """As click's, but Ctrl-C ends with 130 wherever it strikes."""
        if not standalone_mode:
            return super().main(*args, standalone_mode=False, **extra)
        try:
            with self._noticing():
                code = super().main(*args, standalone_mode=False, **extra)
        except click.ClickException as error:
            if launch().is_first or isinstance(error, OneLine):  # all ranks make the same mistake
                error.show()
            code = error.exit_code
        except (click.Abort, KeyboardInterrupt) as error:
            ends = (error, error.__cause__)  # outside of a verb, where click aborts for it
            stopped = self.interrupted or any(isinstance(e, KeyboardInterrupt) for e in ends)
            if launch().is_first:
                click.echo("stopped" if stopped else "Aborted!", err=True)
            code = STOPPED if stopped else 1
        sys.exit(code)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click's; of torchrun's processes it refuses what one must do."""
        name, command, args = super().resolve_command(ctx, args)
        if launch().size > 1 and name not in TOGETHER:
            if not launch().is_first:
                raise click.exceptions.Exit(OneLine.exit_code)
            raise OneLine(f"{name}: is for one process; torchrun is for {', '.join(TOGETHER)}")
        return name, command, args

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (Exception, KeyboardInterrupt) as error:
            if self.interrupted or isinstance(error, KeyboardInterrupt):
                if launch().is_first:
                    click.echo(f"\nstopped{self._going_on(ctx)}", err=True)
                # zarr's, which are collected where Ctrl-C found them
                warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
                raise click.exceptions.Exit(STOPPED) from None
            if isinstance(error, ToldError):
                raise click.exceptions.Exit(OneLine.exit_code) from None
            if isinstance(error, UserError):
                raise OneLine(" ".join(str(error).split())) from error
            if isinstance(error, OSError) and error.filename is not None:
                what = f"{error.filename}: {error.strerror}"
                if error.errno in TROUBLE:
                    what = told(error.filename, error) + self._going_on(ctx)
                raise OneLine(what) from error
            if places.were_used() and (line := places.told(error)) is not None:
                raise OneLine(f"{line}{self._going_on(ctx)}") from error
            raise

    @contextmanager
    def _noticing(self) -> Iterator[None]:
        """Within it Ctrl-C is noted too: compiled code may turn its exception into another."""
        self.interrupted = False
        before = signal.getsignal(signal.SIGINT)
        ours = threading.current_thread() is threading.main_thread()
        if not ours or before is not signal.default_int_handler:  # somebody else's to handle
            yield
            return

        def notice(number: int, frame: Any) -> None:
            self.interrupted = True
            signal.default_int_handler(number, frame)

        signal.signal(signal.SIGINT, notice)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def _going_on(self, ctx: click.Context) -> str:
        """What to do after Ctrl-C; only some verbs leave something that can be gone on with."""
        command = self.get_command(ctx, ctx.invoked_subcommand or "")
        can_resume = command is not None and any(o.name == "resume" for o in command.params)
        return "; go on by the same command with --resume" if can_resume else ""


class OneLine(click.ClickException):
    """Click's own way to end with a message, with the exit code of a usage error."""

    exit_code = 2


def module_name(verb: str) -> str:
    """The module that holds a verb: `import` and dashes are no Python names."""
    return "import_" if verb == "import" else verb.replace("-", "_")


@click.group(cls=Road, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="atdt")
def main() -> None:
    """Learn task 2 on a domain without its labels: extract features, train G, decode."""
    keep_freed_memory()
    if "torch" not in sys.modules:
        os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # no driver chatter on CPU machines
