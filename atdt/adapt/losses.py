"""The losses of a CycleGAN (Zhu et al., ICCV 2017, sections 3 and 4)."""

from torch import Tensor

REAL, MADE = 1.0, 0.0  # what a discriminator is to say of a patch


def adversarial_loss(judged: Tensor) -> Tensor:
    """Of a generator: how far its images are from being taken for real; any shape -> ().

    Least squares in place of the logarithms of Eq. 1, as section 4 has it.
    """
    return _mean_square(judged, REAL)


def discriminator_loss(real: Tensor, made: Tensor) -> Tensor:
    """Of a discriminator: what it says of real and of made images, each counting half."""
    return (_mean_square(real, REAL) + _mean_square(made, MADE)) / 2


def likeness_loss(found: Tensor, wanted: Tensor) -> Tensor:
    """Mean absolute difference: cycle consistency (Eq. 2) and identity (section 5.2)."""
    return (found - wanted).abs().mean()


def _mean_square(judged: Tensor, wanted: float) -> Tensor:
    return (judged - wanted).square().mean()
