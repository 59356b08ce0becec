"""The gate: may this principal do this, and may it have this role.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from sandbox.errors import AccessDenied
from sandbox.iam.context import context_values, principal_context
from sandbox.iam.entities import policies_of, role_of
from sandbox.iam.policy import (
    Decision,
    MalformedPolicy,
    Request,
    Resource,
    UnknownResource,
    parse_policy,
    strongest,
)
from sandbox.iam.trust import Naming, Service, Trust, evaluate_trust
from sandbox.identity import Principal, identities

ContextInput = Mapping[str, str | Sequence[str]]

SERVICE_SESSION_DURATION = timedelta(hours=12)
"""A service renews the sessions of a role that it acts as; ours get one that lasts as long as an automation
may.
"""


def authorise(
    principal: Principal,
    action: str,
    resource: Resource | Sequence[Resource],
    context: ContextInput | None = None,
) -> None:
    """Allow `action` on `resource` to `principal`, or raise.

    `resource` is an ARN, or several ARNs by which AWS knows the same thing (a deny of any denies, an allow of
    any allows). `context` are the condition keys of the call, beside those that the principal itself brings.
    Errors: AccessDenied, worded as AWS does.
    """
    if principal.kind == "root":
        return
    resources = [resource] if isinstance(resource, str | UnknownResource) else list(resource)
    keys = {**principal_context(principal), **context_values(context or {})}
    requests = [Request(action, r, keys) for r in resources]
    refusal = _refusal(principal, requests)
    if refusal is not None:
        raise AccessDenied(_denied_message(principal, action, resources[0], refusal))


def decided(principal: Principal, request: Request) -> Decision:
    """What the principal's own policies and boundary say of the request: a boundary only takes away."""
    policies = policies_of(principal)
    own = _decide(policies.identity, [request])
    if policies.boundary is None or own is not Decision.ALLOW:
        return own
    return _decide((policies.boundary,), [request])


def _refusal(principal: Principal, requests: Sequence[Request]) -> str | None:
    """Why the principal's policies refuse the request, in AWS's words; None when they allow it."""
    policies = policies_of(principal)
    session = identities.session(principal.access_key_id)
    layers: list[tuple[str, Sequence[str]]] = [("identity-based policy", policies.identity)]
    if policies.boundary is not None:
        layers.append(("permissions boundary", (policies.boundary,)))
    if session is not None and session.session_policies:
        layers.append(("session policy", session.session_policies))
    decisions = [(name, _decide(texts, requests)) for name, texts in layers]
    for name, decision in decisions:
        if decision is Decision.DENY:
            return f"with an explicit deny in {_with_article(name)}"
    for name, decision in decisions:
        if decision is not Decision.ALLOW:
            return f"because no {name} allows the {requests[0].action} action"
    return None


def _decide(policy_texts: Iterable[str], requests: Sequence[Request]) -> Decision:
    try:
        policies = [parse_policy(text) for text in policy_texts]
    except MalformedPolicy:
        # IAM refuses such a document when it is written; what slipped in otherwise must not open anything.
        return Decision.DENY
    return strongest(policy.evaluate(request) for policy in policies for request in requests)


def _with_article(name: str) -> str:
    return f"{'an' if name.startswith('identity') else 'a'} {name}"


def _denied_message(principal: Principal, action: str, resource: Resource, reason: str) -> str:
    subject = f"User: {principal.arn} is not authorized to perform: {action}"
    where = f" on resource: {resource}" if isinstance(resource, str) and resource != "*" else ""
    return f"{subject}{where} {reason}"


def authorise_role_assumption(
    principal: Principal, role_arn: str, actions: Sequence[str], context: ContextInput
) -> None:
    """Allow `principal` to assume a role: its trust policy and, unless it is named there itself, its own
    policies.

    `actions` are `sts:AssumeRole` and, as the call asks for them, `sts:TagSession` and
    `sts:SetSourceIdentity`.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
    Errors: AccessDenied; the same whether the role refuses or does not exist, as in AWS.
    """
    keys = {**principal_context(principal), **context_values(context)}
    for action in actions:
        refused = f"User: {principal.arn} is not authorized to perform: {action} on resource: {role_arn}"
        trust = _trust(role_arn, action, keys, principal)
        if trust is None or trust.decision is not Decision.ALLOW:
            reason = " with an explicit deny in a resource-based policy"
            raise AccessDenied(refused + (reason if trust and trust.decision is Decision.DENY else ""))
        if principal.kind == "root":
            continue
        named_itself = trust.naming is Naming.DIRECT and role_arn.split(":")[4] == principal.account_id
        refusal = _refusal(principal, [Request(action, role_arn, keys)])
        if refusal is not None and not (named_itself and refusal.startswith("because no identity-based")):
            raise AccessDenied(f"{refused} {refusal}")


def _trust(
    role_arn: str, action: str, keys: Mapping[str, Sequence[str]], asker: Principal | Service
) -> Trust | None:
    role = role_of(role_arn)
    if role is None:
        return None
    try:
        policy = parse_policy(role.assume_role_policy_document)
    except MalformedPolicy:
        return None
    return evaluate_trust(policy, Request(action, role_arn, keys), asker)


def assume_role_as_service(
    role_arn: str,
    *,
    service: str = "ssm.amazonaws.com",
    session_name: str,
    source_account: str,
    source_arn: str,
    source_identity: str | None = None,
    tags: Mapping[str, str] | None = None,
) -> Principal:
    """A session of the role for an AWS service that acts as it; its keys work over the wire.

    `source_account` and `source_arn` name on whose behalf the service asks (`aws:SourceAccount`,
    `aws:SourceArn`).
    https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    Errors: AccessDenied when the role does not exist, is another account's, or does not trust the service so.
    """
    context: dict[str, str | Sequence[str]] = {
        "aws:SourceAccount": source_account,
        "aws:SourceArn": source_arn,
        "aws:PrincipalIsAWSService": "true",
        "aws:PrincipalServiceName": service,
        "sts:RoleSessionName": session_name,
    }
    actions = ["sts:AssumeRole"]
    if source_identity:
        context["sts:SourceIdentity"] = source_identity
        actions.append("sts:SetSourceIdentity")
    if tags:
        context.update({f"aws:RequestTag/{key}": value for key, value in tags.items()})
        context["aws:TagKeys"] = list(tags)
        actions.append("sts:TagSession")
    keys = context_values(context)
    for action in actions:
        trust = _trust(role_arn, action, keys, Service(service))
        if trust is None or trust.decision is not Decision.ALLOW or role_arn.split(":")[4] != source_account:
            raise AccessDenied(
                f"Service: {service} is not authorized to perform: {action} on resource: {role_arn}"
            )
    subject = role_session(role_arn, session_name, source_identity=source_identity, tags=tags or {})
    return identities.open_session(subject, duration=SERVICE_SESSION_DURATION, via_service=False).principal


def forward_access_session(principal: Principal) -> Principal:
    """Credentials with which a service goes on acting as its caller, for up to 12 hours, after the caller's
    own end.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/access_forward_access_sessions.html
    """
    session = identities.session(principal.access_key_id)
    if principal.session_token is not None and session is None:
        # What limited the session is not known any more, so nobody may go on with it.
        raise AccessDenied("The security token of the caller is not known any more.")
    return identities.open_session(
        principal,
        duration=SERVICE_SESSION_DURATION,
        session_policies=session.session_policies if session else (),
        transitive_tag_keys=session.transitive_tag_keys if session else frozenset(),
        via_service=True,
    ).principal


def role_session(
    role_arn: str, session_name: str, *, source_identity: str | None, tags: Mapping[str, str]
) -> Principal:
    """A session of an existing role, without credentials yet (`Identities.open_session` gives them)."""
    role = role_of(role_arn)
    if role is None:
        raise AccessDenied(f"The role {role_arn} does not exist.")
    return Principal(
        account_id=role.account_id,
        partition=role.partition,
        arn=f"arn:{role.partition}:sts::{role.account_id}:assumed-role/{role.name}/{session_name}",
        kind="role-session",
        name=role.name,
        access_key_id="",
        secret_access_key="",
        role_arn=role.arn,
        session_name=session_name,
        source_identity=source_identity,
        session_tags=dict(tags),
        user_id=f"{role.id}:{session_name}",
    )
