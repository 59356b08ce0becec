"""What workers do about runs: ids in, a call out. Each may run twice, or in two workers at once."""

from uuid import UUID

from common.context import Origin, acting_from


def launch() -> None:
    """Send to AWS what is due."""
    from executions import launching

    with acting_from(Origin(channel="worker")):
        launching.serve()


def cancel(execution_id: str) -> None:
    """Ask AWS to stop a run."""
    from executions import sending

    with acting_from(Origin(channel="worker")):
        sending.stop(UUID(execution_id))


def signal(signal_id: int) -> None:
    """Send a person's answer to a waiting step."""
    from executions import sending

    with acting_from(Origin(channel="worker")):
        sending.signal(signal_id)


def track(target_id: int) -> None:
    """Follow the runs of a target for a while."""
    from executions import tracking

    with acting_from(Origin(channel="worker")):
        tracking.follow(target_id)


def reconcile() -> None:
    """Pick up again whatever a crash left lying."""
    from executions import reconciling

    with acting_from(Origin(channel="worker")):
        reconciling.reconcile()


def purge_runs() -> None:
    """Remove the runs that RETENTION_DAYS no longer keeps."""
    from executions import retention

    with acting_from(Origin(channel="worker")):
        retention.purge_by_setting()
