"""What stops a delegation from being made: each refusal is a sentence beside the field that causes it."""

from collections.abc import Mapping
from typing import Any

import ssmdoc
from accounts.launching import KINDS, is_list, language, wire_value
from aws.models import AwsTarget, ServiceRole
from documents.models import DocumentVersion, Publication

PREFIX = "constraints."


def publication_fault(version: DocumentVersion, target: AwsTarget) -> str:
    """Return why `version` cannot be run in `target`; "" when it stands there."""
    publication = Publication.objects.filter(version=version, target=target).first()
    if publication is not None and publication.status == Publication.Status.ACTIVE:
        return ""
    if publication is None:
        return f"Version {version.number} is not published in {target}: publish it there first."
    if publication.status == Publication.Status.FAILED:
        return f"Publishing version {version.number} in {target} failed: mend that first."
    return f"Version {version.number} is still being published in {target}: wait until it is Active."


def _written_role(document: ssmdoc.Document, target: AwsTarget) -> str:
    """Return the role that `assumeRole` writes out, with the target's account, Region and partition put in.

    https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-variables.html
    """
    known = {"ACCOUNT_ID": target.account_id, "REGION": target.region, "AWS_PARTITION": target.partition}

    def lookup(reference: ssmdoc.Reference) -> str:
        if reference.kind != "global":
            raise LookupError(reference.expression)
        return known[reference.name]

    written = ssmdoc.references.substitute(document.assume_role, lookup, literal_unresolved=True)
    return str(written).strip()


def role_fault(version: DocumentVersion, target: AwsTarget, role: ServiceRole | None) -> str:
    """Return why runs of `version` in `target` cannot act as `role` (None: as the caller); "" if they can."""
    document = language(version)
    parameter = document.assume_role_parameter
    if role is None:
        return _caller_fault(document, parameter)
    if role.target_id != target.pk:
        return f"{role} is a role of {role.target}, not of {target}: choose one of {target}."
    if document.assume_role is None:
        return (
            "The document names no assumeRole, so it always runs as the caller: choose “the caller”, or "
            "add an assumeRole to the document."
        )
    if parameter is None and (written := _written_role(document, target)) != role.arn:
        return f"The document's assumeRole is “{written}”: only that role can be bound to it."
    return ""


def _caller_fault(document: ssmdoc.Document, parameter: str | None) -> str:
    if document.assume_role is None:
        return ""
    if parameter is None:
        return (
            "The document's assumeRole is written out, so it cannot run as the caller: choose that service "
            "role, or make assumeRole a parameter of the document."
        )
    default = document.parameters[parameter].default
    if isinstance(default, str) and not default.strip():
        return ""
    return (
        f"To run as the caller, the document's parameter {parameter} must have an empty text as its default; "
        "as it stands, choose a service role."
    )


def constraint_faults(document: ssmdoc.Document, constraints: Mapping[str, Any]) -> dict[str, str]:
    """Return what is wrong with the parameters' limits, by "constraints.NAME"."""
    found = {}
    for name, limit in constraints.items():
        sentence = _constraint_fault(document, name, limit)
        if sentence:
            found[PREFIX + name] = sentence
    return found


def _constraint_fault(document: ssmdoc.Document, name: str, limit: Any) -> str:
    if name not in document.parameters:
        return f"The document has no parameter {name}: take this limit away."
    if name == document.assume_role_parameter:
        return f"{name} is the service role, which the delegation binds itself: take this limit away."
    if not isinstance(limit, Mapping) or len(limit) != 1 or next(iter(limit)) not in KINDS:
        return f"A limit says one of {', '.join(KINDS)}."
    kind, value = next(iter(limit.items()))
    return _list_fault(document, name, value) if kind == "allowed" else _value_fault(document, name, value)


def _list_fault(document: ssmdoc.Document, name: str, values: Any) -> str:
    if not isinstance(values, list) or not values:
        return "List at least one value, or let the operator choose freely."
    as_item = is_list(document.parameters[name].type)
    for value in values:
        sentence = _value_fault(document, name, [value] if as_item else value)
        if sentence:
            return sentence if str(value) in sentence else f"“{value}”: {sentence}"
    return ""


def _value_fault(document: ssmdoc.Document, name: str, value: Any) -> str:
    wire, error = wire_value(document, name, value)
    if error:
        return error
    # A value that is left out is the document's default: only then may it stand for "empty".
    return "" if wire is not None or document.parameters[name].default == value else "Give a value."


def binding_faults(
    *,
    version: DocumentVersion,
    target: AwsTarget,
    service_role: ServiceRole | None,
    constraints: Mapping[str, Any],
) -> dict[str, str]:
    """Return everything that is wrong with binding these together, by field."""
    found = {}
    if not target.enabled:
        found["target"] = f"{target} is disabled: enable it, or choose another target."
    else:
        found["version"] = publication_fault(version, target)
    found["service_role"] = role_fault(version, target, service_role)
    found.update(constraint_faults(language(version), constraints))
    return {name: sentence for name, sentence in found.items() if sentence}
