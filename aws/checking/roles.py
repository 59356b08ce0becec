"""Whether the service roles of a target may be passed to Automation, and whether they trust it.

Nothing that starts nothing has AWS judge iam:PassRole, so IAM is asked to simulate it; and whether a role
trusts Automation stands in its trust policy. Both take a permission to look that the portal can do without.
https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""

import json
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from aws.checking.findings import Finding, Outcome, Remedy, allow
from aws.checking.way_in import Way, identity_of
from aws.clients import client
from aws.errors import AwsError, translated
from aws.laboratory import service_role_trust
from aws.models import AwsTarget, ServiceRole

AUTOMATION = "ssm.amazonaws.com"
PASSED = {"StringEquals": {"iam:PassedToService": AUTOMATION}}
_SIMULATE, _LOOK = "iam:SimulatePrincipalPolicy", "iam:GetRole"
# The conditions of a trust policy that are understood here: how a value is held against what is written.
_CONDITIONS = frozenset({"StringEquals", "StringLike", "ArnLike", "ArnEquals"})


def service_roles(target: AwsTarget, way: Way) -> Iterator[Finding]:
    """Look at every service role of the target."""
    iam = client("iam", target, way.keys)
    for role in target.service_roles.all():
        yield _passing(target, way, iam, role)
        yield _trust(target, way, iam, role)


def _passing(target: AwsTarget, way: Way, iam: Any, role: ServiceRole) -> Finding:
    what = f"iam:PassRole on {role.arn}"
    source = target.role_arn or identity_of(way.arn)
    try:
        answer = iam.simulate_principal_policy(
            PolicySourceArn=source,
            ActionNames=["iam:PassRole"],
            ResourceArns=[role.arn],
            ContextEntries=[
                {
                    "ContextKeyName": "iam:PassedToService",
                    "ContextKeyValues": [AUTOMATION],
                    "ContextKeyType": "string",
                }
            ],
        )
        decision = str(answer["EvaluationResults"][0]["EvalDecision"])
    except (ClientError, BotoCoreError) as error:
        return _unseen(what, way, translated(error, "SimulatePrincipalPolicy"), _SIMULATE, source)
    if decision == "allowed":
        return Finding(what, Outcome.WORKS, "IAM's simulation allows it.")
    if decision == "explicitDeny":
        said = "A policy forbids it outright: no statement that allows it helps."
        return Finding(what, Outcome.FAILS, said)
    remedy = Remedy(f"the policy of {source}", allow("iam:PassRole", role.arn, PASSED))
    return Finding(what, Outcome.FAILS, "No policy allows it, IAM's simulation says.", (remedy,))


def _trust(target: AwsTarget, way: Way, iam: Any, role: ServiceRole) -> Finding:
    what = f"{role.name} trusts Automation"
    try:
        found = iam.get_role(RoleName=role.arn.rsplit("/", 1)[-1])["Role"]
    except (ClientError, BotoCoreError) as error:
        refused = translated(error, "GetRole")
        if refused.aws_code == "NoSuchEntity":
            said = f"There is no role {role.arn}: {refused.message}"
            return Finding(what, Outcome.FAILS, said)
        return _unseen(what, way, refused, _LOOK, role.arn)
    written = found["AssumeRolePolicyDocument"]
    policy: Mapping[str, Any] = json.loads(written) if isinstance(written, str) else written
    return judge_trust(policy, target, role)


def judge_trust(policy: Mapping[str, Any], target: AwsTarget, role: ServiceRole) -> Finding:
    """Say whether the trust policy of `role` lets Automation, acting in `target`, assume it."""
    what = f"{role.name} trusts Automation"
    statements = [row for row in _several(policy.get("Statement")) if _about_automation(row)]
    denied = [_holds(row, target) for row in statements if row.get("Effect") == "Deny"]
    allowed = [row for row in statements if row.get("Effect") == "Allow"]
    held = [_holds(row, target) for row in allowed]
    if True in denied:
        return Finding(what, Outcome.FAILS, "Its trust policy forbids it outright.")
    if True in held and None not in denied:
        limited = any("aws:sourceaccount" in _keys(row) or "aws:sourcearn" in _keys(row) for row in allowed)
        said = "" if limited else "It trusts Automation on anybody's behalf: see the README's trust policy."
        return Finding(what, Outcome.WORKS, said)
    if {True, None} & set(held):
        said = "Whether the conditions of its trust policy hold is seen only when an automation starts."
        return Finding(what, Outcome.UNKNOWN, said)
    wanted = json.loads(service_role_trust(target.account_id, target.region))["Statement"][0]
    text = json.dumps(wanted).replace("arn:aws:", f"arn:{target.partition}:")
    remedy = Remedy(f"the trust policy of {role.arn}", json.loads(text))
    return Finding(what, Outcome.FAILS, "Its trust policy does not let Automation assume it.", (remedy,))


def _about_automation(statement: Mapping[str, Any]) -> bool:
    principal = statement.get("Principal")
    services = principal.get("Service") if isinstance(principal, Mapping) else principal
    named = any(text in {AUTOMATION, "*"} for text in _several(services))
    actions = [str(text).lower() for text in _several(statement.get("Action"))]
    return named and any(fnmatchcase("sts:assumerole", pattern) for pattern in actions)


def _holds(statement: Mapping[str, Any], target: AwsTarget) -> bool | None:
    """Whether the statement's conditions hold for an automation of the target; None when that is unknown."""
    known = {
        "aws:sourceaccount": target.account_id,
        "aws:sourcearn": f"arn:{target.partition}:ssm:{target.region}:{target.account_id}:"
        "automation-execution/00000000-0000-0000-0000-000000000000",
    }
    sure = True
    for operator, keys in statement.get("Condition", {}).items():
        for key, wanted in keys.items():
            value = known.get(key.lower())
            if operator not in _CONDITIONS or value is None:
                sure = False
            elif not any(fnmatchcase(value, str(pattern)) for pattern in _several(wanted)):
                return False
    return True if sure else None


def _keys(statement: Mapping[str, Any]) -> set[str]:
    return {key.lower() for keys in statement.get("Condition", {}).values() for key in keys}


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _unseen(what: str, way: Way, error: AwsError, action: str, resource: str) -> Finding:
    """Return that the portal may not look, or that AWS did not answer; to look is not needed to work."""
    remedies: tuple[Remedy, ...] = ()
    if error.denied and "explicit deny" not in error.message:
        remedies = (Remedy(f"the policy of {identity_of(way.arn)}", allow(action, resource)),)
    return Finding(what, Outcome.UNKNOWN, f"AWS does not let the portal look: {error.message}", remedies)
