"""The `;` format: what a line may hold, and one clear error for each thing it may not."""

import pytest

from atdt.domains.lists import Sample, read_list
from atdt.errors import DomainError


@pytest.fixture
def write(tmp_path):
    def write_list(content: str | bytes):
        path = tmp_path / "train.txt"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write_list


def test_columns_blank_lines_and_missing_files(write, tmp_path):
    path = write("l/1.png;r/1.png;s/1.png;_;n/1.png\n\n  \nl/2.png\n")
    assert tuple(read_list(path, tmp_path)) == (
        Sample(1, "l/1.png", "r/1.png", "s/1.png", None, "n/1.png"),
        Sample(4, "l/2.png"),
    )


@pytest.mark.parametrize(
    "content",
    [
        "a.png;b.png\r\nc d.png;_\r\n",  # Windows line ends, a blank in a name
        "\ufeffa.png ; b.png\nc d.png;_",  # a byte order mark, blanks about the separator
        "./a.png;x/../b.png\nc d.png".replace("x/../", ".//"),  # the same paths, longer
    ],
)
def test_ways_of_writing_the_same_list(write, tmp_path, content):
    read = tuple(read_list(write(content), tmp_path))
    assert read == (Sample(1, "a.png", "b.png"), Sample(2, "c d.png"))


def test_names_may_hold_what_other_line_splitters_split_at(write, tmp_path):
    assert [s.line for s in read_list(write("a\x0b\u2028.png\nb.png\n"), tmp_path)] == [1, 2]


def test_columns_can_be_named(write, tmp_path):
    path = write("x/1.png;y/1.png\n")
    (sample,) = read_list(path, tmp_path, ("image", "semantic"))
    assert sample == Sample(1, "x/1.png", semantic="y/1.png")


@pytest.mark.parametrize("path", ["../secret.png", "a/../../secret.png", "/etc/passwd"])
@pytest.mark.parametrize("line", ["{}", "a.png;_;{}"])
def test_paths_that_leave_the_root_are_refused_in_one_line(write, tmp_path, line, path):
    listed = write("ok.png\n" + line.format(path) + "\n")
    with pytest.raises(DomainError) as caught:
        read_list(listed, tmp_path)
    message = str(caught.value)
    assert message.startswith(f"{listed}:2: {path!r}: must be a path below")
    assert "\n" not in message


def test_a_link_out_of_the_root_is_refused(write, tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    (root / "out").symlink_to(tmp_path)
    with pytest.raises(DomainError, match=r"train\.txt:1: .*a link leads out"):
        read_list(write("out/a.png\n"), root)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"train\.txt: the list is empty"),
        ("\n \n", r"train\.txt: the list is empty"),
        ("a;b;c;d;e;f\n", r"train\.txt:1: 6 columns, but only 5 .*image;right;semantic"),
        ("a.png\nb.png;;c.png\n", r"train\.txt:2: column 'right' is empty; write _"),
        ("a.png;\n", r"train\.txt:1: column 'right' is empty"),
        ("a.png;b\0.png\n", r"train\.txt:1: column 'right' is empty"),
        ("_;r.png\n", r"train\.txt:1: has no image"),
        ("a.png\n\nb.png\n./a.png\n", r"train\.txt:4: a\.png is on line 1 already"),
        (b"\xff\xfe\x00", r"train\.txt: cannot be read as a list in UTF-8"),
    ],
)
def test_each_mistake_has_its_error(write, tmp_path, content, message):
    with pytest.raises(DomainError, match=message):
        read_list(write(content), tmp_path)


def test_a_list_that_is_absent_or_a_folder(tmp_path):
    with pytest.raises(DomainError, match=r"none\.txt: no such list"):
        read_list(tmp_path / "none.txt", tmp_path)
    with pytest.raises(DomainError, match="cannot be read as a list"):
        read_list(tmp_path, tmp_path)
