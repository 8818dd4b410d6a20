"""How good a network is on labelled images: what chooses the best weights of a training."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import batched, zip_longest

import numpy as np
import torch

from atdt.ahead import ahead
from atdt.devices import precision_context
from atdt.domains import LabelSpace, ViewPlan
from atdt.networks import TaskNetwork
from atdt.ranks import ALONE, Ranks
from atdt.tasks.base import Record, Task
from atdt.training.batches import Batch, Views
from atdt.training.order import Draw
from atdt.training.sources import Source, one_size


class Validation:
    """Scores a network on the plain images of one domain.

    Args:
        task: what is measured; where it needs no label, the truth is made from the image.
        space: of the labels.
        source: the domain.
        resize: (height, width) that images and labels are brought to, as in training.
        crop: (height, width) cut from the centre, only where the images' sizes differ.
        batch: images a forward.
        images: which images of the domain; all when None.
        memory: bytes of decoded images that may be kept between calls.
    """

    def __init__(
        self,
        task: Task,
        space: LabelSpace,
        source: Source,
        *,
        resize: tuple[int, int] | None = None,
        crop: tuple[int, int] | None = None,
        batch: int = 8,
        images: Sequence[int] | None = None,
        memory: int = 0,
    ):
        domain = source.domain
        self._task = task
        self._space = space
        self._images = range(len(domain)) if images is None else images
        self._batch = batch
        plan = ViewPlan(resize=resize)
        if crop and len({plan.out_size(domain.image_size(i)) for i in self._images}) > 1:
            plan = ViewPlan(resize=resize, crop=crop)
        self.size = one_size([source], plan)
        needs_clean = task.label is None
        self._views = Views([domain], task.label, plan, needs_clean=needs_clean, memory=memory)

    def scores(
        self,
        network: TaskNetwork,
        device: torch.device,
        precision: str = "float32",
        ranks: Ranks = ALONE,
    ) -> dict[str, float]:
        """`Task.summarise` over the images; the network is left in the mode it came in.

        Args:
            ranks: that measure together: batches in turns, the same scores on all.
        """
        measured: list[list[Record]] = []  # of each batch
        draws = ranks.mine(list(self._draws()))
        with inference(network), closing(ahead(self._views.batch, draws)) as batches:
            for batch in batches:
                with precision_context(device, precision):
                    output = network(batch.image.to(device))
                predicted = self._task.predict(output.float()).cpu().numpy()
                pairs = zip(predicted, self._truth(batch), strict=True)
                measured.append([self._task.measure(*pair, self._space) for pair in pairs])
        turns = zip_longest(*ranks.gathered(measured), fillvalue=())
        records = [record for turn in turns for batch in turn for record in batch]
        return self._task.summarise(records, self._space)

    def _draws(self) -> Iterator[list[Draw]]:
        for images in batched(self._images, self._batch):
            yield [Draw(domain=0, image=image, view=0) for image in images]

    def _truth(self, batch: Batch) -> np.ndarray:
        if self._task.label is None:
            return self._task.target(batch.clean, None).numpy()
        return batch.label.numpy()


@contextmanager
def inference(network: TaskNetwork) -> Iterator[None]:
    """Within it the network runs in evaluation mode and without gradients."""
    training = network.training
    network.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        network.train(training)
