"""Documents that one account shares with another, and their permissions, lists and versions."""

import json
import uuid
from typing import Any

import botocore.exceptions
import pytest

NAP = {"name": "nap", "action": "aws:sleep", "inputs": {"Duration": "PT0S"}}
HERE = "123456789012"


def content(description: str = "naps") -> str:
    return json.dumps({"schemaVersion": "0.3", "description": description, "mainSteps": [NAP]})


def refused(call: Any, /, **parameters: Any) -> str:
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**parameters)
    return str(caught.value.response["Error"]["Code"])


@pytest.fixture
def shared(ssm: Any) -> str:
    name = f"Shared-{uuid.uuid4()}"
    ssm.create_document(Name=name, DocumentType="Automation", Content=content())
    return name


@pytest.fixture
def there(sandbox: Any, other_account: Any) -> Any:
    return sandbox.client("ssm", other_account.keys)


def arn(name: str) -> str:
    return f"arn:aws:ssm:us-east-1:{HERE}:document/{name}"


def share(ssm: Any, name: str, *accounts: str, **more: Any) -> None:
    ssm.modify_document_permission(Name=name, PermissionType="Share", AccountIdsToAdd=list(accounts), **more)


def test_an_account_opened_by_the_organization_is_entered_through_its_role(sandbox, other_account):
    identity = sandbox.client("sts", other_account.keys).get_caller_identity()
    assert identity["Account"] == other_account.id != HERE
    assert sandbox.client("iam", other_account.keys).list_users()["Users"] == []


def test_what_is_not_shared_is_not_there(ssm, there, shared, other_account):
    for call in (there.get_document, there.describe_document):
        assert refused(call, Name=arn(shared)) == "InvalidDocument"
    start = there.start_automation_execution
    assert refused(start, DocumentName=arn(shared)) == "AutomationDefinitionNotFoundException"
    share(ssm, shared, other_account.id)
    assert there.get_document(Name=arn(shared))["Content"] == content()
    # By the name alone it would be one of the account's own.
    assert refused(there.get_document, Name=shared) == "InvalidDocument"
    ssm.modify_document_permission(Name=shared, PermissionType="Share", AccountIdsToRemove=[other_account.id])
    assert refused(there.get_document, Name=arn(shared)) == "InvalidDocument"


def test_a_shared_document_runs_in_the_other_account_and_stays_its_owners(
    ssm, there, shared, other_account, finish
):
    share(ssm, shared, other_account.id)
    started = there.start_automation_execution(DocumentName=arn(shared))["AutomationExecutionId"]
    assert finish(started, client=there)["AutomationExecutionStatus"] == "Success"
    assert refused(ssm.get_automation_execution, AutomationExecutionId=started) == (
        "AutomationExecutionNotFoundException"
    )
    change = there.update_document
    careless = {"Name": shared, "Content": content("other"), "DocumentVersion": "$LATEST"}
    assert refused(change, **careless) == "InvalidDocument"
    assert refused(there.delete_document, Name=shared) == "InvalidDocument"


def test_only_the_shared_versions_can_be_seen(ssm, there, shared, other_account):
    ssm.update_document(Name=shared, Content=content("second"), DocumentVersion="1")

    def seen(**version: str) -> str:
        return str(there.get_document(Name=arn(shared), **version)["DocumentVersion"])

    share(ssm, shared, other_account.id)
    assert (seen(), seen(DocumentVersion="$DEFAULT"), seen(DocumentVersion="1")) == ("1", "1", "1")
    assert refused(seen, DocumentVersion="2") == "InvalidDocumentVersion"
    start = there.start_automation_execution
    assert refused(start, DocumentName=arn(shared), DocumentVersion="$LATEST") == (
        "AutomationDefinitionVersionNotFoundException"
    )
    share(ssm, shared, other_account.id, SharedDocumentVersion="$LATEST")
    assert (seen(), seen(DocumentVersion="$LATEST")) == ("2", "2")
    assert refused(seen, DocumentVersion="1") == "InvalidDocumentVersion"
    share(ssm, shared, other_account.id, SharedDocumentVersion="$ALL")
    assert (seen(), seen(DocumentVersion="2")) == ("1", "2")


def test_permissions_are_described_and_bounded(ssm, shared):
    accounts = [f"{number:012d}" for number in range(1, 23)]
    share(ssm, shared, *accounts[:20])
    share(ssm, shared, *accounts[20:], SharedDocumentVersion="$ALL")
    describe = ssm.describe_document_permission
    first = describe(Name=shared, PermissionType="Share")
    rest = describe(Name=shared, PermissionType="Share", NextToken=first["NextToken"])
    assert first["AccountIds"] + rest["AccountIds"] == accounts
    assert rest["AccountSharingInfoList"][0] == {"AccountId": accounts[20], "SharedDocumentVersion": "$ALL"}
    modify = ssm.modify_document_permission
    share_it = {"Name": shared, "PermissionType": "Share"}
    assert refused(modify, **share_it, AccountIdsToAdd=["all", accounts[0]]) == "DocumentPermissionLimit"
    assert refused(modify, **share_it) == "ValidationException"
    assert refused(modify, Name="Nowhere", PermissionType="Share", AccountIdsToAdd=accounts[:1]) == (
        "InvalidDocument"
    )
    assert refused(ssm.delete_document, Name=shared) == "InvalidDocumentOperation"
    share(ssm, shared, "All")
    assert describe(**share_it)["AccountIds"] == ["all"]
    modify(**share_it, AccountIdsToRemove=["all"])
    ssm.delete_document(Name=shared)
    assert refused(ssm.get_document, Name=shared) == "InvalidDocument"


def test_five_documents_are_public_at_most(ssm, there):
    names = [f"Public-{uuid.uuid4()}" for _ in range(6)]
    for name in names:
        ssm.create_document(Name=name, DocumentType="Automation", Content=content())
    for name in names[:5]:
        share(ssm, name, "all")
    modify = ssm.modify_document_permission
    assert refused(modify, Name=names[5], PermissionType="Share", AccountIdsToAdd=["all"]) == (
        "DocumentPermissionLimit"
    )
    listed = there.list_documents(Filters=[{"Key": "Owner", "Values": ["Public"]}])["DocumentIdentifiers"]
    assert {each["Name"] for each in listed} >= {arn(name) for name in names[:5]}
    assert {each["Owner"] for each in listed} == {HERE}
    for name in names[:5]:
        modify(Name=name, PermissionType="Share", AccountIdsToRemove=["all"])


def test_lists_are_filtered_by_owner_name_type_and_tag(ssm, there, shared, other_account):
    share(ssm, shared, other_account.id)
    own = f"Listed-{uuid.uuid4()}"
    ssm.create_document(
        Name=own,
        DocumentType="Automation",
        Content=content(),
        DisplayName="Listed",
        TargetType="/AWS::EC2::Instance",
        Tags=[{"Key": "team", "Value": own}],
    )

    def names(client: Any, **filters: str) -> list[str]:
        given = [{"Key": key.replace("tag_", "tag:"), "Values": [value]} for key, value in filters.items()]
        pages = client.get_paginator("list_documents").paginate(
            Filters=given, PaginationConfig={"PageSize": 3}
        )
        return [each["Name"] for page in pages for each in page["DocumentIdentifiers"]]

    assert arn(shared) in names(there, Owner="Private")
    assert names(there, Owner="Self") == names(there) == names(there, Owner="Amazon") == []
    assert {own, shared} <= set(names(ssm, Owner="Self"))
    for matching in (
        {"Name": own[:20]},
        {"tag_team": own},
        {"SearchKeyword": own[-12:]},
        {"Name": own, "DocumentType": "Automation", "PlatformTypes": "Linux"},
        {"Name": own, "TargetType": "/AWS::EC2::Instance"},
    ):
        assert names(ssm, **matching) == [own], matching
    for other in ({"Name": own, "DocumentType": "Command"}, {"tag_team": "none"}, {"Name": own[1:]}):
        assert names(ssm, **other) == [], other
    assert refused(ssm.list_documents, Filters=[{"Key": "Colour", "Values": ["red"]}]) == "InvalidFilterKey"


def test_versions_are_deleted_but_never_the_default(ssm, shared):
    for number in range(2, 12):
        ssm.update_document(Name=shared, Content=content(f"{number}"), DocumentVersion="$LATEST")
    delete = ssm.delete_document
    assert refused(delete, Name=shared, DocumentVersion="1") == "InvalidDocumentOperation"
    assert refused(delete, Name=shared, DocumentVersion="99") == "InvalidDocument"
    delete(Name=shared, DocumentVersion="$LATEST")
    assert ssm.describe_document(Name=shared)["Document"]["LatestVersion"] == "10"
