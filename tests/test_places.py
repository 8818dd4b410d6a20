"""Paths and URLs told apart; options that are told as pandas' are."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atdt.errors import PlaceError, UserError
from atdt.places import is_remote, parse_storage_options, place, without_secrets


def test_a_local_path_stays_what_it_is():
    path = Path("stores/a.zarr")
    assert place(path) is path
    assert place("stores/a.zarr") == path
    assert place("file:///data/a") == Path("/data/a")
    assert not is_remote(path)


def test_a_url_becomes_a_path_with_the_same_names():
    path = place("memory://b/a.zarr/")
    assert is_remote(path) and place(path) is path
    assert str(path / "level4" / "depth") == "memory://b/a.zarr/level4/depth"
    assert (path.name, str(path.parent)) == ("a.zarr", "memory://b")


@pytest.mark.parametrize("text", ["s3://", "s3:///", "x://y/z", "://a", "simplecache::s3://a/b"])
def test_other_urls_are_refused(text):
    with pytest.raises(PlaceError):
        place(text)


def test_options_are_key_value_or_json_and_later_ones_count():
    texts = ["anon=true", '{"key": "a", "client_kwargs": {"x": 1}}', "key=b=c", "retries=3"]
    wanted = {"anon": True, "key": "b=c", "client_kwargs": {"x": 1}, "retries": 3}
    assert parse_storage_options(texts) == wanted


@given(st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), st.integers() | st.text()))
def test_json_says_what_it_says(options):
    assert parse_storage_options([json.dumps(options)]) == options


@given(st.text(min_size=3).filter(lambda text: not text.startswith("{")))
def test_what_is_no_option_is_not_repeated(secret):
    with pytest.raises(UserError) as caught:
        parse_storage_options([f"?{secret}"])
    assert secret not in str(caught.value) or secret in "write KEY=VALUE, such as anon=true"


@given(st.lists(st.sampled_from(["a", "--out", "--storage-options=key=1", "b=c"])))
def test_nothing_else_of_a_command_line_is_changed(arguments):
    kept = without_secrets(arguments)
    assert len(kept) == len(arguments)
    for before, after in zip(arguments, kept, strict=True):
        hidden = before.startswith("--storage-options")
        assert after == ("--storage-options=…" if hidden else before)
