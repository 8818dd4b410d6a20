"""The focal ratio of two cameras, by which depth learnt under one is off under the other."""

from atdt.errors import UserError
from atdt.evaluate.pairs import Pairs
from atdt.predictions import INDEX

AUTO = "auto"
NO_RATIO = "no focal ratio"  # begins every reason why there is none


def focal_ratios(setting: str | float | None, pairs: Pairs) -> tuple[list[float] | None, str]:
    """The factor of each image: focal length of its camera over that of the training camera.

    Both in pixels as the networks saw the images: at the native size (as in AT/DT's evaluation,
    eval_task.py), or times what a resize made of the width.

    Args:
        setting: "auto" takes the domain's focal lengths and the method's "training_focal" of
            predictions.json, which counts the training's own resize; a number is the factor
            itself; None asks for no factor.

    Returns:
        a factor for each image, or None and the reason why there is none ("" where none was asked).

    Raises:
        UserError: neither "auto" nor a number above 0.
    """
    if setting is None:
        return None, ""
    if setting != AUTO:
        factor = _number(setting)
        if not 0 < factor < float("inf"):
            raise UserError(f"--focal-ratio {setting}: write auto, none, or a number above 0")
        return [factor] * len(pairs), ""
    predictions, domain = pairs.predictions, pairs.domain
    trained = predictions.method.get("training_focal")
    if trained is None:
        return None, (
            f"{NO_RATIO}: {predictions.folder / INDEX} records no training_focal "
            "(--focal-ratio gives one)"
        )
    focals = [domain.focal(index) for index in range(len(domain))]
    if None in focals:
        image = domain.samples[focals.index(None)].image
        return None, f"{NO_RATIO}: {domain.path} gives no focal length for {image}"
    return [focal * pairs.enlarged(i) / trained for i, focal in enumerate(focals)], ""


def _number(setting: str | float) -> float:
    try:
        return float(setting)
    except ValueError:
        return float("nan")
