"""Cross-task consistency in an experiment: R, learnt on A, and B's labels of T1 that it reads."""

from pathlib import Path

from atdt.consistency import CrossTaskTraining, train_cross_task
from atdt.experiments.road import Road
from atdt.experiments.sides import Agreement
from atdt.tasks import get_task


def agreement(road: Road, n1: Path, n2: Path) -> Agreement:
    """R for this N2, and a store of B with E1 and labels of T1; no label of T2 on B is read."""
    t1, t2 = road.direction.source, road.direction.target

    def beside_labels(domain: str, name: str, network: Path, store: str) -> Path:
        title = f"extract {name} features beside labels of {t1.name} ({store})"
        labels = (get_task(t1.task).label,)
        return road.store(title, domain, ((name, network),), store, labels=labels)

    r = CrossTaskTraining(
        store=beside_labels(t1.domain("a", "train"), t2.name, n2, "a-for-r"),
        source=t2.name,
        target=t1.task,
        source_run=n2,
        out=road.direction.folder("runs") / "cross-task",
        steps=road.preset.transfer_steps,
        batch=road.preset.transfer_batch,
        precision=road.preset.precision,
        seed=road.direction.seed,
    )
    title = f"R learns to read {t1.name} off predictions of {t2.name}, on A"
    run = road.steps.do(title, train_cross_task, r, r.store, n2, out=r.out)
    of_b = t1.domain("b", "train")
    store = beside_labels(of_b, t1.name, n1, "b-for-r")
    return Agreement(run, store, of_b, road.preset.consistency_weight)
