"""Everything that a call needs, with the condition keys of the request."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.calls import Call
from sandbox.iam import code_in_s3, ec2, entity_calls, passed_roles, s3, ssm
from sandbox.iam.actions import iam_action
from sandbox.iam.checks import Check
from sandbox.iam.resources import resource_of, unknown_resource
from sandbox.identity import Principal

_BY_SERVICE = {"ec2": ec2.checks, "ssm": ssm.checks, "s3": s3.checks, "iam": entity_calls.checks}

_FREE = frozenset(("sts:GetCallerIdentity", "sts:GetSessionToken"))
"""Actions that no policy controls: whoever has credentials may call them."""

_DECIDED_BY_THE_SERVICE = frozenset(("sts:AssumeRole",))
"""Actions whose resource-based policy decides too: the operation itself asks for them."""


def checks_for(call: Call, principal: Principal) -> Sequence[Check]:
    """The checks of `call`, in the order in which AWS would report them. Empty when none is needed."""
    action = iam_action(call)
    if action in _FREE or action in _DECIDED_BY_THE_SERVICE:
        return ()
    specific = _BY_SERVICE.get(call.service)
    found = specific(call, principal) if specific else [Check(action, (resource_of(call, principal),))]
    # A call that names nothing to act on still needs its action allowed.
    found = found or [Check(action, (unknown_resource(call, principal),))]
    return [*found, *passed_roles.checks(call, principal), *code_in_s3.checks(call, principal)]
