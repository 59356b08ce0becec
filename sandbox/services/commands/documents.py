"""The documents that commands run: an account's own, and those that AWS owns."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from moto.ssm.models import SimpleSystemManagerBackend, ssm_backends

from sandbox.services.commands.errors import InvalidDocument, InvalidDocumentVersion, InvalidParameters


@dataclass(frozen=True)
class CommandDocument:
    """What SendCommand has to know of a document. `required` and `optional` are its parameters' names."""

    version: str
    plugin: str
    required: frozenset[str]
    optional: frozenset[str]
    hashes: Mapping[str, str] | None = None


def _aws(plugin: str, *required: str, optional: str = "") -> CommandDocument:
    return CommandDocument("1", plugin, frozenset(required), frozenset(optional.split()))


_SHELL = "workingDirectory executionTimeout"
# https://docs.aws.amazon.com/systems-manager/latest/userguide/documents-command-ssm-plugin-reference.html
AWS_OWNED: Mapping[str, CommandDocument] = {
    "AWS-ApplyAnsiblePlaybooks": _aws(
        "runShellScript",
        optional="SourceType SourceInfo InstallDependencies PlaybookFile ExtraVariables Check Verbose "
        "TimeoutSeconds",
    ),
    "AWS-ApplyPatchBaseline": _aws("aws:applyPatchBaseline", "Operation", optional="SnapshotId"),
    "AWS-ConfigureAWSPackage": _aws(
        "configurePackage",
        "action",
        "name",
        optional="installationType version additionalArguments",
    ),
    "AWS-ConfigureCloudWatch": _aws("aws:cloudWatch", optional="status properties"),
    "AWS-ConfigureDocker": _aws("ConfigureDocker", optional="action"),
    "AWS-ConfigureKernelLivePatching": _aws("runShellScript", optional="EnableOrDisable"),
    "AWS-ConfigureWindowsUpdate": _aws(
        "aws:runPowerShellScript", "updateLevel", optional="scheduledInstallDay scheduledInstallTime"
    ),
    "AWS-FindWindowsUpdates": _aws("aws:runPowerShellScript", optional="UpdateLevel"),
    "AWS-GatherSoftwareInventory": _aws(
        "aws:softwareInventory",
        optional="applications awsComponents networkConfig files services windowsRoles customInventory "
        "instanceDetailedInformation windowsRegistry windowsUpdates billingInfo",
    ),
    "AWS-InstallApplication": _aws("aws:applications", "source", optional="action parameters sourceHash"),
    "AWS-InstallMissingWindowsUpdates": _aws("aws:runPowerShellScript", optional="UpdateLevel"),
    "AWS-InstallPowerShellModule": _aws("aws:psModule", "source", optional=f"commands sourceHash {_SHELL}"),
    "AWS-InstallSpecificWindowsUpdates": _aws("aws:runPowerShellScript", "KbArticleIds"),
    "AWS-InstallWindowsUpdates": _aws(
        "runWindowsUpdateScript",
        "Action",
        optional="AllowReboot IncludeKbs ExcludeKbs Categories SeverityLevels PublishedDaysOld "
        "PublishedDateAfter PublishedDateBefore",
    ),
    "AWS-JoinDirectoryServiceDomain": _aws(
        "domainJoin", "directoryId", "directoryName", optional="directoryOU dnsIpAddresses hostname"
    ),
    "AWS-ListWindowsInventory": _aws("aws:runPowerShellScript"),
    "AWS-RefreshAssociation": _aws("aws:refreshAssociation", optional="associationIds"),
    "AWS-RunAnsiblePlaybook": _aws(
        "aws:runShellScript", optional="playbook playbookurl extravars check timeoutSeconds"
    ),
    "AWS-RunDockerAction": _aws(
        "RunDockerAction",
        "action",
        optional="container image memory cpuShares volume cmd env user publish workingDirectory "
        "timeoutSeconds",
    ),
    "AWS-RunDocument": _aws("runDocument", "sourceType", optional="sourceInfo documentParameters"),
    "AWS-RunInspecChecks": _aws("runInSpec", optional="sourceType sourceInfo"),
    "AWS-RunPatchBaseline": _aws(
        "PatchLinux",
        "Operation",
        optional="SnapshotId InstallOverrideList BaselineOverride RebootOption AssociationId",
    ),
    "AWS-RunPatchBaselineAssociation": _aws(
        "PatchLinux",
        "Operation",
        optional="BaselineTags AssociationId InstallOverrideList RebootOption",
    ),
    "AWS-RunPatchBaselineWithHooks": _aws(
        "PatchLinux",
        "Operation",
        optional="SnapshotId RebootOption PreInstallHookDocName PostInstallHookDocName OnExitHookDocName",
    ),
    "AWS-RunPowerShellScript": _aws("aws:runPowerShellScript", "commands", optional=_SHELL),
    "AWS-RunRemoteScript": _aws(
        "downloadContent", "sourceType", "commandLine", optional=f"sourceInfo {_SHELL}"
    ),
    "AWS-RunSaltState": _aws("aws:runShellScript", optional="stateurl pillars test"),
    "AWS-RunShellScript": _aws("aws:runShellScript", "commands", optional=_SHELL),
    "AWS-UpdateEC2Config": _aws("aws:updateAgent", optional="version allowDowngrade"),
    "AWS-UpdateSSMAgent": _aws("aws:updateSsmAgent", optional="version allowDowngrade"),
    "AWSEC2-ApplicationInsightsCloudwatchAgentInstallAndConfigure": _aws(
        "configurePackage", optional="parameterStoreName"
    ),
    "AWSEC2-ConfigureSTIG": _aws("ConfigureSTIG", optional="Level InstallPackages SetDoDConsentBanner"),
    "AWSEC2-RunSysprep": _aws("aws:runPowerShellScript", optional="id"),
    "AWSFIS-Run-CPU-Stress": _aws(
        "RunStress", "DurationSeconds", optional="CPU LoadPercent InstallDependencies"
    ),
    "AWSFIS-Run-Kill-Process": _aws("KillProcess", "ProcessName", optional="Signal InstallDependencies"),
    "AWSFIS-Run-Memory-Stress": _aws(
        "RunStress", "DurationSeconds", optional="Workers Percent InstallDependencies"
    ),
    "AWSFIS-Run-Network-Latency": _aws(
        "RunLatency", "DurationSeconds", optional="Interface DelayMilliseconds InstallDependencies"
    ),
    "AWSResilienceHub-KillStressCommand_2020-07-28": _aws("KillStress", optional="executionTimeout"),
    "AmazonCloudWatch-ManageAgent": _aws(
        "ControlCloudWatchAgentLinux",
        optional="action mode optionalConfigurationSource optionalConfigurationLocation "
        "optionalOpenTelemetryCollectorConfigurationSource "
        "optionalOpenTelemetryCollectorConfigurationLocation optionalRestart",
    ),
    "AmazonInspector-ManageAWSAgent": _aws("runShellScript", optional="Operation"),
}


def find(backend: SimpleSystemManagerBackend, request: Mapping[str, Any]) -> CommandDocument:
    """The document that a SendCommand asks for. Errors: ApiError when it cannot run as a command."""
    name = request["DocumentName"]
    owner, _, short = name.rpartition(":document/")
    found = None if owner and short not in AWS_OWNED else AWS_OWNED.get(short)
    document = found or _own(_owner(backend, owner), short, request.get("DocumentVersion"))
    given = request.get("DocumentHash")
    kind = request.get("DocumentHashType") or "Sha256"
    if given and document.hashes is not None and given.lower() != document.hashes[kind]:
        raise InvalidDocument(f"The {kind} hash of the document {name} is not the one given.")
    return document


def check_parameters(name: str, document: CommandDocument, given: Mapping[str, Any]) -> None:
    """Raise InvalidParameters unless the parameters are those that the document has."""
    strange = sorted(set(given) - document.required - document.optional)
    if strange:
        raise InvalidParameters(f"Parameters provided in the request are invalid for {name}: {strange}.")
    missing = sorted(document.required - set(given))
    if missing:
        raise InvalidParameters(
            f"The document {name} requires these parameters, which are missing: {missing}."
        )


def _owner(backend: SimpleSystemManagerBackend, arn: str) -> SimpleSystemManagerBackend:
    parts = arn.split(":")
    return ssm_backends[parts[4]][parts[3]] if len(parts) > 4 and parts[4] else backend


def _own(backend: SimpleSystemManagerBackend, name: str, version: str | None) -> CommandDocument:
    documents = backend._documents.get(name)
    if documents is None:
        hint = (
            " The sandbox knows no command document of AWS's by this name." if name.startswith("AWS") else ""
        )
        raise InvalidDocument(f"Document with name {name} does not exist.{hint}")
    if documents.get_default_version().document_type != "Command":
        raise InvalidDocument(f"Document {name} is not of the type Command.")
    found = documents.find(None if version == "$DEFAULT" else version, None, strict=False)
    if found is None:
        raise InvalidDocumentVersion("The document version is not valid or does not exist.")
    content = _content(found.content)
    parameters = content.get("parameters") or {}
    required = {key for key, value in parameters.items() if "default" not in (value or {})}
    text = found.content.encode()
    return CommandDocument(
        version=found.document_version,
        plugin=_plugin(content),
        required=frozenset(required),
        optional=frozenset(parameters) - required,
        hashes={
            "Sha256": hashlib.sha256(text).hexdigest(),
            "Sha1": hashlib.sha1(text, usedforsecurity=False).hexdigest(),
        },
    )


def _content(text: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except ValueError:
        try:
            content = yaml.safe_load(text)
        except yaml.YAMLError:
            content = None
    return content if isinstance(content, dict) else {}


def _plugin(content: Mapping[str, Any]) -> str:
    """The name under which the agent reports what the document does: of its first step, or its plugin."""
    steps = content.get("mainSteps")
    if isinstance(steps, list) and steps and isinstance(steps[0], dict):
        return str(steps[0].get("name") or steps[0].get("action") or "aws:runShellScript")
    plugins = content.get("runtimeConfig")
    return str(next(iter(plugins))) if isinstance(plugins, dict) and plugins else "aws:runShellScript"
