"""Documents of type Automation as Systems Manager keeps them."""

import hashlib
import json
import uuid
from typing import Any

import botocore.exceptions
import pytest

CONTENT = json.dumps(
    {
        "schemaVersion": "0.3",
        "description": "naps",
        "parameters": {
            "Length": {"type": "String", "default": "PT0S", "description": "How long"},
            "Names": {"type": "StringList", "default": ["a"]},
        },
        "mainSteps": [{"name": "nap", "action": "aws:sleep", "inputs": {"Duration": "{{ Length }}"}}],
    },
    indent=1,
)
YAML = """# A comment that is the author's.
schemaVersion: '0.3'
mainSteps:
  - name: nap
    action: aws:sleep
    inputs: {Duration: PT0S}
"""


@pytest.fixture
def name() -> str:
    return f"Doc-{uuid.uuid4()}"


def create(ssm: Any, name: str, content: str = CONTENT, **more: Any) -> dict[str, Any]:
    answer = ssm.create_document(Name=name, Content=content, DocumentType="Automation", **more)
    return dict(answer["DocumentDescription"])


def refused(call: Any, /, *arguments: Any, **parameters: Any) -> tuple[str, str]:
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(*arguments, **parameters)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_created_document_is_described_with_its_hash_and_parameters(ssm, name):
    described = create(ssm, name)
    again = ssm.describe_document(Name=name)["Document"]
    assert described["CreatedDate"] == again["CreatedDate"]
    assert again["Hash"] == hashlib.sha256(CONTENT.encode()).hexdigest()
    assert (again["HashType"], again["Status"], again["Description"]) == ("Sha256", "Active", "naps")
    assert (again["DocumentVersion"], again["DefaultVersion"], again["LatestVersion"]) == ("1", "1", "1")
    assert again["SchemaVersion"] == "0.3"
    assert again["Parameters"] == [
        {"Name": "Length", "Type": "String", "Description": "How long", "DefaultValue": "PT0S"},
        {"Name": "Names", "Type": "StringList", "DefaultValue": '["a"]'},
    ]


def test_the_text_comes_back_as_it_was_written(ssm, name):
    create(ssm, name, YAML, DocumentFormat="YAML")
    found = ssm.get_document(Name=name)
    assert (found["Content"], found["DocumentFormat"]) == (YAML, "YAML")
    other = ssm.get_document(Name=name, DocumentFormat="JSON")
    assert json.loads(other["Content"])["mainSteps"][0]["name"] == "nap"


def test_versions_are_numbered_and_the_default_moves_when_told(ssm, name):
    create(ssm, name)
    changed = CONTENT.replace("naps", "sleeps")
    described = ssm.update_document(Name=name, Content=changed, DocumentVersion="$LATEST")[
        "DocumentDescription"
    ]
    assert (described["DocumentVersion"], described["DefaultVersion"]) == ("2", "1")
    assert ssm.get_document(Name=name)["Content"] == CONTENT
    assert ssm.get_document(Name=name, DocumentVersion="$DEFAULT")["DocumentVersion"] == "1"
    assert ssm.get_document(Name=name, DocumentVersion="$LATEST")["Content"] == changed
    moved = ssm.update_document_default_version(Name=name, DocumentVersion="2")["Description"]
    assert moved == {"Name": name, "DefaultVersion": "2"}
    versions = ssm.list_document_versions(Name=name)["DocumentVersions"]
    assert [(each["DocumentVersion"], each["IsDefaultVersion"]) for each in versions] == [
        ("2", True),
        ("1", False),
    ]
    first = ssm.list_document_versions(Name=name, MaxResults=1)
    rest = ssm.list_document_versions(Name=name, MaxResults=1, NextToken=first["NextToken"])
    assert [each["DocumentVersion"] for each in rest["DocumentVersions"]] == ["1"]


def test_an_execution_runs_the_version_that_was_asked_for(ssm, name, finish):
    create(ssm, name)
    ssm.update_document(Name=name, Content=CONTENT.replace("PT0S", "PT0.01S"), DocumentVersion="1")
    for asked, used in ((None, "1"), ("$DEFAULT", "1"), ("$LATEST", "2"), ("2", "2")):
        version = {"DocumentVersion": asked} if asked else {}
        answer = ssm.start_automation_execution(DocumentName=name, **version)
        assert finish(answer["AutomationExecutionId"])["DocumentVersion"] == used


def test_what_cannot_be_is_refused(ssm, name):
    create(ssm, name)
    assert refused(create, ssm, name)[0] == "DocumentAlreadyExists"
    update = ssm.update_document
    assert refused(update, Name=name, Content=CONTENT, DocumentVersion="1")[0] == "DuplicateDocumentContent"
    changed = CONTENT.replace("naps", "sleeps")
    assert refused(update, Name=name, Content=changed, DocumentVersion="7")[0] == "InvalidDocumentVersion"
    assert refused(update, Name="Nowhere", Content=changed)[0] == "InvalidDocument"
    assert refused(ssm.get_document, Name="Nowhere")[0] == "InvalidDocument"
    assert refused(ssm.get_document, Name=name, DocumentVersion="7")[0] == "InvalidDocumentVersion"
    move = ssm.update_document_default_version
    assert refused(move, Name=name, DocumentVersion="7")[0] == "InvalidDocumentVersion"
    for reserved in ("AWS-Mine", "amazon-mine", "amzn-mine"):
        assert refused(create, ssm, reserved)[0] == "ValidationException"
    long = CONTENT.replace("naps", "n" * 66_000)
    assert refused(create, ssm, f"{name}-long", long)[0] == "MaxDocumentSizeExceeded"


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("{", "line 1"),
        (YAML, "line 1"),
        (CONTENT.replace("aws:sleep", "aws:slumber"), "aws:slumber"),
        (CONTENT.replace("{{ Length }}", "{{ Depth }}"), "Depth"),
    ],
)
def test_a_text_with_faults_is_refused_with_their_place(ssm, name, content, named):
    code, message = refused(create, ssm, name, content)
    assert code == "InvalidDocumentContent"
    assert named in message
    assert "column" in message


def test_another_schema_version_is_refused(ssm, name):
    code, _ = refused(create, ssm, name, CONTENT.replace('"0.3"', '"2.2"'))
    assert code == "InvalidDocumentSchemaVersion"


def test_a_deleted_document_is_gone_and_its_executions_stay(ssm, name, finish):
    create(ssm, name)
    execution_id = ssm.start_automation_execution(DocumentName=name)["AutomationExecutionId"]
    ssm.delete_document(Name=name)
    assert finish(execution_id)["AutomationExecutionStatus"] == "Success"
    assert refused(ssm.start_automation_execution, DocumentName=name)[0] == (
        "AutomationDefinitionNotFoundException"
    )
