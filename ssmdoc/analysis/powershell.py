"""The commands of AWS Tools for PowerShell in a script, as operations where their names tell.

https://docs.aws.amazon.com/powershell/latest/reference/
"""

from __future__ import annotations

import re
from functools import lru_cache

from ssmdoc import apis
from ssmdoc.analysis.script_calls import Script, ScriptCall, Untold

# The prefix of a command's noun, by service; the longest that fits counts.
_SERVICES = {
    "AS": "autoscaling",
    "CFN": "cloudformation",
    "CT": "cloudtrail",
    "CW": "cloudwatch",
    "CWE": "events",
    "CWL": "logs",
    "DDB": "dynamodb",
    "EC2": "ec2",
    "ECS": "ecs",
    "EFS": "efs",
    "EKS": "eks",
    "ELB": "elb",
    "ELB2": "elbv2",
    "IAM": "iam",
    "KMS": "kms",
    "LM": "lambda",
    "ORG": "organizations",
    "R53": "route53",
    "RDS": "rds",
    "RS": "redshift",
    "S3": "s3",
    "SEC": "secretsmanager",
    "SHUB": "securityhub",
    "SNS": "sns",
    "SQS": "sqs",
    "SSM": "ssm",
    "STS": "sts",
}
_VERBS = {
    "Get": ("Describe", "Get", "List"),
    "New": ("Create", "Run"),
    "Remove": ("Delete", "Terminate", "Deregister"),
    "Set": ("Set", "Put", "Modify", "Update"),
    "Edit": ("Modify", "Edit"),
    "Update": ("Update", "Modify"),
    "Add": ("Add", "Attach", "Put", "Associate"),
    "Write": ("Put",),
    "Read": ("Get",),
    "Restart": ("Reboot", "Restart"),
    "Dismount": ("Detach",),
    "Mount": ("Attach",),
    "Unregister": ("Deregister", "Disassociate", "Detach"),
    "Register": ("Register", "Associate", "Attach"),
    "Copy": ("Copy",),
    "Publish": ("Publish",),
    "Send": ("Send",),
    "Receive": ("Receive",),
    "Grant": ("Authorize", "Grant"),
    "Revoke": ("Revoke",),
    "Request": ("Request",),
    "Invoke": ("Invoke", "Execute"),
    "Start": ("Start",),
    "Stop": ("Stop", "Cancel"),
    "Enable": ("Enable",),
    "Disable": ("Disable",),
    "Use": ("Assume",),
    "Test": ("Test", "Head"),
    "Find": ("Search", "Lookup"),
}
# Commands that are not named after what they call.
_COMMANDS = {
    "new-ec2instance": ("ec2", "RunInstances"),
    "new-ec2tag": ("ec2", "CreateTags"),
    "get-ec2instancestatus": ("ec2", "DescribeInstanceStatus"),
    "get-s3bucket": ("s3", "ListBuckets"),
    "get-s3object": ("s3", "ListObjectsV2"),
    "copy-s3object": ("s3", "CopyObject"),
    "write-s3object": ("s3", "PutObject"),
    "read-s3object": ("s3", "GetObject"),
    "invoke-lmfunction": ("lambda", "Invoke"),
    "get-ssmparametervalue": ("ssm", "GetParameters"),
    "use-stsrole": ("sts", "AssumeRole"),
    "get-stscalleridentity": ("sts", "GetCallerIdentity"),
}
_COMMAND = re.compile(r"(?<![\w$-])([A-Z][A-Za-z]+)-([A-Z][A-Z0-9]+2?)([A-Za-z0-9]+)\b")
# What only sets up the shell.
_LOCAL = ("AWSCredential", "DefaultAWSRegion", "AWSRegion", "AWSPowerShellVersion")


@lru_cache(maxsize=128)
def read(source: str) -> Script:
    """The calls of a script and what could not be told, both by line. Never raises."""
    calls: list[ScriptCall] = []
    untold: list[Untold] = []
    for number, line in enumerate(source.splitlines(), 1):
        code = line.partition("#")[0]
        for match in _COMMAND.finditer(code):
            whole, verb = match.group(), match.group(1)
            noun = whole.partition("-")[2]
            found = _called(verb, noun)
            if found:
                calls.append(ScriptCall(*found, number))
            elif verb in _VERBS and _service(noun) and noun not in _LOCAL:
                untold.append(Untold(number, f"{whole} calls AWS, but which operation is not known"))
    return Script(tuple(calls), tuple(untold))


def _service(noun: str) -> str:
    """The prefix of a noun, or nothing."""
    fitting = [
        prefix for prefix in _SERVICES if noun.startswith(prefix) and noun[len(prefix) :][:1].isupper()
    ]
    return max(fitting, key=len, default="")


def _called(verb: str, noun: str) -> tuple[str, str] | None:
    special = _COMMANDS.get(f"{verb}-{noun}".lower())
    if special:
        return special
    prefix = _service(noun)
    service = apis.service(_SERVICES[prefix]) if prefix else None
    if service is None:
        return None
    thing = noun[len(prefix) :]
    for start in (*_VERBS.get(verb, ()), verb):
        for name in (
            thing,
            f"{thing}s",
            f"{thing}es",
            f"{thing.removesuffix('y')}ies",
            thing.removesuffix("List"),
        ):
            operation = service.operation(f"{start}{name}")
            if operation is not None:
                return service.name, operation.name
    return None
