"""Adam's memory as named tensors, so that a training goes on to the same bits."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

MOMENTS = ("exp_avg", "exp_avg_sq")


def adam_tensors(
    adam: torch.optim.Adam, parameters: Mapping[str, nn.Parameter]
) -> dict[str, Tensor]:
    """Steps and moments by "adam.KIND.PARAMETER"; a parameter that no loss reaches has none."""
    return {
        f"adam.{kind}.{name}": adam.state[parameter][kind]
        for name, parameter in parameters.items()
        if adam.state.get(parameter)
        for kind in (*MOMENTS, "step")
    }


def restore_adam(
    adam: torch.optim.Adam, parameters: Mapping[str, nn.Parameter], tensors: Mapping[str, Tensor]
) -> None:
    """Take over what `adam_tensors` gave, to the bit; moments are laid out as their parameters."""
    for name, parameter in parameters.items():
        if f"adam.step.{name}" in tensors:
            adam.state[parameter] = {
                "step": tensors[f"adam.step.{name}"].clone(),
                **{
                    kind: torch.empty_like(parameter).copy_(tensors[f"adam.{kind}.{name}"])
                    for kind in MOMENTS
                },
            }
