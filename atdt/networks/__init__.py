"""Task networks: what they are, how they are made, cut, counted and filled with weights."""

from atdt.networks.base import TaskNetwork
from atdt.networks.build import BUILT_IN, build_network
from atdt.networks.complexity import macs, parameters
from atdt.networks.spec import NetworkSpec
from atdt.networks.split import split_module
from atdt.networks.weights import read_weights

__all__ = [
    "BUILT_IN",
    "NetworkSpec",
    "TaskNetwork",
    "build_network",
    "macs",
    "parameters",
    "read_weights",
    "split_module",
]
