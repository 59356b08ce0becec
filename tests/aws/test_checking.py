"""A check of a target names each permission that is missing, one at a time, and changes nothing in AWS."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from audit.models import AuditEntry
from aws import jobs, services
from aws import laboratory as lab
from aws.checking import STALE, Outcome, check, unanswered
from aws.checking.permissions import probes
from aws.checking.roles import service_roles
from aws.checking.way_in import go
from aws.laboratory import PORTAL_ROLE, PORTAL_USER, SERVICE_ROLE, Key, LaboratoryAccount
from aws.models import AwsTarget, TargetCheck
from aws.vault import seal
from common.clock import now
from tests.sandbox.conftest import ROOT, start_sandbox, stop_sandbox
from tests.support import factories

EXTERNAL_ID = "check-me"
PORTAL_ROLE_ARN = f"arn:aws:iam::{factories.ACCOUNT}:role/{PORTAL_ROLE}"
ROLE_ARN = f"arn:aws:iam::{factories.ACCOUNT}:role/{SERVICE_ROLE}"
USER_ARN = f"arn:aws:iam::{factories.ACCOUNT}:user/{PORTAL_USER}"
# What lets the portal look at its roles; it works without.
LOOKING = [
    {"Effect": "Allow", "Action": "iam:SimulatePrincipalPolicy", "Resource": PORTAL_ROLE_ARN},
    {"Effect": "Allow", "Action": "iam:GetRole", "Resource": ROLE_ARN},
]
ON_SSM = [probe.action for probe in probes()]


class Account:
    """The sandbox's account, whose identities are taken apart piece by piece."""

    def __init__(self, url):
        self.aws = LaboratoryAccount(
            endpoint_url=url, root=Key(ROOT["aws_access_key_id"], ROOT["aws_secret_access_key"])
        )
        self.aws.provision(external_id=EXTERNAL_ID)
        self.key = self.aws.new_key(PORTAL_USER)
        self.url = url
        self.iam = self.aws.client("iam")

    def restore(self):
        """Put everything as the README tells, with the permissions to look."""
        self.put_role_policy(self.portal_policy())
        self.put_user_policy(json.loads(lab.opening_policy(factories.ACCOUNT)))
        self.put_trust(PORTAL_ROLE, json.loads(lab.portal_role_trust(USER_ARN, EXTERNAL_ID)))
        self.put_trust(SERVICE_ROLE, json.loads(lab.service_role_trust(factories.ACCOUNT)))

    @staticmethod
    def portal_policy():
        policy = json.loads(lab.portal_role_policy(factories.ACCOUNT))
        return {**policy, "Statement": [*policy["Statement"], *LOOKING]}

    def put_role_policy(self, policy):
        self.iam.put_role_policy(
            RoleName=PORTAL_ROLE, PolicyName="automation", PolicyDocument=json.dumps(policy)
        )

    def put_user_policy(self, policy):
        self.iam.put_user_policy(
            UserName=PORTAL_USER, PolicyName="open-the-portal-role", PolicyDocument=json.dumps(policy)
        )

    def put_trust(self, role, policy):
        self.iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(policy))

    def contents(self):
        """Return what a check might change."""
        ssm = self.aws.client("ssm")
        documents = ssm.list_documents(Filters=[{"Key": "Owner", "Values": ["Self"]}])["DocumentIdentifiers"]
        automations = ssm.describe_automation_executions()["AutomationExecutionMetadataList"]
        return documents, automations


@pytest.fixture(scope="module")
def running():
    sandbox = start_sandbox()
    yield Account(sandbox.url)
    stop_sandbox(sandbox)


@pytest.fixture
def account(running):
    running.restore()
    return running


@pytest.fixture
def target(db, account, valkey):
    made = factories.make_target(
        endpoint_url=account.url,
        role_arn=PORTAL_ROLE_ARN,
        external_id=EXTERNAL_ID,
        access_key_id=account.key.access_key_id,
        sealed_secret=seal({"secret_access_key": account.key.secret_access_key}),
    )
    factories.make_role(made, arn=ROLE_ARN)
    return made


def without(policy, action):
    """Return a policy that does not have `action` any more."""
    statements = []
    for statement in policy["Statement"]:
        actions = statement["Action"]
        kept = [name for name in ([actions] if isinstance(actions, str) else actions) if name != action]
        if kept:
            statements.append({**statement, "Action": kept})
    return {**policy, "Statement": statements}


def failing(target):
    return [finding for finding in check(target) if finding.outcome is Outcome.FAILS]


def entering(target):
    """Return what does not work of the way in alone."""
    return [finding for finding in go(target).findings if finding.outcome is not Outcome.WORKS]


def about_roles(target):
    """Return what is found of the service roles alone."""
    return list(service_roles(target, go(target)))


def test_everything_works_as_the_readme_tells_and_nothing_is_changed(target, account):
    before = account.contents()
    found = list(check(target))
    assert {finding.what: finding.outcome for finding in found if finding.outcome != Outcome.WORKS} == {}
    assert len(found) == 5 + len(ON_SSM) + 2
    assert account.contents() == before


@pytest.mark.parametrize("missing", [ON_SSM[0::3], ON_SSM[1::3], ON_SSM[2::3]])
def test_each_missing_permission_is_named_and_no_other(target, account, missing):
    policy = account.portal_policy()
    for action in missing:
        policy = without(policy, action)
    account.put_role_policy(policy)
    found = failing(target)
    assert [finding.what for finding in found] == missing
    for finding in found:
        assert f"not authorized to perform: {finding.what}" in finding.said
        (remedy,) = finding.remedies
        assert remedy.where == f"the policy of {PORTAL_ROLE_ARN}"
        assert remedy.statement["Action"] == finding.what


def test_the_permission_to_pass_a_role_is_simulated(target, account):
    account.put_role_policy(without(account.portal_policy(), "iam:PassRole"))
    (found,) = failing(target)
    assert found.what == f"iam:PassRole on {ROLE_ARN}"
    (remedy,) = found.remedies
    assert remedy.statement["Condition"] == {"StringEquals": {"iam:PassedToService": "ssm.amazonaws.com"}}


def test_what_it_says_to_add_is_enough(target, account):
    account.put_role_policy({"Version": "2012-10-17", "Statement": LOOKING})
    found = failing(target)
    assert [finding.what for finding in found] == [*ON_SSM, f"iam:PassRole on {ROLE_ARN}"]
    added = [remedy.statement for finding in found for remedy in finding.remedies]
    account.put_role_policy({"Version": "2012-10-17", "Statement": [*LOOKING, *added]})
    assert failing(target) == []


def test_what_the_portal_may_not_look_at_is_said_plainly_and_is_no_failure(target, account):
    account.put_role_policy(json.loads(lab.portal_role_policy(factories.ACCOUNT)))
    found = [finding for finding in check(target) if finding.outcome is not Outcome.WORKS]
    assert [finding.outcome for finding in found] == [Outcome.UNKNOWN] * 2
    assert [remedy.statement for finding in found for remedy in finding.remedies] == LOOKING


def test_what_is_forbidden_outright_is_not_mended_by_a_statement(target, account):
    policy = account.portal_policy()
    policy["Statement"].append({"Effect": "Deny", "Action": "ssm:StopAutomationExecution", "Resource": "*"})
    account.put_role_policy(policy)
    (found,) = failing(target)
    assert "no statement that allows it helps" in found.said
    assert found.remedies == ()


@pytest.mark.parametrize("action", ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"])
@pytest.mark.parametrize("side", ["trust", "identity"])
def test_each_part_of_opening_the_role_is_told_apart(target, account, action, side):
    if side == "trust":
        trust = without(json.loads(lab.portal_role_trust(USER_ARN, EXTERNAL_ID)), action)
        account.put_trust(PORTAL_ROLE, trust)
    else:
        # A role of the account that names the user itself needs no policy of the user's: name the account.
        named = json.loads(lab.portal_role_trust(f"arn:aws:iam::{factories.ACCOUNT}:root", EXTERNAL_ID))
        account.put_trust(PORTAL_ROLE, named)
        account.put_user_policy(without(json.loads(lab.opening_policy(factories.ACCOUNT)), action))
    (found,) = entering(target)
    assert found.what.startswith(action)
    wanted = f"the trust policy of {PORTAL_ROLE_ARN}" if side == "trust" else f"the policy of {USER_ARN}"
    assert found.remedies[0].where == wanted
    assert found.remedies[0].statement["Action"] == action


def test_another_external_id_closes_the_way_in_and_nothing_further_is_asked(target, account):
    AwsTarget.objects.update(external_id="another")
    target.refresh_from_db()
    found = list(check(target))
    assert [finding.outcome for finding in found] == [Outcome.WORKS, Outcome.FAILS]
    condition = found[-1].remedies[0].statement["Condition"]
    assert condition == {"StringEquals": {"sts:ExternalId": "another"}}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"access_key_id": "AKIANOBODYNOBODYNOBO"}, "security token"),
        ({"endpoint_url": "http://127.0.0.1:9"}, "cannot be entered: Could not connect"),
        ({"account_id": "210987654321"}, "the target is in account 210987654321"),
    ],
)
def test_a_way_that_is_closed_says_why(target, changes, said):
    AwsTarget.objects.update(**changes)
    target.refresh_from_db()
    (last,) = entering(target)
    assert last.outcome is Outcome.FAILS
    assert list(check(target))[-1] == last
    assert said in last.said


def test_processes_without_an_identity_are_told_to_get_one(target, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    AwsTarget.objects.update(access_key_id="", sealed_secret=None)
    target.refresh_from_db()
    (found,) = check(target)
    assert "There is none here" in found.said


@pytest.mark.parametrize(
    ("condition", "outcome", "said"),
    [
        (None, Outcome.WORKS, "on anybody's behalf"),
        ({"StringEquals": {"aws:SourceAccount": factories.ACCOUNT}}, Outcome.WORKS, ""),
        ({"StringEquals": {"aws:SourceAccount": "210987654321"}}, Outcome.FAILS, "does not let Automation"),
        ({"ArnLike": {"AWS:SourceArn": "arn:aws:ssm:eu-west-1:*:*"}}, Outcome.FAILS, "does not let"),
        ({"StringEquals": {"aws:SourceOrgID": "o-1"}}, Outcome.UNKNOWN, "only when an automation starts"),
    ],
)
def test_the_trust_policy_of_a_service_role_is_read(target, account, condition, outcome, said):
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": ["ec2.amazonaws.com", "ssm.amazonaws.com"]},
        "Action": "sts:AssumeRole",
        **({"Condition": condition} if condition else {}),
    }
    account.put_trust(SERVICE_ROLE, {"Version": "2012-10-17", "Statement": statement})
    last = about_roles(target)[-1]
    assert (last.outcome, last.what) == (outcome, "AutomationServiceRole trusts Automation")
    assert said in last.said


@pytest.mark.parametrize("principal", [{"Service": "ec2.amazonaws.com"}, {"AWS": USER_ARN}])
def test_a_role_that_trusts_others_gets_the_readmes_policy(target, account, principal):
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    account.put_trust(SERVICE_ROLE, {"Version": "2012-10-17", "Statement": [statement]})
    found = about_roles(target)[-1]
    assert found.outcome is Outcome.FAILS
    account.put_trust(SERVICE_ROLE, {"Version": "2012-10-17", "Statement": [found.remedies[0].statement]})
    assert about_roles(target)[-1].outcome is Outcome.WORKS


def test_a_role_that_is_gone_is_named(target, account):
    gone = ROLE_ARN.replace(SERVICE_ROLE, "Gone")
    factories.make_role(target, name="Gone", arn=gone)
    policy = account.portal_policy()
    policy["Statement"].append({"Effect": "Allow", "Action": "iam:*", "Resource": "*"})
    account.put_role_policy(policy)
    (found,) = [finding for finding in about_roles(target) if finding.outcome is Outcome.FAILS]
    assert found.said.startswith(f"There is no role {gone}")


def test_the_queue_of_events_is_looked_at_and_keeps_its_messages(target, account):
    sqs = account.aws.client("sqs")
    url = sqs.create_queue(QueueName="events")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="{}")
    AwsTarget.objects.update(events_queue_url=url)
    target.refresh_from_db()
    found = failing(target)
    assert [finding.what for finding in found] == ["sqs:ReceiveMessage", "sqs:DeleteMessage"]
    policy = account.portal_policy()
    policy["Statement"] += [remedy.statement for finding in found for remedy in finding.remedies]
    account.put_role_policy(policy)
    assert failing(target) == []
    assert len(sqs.receive_message(QueueUrl=url).get("Messages", [])) == 1
    AwsTarget.objects.update(events_queue_url=url.replace("events", "no-such-queue"))
    target.refresh_from_db()
    assert [finding.outcome for finding in check(target)][-2:] != [Outcome.WORKS, Outcome.WORKS]


def test_the_command_tells_people_and_programs_and_its_status_says_whether_all_is_well(target, account):
    def said(*words):
        out = StringIO()
        try:
            call_command("check_target", target.name, *words, stdout=out)
        except CommandError as error:
            return error.returncode, out.getvalue()
        return 0, out.getvalue()

    assert said()[0] == 0
    account.put_role_policy(without(account.portal_policy(), "ssm:DescribeDocument"))
    status, text = said()
    assert status == 1
    assert f"add to the policy of {PORTAL_ROLE_ARN}:" in text
    status, text = said("--json")
    assert status == 1
    missing = [row for row in json.loads(text) if row["outcome"] != "works"]
    assert [row["what"] for row in missing] == ["ssm:DescribeDocument"]
    assert missing[0]["add"][0]["statement"]["Action"] == "ssm:DescribeDocument"
    with pytest.raises(CommandError, match=r"no target “Nowhere”\. Targets: Sandbox"):
        call_command("check_target", "Nowhere")


def test_an_administrator_has_a_target_checked_from_its_page(client, administrator, target, account):
    account.put_role_policy(without(account.portal_policy(), "ssm:DescribeDocument"))
    client.force_login(administrator)
    page, part = reverse("aws:target", args=[target.pk]), reverse("aws:target-check", args=[target.pk])
    assert "Nobody has checked it yet" in client.get(page).content.decode()
    client.post(part, {"check": "yes"})
    assert "hx-get" in client.get(part).content.decode()
    jobs.check_target(target.pk)
    shown = client.get(page).content.decode()
    assert "Something is missing" in shown
    assert "1 did not" in shown
    assert "ssm:DescribeDocument" in shown
    assert "hx-get" not in client.get(part).content.decode()
    # What is asked for anew meanwhile stays open, and a lost job is found again.
    services.ask_check(actor=administrator, target=target)
    assert unanswered() == []
    TargetCheck.objects.update(asked_at=now() - STALE * 2)
    assert unanswered() == [target.pk]
    assert AuditEntry.objects.filter(action="target.check-asked").count() == 2
