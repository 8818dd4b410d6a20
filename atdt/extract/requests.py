"""What an extraction asks of an object store, and what that costs."""

from dataclasses import dataclass

from atdt.errors import UserError
from atdt.extract.estimate import ExtractionEstimate
from atdt.lease import RENEW
from atdt.objects import PART
from atdt.stores.checks import ROOT_LEDGER
from atdt.stores.layout import LABELS
from atdt.stores.metadata import vector_files
from atdt.stores.shards import plain_sizes

FILES_OF_ROOT = len([*vector_files(), ROOT_LEDGER])
WRITTEN_OF_ARRAY = 3  # metadata, the ledger as it begins and as it ends; its lock is taken of all
LISTED = 1000  # names that one request tells
LISTINGS_OF_BLOCKS = 4  # of an array's commits and shards, when it begins and when it ends
# Made however many samples there are: counted at moto's server, in tests/extract/test_requests.py.
LISTS_OF_STORE, LISTS_OF_ARRAY, LISTS_OF_DOMAIN = 11, 11, 6
READS_OF_STORE, READS_OF_ARRAY, READS_OF_DOMAIN = 42, 10, 6
READS_OF_WORKER = 12  # of each array's metadata
READS_OF_COPY = 2  # a shard's size, asked by us and by s3fs


@dataclass(frozen=True)
class Prices:
    """Dollars a thousand requests, in the two classes that price lists have.

    The defaults are those of S3 Standard in us-east-1 and of Google's Standard storage in one
    region, as https://c3x.dev/blog/s3-request-fees-explained and
    https://cloud.google.com/storage/pricing-examples told them in November 2026. To delete costs
    nothing there.

    Attributes:
        write: PUT, POST, COPY and LIST; "class A".
        read: GET and HEAD; "class B".
    """

    write: float = 0.005
    read: float = 0.0004

    def check(self) -> None:
        """Raises UserError: a price below nothing."""
        if not (self.write >= 0 and self.read >= 0):
            raise UserError(f"--request-prices {self.write:g} {self.read:g}: must not be below 0")


ASSUMED = Prices()


@dataclass(frozen=True)
class RemoteDomain:
    """A domain in an object store, whose images and labels are requests.

    Attributes:
        images: that there are.
        kept: whether one process keeps images that it has decoded, for their other views.
    """

    images: int
    kept: bool


@dataclass(frozen=True)
class Requests:
    """To an object store, of both classes; those that are tried again are not known before.

    Attributes:
        writes: PUT, POST and COPY.
        lists: at most.
        reads: GET and HEAD, at most. Networks in a bucket are not in it, some ten each.
    """

    writes: int
    lists: int
    reads: int

    def dollars(self, prices: Prices) -> float:
        """What they cost."""
        return ((self.writes + self.lists) * prices.write + self.reads * prices.read) / 1000

    def cost(self, prices: Prices) -> str:
        """The same for a user, with what it was reckoned from."""
        dollars = self.dollars(prices)
        about = f"${dollars:,.2f}" if dollars >= 0.01 else "less than a cent"
        told = f"{about}, at ${prices.write:g} and ${prices.read:g} a thousand"
        if prices == ASSUMED:
            told += ", as S3 and Google ask (`atdt plan --request-prices`)"
        return told


def requests_of(
    made: ExtractionEstimate,
    workers: int | None,
    seconds: float,
    *,
    new: bool,
    domain: RemoteDomain | None,
) -> Requests:
    """What `extract` will ask for.

    A large object goes in parts, begun and ended by a request each. A shard has a commit besides,
    and of several workers a copy to its place. Each array's lock is renewed all the while.

    Args:
        workers: that write shards under names of their own; None where this process is alone.
        seconds: that the extraction takes.
        new: the store is not there yet.
        domain: None where the images are files.
    """
    arrays = [array for array in made.arrays if array.samples]
    groups = len({array.path.partition("/")[0] for array in arrays})
    writes = new * (FILES_OF_ROOT + 1) + groups
    writes += len(made.arrays) + WRITTEN_OF_ARRAY * len(arrays)
    lists = LISTS_OF_STORE + LISTS_OF_ARRAY * len(made.arrays)
    reads = READS_OF_STORE + READS_OF_ARRAY * len(made.arrays)
    for array in arrays:
        slots, item = made.samples_per_shard, array.bytes // array.samples
        last = array.samples - (array.blocks - 1) * slots
        whole, end = (_put(plain_sizes(slots, count, item)[0]) for count in (slots, last))
        writes += (array.blocks - 1) * whole + end + array.blocks
        lists += LISTINGS_OF_BLOCKS * (array.blocks // LISTED)
        if workers is not None:
            writes += array.blocks
            reads += READS_OF_COPY * array.blocks + READS_OF_WORKER * workers
    renewals = len(arrays) * int(seconds // RENEW)
    writes, lists = writes + renewals, lists + renewals
    if domain is not None:
        processes = 1 + (workers or 0)
        kinds = sum(array.path.startswith(f"{LABELS}/") for array in arrays)
        folders = (1 + kinds) * -(-domain.images // LISTED)
        lists += processes * (LISTS_OF_DOMAIN + folders)
        reads += processes * READS_OF_DOMAIN + _of_files(made, domain, kinds, workers)
    return Requests(writes, lists, reads)


def _put(size: int) -> int:
    """Requests that write an object."""
    return 1 if size < 2 * PART else 2 + -(-size // PART)


def _of_files(
    made: ExtractionEstimate, domain: RemoteDomain, kinds: int, workers: int | None
) -> int:
    """Requests for images and labels. The client reads each image's header, whoever decodes asks
    for whole files; a worker, and whoever reads a label, for the image's header once more."""
    left = max((array.samples for array in made.arrays), default=0)
    if workers is not None:
        decoding = 2 * left
    else:
        decoding = min(left, domain.images) if domain.kept else left
    return domain.images + decoding + 2 * kinds * left
