"""Step Functions with moto's own interpreter, whose tasks act through the gate as the state machine's role.

https://docs.aws.amazon.com/step-functions/latest/dg/procedure-create-iam-role.html
"""

from __future__ import annotations

import datetime as dt
import logging
import sys
import threading
import uuid
from typing import Any

import boto3
import moto.stepfunctions.models
from botocore.config import Config
from moto.core.config import default_user_config
from moto.stepfunctions.parser.api import ExecutionStatus

from sandbox import settings
from sandbox.authorization import assume_role_as_service

log = logging.getLogger(__name__)

TASK_SECONDS = 900


def _client_for(region: str, service: str, state_credentials: Any = None) -> Any:
    """A client with which a task calls a service, as the role that its state runs as."""
    role_arn: str = state_credentials.role_arn
    principal = assume_role_as_service(
        role_arn,
        service="states.amazonaws.com",
        session_name="StepFunctions",
        source_account=role_arn.split(":")[4],
        source_arn=f"arn:aws:states:{region}:{role_arn.split(':')[4]}:stateMachine:*",
    )
    make: Any = boto3.client
    return make(
        service,
        region_name=region,
        **principal.credentials(),
        endpoint_url=settings.endpoint_url(),
        config=Config(
            parameter_validation=False,
            retries={"total_max_attempts": 1},
            read_timeout=TASK_SECONDS,
            s3={"addressing_style": "path"},
        ),
    )


def install() -> None:
    """Let state machines run, as their roles, and be kept across restarts."""
    default_user_config["stepfunctions"] = {"execute_state_machine": True}
    from moto.stepfunctions.parser.backend import execution, execution_worker
    from moto.stepfunctions.parser.models import StepFunctionsParserBackend, stepfunctions_parser_backends

    # Every module of a task has taken the function by its name.
    for name, module in list(sys.modules.items()):
        if name.startswith("moto.stepfunctions.parser.") and hasattr(module, "boto_client_for"):
            vars(module)["boto_client_for"] = _client_for
    # CloudFormation makes state machines in the backends that do not run them.
    vars(moto.stepfunctions.models)["stepfunctions_backends"] = stepfunctions_parser_backends
    _name_executions(StepFunctionsParserBackend)
    _keep_executions(execution)
    _end_what_breaks(execution_worker)
    for regions in list(stepfunctions_parser_backends.values()):
        for backend in list(regions.values()):
            for interrupted in backend._get_executions(ExecutionStatus.RUNNING):
                _fail(interrupted, "The sandbox stopped while the state machine was running.")


def _name_executions(backend: Any) -> None:
    """An execution that is given no name gets one, as in AWS."""
    start = backend.start_execution

    def start_execution(
        self: Any, state_machine_arn: str, name: str | None = None, *rest: Any, **more: Any
    ) -> Any:
        return start(self, state_machine_arn, name or str(uuid.uuid4()), *rest, **more)

    backend.start_execution = start_execution


def _keep_executions(module: Any) -> None:
    """Let executions be pickled: one that runs has threads, which are gone when it is loaded again."""

    def get_state(self: Any) -> dict[str, Any]:
        return {**vars(self), "exec_worker": None}

    def history(self: Any) -> Any:
        if self.exec_worker is None:
            return module.GetExecutionHistoryOutput(events=[])
        return read_history(self)

    read_history = module.Execution.to_history_output
    module.Execution.__getstate__ = get_state
    module.Execution.to_history_output = history


def _end_what_breaks(worker: Any) -> None:
    """An execution ends whatever happens in its thread, which is then forgotten."""
    run = worker.ExecutionWorker._execution_logic

    def logic(self: Any) -> None:
        try:
            run(self)
        except Exception as error:
            log.exception("a state machine could not go on")
            told = f"The sandbox's interpreter failed: {type(error).__name__}: {error}"
            _fail(self._execution_communication.execution, told)
        finally:
            if (thread := threading.current_thread()) in worker.TMP_THREADS:
                worker.TMP_THREADS.remove(thread)

    worker.ExecutionWorker._execution_logic = logic


def _fail(self: Any, cause: str) -> None:
    self.exec_status = ExecutionStatus.FAILED
    self.stop_date = dt.datetime.now(dt.UTC)
    self.error, self.cause = "States.Runtime", cause
