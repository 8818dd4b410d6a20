"""`atdt pseudo-label`: labels by any model of the user's."""

from pathlib import Path

import click

from atdt.cli import options


@click.command("pseudo-label")
@click.argument("model", metavar="PACKAGE.MODULE:FUNCTION")
@click.argument("domain", metavar="DOMAIN")
@click.option("--out", type=options.PLACE, required=True, help="The predictions folder.")
@click.option(
    "--task",
    type=click.Choice(["disparity", "depth", "semantic"]),
    default="disparity",
    show_default=True,
    help="What the function returns; disparity may have any scale and shift.",
)
@click.option(
    "--save-logits",
    is_flag=True,
    help="For merge and confidence: of semantic, the function returns (class, height, width).",
)
@click.option("--allow-import", is_flag=True, help="Import the module: this runs its code.")
@options.resume
@options.overwrite
def command(
    model: str,
    domain: str,
    out: Path,
    task: str,
    save_logits: bool,
    allow_import: bool,
    resume: bool,
    overwrite: bool,
) -> None:
    """Label the images of DOMAIN by a function of your own, for train-task --pseudo.

    The function gets an image, uint8 (height, width, 3), and returns its label (height, width). A
    monocular network that was trained elsewhere can so give task 1 to both domains, and an outside
    network's logits on B can be merged with AT/DT's.
    """
    from atdt.decode.pseudo_label import PseudoLabelling, pseudo_label

    config = PseudoLabelling(
        model=model,
        domain=domain,
        out=out,
        task=task,
        save_logits=save_logits,
        allow_import=allow_import,
        resume=resume,
        overwrite=overwrite,
    )
    click.echo(pseudo_label(config))
