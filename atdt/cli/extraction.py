"""What `extract` and `plan` are told alike."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from atdt.cli import options

if TYPE_CHECKING:
    from atdt.extract import Extraction


OPTIONS = (
    click.argument("domain", metavar="DOMAIN"),
    click.option(
        "--encoder",
        "encoders",
        multiple=True,
        type=options.NamedRun(),
        help="Run of a task network, and the name of its features (its task if unset). Repeatable.",
    ),
    click.option("--out", type=options.PLACE, required=True, help="The feature store."),
    click.option(
        "--level", "levels", multiple=True, help="Where to cut; the deepest level if unset."
    ),
    click.option("--all-levels", is_flag=True, help="Every level of each network."),
    click.option(
        "--views",
        type=click.IntRange(min=1),
        default=6,
        show_default=True,
        help="Views of each image, the plain one counted.",
    ),
    click.option(
        "--photometric",
        type=options.PHOTOMETRIC,
        default="paper",
        show_default=True,
        help="Colour draws of all views but the plain one.",
    ),
    options.stretch,
    click.option("--flip", is_flag=True, help="Mirror every second drawn view."),
    click.option("--resize", type=options.SIZE, help="Bring whole images to this size."),
    click.option("--crop", type=options.SIZE, help="Then cut this size."),
    click.option("--pad", type=options.SIZE, help="Then fill up to this size with zeros."),
    options.seed,
    click.option(
        "--labels",
        multiple=True,
        metavar="KIND",
        help="Store labels under the same views: semantic, depth, normals. Repeatable.",
    ),
    click.option(
        "--pseudo",
        "pseudo_labels",
        multiple=True,
        type=options.PLACE,
        metavar="FOLDER",
        help="Store predictions as the labels of their task, of transfer-labels say. Repeatable.",
    ),
    click.option(
        "--dtype", type=click.Choice(["float16", "float32"]), default="float16", show_default=True
    ),
    click.option(
        "--compressor",
        type=click.Choice(["none", "zstd", "lz4"]),
        default="none",
        show_default=True,
        help="zstd and lz4 are smaller on disk and slower to train from.",
    ),
    click.option(
        "--keep-bits",
        type=int,
        metavar="N",
        help="Round features to N bits of mantissa (float16 has 10), for the compressor's sake.",
    ),
    click.option(
        "--samples-per-shard", type=int, help="Samples of a block; from the sizes if unset."
    ),
    click.option(
        "--batch", type=int, default=16, show_default=True, help="Samples a forward pass."
    ),
    options.device,
    options.precision,
    options.threads,
    options.workers,
    options.dask,
    options.resume,
    click.option(
        "--overwrite",
        multiple=True,
        metavar="NAME",
        help="Replace the features of this name, or labels/KIND. Repeatable.",
    ),
    options.skip_bad,
    options.allow_network,
)


def extraction_options[Command: Callable](command: Command) -> Command:
    """Add the argument and the options of an extraction to a command; see `extraction`."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def extraction(
    *,
    levels: tuple[str, ...],
    all_levels: bool,
    views: int,
    photometric: str,
    stretch: float,
    flip: bool,
    resize: tuple[int, int] | None,
    crop: tuple[int, int] | None,
    pad: tuple[int, int] | None,
    seed: int,
    workers: int | None,
    dask: str | None,
    **chosen: Any,
) -> "Extraction":
    """What the options say."""
    from atdt.domains import ViewPlan
    from atdt.extract import Extraction

    if levels and all_levels:
        raise click.UsageError("--level and --all-levels exclude each other")
    return Extraction(
        levels=("all",) if all_levels else levels,
        plan=ViewPlan(views, seed, crop, resize, pad, flip, photometric, stretch),
        cluster=options.cluster(dask, workers),
        **chosen,
    )
