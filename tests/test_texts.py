"""JSON that is written and read."""

import pytest

from atdt.errors import UserError
from atdt.texts import read_json, write_json


def test_json_survives_a_round_trip_and_refuses_nan(tmp_path):
    content = {"name": "Größe", "values": [1, 2.5, None]}
    assert read_json(write_json(tmp_path / "deep" / "a.json", content)) == content
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "b.json", {"loss": float("nan")})


def test_reading_names_the_file_that_is_absent_or_broken(tmp_path):
    with pytest.raises(UserError, match=r"none\.json: no such file"):
        read_json(tmp_path / "none.json")
    (tmp_path / "torn.json").write_text('{"a": ')
    with pytest.raises(UserError, match=r"torn\.json: not valid JSON"):
        read_json(tmp_path / "torn.json")
