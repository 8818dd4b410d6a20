"""Files and objects under other names: who copies, and what of it passes through this machine."""

from atdt import objects
from atdt.copies import copy_file, link_or_copy
from atdt.places import place


def test_within_a_store_the_server_copies(bucket, s3):
    source, target = place(f"{bucket}/a/1.png"), place(f"{bucket}/b/2.png")
    objects.put(source, b"whole")
    s3.forget()
    link_or_copy(source, target)
    assert s3.counts()["GET"] == 0 and s3.counts()["PUT"] == 1
    assert objects.get(target) == objects.get(source) == b"whole"


def test_between_stores_and_disks_bytes_are_copied(bucket, tmp_path):
    here, there = tmp_path / "deep" / "1.png", place(f"{bucket}/1.png")
    first = tmp_path / "0.png"
    first.write_bytes(b"whole")
    link_or_copy(first, there)
    memory = place(f"memory://{tmp_path.name}/1.png")
    assert copy_file(there, memory) == memory
    link_or_copy(memory, here)
    assert here.read_bytes() == b"whole"


def test_on_a_disk_a_file_gets_another_name_and_what_is_there_stays(tmp_path):
    first, second = tmp_path / "1", tmp_path / "deep" / "2"
    first.write_bytes(b"first")
    link_or_copy(first, second)
    assert second.samefile(first)
    assert not copy_file(first, tmp_path / "3").samefile(first)
    link_or_copy(tmp_path / "3", second)
    assert second.samefile(first)
