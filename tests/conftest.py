"""Shared by all tests: results and times must not depend on how busy the machine is."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("any machine", deadline=None, max_examples=50)
settings.load_profile("any machine")
os.environ.pop("COLUMNS", None)  # 80 in pytest-xdist's processes: tables are as wide as they want


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def forked_workers() -> Iterator[None]:
    """Dask has its workers from tests/made_forks.py, not as Python processes of their own."""
    import dask
    from distributed.utils import get_mp_context

    from tests.made_forks import forks

    with dask.config.set({"distributed.worker.multiprocessing-method": "forkserver"}):
        get_mp_context()  # says once what dask would import
        forks()
        yield


@pytest.fixture(scope="session")
def dask_cluster(forked_workers):
    """Two worker processes, which come back when they are killed, be the machine ever so busy."""
    import dask
    from distributed import LocalCluster

    from atdt.cluster.client import OWN

    with (
        dask.config.set(OWN),
        LocalCluster(
            n_workers=2, threads_per_worker=2, memory_limit=0, dashboard_address="127.0.0.1:0"
        ) as cluster,
    ):
        yield cluster


@pytest.fixture
def dask_workers(dask_cluster):
    """The cluster when both are there, also if a test before has killed them."""
    from atdt.cluster.client import STARTING

    dask_cluster.wait_for_workers(2, timeout=STARTING)
    return dask_cluster


@pytest.fixture(scope="session")
def watched_run(tmp_path_factory) -> Path:
    """A run of the network of tests/watched_network.py, which lies beside it."""
    from atdt.domains import label_space
    from atdt.networks import NetworkSpec, build_network
    from atdt.runs import create_run
    from atdt.tasks import get_task
    from atdt.training.load import KIND, network_keys

    folder = tmp_path_factory.mktemp("own")
    shutil.copy(Path(__file__).with_name("watched_network.py"), folder)
    (folder / "client").write_text(str(os.getpid()))
    (folder / "seconds").write_text("0")
    task, space = get_task("depth"), label_space("coarse4")
    spec = NetworkSpec("watched_network:network", {})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        network = build_network(spec, task.channels(space), seed=0, allow_import=True)
        run = create_run(folder / "run", KIND, {})
        run.finish(network.state_dict(), **network_keys(network, spec, task, space))
    return folder / "run"


@pytest.fixture(scope="session")
def s3_session():
    """An S3 server on the loopback address, and an environment in which clients find it."""
    from benchmarks.s3 import ENVIRONMENT, s3_server

    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("AWS_", "FSSPEC_"))]:
            patch.delenv(name)
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        with s3_server() as server:
            patch.setenv("AWS_ENDPOINT_URL", server.url)
            yield server


@pytest.fixture
def s3(s3_session):
    """The server, as it is when nothing goes wrong."""
    yield from _undisturbed(s3_session)


@pytest.fixture
def bucket(s3, tmp_path) -> str:
    """A URL of its own for each test."""
    return _own_url("s3", tmp_path)


@pytest.fixture
def s3_options(s3):
    """What other processes are sent to find the server by, since their environment is older."""
    from atdt import places
    from benchmarks.s3 import CREDENTIALS

    key, secret = CREDENTIALS.values()
    before = places.storage_options()
    places.use_storage_options({"endpoint_url": s3.url, "key": key, "secret": secret})
    yield
    places.use_storage_options(before)


@pytest.fixture
def impatient(monkeypatch):
    """Clients that give up at once."""
    import s3fs

    from atdt import places

    monkeypatch.setattr(s3fs.S3FileSystem, "retries", 1)
    before = places.storage_options()
    places.use_storage_options({"config_kwargs": {"retries": {"max_attempts": 0}}})
    yield
    places.use_storage_options(before)


@pytest.fixture(scope="session")
def gs_session():
    """A server that answers as Google's, on the loopback address, and clients that ask it."""
    import fsspec.config
    from gcsfs.extended_gcsfs import BucketType, ExtendedGcsFileSystem

    from benchmarks.s3 import serving
    from tests.made_gcs import Gcs

    async def plain(self: ExtendedGcsFileSystem, bucket: str) -> BucketType:
        return BucketType.NON_HIERARCHICAL  # it would ask another server, by another protocol

    with pytest.MonkeyPatch.context() as patch, serving(Gcs()) as server:
        patch.setenv("STORAGE_EMULATOR_HOST", server.url)
        patch.setitem(fsspec.config.conf, "gs", {"token": "anon"})
        patch.setattr(ExtendedGcsFileSystem, "_get_bucket_type", plain)
        yield server


@pytest.fixture
def gs(gs_session):
    """The server, as it is when nothing goes wrong."""
    yield from _undisturbed(gs_session)


@pytest.fixture
def gs_bucket(gs, tmp_path) -> str:
    """A URL of its own for each test."""
    return _own_url("gs", tmp_path)


def _undisturbed(server):
    server.forget()
    yield server
    server.forget()


def _own_url(scheme: str, folder: Path) -> str:
    from benchmarks.s3 import BUCKET

    return f"{scheme}://{BUCKET}/{folder.parent.name}-{folder.name}"
