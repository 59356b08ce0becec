"""What a request to start says of targets, their rate control and other places to run in: judged, and read.

https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_StartAutomationExecution.html
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import botocore.exceptions

import ssmdoc
from sandbox.automation import fleets, targets
from sandbox.automation.api.errors import (
    InvalidAutomationExecutionParametersException,
    InvalidTarget,
    ValidationException,
)
from sandbox.automation.children import role_parameter
from sandbox.automation.fleets import Fleet, Member, Place, Wave
from sandbox.automation.moves import CHILD_ACTION
from sandbox.automation.records import StepExecution
from sandbox.calls import regions
from sandbox.errors import AwsError

ACCOUNT = re.compile(r"\d{12}")
UNIT = re.compile(r"(ou-[a-z0-9]{4,32}-[a-z0-9]{8,32}|r-[a-z0-9]{4,32})")
PLACE_MAX_CONCURRENCY = "1"
SAYS_WHERE = ("Targets", "TargetMaps", "TargetLocations")

ReadParameters = Callable[[Mapping[str, list[str]]], Mapping[str, Any]]
Client = Callable[[str], Any]


def runs_on_many(request: Mapping[str, Any]) -> bool:
    """Whether the request asks for a rate-controlled execution."""
    return any(request.get(name) for name in SAYS_WHERE)


def target_parameters(request: Mapping[str, Any], document: ssmdoc.Document) -> frozenset[str]:
    """The parameters whose values come from the targets, so that the request need not give them.

    Raises when what the request says of targets contradicts itself or the document.
    """
    name, on_targets = request.get("TargetParameterName"), _has_targets(request)
    if request.get("Targets") and request.get("TargetMaps"):
        raise _invalid("Targets and TargetMaps cannot be given together: use one of them.")
    if on_targets and not name:
        raise _invalid("Targets need the parameter that they are for: give TargetParameterName.")
    if name and not on_targets and not request.get("TargetMaps"):
        raise _invalid("TargetParameterName needs targets: give Targets or TargetMaps.")
    if name and name not in document.parameters:
        raise _invalid(f"The document has no parameter {name}, which TargetParameterName names.")
    if runs_on_many(request) and request.get("Mode", "Auto") != "Auto":
        raise ValidationException("An execution on targets cannot be in Interactive mode: use Auto.")
    mapped = {key for each in request.get("TargetMaps") or [] for key in each}
    found = frozenset({name} if name else set()) | mapped
    if (role := role_parameter(document)) in found:
        raise _invalid(f"{role} names the assume role, which cannot be a target: choose another parameter.")
    return found


def fleet_of(
    request: Mapping[str, Any], read: ReadParameters, client: Client, target_type: str | None
) -> Fleet:
    """All that the request asks to run on.

    `read` gives the typed values of a child's parameters, or raises; `client` gives a client of a service
    that acts as the execution. Raises InvalidTarget for what is not there or may not be seen.
    """
    given = {name: value for name, value in request.items() if name != "ClientToken"}
    if request.get("TargetLocations"):
        waves = [_places(location, client) for location in request["TargetLocations"]]
    else:
        given.setdefault("MaxConcurrency", fleets.MAX_CONCURRENCY)
        given.setdefault("MaxErrors", fleets.MAX_ERRORS)
        members = [_member(name, values, read) for name, values in _resolved(request, client, target_type)]
        waves = [Wave(members, given["MaxConcurrency"], given["MaxErrors"])]
    places = [
        (member.place.account_id, member.place.region)
        for wave in waves
        for member in wave.members
        if member.place
    ]
    if len(set(places)) < len(places):
        raise _invalid("An account and Region stands in TargetLocations twice: name each once.")
    return Fleet(waves, given)


def _has_targets(request: Mapping[str, Any]) -> bool:
    locations = request.get("TargetLocations") or []
    return bool(request.get("Targets") or any(each.get("Targets") for each in locations))


def _resolved(
    request: Mapping[str, Any], client: Client, target_type: str | None
) -> Iterator[tuple[str, dict[str, list[str]]]]:
    """Each target by its name, with the parameters that it gives."""
    if request.get("TargetMaps"):
        for each in request["TargetMaps"]:
            yield json.dumps(each, separators=(",", ":")), each
        return
    try:
        found = targets.resolve(client, request["Targets"][0], target_type)
    except targets.Unresolvable as error:
        raise InvalidTarget(str(error)) from error
    for value in found:
        yield value, {request["TargetParameterName"]: [value]}


def _member(name: str, given: Mapping[str, list[str]], read: ReadParameters) -> Member:
    values = read(given)
    step = StepExecution(name=name, action=CHILD_ACTION, inputs={key: ", ".join(given[key]) for key in given})
    return Member(name, step, {key: values[key] for key in given if key in values})


def _places(location: dict[str, Any], client: Client) -> Wave:
    """The accounts and Regions of one TargetLocation, in the order in which they are named."""
    named = location.get("Regions") or []
    if not location.get("Accounts") or not named:
        raise _invalid("A target location needs both Accounts and Regions.")
    if unknown := [region for region in named if region not in regions()]:
        raise _invalid(f"{unknown[0]} of TargetLocations is not a Region.")
    left_out = set(location.get("ExcludeAccounts") or [])
    accounts = [
        account
        for account in _accounts(
            location["Accounts"], left_out, client, bool(location.get("IncludeChildOrganizationUnits"))
        )
        if account not in left_out
    ]
    members = [
        Member(
            f"{account}_{region}",
            StepExecution(name=f"{account}_{region}", action=CHILD_ACTION),
            place=Place(account, region, location),
        )
        for account in dict.fromkeys(accounts)
        for region in dict.fromkeys(named)
    ]
    return Wave(
        members,
        location.get("TargetLocationMaxConcurrency") or PLACE_MAX_CONCURRENCY,
        location.get("TargetLocationMaxErrors") or fleets.MAX_ERRORS,
        ramped=False,
    )


def _accounts(named: list[str], left_out: set[str], client: Client, deep: bool) -> Iterator[str]:
    """The accounts that are named, those of organizational units included."""
    for each in named:
        if ACCOUNT.fullmatch(each):
            yield each
        elif UNIT.fullmatch(each):
            if each not in left_out:
                yield from _accounts_in(each, left_out, client, deep)
        else:
            raise _invalid(f"{each} of TargetLocations is neither an account nor an organizational unit.")


def _accounts_in(unit: str, left_out: set[str], client: Client, deep: bool) -> Iterator[str]:
    try:
        organizations = client("organizations")
        pages = organizations.get_paginator("list_accounts_for_parent").paginate(ParentId=unit)
        accounts = [account["Id"] for page in pages for account in page["Accounts"]]
        units = []
        if deep:
            pages = organizations.get_paginator("list_organizational_units_for_parent").paginate(
                ParentId=unit
            )
            units = [each["Id"] for page in pages for each in page["OrganizationalUnits"]]
    except (botocore.exceptions.ClientError, AwsError) as error:
        raise InvalidTarget(f"The accounts of {unit} cannot be listed: {error}") from error
    yield from accounts
    for each in units:
        if each not in left_out:
            yield from _accounts_in(each, left_out, client, deep)


def _invalid(message: str) -> InvalidAutomationExecutionParametersException:
    return InvalidAutomationExecutionParametersException(message)
