from django.apps import AppConfig


class ExecutionsConfig(AppConfig):
    name = "executions"

    def ready(self) -> None:
        """Load what jobs need: a worker forks for each job, and what it has loaded by then it loads once."""
        from executions import launching, reconciling, sending, tracking  # noqa: F401
