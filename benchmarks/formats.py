"""What people feed trainings from instead of a store of blocks: files written, batches read.

Each rival writes the same arrays in its own format and yields shuffled batches, epoch after epoch,
the way its documentation shows.
"""

import multiprocessing
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
import zarr
from safetensors import safe_open
from safetensors.torch import save_file
from torch.utils.data import DataLoader, Dataset

try:
    import h5py
    import webdataset
    import xbatcher
except ImportError as error:
    raise ImportError(f"{error.name} is missing: pip install --group bench") from error

from atdt.stores import open_dataset
from atdt.transfer.feed import Batch

Arrays = Mapping[str, np.ndarray]
PER_TAR = 16  # samples; each worker needs a tar of its own


class Rows(Dataset, ABC):
    """Single samples by number, as torch's DataLoader wants them; opened where they are read."""

    def __init__(self, samples: int, path: Path):
        self.samples, self.path = samples, path

    def __len__(self) -> int:
        return self.samples

    def __getitem__(self, index: int) -> Batch:
        return {name: torch.as_tensor(row) for name, row in self.row(index).items()}

    @abstractmethod
    def row(self, index: int) -> Mapping[str, Any]:
        """The arrays of a sample."""


class NpyRows(Rows):
    """One .npy file a sample and array."""

    @classmethod
    def write(cls, path: Path, arrays: Arrays) -> None:
        path.mkdir()
        for name, array in arrays.items():
            for index, row in enumerate(array):
                np.save(path / f"{index:06d}.{name}.npy", row)

    def row(self, index: int) -> Arrays:
        return {n: np.load(self.path / f"{index:06d}.{n}.npy") for n in ("source", "target")}


class Hdf5Rows(Rows):
    """One contiguous dataset an array."""

    @classmethod
    def write(cls, path: Path, arrays: Arrays) -> None:
        with h5py.File(path, "w") as file:
            for name, array in arrays.items():
                file[name] = array

    @cached_property
    def file(self) -> "h5py.File":
        return h5py.File(self.path, "r")

    def row(self, index: int) -> Arrays:
        return {name: self.file[name][index] for name in ("source", "target")}


class SafetensorsFiles(Rows):
    """One file a sample."""

    @classmethod
    def write(cls, path: Path, arrays: Arrays) -> None:
        path.mkdir()
        for index in range(len(arrays["source"])):
            row = {name: torch.from_numpy(array[index]) for name, array in arrays.items()}
            save_file(row, path / f"{index:06d}.safetensors")

    def row(self, index: int) -> Mapping[str, Any]:
        with safe_open(self.path / f"{index:06d}.safetensors", "pt") as file:
            return {name: file.get_tensor(name) for name in ("source", "target")}


class SafetensorsSlices(Rows):
    """One file of all samples, a slice of it at a time."""

    @classmethod
    def write(cls, path: Path, arrays: Arrays) -> None:
        save_file({name: torch.from_numpy(array) for name, array in arrays.items()}, path)

    @cached_property
    def slices(self) -> Mapping[str, Any]:
        file = safe_open(self.path, "pt")
        return {name: file.get_slice(name) for name in ("source", "target")}

    def row(self, index: int) -> Mapping[str, Any]:
        return {name: part[index] for name, part in self.slices.items()}


class ZarrRows(Rows):
    """array[i] of our own store, through zarr's pipelines."""

    @cached_property
    def arrays(self) -> Mapping[str, Any]:
        level = zarr.open_group(self.path, mode="r")["deepest"]
        return {"source": level["semantic"], "target": level["depth"]}

    def row(self, index: int) -> Arrays:
        return {name: array[index] for name, array in self.arrays.items()}


def row_loader(rows: Rows, batch: int, workers: int) -> Iterable[Batch]:
    """torch's DataLoader over single samples; its workers start once and stay."""
    return DataLoader(rows, batch, shuffle=True, **_workers(workers))


def write_tars(folder: Path, arrays: Arrays) -> None:
    """WebDataset's tar shards."""
    folder.mkdir()
    pattern = str(folder / "%06d.tar")
    with webdataset.ShardWriter(pattern, maxcount=PER_TAR, verbose=0) as sink:
        for index in range(len(arrays["source"])):
            row = {f"{name}.npy": array[index] for name, array in arrays.items()}
            sink.write({"__key__": f"{index:06d}"} | row)


def tar_loader(folder: Path, batch: int, workers: int) -> Iterable[Batch]:
    """WebDataset as it is meant: shards shuffled, then samples in a buffer, then batches."""
    urls = sorted(map(str, folder.glob("*.tar")))
    dataset = (
        webdataset.WebDataset(urls, shardshuffle=len(urls))
        .shuffle(16 * PER_TAR)
        .decode()
        .to_tuple("source.npy", "target.npy")
        .batched(batch)
    )
    return _Tuples(DataLoader(dataset, batch_size=None, **_workers(workers)))


def xbatcher_batches(store: Path, batch: int) -> Iterable[Batch]:
    """xbatcher over `open_dataset`: batches of neighbours, themselves in random order."""
    data = open_dataset(store, "deepest", ["semantic", "depth"])
    data = data.drop_vars(list(data.coords))
    sizes = {dimension: data.sizes[dimension] for v in data.values() for dimension in v.dims}
    return _Patches(xbatcher.BatchGenerator(data, sizes | {"sample": batch}))


class _Tuples:
    def __init__(self, loader: DataLoader):
        self.loader = loader

    def __iter__(self) -> Iterator[Batch]:
        for source, target in self.loader:
            yield {"source": torch.as_tensor(source), "target": torch.as_tensor(target)}


class _Patches:
    def __init__(self, generator: "xbatcher.BatchGenerator"):
        self.generator = generator

    def __iter__(self) -> Iterator[Batch]:
        for index in torch.randperm(len(self.generator)).tolist():
            patch = self.generator[index].load()
            yield {
                "source": torch.from_numpy(patch["semantic"].values),
                "target": torch.from_numpy(patch["depth"].values),
            }


def _workers(count: int) -> dict[str, Any]:
    if not count:
        return {}
    context = multiprocessing.get_context("forkserver")  # zarr and h5py do not survive a fork
    context.set_forkserver_preload([__name__])
    return {"num_workers": count, "persistent_workers": True, "multiprocessing_context": context}
