"""The demonstration: an AWS account of its own, one person for each persona, and two documents to run.

Made through the services that everybody else uses, once; what is there already stays as people left it.
"""

import json
import secrets
from dataclasses import dataclass
from importlib.resources import files

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import transaction

from accounts import services as accounts
from accounts.models import Delegation, User
from automation_portal import environment as env
from aws import services as targets
from aws.connections import check_target
from aws.errors import AwsError
from aws.laboratory import (
    DENIED_USER,
    PORTAL_USER,
    REGION,
    Key,
    Laboratory,
    LaboratoryAccount,
)
from aws.models import AwsTarget, CallerIdentity, ServiceRole
from common.errors import Unavailable
from documents import jobs as document_jobs
from documents import services as documents
from documents.models import Document, DocumentVersion, Policy, Publication

TARGET = "Sandbox"
ROLE = "AutomationServiceRole"
POLICY = "Everything we launch"
LAUNCH = "Launch-Tagged-Instance"
RESTART = "Restart-Instance"
RULES = {"require_assume_role": True, "required_tags": ["Owner", "CostCentre"]}


@dataclass(frozen=True)
class Persona:
    """Somebody to sign in as."""

    username: str
    full_name: str
    groups: tuple[str, ...]
    use: str


PERSONAS = (
    Persona("author", "Ada Author", ("Authors",), "writes documents and publishes them"),
    Persona(
        "administrator", "Abel Administrator", ("Administrators",), "decides who may run what, as which role"
    ),
    Persona("operator", "Olga Operator", ("Operators",), "runs what was delegated; IAM denies her ec2:*"),
    Persona("stranger", "Stan Stranger", (), "has an account and no right to anything"),
)


def account() -> LaboratoryAccount:
    """Return the sandbox's account. Raises Unavailable when this instance has no sandbox."""
    if not settings.DEMONSTRATION:
        raise Unavailable("Only a demonstration has a sandbox AWS.")
    try:
        root = json.loads(settings.SANDBOX_SECRETS.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Unavailable("This instance's sandbox has not been started yet: run `make run` first.") from None
    key = Key(root["access_key_id"], root["secret_access_key"])
    return LaboratoryAccount(endpoint_url=settings.SANDBOX_URL, root=key)


def text(name: str) -> str:
    """Return one of the demonstration's documents as its author wrote it."""
    return (files(__package__) / "texts" / name).read_text(encoding="utf-8")


def sign_ins() -> list[tuple[str, str, str]]:
    """Return (user name, password, what the person is for), of those who still have the password we gave."""
    kept = _kept_passwords()
    return [
        (persona.username, kept[persona.username], persona.use)
        for persona in PERSONAS
        if persona.username in kept
    ]


def _kept_passwords() -> dict[str, str]:
    path = settings.SECRETS_DIR / "sign_ins.json"
    if not path.exists():
        made = {persona.username: f"{persona.username}-{secrets.token_hex(4)}" for persona in PERSONAS}
        env.keep_secret(path, json.dumps(made))
    found: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return found


def ensure() -> None:
    """Make what the demonstration lacks. Raises AwsError when the sandbox does not answer."""
    laboratory_account = account()
    external_id = env.kept_secret(settings.SECRETS_DIR / "external_id")
    laboratory = laboratory_account.provision(external_id=external_id)
    people = _people()
    target = _target(laboratory_account, laboratory, people["administrator"], external_id)
    role = _service_role(laboratory, target, people["administrator"])
    if not Policy.objects.exists():
        documents.create_policy(
            actor=people["administrator"],
            name=POLICY,
            description="A service role acts, never the person; and whatever is launched says whose it is.",
            rules=RULES,
            enabled=True,
        )
    launch = _document(people["author"], LAUNCH, "launch-tagged-instance.yaml", "YAML", target)
    restart = _document(people["author"], RESTART, "restart-instance.json", "JSON", target)
    if not Delegation.objects.exists():
        _delegations(people["administrator"], launch, restart, role, laboratory)
    # Last: one keeps an identity only where something was delegated that runs with it.
    _caller_identity(laboratory_account, target, people["operator"])


def _people() -> dict[str, User]:
    with transaction.atomic():
        accounts.ensure_standard_groups()
    passwords = _kept_passwords()
    found = {user.username: user for user in User.objects.filter(username__in=passwords)}
    for persona in PERSONAS:
        if persona.username in found:
            continue
        with transaction.atomic():
            user = User.objects.create_user(
                persona.username, passwords[persona.username], full_name=persona.full_name
            )
            user.groups.set(Group.objects.filter(name__in=persona.groups))
        found[persona.username] = user
    return found


def _target(
    laboratory_account: LaboratoryAccount, made: Laboratory, actor: User, external_id: str
) -> AwsTarget:
    """Return the sandbox as a target; its key is renewed when the sandbox was emptied."""
    target = AwsTarget.objects.filter(name=TARGET).first()
    if target is not None and _has_way_in(target):
        return target
    key = laboratory_account.new_key(PORTAL_USER)
    values = {
        "account_id": made.account_id,
        "region": REGION,
        "endpoint_url": settings.SANDBOX_URL,
        "role_arn": made.portal_role_arn,
        "external_id": external_id,
        "access_key_id": key.access_key_id,
        "secret_access_key": key.secret_access_key,
    }
    if target is None:
        return targets.create_target(actor=actor, name=TARGET, **values)
    return targets.update_target(actor=actor, target=target, name=target.name, **values)


def _has_way_in(target: AwsTarget) -> bool:
    if target.endpoint_url != settings.SANDBOX_URL:
        return False
    try:
        check_target(target)
    except AwsError as error:
        if error.retryable:
            raise
        return False
    return True


def _caller_identity(laboratory_account: LaboratoryAccount, target: AwsTarget, operator: User) -> None:
    """Give the operator the AWS identity that may run automations and is denied ec2:*."""
    identity = CallerIdentity.objects.filter(user=operator, target=target).first()
    if identity is not None and laboratory_account.has_key(DENIED_USER, identity.access_key_id):
        return
    key = laboratory_account.new_key(DENIED_USER)
    targets.set_own_key(
        actor=operator,
        target=target,
        access_key_id=key.access_key_id,
        secret_access_key=key.secret_access_key,
    )


def _service_role(made: Laboratory, target: AwsTarget, administrator: User) -> ServiceRole:
    role = ServiceRole.objects.filter(target=target, arn=made.service_role_arn).first()
    if role is not None:
        return role
    role = targets.create_role(
        actor=administrator,
        target=target,
        name=ROLE,
        arn=made.service_role_arn,
        description="May run, tag, start and stop instances. Only Automation may assume it.",
    )
    targets.grant_use(
        actor=administrator, role=role, permission="use", holder=Group.objects.get(name="Administrators")
    )
    return role


def _document(author: User, name: str, source: str, form: str, target: AwsTarget) -> DocumentVersion:
    """Return one of the two documents as it came with the portal, made and published if need be."""
    document = Document.objects.filter(name=name).first()
    if document is None:
        document = documents.create_document(
            actor=author,
            name=name,
            description="One of the demonstration's two documents.",
            text=text(source),
            format=form,
            note="As it came with the portal",
        )
    version = document.versions.get(number=1)
    if not version.publications.filter(target=target, status=Publication.Status.ACTIVE).exists():
        publication = documents.publish(actor=author, document=document, number=1, target=target)
        # The workers may not be there yet; a job may be run by anybody, twice over.
        document_jobs.publish(publication.pk)
    return version


def _delegations(
    administrator: User,
    launch: DocumentVersion,
    restart: DocumentVersion,
    role: ServiceRole,
    made: Laboratory,
) -> None:
    target = role.target
    operators = Group.objects.get(name="Operators")
    limits = {
        "ImageId": {"default": made.image_id},
        "InstanceType": {"allowed": ["t3.micro", "t3.small"]},
    }
    as_role = accounts.create_delegation(
        actor=administrator,
        name="Launch a tagged instance",
        description="One small EC2 instance, tagged with its owner and cost centre.",
        document=launch.document,
        version=launch,
        target=target,
        service_role=role,
        constraints=limits,
    )
    as_caller = accounts.create_delegation(
        actor=administrator,
        name="Launch as yourself",
        description="The same document with your own AWS identity: it can do what you can do, and no more.",
        document=launch.document,
        version=launch,
        target=target,
        service_role=None,
        constraints=limits,
    )
    restart_it = accounts.create_delegation(
        actor=administrator,
        name="Restart an instance",
        description="Stops and starts an instance once an administrator has said yes.",
        document=restart.document,
        version=restart,
        target=target,
        service_role=role,
        constraints={"Approver": {"fixed": made.portal_role_arn}},
    )
    for delegation in (as_role, as_caller, restart_it):
        accounts.grant(actor=administrator, delegation=delegation, permission="execute", holder=operators)
    accounts.grant(
        actor=administrator,
        delegation=restart_it,
        permission="approve",
        holder=Group.objects.get(name="Administrators"),
    )
