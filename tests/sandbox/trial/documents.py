"""Small documents that together go through every part of a trial."""

from __future__ import annotations

from typing import Any


def step(name: str, action: str, inputs: dict[str, Any] | None = None, **other: Any) -> dict[str, Any]:
    return {"name": name, "action": f"aws:{action}", "inputs": inputs or {}, **other}


def call(name: str, service: str, api: str, *outputs: tuple[str, str, str], **parts: Any) -> dict[str, Any]:
    """A step that calls an API; `inputs` are the call's, `outputs` name, selector and type."""
    declared = [{"Name": name, "Selector": selector, "Type": type} for name, selector, type in outputs]
    inputs = {"Service": service, "Api": api, **parts.pop("inputs", {})}
    return step(name, "executeAwsApi", inputs, outputs=declared, **parts)


ROLE = {"assumeRole": "{{ AutomationAssumeRole }}"}
ROLE_PARAMETER = {"AutomationAssumeRole": {"type": "AWS::IAM::Role::Arn"}}

DOCUMENTS: dict[str, dict[str, Any]] = {
    "Patient": {
        "mainSteps": [
            step("Doze", "sleep", {"Duration": "PT1H"}),
            step(
                "Choose",
                "branch",
                {
                    "Choices": [
                        {"NextStep": "Morning", "Variable": "{{ global:REGION }}", "StringEquals": "nowhere"},
                        {"NextStep": "Evening", "Variable": "{{ global:REGION }}", "StartsWith": "us-"},
                    ],
                },
            ),
            step("Morning", "sleep", {"Duration": "PT1S"}, isEnd=True),
            step("Evening", "sleep", {"Duration": "PT1S"}, isEnd=True),
        ],
    },
    "Finder": {
        **ROLE,
        "parameters": {
            **ROLE_PARAMETER,
            "InstanceId": {"type": "AWS::EC2::Instance::Id"},
            "Bucket": {"type": "AWS::S3::Bucket::Name"},
            "DBInstanceIdentifier": {"type": "String", "allowedPattern": "^[a-z][a-z0-9-]{1,62}$"},
            "Ticket": {"type": "String", "allowedPattern": r"^[A-Z]{3}-\d{4}$"},
            "Mode": {"type": "String", "allowedValues": ["quick", "thorough"]},
            "Count": {"type": "Integer", "minValue": 3},
            "Tags": {"type": "StringMap"},
        },
        "mainSteps": [
            call(
                "LookAtInstance",
                "ec2",
                "DescribeInstances",
                ("State", "$.Reservations[0].Instances[0].State.Name", "String"),
                inputs={"InstanceIds": ["{{ InstanceId }}"]},
            ),
            call("LookAtBucket", "s3", "HeadBucket", inputs={"Bucket": "{{ Bucket }}"}),
            call(
                "LookAtDatabase",
                "rds",
                "DescribeDBInstances",
                inputs={"DBInstanceIdentifier": "{{ DBInstanceIdentifier }}"},
            ),
        ],
        "outputs": ["LookAtInstance.State"],
    },
    "Recoverer": {
        **ROLE,
        "parameters": ROLE_PARAMETER,
        "mainSteps": [
            call(
                "Launch",
                "drs",
                "StartFailbackLaunch",
                ("Job", "$.job.jobID", "String"),
                inputs={"recoveryInstanceIDs": ["i-0123456789abcdef0"]},
            ),
            step(
                "Await",
                "waitForAwsResourceProperty",
                {
                    "Service": "drs",
                    "Api": "DescribeJobs",
                    "filters": {"jobIDs": ["{{ Launch.Job }}"]},
                    "PropertySelector": "$.items[?(@.jobID == '{{ Launch.Job }}')].status",
                    "DesiredValues": ["COMPLETED"],
                },
            ),
            step("Elsewhere", "executeAutomation", {"DocumentName": "AWS-NobodyKnowsIt"}),
        ],
        "outputs": ["Launch.Job"],
    },
    "Watcher": {
        "parameters": {"SyntheticAlarmName": {"type": "String"}},
        "mainSteps": [
            step(
                f"Await{state}",
                "waitForAwsResourceProperty",
                {
                    "Service": "cloudwatch",
                    "Api": "DescribeAlarms",
                    "AlarmNames": ["{{ SyntheticAlarmName }}"],
                    "PropertySelector": "$.MetricAlarms[0].StateValue",
                    "DesiredValues": [state],
                },
                timeoutSeconds=60,
            )
            for state in ("ALARM", "OK")
        ],
    },
    "Asker": {
        "parameters": {"Approvers": {"type": "StringList"}},
        "mainSteps": [
            step("Ask", "approve", {"Approvers": "{{ Approvers }}", "MinRequiredApprovals": 1}),
            step("Stay", "pause"),
        ],
    },
    "Refused": {
        "mainSteps": [step("Ask", "approve", {"Approvers": ["somebody"]})],
    },
    "Parent": {
        "mainSteps": [step("Child", "executeAutomation", {"DocumentName": "Patient"})],
    },
    "Given": {
        **ROLE,
        "parameters": {**ROLE_PARAMETER, "Word": {"type": "String", "default": "none"}},
        "mainSteps": [
            call(
                "First",
                "ec2",
                "DescribeVpcs",
                ("Cidr", "$.Vpcs[0].CidrBlock", "String"),
                maxAttempts=2,
            ),
            step(
                "Script",
                "executeScript",
                {
                    "Runtime": "python3.11",
                    "Handler": "main",
                    "Script": "def main(e, c):\n    raise ValueError",
                },
                outputs=[{"Name": "Answer", "Selector": "$.Payload.answer", "Type": "String"}],
            ),
            call("Broken", "s3", "ListBuckets", onFailure="step:Mend"),
            step("Between", "sleep", {"Duration": "PT1S"}),
            step("Mend", "sleep", {"Duration": "PT1S"}),
        ],
        "outputs": ["First.Cidr", "Script.Answer"],
    },
    "CallersOwn": {
        "mainSteps": [
            call(
                "Look", "sqs", "GetQueueUrl", ("Url", "$.QueueUrl", "String"), inputs={"QueueName": "absent"}
            ),
        ],
        "outputs": ["Look.Url"],
    },
    "GivenFailure": {
        "mainSteps": [
            call("Never", "ec2", "DescribeVpcs"),
        ],
    },
    "Raises": {
        "mainSteps": [
            step(
                "Script",
                "executeScript",
                {
                    "Runtime": "python3.11",
                    "Handler": "main",
                    "Script": "def main(e, c):\n    raise ValueError('of its own making')",
                },
            ),
        ],
    },
}

FIXTURES = """\
version: 1
documents:
  Given:
    parameters: {Word: given}
    expect: Failed
    calls:
      - {step: First, service: ec2, api: DescribeVpcs, call: 1, error: {code: Internal, message: later}}
      - step: First
        service: ec2
        api: DescribeVpcs
        call: 2
        response: {Vpcs: [{VpcId: vpc-1, CidrBlock: 192.0.2.0/24}]}
      - {step: Broken, api: list_buckets, error: {code: AccessDenied, message: by the fixture, status: 403}}
    steps:
      - step: Script
        outputs: {Payload: {answer: forty-two}}
  CallersOwn:
    calls:
      - {step: Look, api: GetQueueUrl, response: {QueueUrl: "https://queues.example.com/given"}}
  GivenFailure:
    expect: Failed
    steps:
      - {step: Never, failure: The disk is full}
  Refused:
    expect: Failed
    steps:
      - {step: Ask, decision: reject, comment: not on a Friday}
"""
