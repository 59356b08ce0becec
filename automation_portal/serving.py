"""The web as a part of another process's family; by itself it is started as `gunicorn …`."""

import faulthandler
import os
from typing import Any

from gunicorn import sock  # type: ignore[import-untyped]
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]

from automation_portal.worker import PortalWorker

# A page is answered in less; live pages are let go of at once.
GRACE_SECONDS = 3


class Web(BaseApplication):  # type: ignore[misc]  # gunicorn is not typed
    """gunicorn's worker without its arbiter: the family starts another one when it ends.

    Arguments:
        address: where it listens, as gunicorn's `--bind`, for example 127.0.0.1:8000.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        super().__init__()

    def load_config(self) -> None:
        """Say what the command line would."""
        self.cfg.set("bind", self._address)
        self.cfg.set("graceful_timeout", GRACE_SECONDS)

    def load(self) -> Any:
        """Return the application, which the parent has imported by now."""
        from automation_portal.asgi import application

        return application

    def run(self) -> None:
        """Serve until this process is asked to end."""
        log = self.cfg.logger_class(self.cfg)
        sockets = sock.create_sockets(self.cfg, log)
        _Worker(1, os.getppid(), sockets, self, self.cfg.timeout, self.cfg, log).init_process()


class _Worker(PortalWorker):
    def notify(self) -> None:
        """Say, once a second, that the loop turns. One whose loop does not says where it is, and ends."""
        faulthandler.dump_traceback_later(self.timeout, exit=True)
