"""The rule that a document holds no scripts of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ssmdoc.actions import operation_name
from ssmdoc.document import Parsed
from ssmdoc.findings import Finding, Path
from ssmdoc.model import Document, Step
from ssmdoc.policy.rule import Rule, boolean

# Command documents that run whatever text they are given.
_SHELLS = ("AWS-RunShellScript", "AWS-RunPowerShellScript")


def _scripts(step: Step) -> Iterator[tuple[Path, str]]:
    """Where a step holds a script, and what it is called there."""
    inputs = step.inputs
    if step.action == "aws:executeScript" and inputs.get("Script"):
        yield (*step.path, "inputs", "Script"), "a script"
    sends = step.action == "aws:runCommand" or (
        step.action == "aws:executeAwsApi"
        and str(inputs.get("Service")).lower() == "ssm"
        and operation_name(inputs.get("Api")) == "SendCommand"
    )
    parameters = inputs.get("Parameters")
    if not sends or not isinstance(parameters, Mapping):
        return
    # A shared document is named by its ARN.
    shell = str(inputs.get("DocumentName")).rpartition("/")[2]
    for key in parameters:
        if shell in _SHELLS and isinstance(key, str) and key.lower() == "commands":
            yield (*step.path, "inputs", "Parameters", key), f"commands for {shell}"


def _forbid(parsed: Parsed, document: Document, setting: Any) -> Iterator[Finding]:
    for step in document.walk():
        for path, what in _scripts(step):
            message = f'Step "{step.name}" holds {what} in the document\'s text, which the policy forbids.'
            hint = (
                "Attach the script as a reviewed file and name it in Attachment, or use other actions."
                if what == "a script"
                else "Put the commands into a command document of their own and name it in DocumentName."
            )
            yield parsed.finding("policy-inline-script", "error", message, path, hint=hint, at_key=True)


RULES = (
    Rule(
        "no_inline_scripts",
        boolean,
        lambda _: (
            "A document may hold no scripts in its text: neither a Script of aws:executeScript nor commands "
            "for AWS-RunShellScript or AWS-RunPowerShellScript."
        ),
        _forbid,
    ),
)
