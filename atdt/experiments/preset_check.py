"""What a preset names is looked up before anything is made, not when it is first needed."""

import torch

from atdt.devices import PRECISIONS
from atdt.domains.photometric import colour_ranges
from atdt.errors import UserError
from atdt.experiments.preset import AUTO, Preset
from atdt.networks import build_network
from atdt.transfer.architectures import build_body
from atdt.transfer.losses import check_losses


def check_preset(preset: Preset) -> None:
    """Prove that networks, losses and words of a preset are known.

    Raises:
        UserError: naming the option, or the network and its option.
    """
    if preset.precision not in (AUTO, *PRECISIONS):
        known = ", ".join((AUTO, *PRECISIONS))
        raise UserError(f"precision = {preset.precision!r}: choose one of {known}")
    colour_ranges(preset.photometric)
    check_losses(dict(preset.losses))
    with torch.device("meta"):
        build_network(preset.network.without_initial_weights(), 1)
        build_body(preset.architecture, 8, 8, {"width": preset.width})
