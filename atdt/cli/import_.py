"""`atdt import`: a run of a network that was trained elsewhere."""

from typing import Any

import click

from atdt.cli import options


@click.command("import")
@click.option(
    "--network",
    required=True,
    metavar="PACKAGE.MODULE:FUNCTION",
    help="Builds the network; the module is imported, which runs its code.",
)
@click.option(
    "--network-option",
    "network_options",
    multiple=True,
    type=options.KEY_VALUE,
    help="Option of the network; repeatable.",
)
@click.option("--weights", type=options.PLACE, required=True, help=".safetensors, or plain .pth.")
@click.option("--task", required=True, help="What the network was trained for.")
@click.option("--label-space", required=True, help="Name or .toml file of its classes.")
@click.option(
    "--preprocessing", type=options.PLACE, required=True, help=".toml file with mean and std."
)
@click.option("--out", type=options.PLACE, required=True, help="Folder of the run.")
@click.option("--domain", metavar="SPEC", help="Labelled images to score it on.")
@click.option("--unscored", is_flag=True, help="Accept the network without a score.")
@click.option("--images", type=int, default=16, show_default=True, help="How many of them.")
@click.option("--minimum-score", type=float, help="Refuse a network that scores worse.")
@click.option("--training-focal", type=float, help="Focal length of its training images, pixels.")
@click.option("--resize", type=options.SIZE, help="Of the images that it is scored on.")
@options.device
@options.resume
@options.overwrite
def command(network: str, network_options: tuple[tuple[str, Any], ...], **chosen: Any) -> None:
    """Make a run of a network trained elsewhere, so that extract and predict can use it."""
    from atdt.networks import NetworkSpec
    from atdt.training import NetworkImport, import_network

    imported = NetworkImport(network=NetworkSpec(network, dict(network_options)), **chosen)
    click.echo(import_network(imported, say=click.echo))
