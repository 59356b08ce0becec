"""The workers that take jobs from the queue."""

from typing import Any

from django.db import connections
from rq import SimpleWorker

from common import queueing


class Worker(SimpleWorker):
    """Performs jobs in its own process, one after the other.

    A process for each job would have to open the database, the connections to AWS and its sessions anew:
    most of the time from a click to the call. A job that takes its worker down costs that job's time only:
    the pool starts another worker, and what the job was about stands in the database.
    """

    # Seconds. RQ would double its wait at each failure up to a minute, and an idle worker never forgets one:
    # after some restarts of the queue nobody would take a job for so long.
    max_connection_wait_time = 5.0

    def execute_job(self, job: Any, queue: Any) -> None:
        """Perform a job, with database connections that work."""
        for connection in connections.all(initialized_only=True):
            # The server may have closed it since the last job.
            if connection.connection is not None and not connection.is_usable():
                connection.close()
        super().execute_job(job, queue)

    def _start_scheduler(self, *arguments: Any, **options: Any) -> None:
        """Start none, though a pool's workers ask for it: what comes again at its time is cron's.

        It would be one more process for each queue, and a worker that is asked to end would wait for it.
        """

    def handle_warm_shutdown_request(self) -> None:
        """Let the job at hand know that it should come to an end."""
        queueing.stop()
        super().handle_warm_shutdown_request()  # type: ignore[no-untyped-call]
