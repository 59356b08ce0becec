"""The gateway against botocore's Stubber: what it sends, and what it makes of the answers."""

import uuid
from datetime import UTC, datetime

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import ANY, Stubber

from aws.errors import AwsError
from aws.gateway import SsmGateway
from aws.models import AwsTarget
from aws.quotas import Quotas

TEXT = 'schemaVersion: "0.3"\n'
TOKEN = str(uuid.UUID(int=7))
QUOTAS = Quotas(AwsTarget(account_id="123456789012", region="us-east-1", start_rate=1000, read_rate=1000))

pytestmark = pytest.mark.usefixtures("valkey")


@pytest.fixture
def ssm():
    return boto3.client(
        "ssm", region_name="us-east-1", aws_access_key_id="AKIAEXAMPLE", aws_secret_access_key="none"
    )


@pytest.fixture
def stub(ssm):
    with Stubber(ssm) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def description(version: str, **fields):
    return {"Name": "launch", "DocumentVersion": version, "Hash": "abc", "Status": "Active", **fields}


def test_a_new_document_is_created(ssm, stub):
    stub.add_response(
        "create_document",
        {"DocumentDescription": description("1", Status="Creating")},
        {"Name": "launch", "Content": TEXT, "DocumentFormat": "YAML", "DocumentType": "Automation"},
    )
    made = SsmGateway(ssm, QUOTAS).create_or_update_document(name="launch", text=TEXT, format="YAML")
    assert (made.version, made.status, made.sha256) == ("1", "Creating", "abc")


def test_a_document_that_exists_gets_a_new_default_version(ssm, stub):
    stub.add_client_error("create_document", "DocumentAlreadyExists")
    stub.add_response(
        "update_document",
        {"DocumentDescription": description("2")},
        {"Name": "launch", "Content": TEXT, "DocumentFormat": "YAML", "DocumentVersion": "$LATEST"},
    )
    stub.add_response(
        "update_document_default_version",
        {"Description": {"Name": "launch", "DefaultVersion": "2"}},
        {"Name": "launch", "DocumentVersion": "2"},
    )
    made = SsmGateway(ssm, QUOTAS).create_or_update_document(name="launch", text=TEXT, format="YAML")
    assert made.version == "2"


def test_text_that_aws_holds_already_is_found_and_not_added_again(ssm, stub):
    stub.add_client_error("create_document", "DocumentAlreadyExists")
    stub.add_client_error("update_document", "DuplicateDocumentContent")
    stub.add_response(
        "list_document_versions",
        {"DocumentVersions": [{"DocumentVersion": "1"}, {"DocumentVersion": "2"}]},
        {"Name": "launch"},
    )
    stub.add_response(
        "get_document",
        {"Content": "other"},
        {"Name": "launch", "DocumentVersion": "2", "DocumentFormat": "YAML"},
    )
    stub.add_response(
        "get_document",
        {"Content": TEXT},
        {"Name": "launch", "DocumentVersion": "1", "DocumentFormat": "YAML"},
    )
    stub.add_response(
        "describe_document", {"Document": description("1")}, {"Name": "launch", "DocumentVersion": "1"}
    )
    stub.add_response("update_document_default_version", {}, {"Name": "launch", "DocumentVersion": "1"})
    made = SsmGateway(ssm, QUOTAS).create_or_update_document(name="launch", text=TEXT, format="YAML")
    assert made.version == "1"


def test_a_launch_carries_token_and_tags(ssm, stub):
    stub.add_response(
        "start_automation_execution",
        {"AutomationExecutionId": TOKEN},
        {
            "DocumentName": "launch",
            "DocumentVersion": "3",
            "Parameters": {"ImageId": ["ami-1"]},
            "ClientToken": TOKEN,
            "Tags": [{"Key": "automation-portal:run", "Value": "r"}],
        },
    )
    started = SsmGateway(ssm, QUOTAS).start(
        document_name="launch",
        document_version="3",
        parameters={"ImageId": ["ami-1"]},
        client_token=TOKEN,
        tags={"automation-portal:run": "r"},
    )
    assert started == TOKEN


def test_a_launch_step_by_step_says_so(ssm, stub):
    stub.add_response(
        "start_automation_execution",
        {"AutomationExecutionId": TOKEN},
        {
            "DocumentName": "launch",
            "DocumentVersion": "3",
            "Parameters": {},
            "ClientToken": TOKEN,
            "Tags": [],
            "Mode": "Interactive",
        },
    )
    request = {"document_name": "launch", "document_version": "3", "parameters": {}, "tags": {}}
    assert SsmGateway(ssm, QUOTAS).start(**request, client_token=TOKEN, interactive=True) == TOKEN


def test_completing_is_a_kind_of_stopping(ssm, stub):
    request = {"AutomationExecutionId": TOKEN, "Type": "Complete"}
    stub.add_response("stop_automation_execution", {}, request)
    SsmGateway(ssm, QUOTAS).complete(TOKEN)
    stub.assert_no_pending_responses()


def test_steps_that_aws_left_out_are_fetched(ssm, stub):
    step = {"StepExecutionId": "s", "StepName": "launch", "Action": "aws:sleep", "StepStatus": "Success"}
    stub.add_response(
        "get_automation_execution",
        {
            "AutomationExecution": {
                "AutomationExecutionId": TOKEN,
                "AutomationExecutionStatus": "InProgress",
                "StepExecutions": [step],
                "StepExecutionsTruncated": True,
            }
        },
    )
    wanted = {"AutomationExecutionId": TOKEN, "MaxResults": 50}
    stub.add_response(
        "describe_automation_step_executions", {"StepExecutions": [step], "NextToken": "n"}, wanted
    )
    stub.add_response(
        "describe_automation_step_executions", {"StepExecutions": [step]}, {**wanted, "NextToken": "n"}
    )
    assert len(SsmGateway(ssm, QUOTAS).execution(TOKEN).steps) == 2


ROW = {"AutomationExecutionId": TOKEN, "AutomationExecutionStatus": "Success"}


def test_automations_are_listed_by_pages_of_fifty(ssm, stub):
    filters = [
        {"Key": "ExecutionStatus", "Values": ["Failed", "Success"]},
        {"Key": "StartTimeAfter", "Values": ["2026-01-02T03:04:05Z"]},
    ]
    wanted = {"Filters": filters, "MaxResults": 50}
    answer = {"AutomationExecutionMetadataList": [ROW]}
    stub.add_response("describe_automation_executions", {**answer, "NextToken": "n"}, wanted)
    stub.add_response("describe_automation_executions", answer, {**wanted, "NextToken": "n"})
    gateway, since = SsmGateway(ssm, QUOTAS), datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    (found,), token = gateway.listed(["Success", "Failed"], since=since)
    assert (found.status, token) == ("Success", "n")
    (second,), token = gateway.listed(["Success", "Failed"], since=since, token=token)
    assert token == ""
    assert second.asked_at > found.asked_at


def test_ten_automations_are_described_by_one_call(ssm, stub):
    wanted = [f"{TOKEN[:-1]}{number}" for number in range(10)]
    stub.add_response(
        "describe_automation_executions",
        {"AutomationExecutionMetadataList": [ROW]},
        {"Filters": [{"Key": "ExecutionId", "Values": wanted}]},
    )
    assert [summary.aws_id for summary in SsmGateway(ssm, QUOTAS).described(wanted)] == [TOKEN]


@pytest.mark.parametrize(
    ("code", "status", "retryable", "denied"),
    [
        ("AccessDeniedException", 400, False, True),
        ("ThrottlingException", 400, True, False),
        ("AutomationExecutionLimitExceededException", 400, True, False),
        ("InternalServerError", 500, True, False),
        ("InvalidAutomationExecutionParametersException", 400, False, False),
    ],
)
def test_a_refusal_keeps_awss_words_and_says_whether_to_try_again(ssm, stub, code, status, retryable, denied):
    stub.add_client_error(
        "start_automation_execution",
        code,
        "AWS's own words",
        http_status_code=status,
        expected_params=ANY_START,
    )
    with pytest.raises(AwsError) as caught:
        SsmGateway(ssm, QUOTAS).start(
            document_name="launch", document_version="1", parameters={}, client_token=TOKEN, tags={}
        )
    error = caught.value
    assert (error.message, error.aws_code, error.operation) == (
        "AWS's own words",
        code,
        "StartAutomationExecution",
    )
    assert (error.retryable, error.denied) == (retryable, denied)


ANY_START = {"DocumentName": ANY, "DocumentVersion": ANY, "Parameters": ANY, "ClientToken": ANY, "Tags": ANY}


def test_a_lost_connection_is_worth_another_try():
    ssm = boto3.client(
        "ssm",
        region_name="us-east-1",
        aws_access_key_id="AKIAEXAMPLE",
        aws_secret_access_key="none",
        endpoint_url="http://127.0.0.1:1",
    )
    with pytest.raises(AwsError) as caught:
        SsmGateway(ssm, QUOTAS).stop(TOKEN)
    assert caught.value.retryable
    assert isinstance(caught.value.__cause__, EndpointConnectionError)


def test_an_unknown_automation_is_told_apart(ssm, stub):
    stub.add_client_error("get_automation_execution", "AutomationExecutionNotFoundException", "No such run")
    with pytest.raises(AwsError) as caught:
        SsmGateway(ssm, QUOTAS).execution(TOKEN)
    assert caught.value.unknown_execution
