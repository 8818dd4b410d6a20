"""What a preset asks of every task network, so that features transfer better (docs/features.md).

No label is needed: an auxiliary task has its truth from the images, a norm discrepancy has none.
"""

from pathlib import Path

from atdt.errors import UserError
from atdt.experiments.preset import Preset
from atdt.experiments.sides import Side
from atdt.training import Auxiliary, NormDiscrepancy

EDGES = "edges"  # the task


def edge_task(
    preset: Preset, side: Side, task: str, letters: str, decoder: Path | None
) -> tuple[Auxiliary, ...]:
    """The auxiliary edge task of a network; none where the preset has none.

    Args:
        side: whose domains lend their images.
        task: the network's own.
        letters: of the domains.
        decoder: run whose edge decoder is taken and frozen; None: the network's own learns.
    """
    if preset.edges == "none":
        return ()
    if task == EDGES:
        raise UserError(f"edges = {preset.edges}: a network here learns edges already")
    return (Auxiliary(EDGES, _images(side, letters), preset.edges_weight, decoder),)


def norm_discrepancy(preset: Preset, side: Side, letters: str) -> NormDiscrepancy | None:
    """Between A and B, where the preset has it and the network may see both."""
    if not preset.norm_discrepancy or len(letters) < 2:
        return None
    return NormDiscrepancy(preset.norm_discrepancy, _images(side, letters))


def _images(side: Side, letters: str) -> tuple[str, ...]:
    return tuple(side.domain(letter, "train") for letter in letters)
