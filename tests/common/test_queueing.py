"""The queue's client."""

import threading
import time

from common import queueing


def test_threads_that_need_the_queue_at_the_same_moment_share_one_client(monkeypatch):
    made = []

    def make(name):
        # Slow, as a first connection is: whoever comes meanwhile must not make another.
        made.append(object())
        time.sleep(0.1)
        return made[-1]

    monkeypatch.setattr("django_rq.get_connection", make)
    queueing._client.cache_clear()
    found = []
    threads = [threading.Thread(target=lambda: found.append(queueing.connection())) for _ in range(4)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        queueing._client.cache_clear()
    assert len(made) == 1
    assert set(map(id, found)) == {id(made[0])}
