"""`atdt embed`: features for TensorBoard's projector."""

from pathlib import Path

import click

from atdt.cli import options


@click.command("embed")
@click.argument("stores", nargs=-1, required=True, type=options.PLACE, metavar="STORE…")
@click.option("--array", help="Name of the encoder in the stores, such as depth.")
@click.option("--level", help="Where it was cut; the deepest if unset.")
@click.option(
    "--transfer",
    type=options.PLACE,
    metavar="RUN",
    help="Of a G: what it makes of the features, beside those that it is to be like.",
)
@options.device
@click.option("--out", type=options.PLACE, required=True, help="The folder that is written.")
@click.option("--no-sprites", is_flag=True, help="No small pictures of the images.")
def command(
    stores: tuple[Path, ...],
    array: str | None,
    level: str | None,
    transfer: Path | None,
    device: str,
    out: Path,
    no_sprites: bool,
) -> None:
    """Write a vector for each image of STOREs, of A and of B say, for TensorBoard's projector.

    A vector is the mean of an image's features over its positions. Look at them by
    `tensorboard --logdir OUT`, projector: PCA, t-SNE, UMAP; colour by domain. With --transfer the
    vectors are G's output and, of stores that have them, the features of E2; colour by those.
    """
    from atdt.diagnose import Embedding, embed

    click.echo(embed(Embedding(stores, array, out, level, not no_sprites, transfer, device)))
