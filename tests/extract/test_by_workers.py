"""Extraction by worker processes: the bits of a single process."""

import os
import re
from dataclasses import replace
from urllib.request import urlopen

import dask
import pytest
from click.testing import CliRunner

from atdt.cli import main
from atdt.cluster import client
from atdt.domains import Domain
from atdt.errors import DomainError, MismatchError, WorkerError
from atdt.extract import extract
from atdt.stores import FeatureWriter, compare_stores, verify_store
from tests.extract.store_content import content

PROGRESS = r"extract: (?P<done>\d+)/14 samples, \d+:\d\d left"


def test_workers_make_the_bits_of_a_single_process(
    watched, alone, theirs, own, monkeypatch, capsys
):
    monkeypatch.setattr("atdt.progress.LINE_EVERY_SECONDS", 0.0)
    said = []
    path = extract(watched(cluster=theirs), said.append)
    assert content(path) == alone
    lines = [re.fullmatch(PROGRESS, line) for line in capsys.readouterr().err.splitlines()]
    done = [int(line["done"]) for line in lines if line]
    assert len(done) == 7  # a line for each block
    assert done == sorted(done) and done[-1] == 14
    assert "2 workers of 1 thread; dashboard: " in said[-1]
    assert os.getpid() not in {int(pid) for pid in (own / "seen").read_text().split()}
    again = extract(watched(cluster=theirs))  # nothing to do: no worker is asked
    assert content(again) == alone


def test_compressed_shards_too(config, theirs, tmp_path):
    chosen = config(compressor="zstd", keep_bits=4)
    alone = content(extract(replace(chosen, out=tmp_path / "alone.zarr")))
    assert content(extract(replace(chosen, cluster=theirs))) == alone


def test_resume_takes_the_threads_that_it_was_begun_with(watched, theirs, own):
    def stop(self, shard):
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("atdt.stores.writer.FeatureWriter.commit", stop)
        extract(watched(cluster=theirs))
    said = []
    with pytest.raises(MismatchError, match="threads: store has 1, run has 2"):
        extract(watched(cluster=theirs, resume=True, threads=2), said.append)
    assert any("--threads 2: this process alone would take 1" in line for line in said)


def test_other_images_or_weights_on_a_worker_are_refused(watched, theirs, monkeypatch):
    chosen = watched(cluster=theirs)
    monkeypatch.setattr(Domain, "digest", lambda self: "0" * 64)
    with pytest.raises(WorkerError, match="domain: the client has 000000000000…, the worker has"):
        extract(chosen)
    assert not chosen.out.exists()


def test_a_mistake_in_the_data_is_the_clients_own(new_domain, config, theirs, tmp_path):
    domain = new_domain(tmp_path / "bad", [(18, 26)] * 7)
    (tmp_path / "bad/image/3.png").write_bytes((tmp_path / "bad/image/3.png").read_bytes()[:200])
    chosen = config(domain=domain, labels=(), cluster=theirs)
    with pytest.raises(DomainError, match=r"train\.txt:4: .*3\.png"):
        extract(chosen)
    alone = content(extract(replace(chosen, skip_bad=True, cluster=None, out=tmp_path / "o.zarr")))
    skipped = replace(chosen, skip_bad=True, resume=True, out=tmp_path / "skipped.zarr")
    assert content(extract(skipped)) == alone


def test_own_workers_by_the_command_line_and_their_dashboard(config, networks, monkeypatch):
    said, pages, tell, commit = [], {}, client._dashboard, FeatureWriter.commit

    def telling(*arguments):
        said.append(tell(*arguments))
        return said[-1]

    def look(self, shard):
        """While they extract."""
        commit(self, shard)
        address = said[0].removeprefix("dashboard: ").removesuffix("/status")
        for page in ("/status", "/info/main/workers.html"):
            with urlopen(address + page, timeout=60) as answer:
                assert answer.status == 200
                pages[page] = answer.read().decode()

    monkeypatch.setattr(client, "_dashboard", telling)
    monkeypatch.setattr(FeatureWriter, "commit", look)
    monkeypatch.setitem(dask.config.get("distributed.worker"), "multiprocessing-method", "spawn")
    chosen = config()
    arguments = [
        *("extract", chosen.domain, "--encoder", str(networks["n1"]), "--views", "1"),
        *("--out", str(chosen.out), "--workers", "2", "--device", "cpu"),
    ]
    done = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert done.exit_code == 0
    assert "2 workers of" in done.stdout
    assert said[0].startswith("dashboard: http://127.0.0.1:")
    assert said[0] in done.stdout
    assert "<title>Dask Diagnostic UI</title>" in pages["/status"]
    assert "Bokeh" in pages["/status"]  # draws it; a page that asks for bokeh has none
    shown = re.findall(r'href="[^"]*worker/([^"]+)\.html"', pages["/info/main/workers.html"])
    assert len(set(shown)) == 2
    assert not verify_store(chosen.out).problems


def test_other_threads_differ_within_the_rounding_of_float16(watched, theirs, tmp_path):
    stores = [
        extract(watched(cluster=theirs, threads=n, out=tmp_path / f"{n}.zarr")) for n in (1, 2)
    ]
    found = compare_stores(*stores)
    assert {"level4/mine", "level4/depth", "labels/semantic"} <= {a.name for a in found.arrays}
    assert not found.alone
    assert not any(array.is_beyond(1) for array in found.arrays)
