"""What a step does: an action of Automation, one that AWS keeps to itself, or none at all."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ssmdoc import actions
from ssmdoc.checks.rule import Context, Fault, Rules
from ssmdoc.suggestions import meant, nearest

RULES = Rules()

_ACTIONS = "automation-actions.html"
# How AWS names actions: put together of several words.
_ACTION = re.compile(r"aws:[a-z]+(?:[A-Z][A-Za-z0-9]*)+")
# What Command documents do on a managed node.
# https://docs.aws.amazon.com/systems-manager/latest/userguide/documents-command-ssm-plugin-reference.html
_PLUGINS = (
    "aws:applications", "aws:cloudWatch", "aws:configureDocker", "aws:configurePackage", "aws:domainJoin",
    "aws:downloadContent", "aws:psModule", "aws:refreshAssociation", "aws:runDockerAction", "aws:runDocument",
    "aws:runPowerShellScript", "aws:runShellScript", "aws:softwareInventory", "aws:updateAgent",
    "aws:updateSsmAgent",
)  # fmt: skip


def _is_internal(action: str) -> bool:
    """Whether an action may be one of AWS's own: named like an action, and not nearly like a known one."""
    if action in actions.INTERNAL:
        return True
    if action in actions.SPECS or not _ACTION.fullmatch(action) or action in _PLUGINS:
        return False
    return not nearest(action[4:], [name[4:] for name in actions.SPECS])


@RULES.add("action-unknown", "error", "A step's action is one that Automation has.", _ACTIONS)
def _unknown_actions(context: Context) -> Iterator[Fault]:
    for step in context.steps:
        if not step.action or step.action in actions.SPECS or _is_internal(step.action):
            continue
        hint = meant(step.action, actions.SPECS) or "Actions start with aws:, like aws:executeAwsApi."
        if step.action in _PLUGINS:
            hint = "Command documents have it: run one of them by aws:runCommand."
        yield Fault((*step.path, "action"), f"There is no action `{step.action[:60]}`.", hint)


@RULES.add("action-internal", "warning", "A step's action is open to everybody.", _ACTIONS)
def _internal_actions(context: Context) -> Iterator[Fault]:
    for step in context.steps:
        if _is_internal(step.action):
            message = f"Only documents that AWS owns can use {step.action[:60]}."
            hint = "" if step.action in actions.INTERNAL else "AWS describes no action of this name."
            yield Fault((*step.path, "action"), message, hint)
