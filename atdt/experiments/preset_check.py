"""What a preset names is looked up before anything is made, not when it is first needed."""

import torch

from atdt.devices import PRECISIONS
from atdt.domains.photometric import colour_ranges
from atdt.errors import NetworkError, UserError
from atdt.experiments.preset import AUTO, Preset
from atdt.experiments.studies import NORMS, with_norm
from atdt.networks import NetworkSpec, build_network
from atdt.transfer.architectures import build_body
from atdt.transfer.losses import check_losses


def check_preset(preset: Preset, table: str | None = None) -> None:
    """Prove that networks, losses and words of a preset are known, and fit the table.

    Args:
        table: that is asked for, if one is.

    Raises:
        UserError: naming the option, or the network and its option.
    """
    if preset.precision not in (AUTO, *PRECISIONS):
        known = ", ".join((AUTO, *PRECISIONS))
        raise UserError(f"precision = {preset.precision!r}: choose one of {known}")
    colour_ranges(preset.photometric)
    check_losses(dict(preset.losses))
    with torch.device("meta"):
        network = build_network(preset.network.without_initial_weights(), 1)
        network.check_can_be_cut(f"network = {preset.network.name!r}")
        if table == "table6":
            _check_norms(preset.network)
        build_body(preset.architecture, 8, 8, {"width": preset.width})


def _check_norms(network: NetworkSpec) -> None:
    """Prove that the network can be built with every norm of table 6."""
    if network.options.get("norm", "batch") != "batch":
        raise UserError(
            f"network = {network.name!r}: its norm is {network.options['norm']!r}, and table6 "
            "changes the norm itself; leave that option out"
        )
    for norm in NORMS[1:]:
        try:
            build_network(with_norm(network, norm).without_initial_weights(), 1)
        except NetworkError as error:
            raise UserError(f"table6: no {norm!r} norm in every network ({error})") from None
