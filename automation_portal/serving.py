"""The web as a part of another process's family; by itself it is started as `gunicorn …`."""

from typing import Any

from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]

from automation_portal.worker import PortalWorker

# A page is answered in less; live pages are let go of at once.
GRACE_SECONDS = 3


class Web(BaseApplication):  # type: ignore[misc]  # gunicorn is not typed
    """gunicorn with one worker.

    Arguments:
        address: where it listens, as gunicorn's `--bind`, for example 127.0.0.1:8000.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        super().__init__()

    def load_config(self) -> None:
        """Say what the command line would."""
        options = {
            "bind": self._address,
            "worker_class": PortalWorker,
            "graceful_timeout": GRACE_SECONDS,
            # It would lie in the person's home.
            "control_socket_disable": True,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """Return the application, which the parent has imported by now."""
        from automation_portal.asgi import application

        return application
