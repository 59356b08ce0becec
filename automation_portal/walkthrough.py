"""The delegated launch from end to end, against the running portal: what was expected, and what was seen.

It acts through the portal's own services, as the demonstration's people, and waits for the workers; it asks
the web process for pages over HTTP, and the sandbox over AWS's wire protocol.
"""

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.cookiejar import CookieJar

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.exceptions import ObjectDoesNotExist
from django.urls import reverse

import ssmdoc
from accounts import services as accounts
from accounts.models import Delegation, User
from automation_portal import demonstration
from aws.errors import AwsError
from aws.laboratory import DENIED_USER, SERVICE_ROLE, Key
from aws.models import AwsTarget, ServiceRole
from common import access
from common.errors import Invalid, PortalError, Unavailable
from documents import services as documents
from documents.models import Document, DocumentVersion, Publication
from executions import services as executions
from executions.models import Execution, Status

DOCUMENT = "Walkthrough-Launch"
AS_ROLE = "Walkthrough: launch as the service role"
AS_CALLER = "Walkthrough: launch as the caller"
# Long enough for a busy machine; nothing here is fast or slow on purpose.
PATIENCE_SECONDS = 120.0


@dataclass(frozen=True)
class Row:
    """One step of the walkthrough."""

    number: str
    what: str
    expected: str
    seen: str
    as_expected: bool


class Walkthrough:
    """Performs the steps in order; each yields its rows.

    Raises Unavailable while the demonstration is not complete.
    """

    def __init__(self) -> None:
        self._account = demonstration.account()
        try:
            self._author, self._administrator, self._operator, self._stranger = (
                User.objects.get(username=persona.username) for persona in demonstration.PERSONAS
            )
            self._target = AwsTarget.objects.get(name=demonstration.TARGET)
            self._role = ServiceRole.objects.get(target=self._target, name=demonstration.ROLE)
            # What the demonstration makes last.
            self._own = self._operator.aws_identities.get(target=self._target)
        except ObjectDoesNotExist as missing:
            raise Unavailable(
                "The demonstration is not complete: wait until `make run` says that the portal is ready, and "
                f"start again. ({missing})"
            ) from missing
        self._image = self._account.image_id()

    def rows(self) -> Iterator[Row]:
        """Perform everything, and yield what was seen as it is seen."""
        key = self._account.new_key(DENIED_USER, keep=self._own.access_key_id)
        try:
            yield from self._the_user_is_denied()
            yield self._direct_launch_fails("2", key)
            yield from self._the_service_role()
            yield from self._the_document()
            yield from self._the_delegated_launch(key)
            yield from self._as_the_caller()
        finally:
            self._account.drop_key(DENIED_USER, key)

    # 1 to 3: AWS by itself

    def _the_user_is_denied(self) -> Iterator[Row]:
        policy = self._account.user_policy(DENIED_USER)
        denied = [line["Action"] for line in policy["Statement"] if line["Effect"] == "Deny"]
        yield _row(
            "1", f"IAM user {DENIED_USER}: what its policy denies", "ec2:*", ", ".join(map(str, denied))
        )

    def _direct_launch_fails(self, number: str, key: Key) -> Row:
        before = set(self._account.instances())
        try:
            made = self._account.launch_directly(key, self._image)
            seen = f"launched {made}"
        except AwsError as error:
            seen = f"{error.aws_code}: {error.message}"
        refused = seen.startswith("UnauthorizedOperation") and "explicit deny" in seen
        nothing_new = set(self._account.instances()) == before
        expected = "UnauthorizedOperation by an explicit deny, and no instance"
        return Row(number, "RunInstances with that user's key", expected, seen, refused and nothing_new)

    def _the_service_role(self) -> Iterator[Row]:
        trust, actions = self._account.role(SERVICE_ROLE)
        trusted = trust["Statement"][0]["Principal"]
        yield _row(
            "3", f"{SERVICE_ROLE}: whom it trusts", '{"Service": "ssm.amazonaws.com"}', json.dumps(trusted)
        )
        may = {action for action in actions if action in {"ec2:RunInstances", "ec2:CreateTags"}}
        must_not = [action for action in actions if "Terminate" in action or "*" in action]
        yield Row(
            "3",
            f"{SERVICE_ROLE}: what it may do",
            "run and tag instances, not terminate them",
            ", ".join(actions),
            len(may) == 2 and not must_not,
        )

    # 4: the document, its policy, its publication and its delegation

    def _the_document(self) -> Iterator[Row]:
        draft = demonstration.text("untagged-draft.yaml")
        corrected = demonstration.text("launch-tagged-instance.yaml")
        yield from self._refused_draft(draft, "YAML")
        yield from self._refused_draft(_as_json(draft), "JSON")
        yield self._published(corrected, "YAML")
        yield self._published(_as_json(corrected), "JSON")
        yield self._delegated()

    def _refused_draft(self, text: str, form: str) -> Iterator[Row]:
        version = self._save(text, form, "An untagged draft")
        what = f"the policy judges the untagged {form} draft"
        expected = f"refused at the launching step, {_where(text, form)}, naming Owner and CostCentre"
        try:
            documents.publish(
                actor=self._author, document=version.document, number=version.number, target=self._target
            )
            yield Row("4", what, expected, "published", False)
        except Invalid as error:
            found = [row for row in error.data["findings"] if row["severity"] == "error"]
            seen = "; ".join(f"line {row['line']}, column {row['column']}: {row['message']}" for row in found)
            named = all(word in seen for word in (_where(text, form), "Owner", "CostCentre"))
            yield Row("4", what, expected, seen, named and len(found) == 1)

    def _published(self, text: str, form: str) -> Row:
        version = self._save(text, form, "Tagged as policy demands")
        publication = documents.publish(
            actor=self._author, document=version.document, number=version.number, target=self._target
        )
        _until(lambda: _fresh(publication).status != Publication.Status.PUBLISHING)
        publication = _fresh(publication)
        seen = f"{publication.status} {publication.failure}".strip()
        return _row("4", f"the author publishes the corrected {form} text", "Active", seen)

    def _save(self, text: str, form: str, note: str) -> DocumentVersion:
        document = Document.objects.filter(name=DOCUMENT).first()
        if document is None:
            document = documents.create_document(
                actor=self._author,
                name=DOCUMENT,
                description="Written by the walkthrough.",
                text=text,
                format=form,
                note=note,
            )
            return document.versions.get()
        return documents.save_version(
            actor=self._author,
            document=document,
            text=text,
            format=form,
            note=note,
            base_number=document.latest_number,
        )

    def _delegated(self) -> Row:
        version = Document.objects.get(name=DOCUMENT).versions.first()
        if version is None:
            raise LookupError(f"{DOCUMENT} has no version")
        limits = {
            "ImageId": {"fixed": self._image},
            "InstanceType": {"allowed": ["t3.micro", "t3.small"]},
        }
        operators = Group.objects.get(name="Operators")
        for name, role in ((AS_ROLE, self._role), (AS_CALLER, None)):
            delegation = Delegation.objects.filter(name=name).first()
            common = {
                "version": version,
                "target": self._target,
                "service_role": role,
                "description": "Made by the walkthrough.",
                "constraints": limits,
                "max_concurrent": None,
                "max_per_day": None,
                "approvals_needed": 0,
                "expires_at": None,
            }
            if delegation is None:
                delegation = accounts.create_delegation(
                    actor=self._administrator, name=name, document=version.document, **common
                )
            else:
                delegation = accounts.update_delegation(
                    actor=self._administrator,
                    delegation=delegation,
                    name=name,
                    seen=delegation.updated_at,
                    **common,
                )
            accounts.grant(
                actor=self._administrator, delegation=delegation, permission="execute", holder=operators
            )
        reasons = access.explain(self._operator, "execute", self._delegation(AS_ROLE))
        return _row(
            "4",
            "the administrator delegates it to a group: why the operator may",
            "“execute” was granted to the group “Operators”",
            "; ".join(reasons),
        )

    # 5: the delegated launch

    def _the_delegated_launch(self, key: Key) -> Iterator[Row]:
        delegation = self._delegation(AS_ROLE)
        address = reverse("executions:launch", args=[delegation.pk])
        for person, expected in ((self._operator, "200"), (self._stranger, "404")):
            seen = str(_status_of(address, person.username))
            yield _row("5", f"{person} opens {address}", expected, seen)
        yield self._forbidden_type(delegation)
        before = self._account.instances()
        run = self._launched(delegation)
        yield _row("5", "the operator launches through the service role", Status.SUCCESS, _outcome(run))
        made = {name: row for name, row in self._account.instances().items() if name not in before}
        seen = "; ".join(f"{row['type']} {json.dumps(row['tags'], sort_keys=True)}" for row in made.values())
        expected = f"t3.small {json.dumps(_tags(run), sort_keys=True)}"
        yield _row("5", "the instances that are new in the sandbox", expected, seen)
        yield self._direct_launch_fails("5", key)

    def _forbidden_type(self, delegation: Delegation) -> Row:
        before = Execution.objects.count()
        try:
            executions.launch(
                actor=self._operator, delegation=delegation, values=_values() | {"InstanceType": "t3.large"}
            )
            seen = "launched"
        except Invalid as error:
            seen = error.fields.get("InstanceType", error.message)
        refused = "t3.large" in seen and Execution.objects.count() == before
        expected = "refused beside InstanceType, and no run was made"
        return Row("5", "the operator asks for t3.large", expected, seen, refused)

    # 6: the other way to execute

    def _as_the_caller(self) -> Iterator[Row]:
        run = self._launched(self._delegation(AS_CALLER))
        yield _row("6", "the same document as the caller", Status.FAILED, run.status)
        step = run.steps.filter(status=Status.FAILED).first()
        seen = f"{step.name}: {step.failure}" if step else run.failure
        denied = "launchInstance" in seen and "not authorized to perform: ec2:RunInstances" in seen
        expected = "launchInstance fails with AWS's access-denied message"
        yield Row("6", "what the operator is shown", expected, seen, denied)

    def _launched(self, delegation: Delegation) -> Execution:
        run = executions.launch(actor=self._operator, delegation=delegation, values=_values())
        _until(lambda: _fresh_run(run).is_final)
        return _fresh_run(run)

    def _delegation(self, name: str) -> Delegation:
        return Delegation.objects.get(name=name)


def _values() -> dict[str, str]:
    """Return what the operator types into the form."""
    return {"InstanceType": "t3.small", "Owner": "olga@example.org", "CostCentre": "4711"}


def _tags(run: Execution) -> dict[str, str]:
    typed = _values()
    return {
        "Owner": typed["Owner"],
        "CostCentre": typed["CostCentre"],
        "LaunchedBy": run.aws_execution_id,
    }


def _row(number: str, what: str, expected: str, seen: str) -> Row:
    return Row(number, what, str(expected), str(seen), str(expected) == str(seen))


def _outcome(run: Execution) -> str:
    return f"{run.status} {run.failure}".strip()


def _as_json(text: str) -> str:
    return json.dumps(ssmdoc.parse(text, format="YAML").data, indent=2)


def _where(text: str, form: str) -> str:
    """Return where the launching step is named in `text`: where a person would look for the fault."""
    before, name = ("- name: ", "launchInstance") if form == "YAML" else ('"name": ', '"launchInstance"')
    for number, line in enumerate(text.splitlines(), start=1):
        if before + name in line:
            return f"line {number}, column {line.index(name) + 1}"
    raise LookupError("The text has no launching step")


def _fresh(publication: Publication) -> Publication:
    return Publication.objects.get(pk=publication.pk)


def _fresh_run(run: Execution) -> Execution:
    return Execution.objects.get(pk=run.pk)


def _until(condition: Callable[[], bool]) -> None:
    """Wait for the workers. Raises PortalError when they take longer than a busy machine would."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise PortalError(
                "no-workers",
                "The workers did not act in time: is `make run` running, with this DATA_DIR?",
                503,
            )
        time.sleep(0.2)


def _status_of(address: str, username: str) -> int:
    """Return the HTTP status that the running web process gives `username` for `address`."""
    base = f"http://127.0.0.1:{settings.PORT}"
    # Cookies of this visit only, and no proxy: the portal is on this machine.
    opener = urllib.request.build_opener(
        urllib.request.HTTPCookieProcessor(CookieJar()), urllib.request.ProxyHandler({})
    )
    password = {name: word for name, word, _ in demonstration.sign_ins()}[username]
    sign_in = base + reverse("account_login")
    with opener.open(sign_in, timeout=30) as page:
        body = page.read().decode()
    token = body.split('name="csrfmiddlewaretoken" value="', 1)[1].split('"', 1)[0]
    form = {"csrfmiddlewaretoken": token, "login": username, "password": password}
    opener.open(sign_in, urllib.parse.urlencode(form).encode(), timeout=30).close()
    try:
        with opener.open(base + address, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
