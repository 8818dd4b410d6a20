"""Pixel-level adaptation: a CycleGAN gives the images of one domain the look of another."""

from atdt.adapt.adapting import Adaptation, adapt
from atdt.adapt.config import CycleGANTraining
from atdt.adapt.load import LoadedCycleGAN, load_cyclegan
from atdt.adapt.training import train_cyclegan

__all__ = [
    "Adaptation",
    "CycleGANTraining",
    "LoadedCycleGAN",
    "adapt",
    "load_cyclegan",
    "train_cyclegan",
]
