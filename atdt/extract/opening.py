"""Everything that an extraction reads before it writes."""

import torch

from atdt.devices import described, pick_device
from atdt.extract.arrays import Array, open_root, wanted_arrays
from atdt.extract.config import Extraction
from atdt.extract.encoders import Encoder, load_encoders
from atdt.extract.labels import open_labelled
from atdt.extract.samples import Samples
from atdt.stores import Store


def opened(
    config: Extraction,
) -> tuple[torch.device, Samples, tuple[Encoder, ...], tuple[Array, ...]]:
    """Device, samples, encoders and wanted arrays; on the CPU where workers compute."""
    device = pick_device("cpu" if config.cluster else config.device)
    domain = open_labelled(config, skip_bad=config.skip_bad)
    samples = Samples(domain, config.plan)
    encoders = load_encoders(config, device)
    return device, samples, encoders, wanted_arrays(config, samples, encoders, described(device))


def existing_store(config: Extraction, samples: Samples, arrays: tuple[Array, ...]) -> Store | None:
    """The store, where there is one, after it was compared with `config`."""
    if config.out.is_dir() and any(config.out.iterdir()):
        return open_root(config, samples, arrays)
    return None
