"""Bytes, said and read."""

import pytest

from atdt.errors import UserError
from atdt.sizes import parse_size, said


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1500, "1.5 kB"),
        (999_900, "1 MB"),
        (2 * 10**7, "20 MB"),
        (10**9, "1 GB"),
        (3 * 10**15, "3e+03 TB"),
    ],
)
def test_said_in_decimal_units(count, text):
    assert said(count) == text


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("8GB", 8 * 10**9),
        ("1.5 gib", 3 * 2**29),
        ("512MiB", 2**29),
        ("7 kB", 7000),
        ("12", 12),
        ("3B", 3),
    ],
)
def test_written_with_any_unit(text, count):
    assert parse_size(text) == count


@pytest.mark.parametrize("text", ["", "GB", "-3GB", "8 XB", "1e9"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(UserError, match="such as 8GB"):
        parse_size(text)
