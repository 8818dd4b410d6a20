"""The feature store, version 1: the only room that imports zarr. See docs/store.md.

Names are imported when they are first used, so that asking for one does not load zarr for another.
"""

import importlib
from typing import Any

_HOMES = {
    "Draft": "shard_writer",
    "FeatureReader": "reader",
    "FeatureWriter": "writer",
    "READ_THREADS": "reader",
    "Rows": "rows",
    "SampleTable": "samples",
    "Shard": "shard_writer",
    "ShardWriter": "shard_writer",
    "Store": "store",
    "VerifyReport": "verify",
    "compare_stores": "against",
    "create_store": "create",
    "default_samples_per_shard": "layout",
    "delete_array": "prune",
    "delete_store": "prune",
    "describe": "summary",
    "differences": "provenance",
    "find_stores": "usage",
    "free_orphans": "prune",
    "open_dataset": "xr",
    "open_shard_writer": "shard_writer",
    "open_store": "store",
    "runs_trained": "usage",
    "store_usage": "usage",
    "verify_store": "verify",
}
__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
