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
@click.option("--weights", type=options.PATH, required=True, help=".safetensors, or plain .pth.")
@click.option("--task", required=True, help="What the network was trained for.")
@click.option("--label-space", required=True, help="Name or .toml file of its classes.")
@click.option(
    "--preprocessing", type=options.PATH, required=True, help=".toml file with mean and std."
)
@click.option("--out", type=options.PATH, required=True, help="Folder of the run.")
@click.option("--domain", metavar="SPEC", help="Labelled images to score it on.")
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
    from atdt.runs import open_run
    from atdt.training import NetworkImport, import_network

    path = import_network(
        NetworkImport(network=NetworkSpec(network, dict(network_options)), **chosen)
    )
    info = open_run(path).info
    imported = info["imported"]
    click.echo(f"weights {imported['weights']}, sha256 {imported['weights_sha256']}")
    for name, score in info["scores"].items():
        fresh = imported["scores_of_fresh_weights"][name]
        beside = "none" if fresh is None else f"{fresh:.4f}"
        click.echo(
            f"{name} {score:.4f} on {imported['images']} images of {imported['domain']}; "
            f"the same network with fresh weights has {beside}"
        )
    if not info["scores"]:
        click.echo("not scored: give --domain SPEC with labelled images")
    click.echo(path)
