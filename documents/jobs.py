"""What workers do for documents: ids in, a call out. `resume_publications` runs every minute."""

from common.context import Origin, acting_from
from common.queueing import enqueue
from documents import publishing


def publish(publication_id: int) -> None:
    """Bring a version to AWS; safe to run twice."""
    with acting_from(Origin(channel="worker")):
        publishing.carry_out(publication_id)


def resume_publications() -> None:
    """Hand what a lost queue, a dead worker or a busy AWS left undone to a worker again."""
    with acting_from(Origin(channel="worker")):
        for publication_id in publishing.unfinished():
            enqueue("default", publish, publication_id)
