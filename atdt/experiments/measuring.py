"""The verbs that predict T2 and measure it, with the settings of a preset."""

from pathlib import Path
from typing import Any

from atdt.decode import Decoding, Prediction, decode, predict
from atdt.evaluate import Evaluation, evaluate
from atdt.experiments.preset import Preset
from atdt.experiments.sides import Direction, Outcome, Side
from atdt.experiments.steps import Steps


class Measuring:
    """Predictions and their figures; each call is a step that is done once.

    Args:
        direction: of transfer.
        preset: the settings.
        steps: the record.
        outcome: what is left behind.
        suffix: behind the names of all that is made, see `Road.variant`.
    """

    def __init__(
        self,
        direction: Direction,
        preset: Preset,
        steps: Steps,
        outcome: Outcome,
        suffix: str = "",
    ):
        self.direction, self.preset, self.steps, self.outcome = direction, preset, steps, outcome
        self.suffix = suffix

    def decode(
        self,
        transfer: Path,
        n1: Path,
        n2: Path | None,
        letter: str,
        name: str,
        allow_mismatch: tuple[str, ...] = (),
    ) -> Path:
        """Predict T2 through G on a test split, and measure it."""
        domain = self.direction.target.domain(letter, "test")
        out = self.decode_only(transfer, n1, n2, domain, name, allow_mismatch=allow_mismatch)
        return self.measure(out, domain, name + self.suffix)

    def decode_only(
        self,
        transfer: Path,
        n1: Path,
        n2: Path | None,
        domain: str,
        name: str,
        *,
        save_logits: bool = False,
        allow_mismatch: tuple[str, ...] = (),
    ) -> Path:
        """Predict T2 through G; the predictions folder."""
        name += self.suffix
        config = self.decoding(
            transfer, n1, n2, domain, name, save_logits=save_logits, allow_mismatch=allow_mismatch
        )
        inputs = [transfer, n1] if n2 is None else [transfer, n1, n2]
        return self.steps.do(f"decode {name}", decode, config, *inputs, out=config.out)

    def decoding(
        self, transfer: Path, n1: Path, n2: Path | None, domain: str, name: str, **options: Any
    ) -> Decoding:
        """A decoding with the settings of the preset, see `decode_only`."""
        return Decoding(
            transfer=transfer,
            encoder=n1,
            decoder=n2,
            domain=domain,
            out=self.predictions(transfer, name),
            resize=self.preset.resize,
            precision=self.preset.precision,
            **options,
        )

    def predict(self, run: Path, side: Side, letter: str, name: str) -> Path:
        """Predict by a task network on a test split, and measure it."""
        domain = side.domain(letter, "test")
        predictions = self.predict_only(run, domain, name)
        return self.measure(predictions, domain, name + self.suffix)

    def predict_only(self, run: Path, domain: str, name: str, *, save_logits: bool = False) -> Path:
        """Predict by a task network; the predictions folder."""
        name += self.suffix
        out = self.predictions(run, name)
        config = Prediction(
            run=run,
            domain=domain,
            out=out,
            resize=self.preset.resize,
            precision=self.preset.precision,
            save_logits=save_logits,
        )
        return self.steps.do(f"predict {name}", predict, config, run, out=out)

    def measure(self, predictions: Path, domain: str, name: str) -> Path:
        """Measure predictions; their folder."""
        config = Evaluation(predictions=predictions, domain=domain, block=self.preset.block)
        out = predictions / "metrics.json"
        self.steps.do(f"measure {name}", evaluate, config, predictions, out=out)
        return predictions

    def predictions(self, run: Path, name: str) -> Path:
        """Where predictions go: they lie as the runs do that made them."""
        runs, predictions = self.direction.root / "runs", self.direction.root / "predictions"
        return predictions / run.parent.relative_to(runs) / name
