"""The persona × URL matrix as data."""

from dataclasses import dataclass, field

PERSONAS = ("stranger", "operator", "colleague", "author", "administrator")


@dataclass(frozen=True)
class Row:
    """What each persona gets at one address.

    Attributes:
        arguments: names of the world's values that the address takes.
        gets: status by persona; "all" for everybody signed in, "anonymous" when it is not 302.
        method: of the request that `gets` is about; a form that is sent empty shows how far the sender came.
        posts: the same for a form sent empty to an address that shows it as well; None for an address that
            takes one method alone.
    """

    gets: dict[str, int] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    method: str = "get"
    posts: dict[str, int] | None = None

    def statuses(self, method: str) -> dict[str, int]:
        """Return the status for every persona; what is not said is denied."""
        said = self.gets if method == self.method else self.posts
        if said is None:
            # Refused before anything is looked up: the answer is the same for what exists and what does not.
            said = {"all": 405, "anonymous": 405 if "anonymous" in self.gets else 302}
        everybody = said.get("all", 404)
        return {
            "anonymous": said.get("anonymous", 302),
            **{persona: said.get(persona, everybody) for persona in PERSONAS},
        }


EVERYBODY = {"all": 200}
PUBLIC = {"anonymous": 200, "all": 200}
ADMINISTRATORS = {"administrator": 200}
# Sent empty: a form is refused, a switch is thrown, and what nobody holds cannot be taken away.
ADMINISTRATORS_FORM = {"administrator": 400}
ADMINISTRATORS_SWITCH = {"administrator": 302}
NOBODYS: dict[str, int] = {}
OWNERS = {"author": 200, "administrator": 200}
RUN_VIEWERS = {"operator": 200, "colleague": 200, "administrator": 200}

ROWS: dict[str, Row] = {
    "home": Row(EVERYBODY),
    "account_login": Row({"anonymous": 200, "all": 302}, posts={"anonymous": 200, "all": 302}),
    "account_logout": Row(EVERYBODY, posts={"all": 302}),
    "account_change_password": Row(EVERYBODY, posts=EVERYBODY),
    "health-live": Row(PUBLIC),
    "health-ready": Row(PUBLIC),
    # Operators. An administrator sees every delegation and run; launching and answering takes a grant.
    "executions:catalogue": Row(EVERYBODY),
    "executions:launch": Row(
        {"operator": 200, "colleague": 200, "administrator": 403},
        ("delegation",),
        posts={"operator": 400, "colleague": 400, "administrator": 403},
    ),
    "executions:list": Row(EVERYBODY),
    "executions:approvals": Row(EVERYBODY),
    "executions:detail": Row(RUN_VIEWERS, ("run",)),
    "executions:live": Row(RUN_VIEWERS, ("run",)),
    "executions:stream": Row(RUN_VIEWERS, ("run",)),
    "executions:cancel": Row({"operator": 302, "colleague": 403, "administrator": 302}, ("run",), "post"),
    "executions:signal": Row({"operator": 403, "colleague": 403, "administrator": 403}, ("run",), "post"),
    "executions:step": Row({"operator": 302, "colleague": 403, "administrator": 302}, ("run",), "post"),
    "executions:approve-launch": Row(
        {"operator": 403, "colleague": 403, "administrator": 403}, ("run",), "post"
    ),
    "executions:reject-launch": Row(
        {"operator": 403, "colleague": 403, "administrator": 403}, ("run",), "post"
    ),
    # Authors.
    "documents:list": Row(EVERYBODY),
    "documents:new": Row(OWNERS, posts={"author": 400, "administrator": 400}),
    "documents:check": Row({"author": 400, "administrator": 400}, method="post"),
    "documents:completions": Row(OWNERS),
    "documents:detail": Row(OWNERS, ("document",)),
    "documents:edit": Row(
        {"author": 200, "administrator": 403}, ("document",), posts={"author": 400, "administrator": 403}
    ),
    "documents:version": Row(OWNERS, ("document", "number")),
    "documents:diff": Row(OWNERS, ("document", "newer")),
    "documents:publish": Row(
        {"author": 200, "administrator": 403}, ("document",), posts={"author": 400, "administrator": 403}
    ),
    "documents:publication": Row(OWNERS, ("publication",)),
    # Administrators.
    "documents:policies": Row(ADMINISTRATORS),
    "documents:policy-new": Row(ADMINISTRATORS, posts=ADMINISTRATORS_FORM),
    "documents:policy": Row(ADMINISTRATORS, ("policy",), posts=ADMINISTRATORS_FORM),
    "accounts:access": Row(OWNERS, ("document",)),
    "accounts:access-share": Row({"author": 400, "administrator": 400}, ("document",), "post"),
    "accounts:access-unshare": Row(NOBODYS, ("document",), "post"),
    "accounts:delegations": Row(ADMINISTRATORS),
    "accounts:delegation-new": Row(ADMINISTRATORS, posts=ADMINISTRATORS),
    "accounts:delegation": Row(ADMINISTRATORS, ("delegation",)),
    "accounts:delegation-edit": Row(ADMINISTRATORS, ("delegation",), posts=ADMINISTRATORS_FORM),
    "accounts:delegation-enable": Row(ADMINISTRATORS_SWITCH, ("delegation",), "post"),
    "accounts:delegation-grant": Row(ADMINISTRATORS_FORM, ("delegation",), "post"),
    "accounts:delegation-revoke": Row(NOBODYS, ("delegation",), "post"),
    "accounts:people": Row(ADMINISTRATORS),
    "accounts:person-new": Row(ADMINISTRATORS, posts=ADMINISTRATORS_FORM),
    "accounts:person": Row(ADMINISTRATORS, ("person",)),
    "accounts:person-groups": Row(ADMINISTRATORS_SWITCH, ("person",), "post"),
    "accounts:person-active": Row(ADMINISTRATORS_SWITCH, ("person",), "post"),
    "accounts:person-password": Row(ADMINISTRATORS_FORM, ("person",), "post"),
    "accounts:groups": Row(ADMINISTRATORS),
    "accounts:group-new": Row(ADMINISTRATORS, posts=ADMINISTRATORS_FORM),
    "accounts:group": Row(ADMINISTRATORS, ("group",)),
    "accounts:group-add": Row(ADMINISTRATORS_FORM, ("group",), "post"),
    "accounts:group-remove": Row(NOBODYS, ("group",), "post"),
    "accounts:group-capabilities": Row(ADMINISTRATORS_SWITCH, ("group",), "post"),
    "executions:maintenance": Row(ADMINISTRATORS, posts=ADMINISTRATORS_FORM),
    "executions:maintenance-resume": Row(ADMINISTRATORS_SWITCH, method="post"),
    "aws:targets": Row(ADMINISTRATORS),
    "aws:target-new": Row(ADMINISTRATORS, posts=ADMINISTRATORS_FORM),
    "aws:target": Row(ADMINISTRATORS, ("target",)),
    "aws:target-edit": Row(ADMINISTRATORS, ("target",), posts=ADMINISTRATORS_FORM),
    "aws:target-check": Row(ADMINISTRATORS, ("target",), posts=ADMINISTRATORS_SWITCH),
    "aws:target-enable": Row(ADMINISTRATORS_SWITCH, ("target",), "post"),
    "aws:target-assign": Row(ADMINISTRATORS_FORM, ("target",), "post"),
    "aws:roles": Row(ADMINISTRATORS),
    "aws:role-new": Row(ADMINISTRATORS, posts=ADMINISTRATORS_FORM),
    "aws:role": Row(ADMINISTRATORS, ("role",)),
    "aws:role-edit": Row(ADMINISTRATORS, ("role",), posts=ADMINISTRATORS_FORM),
    "aws:role-grant": Row(ADMINISTRATORS_FORM, ("role",), "post"),
    "aws:role-revoke": Row(NOBODYS, ("role",), "post"),
    "audit:list": Row(ADMINISTRATORS),
    # One's own AWS identity: entered where a delegation needs it; none does here.
    "aws:identity": Row(EVERYBODY),
    "aws:identity-edit": Row({"administrator": 403}, ("target",), posts={"administrator": 403}),
    "aws:identity-status": Row({"operator": 200, "administrator": 200}, ("identity",)),
    "aws:identity-check": Row({"operator": 302, "administrator": 302}, ("identity",), "post"),
    "aws:identity-remove": Row({"operator": 302}, ("identity",), "post"),
}
