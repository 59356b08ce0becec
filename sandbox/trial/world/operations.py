"""Stacks, alarms, logs, rules and documents of a trial's world."""

from __future__ import annotations

import json
from typing import Any

from moto.ssm.models import Parameter, ssm_backends

from sandbox.trial.world.things import Thing, World, makes

TEMPLATE = json.dumps(
    {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {}}},
        "Outputs": {"TopicArn": {"Value": {"Ref": "Topic"}}},
    }
)


@makes("stack")
def stack(world: World, name: str) -> Thing:
    made = world.client("cloudformation").create_stack(StackName=name or "trial-stack", TemplateBody=TEMPLATE)
    return Thing(made["StackId"], name or "trial-stack", made["StackId"])


@makes("template")
def template(world: World, name: str) -> Thing:
    bucket = world.need("bucket").name
    world.client("s3").put_object(Bucket=bucket, Key="trial-template.json", Body=TEMPLATE.encode())
    url = f"https://{bucket}.s3.amazonaws.com/trial-template.json"
    return Thing(url, url, "", url)


@makes("alarm")
def alarm(world: World, name: str) -> Thing:
    name = name or "trial-alarm"
    cloudwatch = world.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="Trial",
        MetricName="Trial",
        Statistic="Average",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="of the trial")
    return Thing(name, name, world.arn("cloudwatch", f"alarm:{name}"))


@makes("log-group")
def log_group(world: World, name: str) -> Thing:
    name = name or "trial-logs"
    logs = world.client("logs")
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="trial-stream")
    return Thing(name, name, world.arn("logs", f"log-group:{name}:*"))


@makes("trail")
def trail(world: World, name: str) -> Thing:
    bucket = world.need("bucket").name
    made = world.client("cloudtrail").create_trail(Name=name or "trial-trail", S3BucketName=bucket)
    world.client("cloudtrail").start_logging(Name=made["Name"])
    return Thing(made["TrailARN"], made["Name"], made["TrailARN"])


@makes("event-rule")
def event_rule(world: World, name: str) -> Thing:
    made = world.client("events").put_rule(
        Name=name or "trial-rule", ScheduleExpression="rate(1 day)", State="ENABLED"
    )
    return Thing(name or "trial-rule", name or "trial-rule", made["RuleArn"])


@makes("state-machine")
def state_machine(world: World, name: str) -> Thing:
    definition = json.dumps({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}})
    made = world.client("stepfunctions").create_state_machine(
        name=name or "trial-machine", definition=definition, roleArn=world.need("role").arn
    )["stateMachineArn"]
    return Thing(made, name or "trial-machine", made)


@makes("config-recorder")
def config_recorder(world: World, name: str) -> Thing:
    name = name or "default"
    config = world.client("config")
    config.put_configuration_recorder(
        ConfigurationRecorder={
            "name": name,
            "roleARN": world.need("role").arn,
            "recordingGroup": {"allSupported": True, "includeGlobalResourceTypes": True},
        }
    )
    return Thing(name, name)


@makes("config-rule")
def config_rule(world: World, name: str) -> Thing:
    name = name or "trial-config-rule"
    world.need("config-recorder")
    world.client("config").put_config_rule(
        ConfigRule={
            "ConfigRuleName": name,
            "Source": {"Owner": "AWS", "SourceIdentifier": "S3_BUCKET_VERSIONING_ENABLED"},
        }
    )
    return Thing(name, name)


@makes("rest-api")
def rest_api(world: World, name: str) -> Thing:
    api = world.client("apigateway")
    made = api.create_rest_api(name=name or "trial-api")["id"]
    root = api.get_resources(restApiId=made)["items"][0]["id"]
    api.put_method(restApiId=made, resourceId=root, httpMethod="GET", authorizationType="NONE")
    api.put_integration(
        restApiId=made,
        resourceId=root,
        httpMethod="GET",
        type="HTTP",
        integrationHttpMethod="GET",
        uri="https://example.com",
    )
    api.create_deployment(restApiId=made, stageName="trial")
    return Thing(
        made, name or "trial-api", f"arn:{world.partition}:apigateway:{world.region}::/restapis/{made}"
    )


@makes("rest-stage")
def rest_stage(world: World, name: str) -> Thing:
    api = world.need("rest-api")
    return Thing("trial", "trial", f"{api.arn}/stages/trial")


@makes("http-api")
def http_api(world: World, name: str) -> Thing:
    api = world.client("apigatewayv2")
    made = api.create_api(Name=name or "trial-http-api", ProtocolType="HTTP")["ApiId"]
    api.create_stage(ApiId=made, StageName="trial")
    return Thing(made, name or "trial-http-api")


@makes("distribution")
def distribution(world: World, name: str) -> Thing:
    origin = {
        "Id": "trial",
        "DomainName": "trial.example.com",
        "CustomOriginConfig": {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"},
    }
    made = world.client("cloudfront").create_distribution(
        DistributionConfig={
            "CallerReference": name or "trial",
            "Origins": {"Quantity": 1, "Items": [origin]},
            "DefaultCacheBehavior": {
                "TargetOriginId": "trial",
                "ViewerProtocolPolicy": "allow-all",
                "ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}},
                "MinTTL": 0,
            },
            "Comment": "",
            "Enabled": True,
        }
    )["Distribution"]
    return Thing(made["Id"], made["Id"], made["ARN"])


@makes("build-project")
def build_project(world: World, name: str) -> Thing:
    made = world.client("codebuild").create_project(
        name=name or "trial-project",
        source={"type": "S3", "location": f"{world.need('bucket').name}/source.zip"},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/standard:7.0",
            "computeType": "BUILD_GENERAL1_SMALL",
        },
        serviceRole=world.need("role").arn,
    )["project"]
    return Thing(made["name"], made["name"], made["arn"])


@makes("hosted-zone")
def hosted_zone(world: World, name: str) -> Thing:
    made = world.client("route53").create_hosted_zone(
        Name=name or "trial.example.com", CallerReference="trial"
    )
    zone = made["HostedZone"]["Id"].rpartition("/")[2]
    return Thing(zone, made["HostedZone"]["Name"])


@makes("parameter")
def parameter(world: World, name: str) -> Thing:
    name = name or "trial-parameter"
    if name.startswith("/aws/"):
        return _public_parameter(world, name)
    lower = name.lower()
    value = "trial"
    if "kms" in lower or "cmk" in lower:
        key = world.need("key")
        value = "alias/trial" if "alias" in lower else key.arn
    elif "ami" in lower or "image" in lower:
        value = world.need("public-image").id
    world.client("ssm").put_parameter(Name=name, Value=value, Type="String")
    return Thing(name, name, world.arn("ssm", f"parameter/{name.lstrip('/')}"))


def _public_parameter(world: World, name: str) -> Thing:
    """One of AWS's own, that nobody may put: those of images, of which moto knows some only."""
    ssm: Any = ssm_backends[world.account_id][world.region]
    if ssm.get_parameter(name) is None:
        image = world.need("public-image").id
        make: Any = Parameter
        held = make(
            account_id=world.account_id, name=name, value=image, parameter_type="String", description="",
            allowed_pattern=None, keyid=None, last_modified_date=0.0, version=1, data_type="aws:ec2:image",
        )  # fmt: skip
        ssm._parameters[name].append(held)
    return Thing(name, name)


@makes("document")
def document(world: World, name: str) -> Thing:
    name = name or "Trial-Command"
    steps = [{"action": "aws:runShellScript", "name": "run", "inputs": {"runCommand": ["true"]}}]
    world.client("ssm").create_document(
        Name=name, DocumentType="Command", Content=json.dumps({"schemaVersion": "2.2", "mainSteps": steps})
    )
    return Thing(name, name)


@makes("backup-vault")
def backup_vault(world: World, name: str) -> Thing:
    made = world.client("backup").create_backup_vault(BackupVaultName=name or "trial-vault")
    return Thing(made["BackupVaultName"], made["BackupVaultName"], made["BackupVaultArn"])


@makes("detector")
def detector(world: World, name: str) -> Thing:
    return Thing(world.client("guardduty").create_detector(Enable=True)["DetectorId"])


@makes("domain")
def domain(world: World, name: str) -> Thing:
    made = world.client("opensearch").create_domain(DomainName=name or "trial-domain")["DomainStatus"]
    return Thing(made["DomainName"], made["DomainName"], made["ARN"])


@makes("work-group")
def work_group(world: World, name: str) -> Thing:
    name = name or "trial-group"
    world.client("athena").create_work_group(
        Name=name,
        Configuration={
            "ResultConfiguration": {"OutputLocation": f"s3://{world.need('bucket').name}/athena/"}
        },
    )
    return Thing(name, name)
