"""`.onnx` files, by torch's exporter, run by onnxruntime on the CPU."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from atdt.errors import NetworkError, UserError
from atdt.export.checking import Call
from atdt.export.tracing import Traced, quiet, said

NOTES = "atdt"  # key of the model's metadata
LIBRARIES = ("onnx", "onnxscript", "onnxruntime")
LARGEST = 2**31  # bytes of a protobuf message, which an ONNX file is
SILENT = 3  # onnxruntime's level of logging: errors, which are raised too


def check_installed() -> None:
    """Prove that what writes, reads and runs these files is there.

    Raises:
        UserError: names what is not.
    """
    absent = [library for library in LIBRARIES if find_spec(library) is None]
    if absent:
        raise UserError(
            f'.onnx needs {", ".join(absent)}, not installed here: pip install "atdt[onnx]"'
        )


def write(traced: Traced, path: Path, notes: dict[str, Any]) -> None:
    """Write the program and, in the model's metadata, what is known about it.

    Raises:
        NetworkError: ONNX has no counterpart for something in the network, or no room for it.
    """
    weights = sum(tensor.nbytes for tensor in traced.program.state_dict.values())
    if weights >= LARGEST:
        raise NetworkError(f"{weights / 2**30:.1f} GiB of weights: one .onnx holds 2; write a .pt2")
    try:
        with quiet():
            made = torch.onnx.export(
                traced.program,
                (traced.images,),
                dynamo=True,
                external_data=False,
                input_names=[notes["input"]["name"]],
                output_names=[notes["output"]["name"]],
                dynamic_shapes=traced.frame.dimensions,
                verbose=False,
            )
    except torch.onnx.OnnxExporterError as error:
        raise NetworkError(f"torch.onnx cannot convert the network ({said(error)})") from error
    made.model.metadata_props[NOTES] = json.dumps(notes, ensure_ascii=False, allow_nan=False)
    made.save(path, external_data=False)


def load(path: Path) -> Call:
    """The model of a file that `write` has just written: images -> what it puts out.

    Raises:
        NetworkError: onnxruntime has no kernel for it.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = SILENT
    try:
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no base of their own
        raise NetworkError(f"onnxruntime cannot run the network ({said(error)})") from error
    name = session.get_inputs()[0].name

    def call(images: Tensor) -> Tensor:
        (output,) = session.run(None, {name: images.numpy()})
        return torch.from_numpy(output)

    return call
