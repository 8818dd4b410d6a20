"""What a file says of itself: what goes in, what comes out, and what it was made from."""

from typing import Any

from torch import Tensor

from atdt.export.config import Exporting
from atdt.export.subject import Subject
from atdt.export.tracing import Traced
from atdt.provenance import provenance

SCHEMA = 1
RANGES = {"uint8": [0, 255], "float32": [0, 1]}


def notes(
    config: Exporting, subject: Subject, traced: Traced, output: Tensor, libraries: tuple[str, ...]
) -> dict[str, Any]:
    """What the file's metadata holds, as JSON.

    Args:
        output: what is put out for some images.
        libraries: what the file is made with, besides torch.
    """
    task, frame = subject.task, traced.frame
    said: dict[str, Any] = {
        "schema": SCHEMA,
        "task": task.name,
        "input": {
            "name": "images",
            "dtype": config.input,
            "shape": frame.shape,
            "channels": "RGB",
            "range": RANGES[config.input],
        },
        "output": {
            "name": "output" if config.raw else "prediction",
            "dtype": str(output.dtype).removeprefix("torch."),
            "shape": [frame.shape[0], *output.shape[1:-2], *frame.shape[2:]],
            "unit": "of the decoder's output" if config.raw else task.unit,
        },
    }
    if task.label == "semantic":
        said["label_space"] = subject.space.to_dict()
    if subject.training_focal is not None:
        said["training_focal"] = subject.training_focal
    return said | {
        "runs": subject.runs,
        "mismatch": list(subject.mismatch),
        "computed": {"device": traced.images.device.type, "precision": config.precision},
        "provenance": provenance(*libraries),
    }
