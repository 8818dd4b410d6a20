"""What `export` is told."""

from dataclasses import dataclass
from pathlib import Path

from atdt.decode.config import MISMATCHES
from atdt.devices import PRECISIONS
from atdt.errors import UserError

SUFFIXES = {"torch": ".pt2", "onnx": ".onnx"}
INPUTS = ("uint8", "float32")


@dataclass(frozen=True, kw_only=True)
class Exporting:
    """What is written into one file, for which images, and how it is checked.

    Attributes:
        run: of a G or a head, or of a task network, which is exported as it is.
        out: the file, `.pt2` or `.onnx`.
        format: "torch" or "onnx"; by the suffix of `out` when None.
        encoder, decoder: runs of N1 and N2, see `atdt.decode.Decoding`.
        allow_mismatch: "encoder" and "preprocessing" let through what does not belong together.
        size: (height, width) of the images; that of the images of `on` when None.
        batch: images at a time; any number when None.
        dynamic_size: images of any size that is a multiple of what the networks need, and no
            padding: `size` is then only what is checked and timed.
        input: "uint8" (0 to 255) or "float32" (0 to 1).
        raw: put out the decoder's output instead of the prediction.
        on: spec of a domain whose first images the file is checked on; random ones when None.
        baseline: run of a task network that is timed beside; N2 of a G when None.
        tolerance: how far the file may be from PyTorch, in units of the largest output; see
            `atdt.export.checking.let_through` when None.
        device: where a `.pt2` is made, checked and timed, and will run; see `atdt.devices`.
        precision: see `atdt.devices`; float32 alone in a `.onnx`.
        overwrite: replace `out`.
        allow_import: import the module that a run names, if it is the user's own.
    """

    run: Path
    out: Path
    format: str | None = None
    encoder: Path | None = None
    decoder: Path | None = None
    allow_mismatch: tuple[str, ...] = ()
    size: tuple[int, int] | None = None
    batch: int | None = None
    dynamic_size: bool = False
    input: str = "uint8"
    raw: bool = False
    on: str | None = None
    baseline: Path | None = None
    tolerance: float | None = None
    device: str = "auto"
    precision: str = "float32"
    overwrite: bool = False
    allow_import: bool = False

    @property
    def form(self) -> str:
        """The format: "torch" or "onnx"."""
        by_suffix = {suffix: form for form, suffix in SUFFIXES.items()}
        return self.format or by_suffix.get(self.out.suffix, "")

    def check(self) -> None:
        """Refuse values that cannot be meant, and a file that is there already.

        Raises:
            UserError: naming the option and the value.
        """
        if SUFFIXES.get(self.form) != self.out.suffix:
            of = f" of --format {self.form}" if self.format else ""
            wanted = SUFFIXES.get(self.form) or " or ".join(SUFFIXES.values())
            raise UserError(f"--out {self.out}: a file{of} ends in {wanted}")
        for option, values, known in (
            ("--input", [self.input], INPUTS),
            ("--precision", [self.precision], PRECISIONS),
            ("--allow-mismatch", self.allow_mismatch, MISMATCHES),
        ):
            for value in values:
                if value not in known:
                    raise UserError(f"{option} {value}: choose one of {', '.join(known)}")
        if self.size is None and self.on is None:
            raise UserError("give the images' size by --size HEIGHTxWIDTH, or images by --on SPEC")
        if self.batch is not None and self.batch < 1:
            raise UserError(f"--batch {self.batch}: must be ≥ 1")
        if self.tolerance is not None and not self.tolerance >= 0:
            raise UserError(f"--tolerance {self.tolerance}: must be ≥ 0")
        if self.form == "onnx" and self.precision != "float32":
            raise UserError(
                f"--precision {self.precision}: onnxruntime has no convolution in it; leave it "
                "out, or write a .pt2"
            )
        if self.form == "onnx" and self.device not in ("auto", "cpu"):
            raise UserError(
                f"--device {self.device}: a .onnx runs anywhere and is checked on the CPU; leave "
                "it out"
            )
        if self.out.is_dir():
            raise UserError(f"--out {self.out}: is a folder; name a file")
        if self.out.exists() and not self.overwrite:
            raise UserError(f"{self.out}: is there already; --overwrite replaces it")
