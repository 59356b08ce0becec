"""Groups: the list, a new one, and one group: members, capabilities, what was granted to it."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.models import Group
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import selectors, services
from accounts.forms import CapabilitiesForm, GroupFilter, GroupForm, MemberForm, RightsFilter
from accounts.models import User
from accounts.rights import rights_of
from audit.selectors import history
from audit.wording import facts
from common import access
from common.errors import Conflict, Invalid, NotFound
from common.granting import put_beside
from common.requests import SignedInRequest


@require_safe
def groups(request: SignedInRequest) -> HttpResponse:
    """Show the groups."""
    access.require_capability(request.user, "administer")
    form = GroupFilter(request.GET)
    form.is_valid()
    text = form.cleaned_data.get("q", "")
    page = selectors.groups(request.GET.dict(), text=text)
    rows = [(group, selectors.capabilities_in(group)) for group in page.rows]
    context = {"form": form, "page": page, "rows": rows, "filtered": bool(text)}
    return render(request, "accounts/groups.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def group_new(request: SignedInRequest) -> HttpResponse:
    """Ask for a new group, and make it."""
    access.require_capability(request.user, "administer")
    form = GroupForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.create_group(actor=request.user, **form.cleaned_data)
        except Invalid as error:
            put_beside(form, error)
        else:
            messages.success(request, f"“{made}” is made. Next: add its members.")
            return redirect("accounts:group", made.pk)
    return render(request, "accounts/group_new.html", {"form": form}, status=400 if form.errors else 200)


def _group(request: SignedInRequest, group_id: int) -> Group:
    access.require_capability(request.user, "administer")
    found = Group.objects.filter(pk=group_id).first()
    if found is None:
        raise NotFound()
    return found


def _page(
    request: SignedInRequest,
    found: Group,
    *,
    member: MemberForm | None = None,
    capabilities: CapabilitiesForm | None = None,
    status: int = 200,
) -> HttpResponse:
    rights_form = RightsFilter(request.GET)
    rights_form.is_valid()
    text = rights_form.cleaned_data.get("q", "")
    rights = rights_of(found, text=text)
    held = [name for name, _, _ in rights.capabilities]
    context: dict[str, Any] = {
        "group": found,
        "page": selectors.members(found, request.GET.dict(), kept={"q": text}),
        "member_form": member or MemberForm(),
        "capabilities_form": capabilities or CapabilitiesForm(initial={"capabilities": held}),
        "rights": rights,
        "rights_form": rights_form,
        "searched": bool(text),
        "history": [(entry, facts(entry.data)) for entry in history(found)],
        "may_audit": access.capable(request.user, "audit"),
    }
    return render(request, "accounts/group.html", context, status=status)


@require_safe
def group(request: SignedInRequest, group_id: int) -> HttpResponse:
    """Show a group: its members, its capabilities, and what was granted to it."""
    return _page(request, _group(request, group_id))


@require_POST
def group_add(request: SignedInRequest, group_id: int) -> HttpResponse:
    """Add a member."""
    found = _group(request, group_id)
    form = MemberForm(request.POST)
    if form.is_valid():
        user = User.objects.filter(username=form.cleaned_data["username"]).first()
        if user is not None:
            services.add_member(actor=request.user, group=found, user=user)
            messages.success(request, f"{user} is a member of “{found}”.")
            return redirect("accounts:group", found.pk)
        form.add_error("username", "Nobody has this user name.")
    return _page(request, found, member=form, status=400)


@require_POST
def group_remove(request: SignedInRequest, group_id: int) -> HttpResponse:
    """End a membership."""
    found = _group(request, group_id)
    key = request.POST.get("user", "")
    user = User.objects.filter(pk=int(key)).first() if key.isdecimal() else None
    if user is None:
        raise NotFound()
    services.remove_member(actor=request.user, group=found, user=user)
    messages.success(request, f"{user} is no longer a member of “{found}”.")
    return redirect("accounts:group", found.pk)


@require_POST
def group_capabilities(request: SignedInRequest, group_id: int) -> HttpResponse:
    """Set what all members may do."""
    found = _group(request, group_id)
    form = CapabilitiesForm(request.POST)
    if form.is_valid():
        wanted = form.cleaned_data["capabilities"]
        try:
            services.set_capabilities(actor=request.user, group=found, capabilities=wanted)
        except Conflict as error:
            form.add_error("capabilities", error.message)
        else:
            messages.success(request, f"The capabilities of “{found}” are changed.")
            return redirect("accounts:group", found.pk)
    return _page(request, found, capabilities=form, status=409)
