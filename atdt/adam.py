"""torch's Adam over named parameters: its steps, and its memory as tensors that a run can keep."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.optim.adam import adam

MOMENTS = ("exp_avg", "exp_avg_sq")
EPSILON = 1e-8  # torch's default


class Adam:
    """Adam (Kingma and Ba, ICLR 2015), to the bit as `torch.optim.Adam` has it.

    That class is not used because making one imports torch's compiler, which takes two seconds of
    every process that trains.

    Args:
        parameters: by name.
        betas: decay of the two moments.
    """

    def __init__(
        self, parameters: Mapping[str, nn.Parameter], betas: tuple[float, float] = (0.9, 0.999)
    ):
        self._parameters = dict(parameters)
        self._betas = betas
        self._state: dict[str, dict[str, Tensor]] = {}

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for parameter in self._parameters.values():
            parameter.grad = None

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Move every parameter that has a gradient."""
        moved = {n: p for n, p in self._parameters.items() if p.grad is not None}
        for name, parameter in moved.items():
            if name not in self._state:
                self._state[name] = {kind: torch.zeros_like(parameter) for kind in MOMENTS}
                self._state[name]["step"] = torch.zeros(())  # on the CPU, as torch has it
        states = [self._state[name] for name in moved]
        adam(
            list(moved.values()),
            [parameter.grad for parameter in moved.values()],
            *([state[kind] for state in states] for kind in MOMENTS),
            [],
            [state["step"] for state in states],
            amsgrad=False,
            beta1=self._betas[0],
            beta2=self._betas[1],
            lr=learning_rate,
            weight_decay=0.0,
            eps=EPSILON,
            maximize=False,
        )

    def tensors(self) -> dict[str, Tensor]:
        """Steps and moments by "adam.KIND.PARAMETER"; a parameter that no loss reached has none."""
        return {
            f"adam.{kind}.{name}": tensor
            for name, state in self._state.items()
            for kind, tensor in state.items()
        }

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over what `tensors` gave, to the bit; moments are laid out as their parameters."""
        self._state = {
            name: {
                "step": tensors[f"adam.step.{name}"].clone(),
                **{
                    kind: torch.empty_like(parameter).copy_(tensors[f"adam.{kind}.{name}"])
                    for kind in MOMENTS
                },
            }
            for name, parameter in self._parameters.items()
            if f"adam.step.{name}" in tensors
        }
