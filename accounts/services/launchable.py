"""Whether a delegation, as everything stands now, may be launched at all."""

from accounts.launching import parsed
from accounts.models import Delegation
from accounts.services.limits import publication_fault, role_fault
from common.errors import Conflict, Forbidden
from documents.checking import enabled_policies, policy_findings


def check_launchable(delegation: Delegation) -> None:
    """Let the delegation pass, or say what stands in its way.

    Asked before a run is queued and again by the worker at the moment it launches. Whether a person may
    execute it is the access door's question, not this one's.

    Raises Forbidden for what the organisation does not want run (disabled, expired, a broken policy) and
    Conflict for what is not ready (target, publication, role).
    """
    if not delegation.enabled:
        raise Forbidden(
            f"“{delegation}” is disabled: ask an administrator to enable it.", code="delegation-disabled"
        )
    if delegation.expired:
        raise Forbidden(
            f"“{delegation}” ended at {delegation.expires_at:%Y-%m-%d %H:%M} UTC: "
            "ask an administrator to extend it.",
            code="delegation-expired",
        )
    if not delegation.target.enabled:
        raise Conflict(
            f"The target {delegation.target} is disabled: ask an administrator to enable it.",
            code="target-disabled",
        )
    unpublished = publication_fault(delegation.version, delegation.target)
    if unpublished:
        raise Conflict(unpublished, code="not-published")
    unbound = role_fault(delegation.version, delegation.target, delegation.service_role)
    if unbound:
        raise Conflict(f"{unbound} Ask an administrator to mend the delegation.", code="role-unfit")
    text = parsed(delegation.version)
    for policy in enabled_policies():
        # A warning says that nobody can tell: as when publishing, it forbids nothing.
        broken = [
            finding
            for finding in policy_findings(text, policy.rules, policy.name)
            if finding.severity == "error"
        ]
        if broken:
            raise Forbidden(
                f"{delegation.version} cannot run. Line {broken[0].line}, column {broken[0].column}: "
                f"{broken[0].message} Ask its author for a version that keeps to the policy.",
                code="policy-broken",
            )
