"""`atdt export`."""

from pathlib import Path
from typing import Any

import click

from atdt.cli import options


@click.command("export")
@click.argument("run", type=options.PLACE)
@click.option("--out", type=options.PLACE, required=True, help="The file: .pt2 or .onnx.")
@click.option(
    "--format",
    type=click.Choice(["torch", "onnx"]),
    help="torch.export's .pt2, or .onnx; by the ending of --out if unset.",
)
@click.option("--encoder", type=options.PLACE, help="Run of N1; as `train` saw it beside RUN.")
@click.option("--decoder", type=options.PLACE, help="Run of N2; as `train` saw it beside RUN.")
@click.option(
    "--allow-mismatch",
    type=options.MISMATCH,
    multiple=True,
    help="Let through what differs from G's training; it is recorded. May be given twice.",
)
@click.option("--size", type=options.SIZE, help="Of the images; that of --on's if unset.")
@click.option("--batch", type=click.IntRange(min=1), help="Images at a time; any number if unset.")
@click.option(
    "--dynamic-size",
    is_flag=True,
    help="Images of any size whose sides are multiples of the networks' stride; none is padded.",
)
@click.option(
    "--input",
    type=click.Choice(["uint8", "float32"]),
    default="uint8",
    show_default=True,
    help="Type of the images: 0 to 255, or 0 to 1.",
)
@click.option("--raw", is_flag=True, help="Put out the decoder's output: logits, say.")
@click.option("--on", metavar="SPEC", help="Check on images of a domain; on random ones if unset.")
@click.option(
    "--baseline", type=options.PLACE, help="A task network to time beside; N2 of a G if unset."
)
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0),
    help="Refuse a file that is further from PyTorch, in units of the largest output; 8 times as "
    "far as PyTorch is from double precision if unset.",
)
@options.device
@options.precision_elsewhere
@options.overwrite
@options.allow_network
def command(run: Path, **config: Any) -> None:
    """Write the networks of RUN into one file that predicts from RGB images, and check it.

    RUN is of a G (E1, G and D2 go into the file), of a head (E1 and the head), or of a task
    network. Images (N, 3, H, W) come in as they are: normalising, padding and cropping back are in
    the file. What comes out is the prediction: ids of classes (N, H, W) uint8, depth (N, H, W)
    float32 metres; with --raw the decoder's output (N, C, H, W).

    The file is loaded anew and must predict what PyTorch predicts, or it is deleted. Prints how
    far apart they are, latency and size, those of the baseline, and the file.
    """
    from atdt.export import Exporting, export

    click.echo(export(Exporting(run=run, **config), say=click.echo))
