"""Numbers of bytes, as people say them and write them."""

import re

from atdt.errors import UserError

UNITS = {"": 1, "B": 1}
for _power, _letter in enumerate("kMGT", start=1):
    UNITS |= {f"{_letter}B".upper(): 1000**_power, f"{_letter}iB".upper(): 1024**_power}


def said(count: int) -> str:
    """Such as "1.5 GB", in decimal units and three digits."""
    value = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 999.5:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.3g} TB"


def parse_size(text: str) -> int:
    """Bytes of "8GB", "512 MiB" or "1000000".

    Raises:
        UserError: the text says no size.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]*)\s*", text)
    if match is None or match[2].upper() not in UNITS:
        raise UserError(f"{text!r}: write a number of bytes, such as 8GB or 512MiB")
    return int(float(match[1]) * UNITS[match[2].upper()])
