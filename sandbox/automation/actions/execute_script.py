"""aws:executeScript.

https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-executeScript.html
"""

import contextlib
import datetime as dt
import json
import re
from dataclasses import replace
from typing import Any

from sandbox import settings
from sandbox.automation.actions.registry import Action
from sandbox.automation.context import StepContext
from sandbox.automation.outcomes import Done, InvalidInputs, Outcome, StepFailed, TimedOut, Wait
from sandbox.automation.values import system_values
from sandbox.errors import AwsError
from sandbox.scripts import Credentials, Job, Limits, Result, Script, ScriptError, runner
from sandbox.scripts.jobs import MIB

POLLING = "Poll action status for completion"
# Python 3.6 to 3.11 are what AWS names; all of them run on the Python that runs the sandbox.
PYTHON = re.compile(r"python3\.\d{1,2}")
POWERSHELL = re.compile(r"PowerShell (Core )?[67]\.\d")
MODULE = "customer_script"
SCRIPT = f"{MODULE}.ps1"
# AWS gives PowerShell more memory than Python; .NET has more threads than Python.
LIMITS_OF_POWERSHELL = Limits(memory=1024 * MIB, processes=128)
LONGEST_SECONDS = 600
MOST_BYTES = 100_000
MOST_ITEMS = 100
# Most scripts end this soon, and their step then takes one turn; longer ones hold up no thread.
PATIENCE_SECONDS = 0.2

_scripts: dict[str, Script] = {}


def run(context: StepContext) -> Outcome:
    if "result" in context.memo:
        # The script's sleeps did not really pass: now they have, on the run's clock.
        return _outcome(context.memo["result"])
    if not context.memo.get("started"):
        return _start(context)
    script = _scripts.get(context.step_execution_id)
    if script is None:
        raise StepFailed(
            "The sandbox stopped while this step's script ran. What the script had done by then is not "
            "known: check before running the automation again",
            doing=POLLING,
            type="Internal",
        )
    result = script.result(0)
    return Wait(None, POLLING) if result is None else _ended(context, result)


def _start(context: StepContext) -> Outcome:
    job = _job(context)
    context.memo["started"] = True
    if context.leave_work is None:
        return _ended(context, runner.run(job))
    script = runner.start(job)
    _scripts[context.step_execution_id] = script
    result = script.result(PATIENCE_SECONDS)
    if result is not None:
        return _ended(context, result)
    done = context.leave_work(script.cancel)
    script.then(lambda _: done())
    return Wait(None, POLLING)


def _ended(context: StepContext, result: Result) -> Outcome:
    _scripts.pop(context.step_execution_id, None)
    if result.slept > 0:
        context.memo["result"] = result
        return Wait(context.now + dt.timedelta(seconds=result.slept), POLLING)
    return _outcome(result)


# --- what the script is given ---


def _job(context: StepContext) -> Job:
    runtime = str(context.required("Runtime"))
    interpreter = _pwsh(runtime) if POWERSHELL.fullmatch(runtime) else None
    if interpreter is None and not PYTHON.fullmatch(runtime):
        raise InvalidInputs(f"The runtime {runtime} is not supported: use python3.11.")
    files, handler = _files(context) if interpreter is None else _files_of_powershell(context)
    limits = Limits() if interpreter is None else LIMITS_OF_POWERSHELL
    return Job(
        files=files,
        handler=handler,
        interpreter=interpreter,
        payload=json.dumps(_events(context), default=str),
        context=_surroundings(context),
        credentials=_credentials(context),
        region=context.region,
        directory=f"/tmp/{context.step_execution_id}-{context.now:%Y-%m-%d-%H-%M-%S}",  # noqa: S108 - its own
        limits=replace(limits, seconds=_seconds_left(context)),
        epoch=None if settings.current().clock == 1 else context.now.timestamp(),
    )


def _pwsh(runtime: str) -> str:
    """The PowerShell that runs scripts here, whatever version the runtime names."""
    if (found := settings.current().pwsh) is None:
        raise StepFailed(
            f"The sandbox runs Python scripts only where it finds no pwsh, and this one is for {runtime}. "
            "Install PowerShell or name it by --pwsh, give the step's result in a fixture, or try it on AWS",
            doing=POLLING,
            type="Internal",
        )
    return str(found)


def _files_of_powershell(context: StepContext) -> tuple[dict[str, str | bytes], str]:
    """The script and its attachment, and which file is the script: none when the attachment holds it."""
    if context.inputs.get("Handler"):
        raise InvalidInputs("PowerShell has no Handler: leave it out, the script runs as it stands.")
    files = _attachment(context)
    if any(not name.endswith(".zip") for name in files):
        raise InvalidInputs("The Attachment of a PowerShell script is a .zip file.")
    if script := context.inputs.get("Script") or (None if files else context.required("Script")):
        return {**files, SCRIPT: str(script)}, SCRIPT
    return files, ""


def _attachment(context: StepContext) -> dict[str, str | bytes]:
    if not (name := str(context.inputs.get("Attachment") or "")):
        return {}
    if name not in context.attachments:
        raise StepFailed(
            f"The document has no attachment {name}. Give it in Attachments when the document is created",
            doing=POLLING,
        )
    return {name: context.attachments[name]}


def _files(context: StepContext) -> tuple[dict[str, str | bytes], str]:
    """The script and its attachment, and the handler as `module.function`."""
    module, _, function = str(context.required("Handler")).rpartition(".")
    files = _attachment(context)
    if files and not module and not context.inputs.get("Script"):
        raise InvalidInputs("The Handler of an attachment names its file too, like file.function.")
    if script := context.inputs.get("Script") or (None if files else context.required("Script")):
        files[f"{module or MODULE}.py"] = str(script)
    return files, f"{module or MODULE}.{function}"


def _events(context: StepContext) -> Any:
    """The input InputPayload: a map, or what a reference to one stands for."""
    given = context.inputs.get("InputPayload")
    if isinstance(given, str) and given.lstrip()[:1] in {"{", "["}:
        with contextlib.suppress(ValueError):
            return json.loads(given)
    return {} if given is None or given == "" else given


def _surroundings(context: StepContext) -> dict[str, str]:
    return system_values(
        account_id=context.account_id,
        region=context.region,
        partition=context.execution_arn.split(":")[1],
        execution_id=context.execution_id,
        now=context.now,
    )


def _credentials(context: StepContext) -> Credentials | None:
    """Those of the service role; a run in its caller's own context has none for its scripts."""
    try:
        keys = context.keys()
    except AwsError as error:
        raise StepFailed(error.message, type="Permission") from error
    if keys is None:
        return None
    return Credentials(
        keys["aws_access_key_id"], keys["aws_secret_access_key"], keys.get("aws_session_token")
    )


def _seconds_left(context: StepContext) -> float:
    if context.deadline is None:
        return LONGEST_SECONDS
    return min(LONGEST_SECONDS, max(0.0, (context.deadline - context.now).total_seconds()))


# --- what comes of it ---


def _outcome(result: Result) -> Done:
    logs = {"ExecutionLog": result.logs} if result.logs else {}
    if result.ending != "returned" or result.payload is None:
        raise _failure(result, {"OutputPayload": logs} if logs else {})
    if len(result.payload) > MOST_BYTES:
        raise StepFailed(
            f"The output of the script has {len(result.payload)} bytes; the limit is {MOST_BYTES}",
            doing=POLLING,
        )
    try:
        value = json.loads(result.payload)
    except (ValueError, RecursionError) as error:
        raise StepFailed(f"The output of the script is not JSON: {error}", doing=POLLING) from error
    if isinstance(value, list):
        value = value[:MOST_ITEMS]
    payload = {**logs, "Payload": value}
    return Done(outputs={"OutputPayload": payload}, payload=payload)


def _failure(result: Result, outputs: dict[str, Any]) -> StepFailed:
    if result.ending == "timed out":
        return TimedOut("", doing=POLLING, outputs=outputs)
    if result.error is not None:
        return StepFailed(_words(result.error), doing=POLLING, outputs=outputs)
    reason = {
        "out of memory": "The script was ended because it used more memory than a script may",
        "cancelled": "The script was cancelled",
        "exited": f"The script's process ended without an answer, with the status {result.exit_status}",
    }
    return StepFailed(reason[result.ending], doing=POLLING, outputs=outputs)


def _words(error: ScriptError) -> str:
    """The exception as AWS words it in a FailureMessage."""
    said = f"{error.type} - {error.message}" if error.message else error.type
    if not error.frames:
        return said
    return "Traceback (most recent call last):\n" + "".join(error.frames) + f"\n{said}"


ACTION = Action(
    "aws:executeScript",
    run,
    timeout_seconds=LONGEST_SECONDS,
    inputs=frozenset({"Attachment", "Handler", "InputPayload", "Runtime", "Script"}),
    differs={
        "Runtime": "Every Python is the one that runs the sandbox, every PowerShell the pwsh that it finds; "
        "where it finds none the step fails and says so."
    },
)
