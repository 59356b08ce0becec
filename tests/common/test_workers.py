"""The workers that take jobs from the queue."""

import django_rq
import redis
from django_rq.workers import get_worker


def test_a_worker_is_back_soon_after_the_queue_however_often_it_was_away(valkey, monkeypatch):
    worker = get_worker("launch")
    absences = iter([redis.ConnectionError("away")] * 8)
    waited = []

    def taken(*arguments, **options):
        if (absence := next(absences, None)) is not None:
            raise absence
        return django_rq.get_queue("launch").enqueue(len, "a job"), worker.queues[0]

    monkeypatch.setattr(worker.queue_class, "dequeue_any", taken)
    monkeypatch.setattr("rq.worker.base.time.sleep", waited.append)
    assert worker.dequeue_job_and_maintain_ttl(1) is not None
    assert len(waited) == 8
    assert max(waited) <= 5
