"""People: the list, somebody new, and one person: groups, state, password, what they may do and why."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import selectors, services
from accounts.forms import GroupsForm, PasswordForm, PeopleFilter, PersonForm, RightsFilter
from accounts.models import User
from accounts.rights import rights_of
from audit.selectors import history
from audit.wording import facts
from common import access
from common.errors import Conflict, Invalid, NotFound
from common.granting import put_beside
from common.requests import SignedInRequest


@require_safe
def people(request: SignedInRequest) -> HttpResponse:
    """Show the people."""
    access.require_capability(request.user, "administer")
    form = PeopleFilter(request.GET)
    form.is_valid()
    chosen = {name: form.cleaned_data.get(name, "") for name in form.fields}
    page = selectors.people(
        request.GET.dict(), text=chosen["q"], group=chosen["group"], state=chosen["state"]
    )
    context = {"form": form, "page": page, "filtered": any(chosen.values())}
    return render(request, "accounts/people.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def person_new(request: SignedInRequest) -> HttpResponse:
    """Ask for somebody new, and add them."""
    access.require_capability(request.user, "administer")
    form = PersonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            person = services.create_user(actor=request.user, **form.cleaned_data)
        except Invalid as error:
            put_beside(form, error)
        else:
            messages.success(request, f"{person} may now sign in.")
            return redirect("accounts:person", person.pk)
    return render(request, "accounts/person_new.html", {"form": form}, status=400 if form.errors else 200)


def _person(request: SignedInRequest, user_id: int) -> User:
    access.require_capability(request.user, "administer")
    found = User.objects.filter(pk=user_id).first()
    if found is None:
        raise NotFound()
    return found


def _page(
    request: SignedInRequest,
    person: User,
    *,
    groups: GroupsForm | None = None,
    password: PasswordForm | None = None,
    status: int = 200,
) -> HttpResponse:
    rights_form = RightsFilter(request.GET)
    rights_form.is_valid()
    text = rights_form.cleaned_data.get("q", "")
    context: dict[str, Any] = {
        "person": person,
        "groups_form": groups or GroupsForm(initial={"groups": person.groups.all()}),
        "password_form": password or PasswordForm(),
        "rights": rights_of(person, text=text),
        "rights_form": rights_form,
        "searched": bool(text),
        "history": [(entry, facts(entry.data)) for entry in history(person)],
        "may_audit": access.capable(request.user, "audit"),
        "oneself": person.pk == request.user.pk,
    }
    return render(request, "accounts/person.html", context, status=status)


@require_safe
def person(request: SignedInRequest, user_id: int) -> HttpResponse:
    """Show a person: their groups, and what they may do and why."""
    return _page(request, _person(request, user_id))


@require_POST
def person_groups(request: SignedInRequest, user_id: int) -> HttpResponse:
    """Put a person into exactly these groups."""
    found = _person(request, user_id)
    form = GroupsForm(request.POST)
    if form.is_valid():
        try:
            services.set_groups(actor=request.user, user=found, groups=form.cleaned_data["groups"])
        except Conflict as error:
            form.add_error("groups", error.message)
        else:
            messages.success(request, f"{found}'s groups are changed.")
            return redirect("accounts:person", found.pk)
    return _page(request, found, groups=form, status=409)


@require_POST
def person_active(request: SignedInRequest, user_id: int) -> HttpResponse:
    """Let a person in, or keep them out."""
    found = _person(request, user_id)
    active = request.POST.get("active") == "yes"
    services.set_active(actor=request.user, user=found, active=active)
    said = "may sign in again" if active else "is deactivated and signed out"
    messages.success(request, f"{found} {said}.")
    return redirect("accounts:person", found.pk)


@require_POST
def person_password(request: SignedInRequest, user_id: int) -> HttpResponse:
    """Give a person a new password."""
    found = _person(request, user_id)
    form = PasswordForm(request.POST)
    if form.is_valid():
        try:
            services.set_password(actor=request.user, user=found, password=form.cleaned_data["password"])
        except Invalid as error:
            put_beside(form, error)
        else:
            messages.success(request, f"{found} has a new password; their sessions have ended.")
            return redirect("accounts:person", found.pk)
    return _page(request, found, password=form, status=400)
