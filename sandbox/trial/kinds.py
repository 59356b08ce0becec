"""Which kind of thing a parameter asks for: by its type, its name, and the services it is handed to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from dataclasses import dataclass
from functools import cache

from sandbox.fixtures.model import folded
from ssmdoc import Document, Parameter, references
from ssmdoc.analysis import steps as analysis


@dataclass(frozen=True)
class Kind:
    """A kind of `things` and which facet of it is asked for: id, name, arn or url."""

    thing: str
    facet: str = "id"


_TYPES = {
    "AWS::EC2::Instance::Id": Kind("instance"),
    "AWS::S3::Bucket::Name": Kind("bucket", "name"),
    "AWS::IAM::Role::Arn": Kind("role", "arn"),
}

# The folded name matches, and one of the services (any when none is given) takes the parameter. The first
# rule counts.
_RULES: tuple[tuple[str, str, str], ...] = (
    (r"alarm", "", "alarm"),
    # What is to be made must not be there.
    (r"(target|destination|^new).*(snapshot|table)|table(target|destination)", "", ""),
    (r"replicationgroup|^groupid", "elasticache", "replication-group"),
    (r"throttl|burst|percent|minutes|seconds|timeout|count$|size$|limit|period", "", ""),
    (r"instanceprofile", "", "instance-profile"),
    (r"role", "", "role"),
    (r"^(finding|findings)$", "", "finding"),
    (r"approver|principalformanualapproval|requesterarn", "", "approver"),
    (r"kms|cmk|encryptionkey", "", "key"),
    (r"keypair|^keyname|sshkey", "", "key-pair"),
    (r"accesskey", "", "access-key"),
    (r"dbclusterresource|clusterresourceid", "", "db-cluster-resource"),
    (r"dbi?resourceid", "", "db-resource"),
    (r"clustersnapshot", "", "db-cluster-snapshot"),
    (r"dbsnapshot|rdssnapshot|snapshotidentifier", "rds", "db-snapshot"),
    (r"dbcluster|clusteridentifier|clusterid|cluster", "docdb", "document-cluster"),
    (r"dbcluster|clusteridentifier", "neptune", "graph-cluster"),
    (r"cluster", "redshift", "redshift-cluster"),
    (r"dbinstance|databaseinstance|instanceid", "docdb", "document-instance"),
    (r"dbcluster|clusteridentifier|cluster", "rds", "db-cluster"),
    (r"dbinstance|dbidentifier|databaseinstance|rdsinstance|rdsdb|instancearn", "rds", "db-instance"),
    (r"cluster", "eks", "eks-cluster"),
    (r"replicationgroup", "", "replication-group"),
    (r"cachecluster|cluster", "elasticache", "cache-cluster"),
    (r"cluster", "ecs", "ecs-cluster"),
    (r"^service(name|arn)?$|ecsservice", "ecs", "ecs-service"),
    (r"taskdefinition", "", "ecs-task-definition"),
    (r"^dbclusteridentifier|^clusteridentifier", "", "db-cluster"),
    (r"^dbinstance", "", "db-instance"),
    (r"snapshot", "", "snapshot"),
    (r"volume", "", "volume"),
    (r"^instancetype", "", ""),
    (r"(image|ami)(id|ids|arn)?$", "", "image"),
    (r"subnet", "", "subnet"),
    (r"^vpc|vpcid", "", "vpc"),
    (r"securitygroup|^sg|^groupids?$", "", "security-group"),
    (r"networkinterface|^eni", "", "network-interface"),
    (r"routetable", "", "route-table"),
    (r"networkacl|nacl", "", "network-acl"),
    (r"allocationid|elasticip|^eip", "", "address"),
    (r"internetgateway", "", "internet-gateway"),
    (r"transitgateway", "", "transit-gateway"),
    (r"launchtemplate", "", "launch-template"),
    (r"autoscalinggroup|^asg", "", "auto-scaling-group"),
    (r"targetgroup", "", "target-group"),
    (r"loadbalancer|^elb|^alb", "elb", "classic-load-balancer"),
    (r"loadbalancer|^elb|^alb", "", "load-balancer"),
    (r"qualifier|alias", "lambda", ""),
    (r"lambda.*(arn|name|id)$|function|^lambda", "", "function"),
    (r"objectkey|s3key|bucketkey|keyprefix", "", "object"),
    (r"bucketowner", "", "account"),
    (r"bucket", "", "bucket"),
    (r"backuparn", "dynamodb", "table-backup"),
    (r"table", "", "table"),
    (r"queue|sqs.*(url|name|arn)$", "", "queue"),
    (r"subscription", "sns", "subscription"),
    (r"topic|sns", "", "topic"),
    (r"templateur", "", "template"),
    (r"stack", "", "stack"),
    (r"filesystem|^efs", "", "file-system"),
    (r"loggroup|logdestination", "", "log-group"),
    (r"trail", "", "trail"),
    (r"secret", "", "secret"),
    (r"statemachine", "", "state-machine"),
    (r"configrule", "", "config-rule"),
    (r"configurationrecorder", "", "config-recorder"),
    (r"httpwsapi|apiid|apigwid", "apigatewayv2", "http-api"),
    (r"stagearn|stage", "apigateway", "rest-stage"),
    (r"stage", "apigatewayv2", "stage"),
    (r"restapi|apigw|apiid", "", "rest-api"),
    (r"distribution", "", "distribution"),
    (r"project", "codebuild", "build-project"),
    (r"hostedzone", "", "hosted-zone"),
    (r"repository", "", "repository"),
    (r"certificate", "", "certificate"),
    (r"domain", "es opensearch", "domain"),
    (r"workgroup", "athena", "work-group"),
    (r"detector", "", "detector"),
    (r"stream", "kinesis", "stream"),
    (r"application", "kinesisanalyticsv2", "analytics-application"),
    (r"vault", "", "backup-vault"),
    (r"policyarn|policies|policyname", "iam", "policy"),
    (r"^(iam)?user|username$|userid", "iam", "user"),
    (r"^(iam)?groupname", "iam", "iam-group"),
    (r"rulename|eventrule", "events", "event-rule"),
    (r"document(name)?$", "", "document"),
    (r"instance", "", "instance"),
    (r"resource(id|arn|ids|arns)?$|^(arn|name|id)$|identifier$", "rds", "db-instance"),
    (r"resource(id|arn|ids|arns)?$|^(arn|name|id)$", "cloudtrail", "trail"),
    (r"resource(id|arn|ids|arns)?$|^(arn|name|id)$", "sns", "topic"),
    (r"resource(id|arn|ids|arns)?$|^(arn|name|id)$", "s3", "bucket"),
    (r"resource(id|arn|ids|arns)?$|^(arn|name|id)$", "lambda", "function"),
    (r"resource(id|arn|ids|arns)?$|^(arn|name|id)$", "dynamodb", "table"),
    (r"resource(id|arn|ids|arns)?$|^(arn|name|id)$", "redshift", "redshift-cluster"),
    (r"resource(id|arn|ids|arns)?$|^(arn|name|id)$", "elbv2", "load-balancer"),
    (r"resource(id|arn|ids|arns)?$|^(arn|name|id)$", "ecr", "repository"),
    (r"resource(id|arn|ids|arns)?$|^(arn|name|id)$", "iam", "user"),
    (r"resource(id|ids)?$|^id$", "ec2", "instance"),
    (r"parametername|ssmparameter", "", "parameter"),
    (r"account", "", "account"),
)


def kind_of(document: Document, parameter: Parameter) -> Kind | None:
    """The kind of thing that the parameter names, None when it names none that can be told."""
    if parameter.name == document.assume_role_parameter:
        return Kind("role", "arn")
    plain = parameter.type.removeprefix("List<").removesuffix(">")
    if plain in _TYPES:
        return _TYPES[plain]
    if parameter.type not in ("String", "StringList", "StringMap"):
        return None
    name = folded(parameter.name)
    services = _services(document, parameter.name)
    for expression, wanted, thing in _RULES:
        if _compiled(expression).search(name) and (not wanted or services & set(wanted.split())):
            detached = thing == "volume" and "detach" in str(document.data).lower()
            asked = "attached-volume" if detached else thing
            if thing == "security-group" and "'default'" in str(_desired(document)):
                asked = "default-security-group"
            return Kind(asked, _facet(parameter)) if asked else None
    return None


def _desired(document: Document) -> list[object]:
    return [step.inputs.get("DesiredValues") for step in document.walk()]


def _facet(parameter: Parameter) -> str:
    name = folded(parameter.name)
    for ending, facet in (
        ("arns?", "arn"),
        ("url|uri", "url"),
        ("names?", "name"),
        ("ids?|identifiers?", "id"),
    ):
        if _compiled(f"(?:{ending})$").search(name):
            return facet
    if name.endswith("role"):
        return "arn"
    told = f"{parameter.allowed_pattern or ''} {parameter.description}".lower()
    return "arn" if "arn" in told.replace("-", " ").replace(":", " ").split() or "^arn" in told else "name"


@cache
def _compiled(expression: str) -> re.Pattern[str]:
    return re.compile(expression)


def _services(document: Document, parameter: str) -> Set[str]:
    """The services called by the steps that the parameter is handed to; of none, those of all steps."""
    return set(_called(document, parameter)) or set(_called(document, None))


def _called(document: Document, parameter: str | None) -> Iterator[str]:
    for step in document.walk():
        named = (found.name for found in references.find(dict(step.inputs)) if found.kind == "parameter")
        if parameter is None or parameter in named:
            made, _untold = analysis.calls(document, step)
            yield from (call.service.lower() for call in made)
