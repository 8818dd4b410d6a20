"""Options and types that several verbs share."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from atdt.errors import PlaceError
from atdt.objects import reach
from atdt.places import is_url, parse_storage_options, place, use_storage_options


class Size(click.ParamType):
    """`HEIGHTxWIDTH` in pixels, given back as (height, width)."""

    name = "HxW"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value
        match = re.fullmatch(r"(\d+)x(\d+)", value)
        if not match or "0" in match.groups():
            self.fail(f"{value!r}: write HEIGHTxWIDTH in pixels, such as 96x192", param, ctx)
        return int(match[1]), int(match[2])


class KeyValue(click.ParamType):
    """`KEY=VALUE`, given back as a pair; numbers and true/false/none become what they say."""

    name = "KEY=VALUE"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, Any]:
        if isinstance(value, tuple):
            return value
        key, separator, text = value.partition("=")
        if not separator or not key:
            self.fail(f"{value!r}: write KEY=VALUE, such as norm=batch", param, ctx)
        return key, literal(text)


def literal(text: str) -> str | int | float | bool | None:
    """The value that a short text stands for."""
    words = {"true": True, "false": False, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


class Bytes(click.ParamType):
    """A size such as 8GB, given back in bytes."""

    name = "SIZE"

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        from atdt.errors import UserError
        from atdt.sizes import parse_size

        try:
            return value if isinstance(value, int) else parse_size(value)
        except UserError as error:
            self.fail(str(error), param, ctx)


class LocalPath(click.ParamType):
    """A path of this machine.

    Args:
        why: it takes no URLs.
    """

    name = "path"

    def __init__(self, why: str):
        self.why = why

    def convert(self, value: Any, param: Any, ctx: Any) -> Path:
        if is_url(value):  # else a folder called `s3:` would be made
            command = "" if ctx is None else f" of `{ctx.command_path}`"
            what = "this option" if param is None else param.get_error_hint(ctx)
            raise PlaceError(
                f"{value}: {what}{command} takes no URLs: {self.why}; give a path of this machine"
            )
        return Path(value)


class Place(click.ParamType):
    """A path of this machine, or a URL, whose bucket must answer."""

    name = "path|url"

    def convert(self, value: Any, param: Any, ctx: Any) -> Path:
        path = place(value)
        reach(path)
        return path


class NamedRun(click.ParamType):
    """`RUN` or `NAME=RUN`, given back as (name or None, run)."""

    name = "[NAME=]RUN"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str | None, Path]:
        if isinstance(value, tuple):
            return value
        match = re.fullmatch(r"(?:([^=/\\.:]+)=)?(.+)", value)
        if match is None:
            self.fail(f"{value!r}: write RUN or NAME=RUN", param, ctx)
        return match[1], PLACE.convert(match[2], param, ctx)


def take_storage_options(command: click.Command) -> None:
    """Give a command that takes URLs the option of how they are opened."""
    takes = any(isinstance(param.type, Place | NamedRun) for param in command.params)
    if takes and storage_options not in command.params:
        command.params.append(storage_options)


def _use(ctx: click.Context, param: click.Parameter, texts: tuple[str, ...]) -> None:
    use_storage_options(parse_storage_options(texts))


storage_options = click.Option(
    ["--storage-options"],
    multiple=True,
    metavar="KEY=VALUE|JSON",
    expose_value=False,
    is_eager=True,  # before any URL is opened
    callback=_use,
    help="Of URLs, as fsspec and pandas have them, such as anon=true. Repeatable.",
)
PLACE = Place()
SIZE = Size()
MISMATCH = click.Choice(["encoder", "preprocessing"])
PHOTOMETRIC = click.Choice(["none", "paper", "strong", "d4"])
stretch = click.option(
    "--stretch",
    type=float,
    default=1.0,
    show_default=True,
    metavar="FACTOR",
    help="Draw how high all is that rises above the camera: FACTOR times at most, or as low.",
)
KEY_VALUE = KeyValue()
BYTES = Bytes()

device = click.option(
    "--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1 …"
)


def _say_if_slow(ctx: click.Context, param: click.Parameter, value: str) -> str:
    if value == "bfloat16":
        from atdt.devices import has_bfloat16, pick_device

        if not has_bfloat16(pick_device()):
            click.echo(
                "--precision bfloat16: this processor does not multiply it itself, so float32 is "
                "far faster",
                err=True,
            )
    return value


def _precision(callback: Callable[..., str] | None) -> Callable:
    return click.option(
        "--precision",
        type=click.Choice(["float32", "bfloat16"]),
        default="float32",
        show_default=True,
        callback=callback,
        help="bfloat16 autocasts: about twice as fast on processors that multiply it themselves.",
    )


precision = _precision(_say_if_slow)
precision_elsewhere = _precision(None)  # of a file, which other processors will run
threads = click.option(
    "--threads",
    type=click.IntRange(min=1),
    help="That each process computes with. All processors, shared among --workers; 1 by --dask.",
)
workers = click.option(
    "--workers", type=click.IntRange(min=1), help="Compute in so many processes on this machine."
)
dask = click.option(
    "--dask", metavar="ADDRESS", help="Compute by the workers of this dask scheduler."
)
seed = click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
feed = click.option(
    "--feed",
    type=click.Choice(["auto", "resident", "stream"]),
    default="auto",
    show_default=True,
    help="Hold the store in memory, or read it window by window; the batches are the same.",
)
memory_budget = click.option(
    "--memory-budget", type=BYTES, help="For the feed; half of what is free if unset."
)
window = click.option(
    "--window", type=int, metavar="BLOCKS", help="Blocks that are shuffled together."
)
held_out = click.option(
    "--held-out", type=float, default=0.1, show_default=True, help="Share of the images."
)
validate_every = click.option(
    "--validate-every", type=int, metavar="STEPS", help="Ten times a training if unset."
)
checkpoint_every = click.option(
    "--checkpoint-every", type=int, default=500, show_default=True, metavar="STEPS"
)
cross_task = click.option(
    "--cross-task",
    type=PLACE,
    metavar="RUN",
    help="R, which holds predictions to B's labels of T1: see `atdt train-cross-task`.",
)
root = click.option(
    "--root",
    type=LocalPath("an experiment's steps find each other in a folder"),
    default=Path(),
    help="Where data/, runs/, stores/, predictions/ and reports/ go.  [default: here]",
)
label_transfer = click.option(
    "--label-transfer",
    is_flag=True,
    help="Also AT/DT, and one network for B, taught by labels of task 2 that come of its labels of "
    "task 1.",
)
sweep_grid = click.option(
    "--sweep",
    type=LocalPath("a grid is read from a disk"),
    metavar="GRID",
    help="Also sweep the Gs of this grid file: what would be chosen, a leaderboard, a diagnosis.",
)
overwrite = click.option("--overwrite", is_flag=True, help="Replace what is there.")
resume = click.option("--resume", is_flag=True, help="Go on where a stopped run left off.")
skip_bad = click.option(
    "--skip-bad", is_flag=True, help="Leave out images that cannot be used, and name them."
)
allow_network = click.option(
    "--allow-import",
    is_flag=True,
    help="Import the Python module that a run or --network names (it runs that code).",
)


def cluster(address: str | None, workers: int | None) -> Any:
    """What --dask and --workers say together: an `atdt.cluster.Cluster`, or None without them."""
    from atdt.cluster import Cluster

    return None if address is None and workers is None else Cluster(address, workers)
