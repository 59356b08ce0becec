"""gunicorn's ASGI worker, for a portal whose pages hold connections open.

gunicorn automation_portal.asgi:application -k automation_portal.worker.PortalWorker
"""

import gc
import resource

from gunicorn.workers.gasgi import ASGIWorker  # type: ignore[import-untyped]

# Each live page holds one; many systems begin with 1,024.
FILES = 16_384


class PortalWorker(ASGIWorker):  # type: ignore[misc]
    """Ends live pages' streams as soon as it is asked to stop, instead of waiting for them in vain."""

    def init_process(self) -> None:
        """Make room for a connection a page, and serve."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
        if soft != resource.RLIM_INFINITY and soft < most:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        super().init_process()

    def load_wsgi(self) -> None:
        """Load the application, which from then on is no business of the collector of garbage."""
        super().load_wsgi()
        # A collection looks at all objects while everybody waits, and most of them are the application's own.
        gc.collect()
        gc.freeze()

    def handle_exit_signal(self) -> None:
        """Stop accepting, end the streams, finish what is being answered (SIGTERM)."""
        super().handle_exit_signal()
        # Not before the application was loaded, and with it Django.
        from executions.watching import watchers

        watchers().close()
