"""Digests: the same for the same content, however it comes."""

from hypothesis import given
from hypothesis import strategies as st

from atdt.digests import sha256_file, sha256_json


def test_digests_do_not_depend_on_the_order_of_keys(tmp_path):
    assert sha256_json({"a": 1, "b": [2]}) == sha256_json({"b": [2], "a": 1})
    assert sha256_json({"a": 1}) != sha256_json({"a": 2})
    (tmp_path / "x").write_bytes(b"abc")
    assert sha256_file(tmp_path / "x").startswith("ba7816bf")


@given(
    st.dictionaries(st.text(), st.lists(st.integers() | st.text() | st.lists(st.integers()))),
    st.sets(st.text()),
)
def test_lists_that_are_too_long_for_the_memory_have_the_same_digest(content, streamed):
    lazy = {key: iter(value) if key in streamed else value for key, value in content.items()}
    assert sha256_json(lazy) == sha256_json(content)
