"""Each person's own AWS identity: what their runs "as the caller" act with."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from aws import selectors, services
from aws.forms import OwnKeyForm
from aws.models import AwsTarget, CallerIdentity
from common import access
from common.errors import Invalid, NotFound
from common.granting import put_beside
from common.requests import SignedInRequest


@require_safe
def identity(request: SignedInRequest) -> HttpResponse:
    """Show where the person acts as themselves, and with what."""
    return render(request, "aws/identity.html", {"rows": selectors.own_identities(request.user)})


@require_http_methods(["GET", "HEAD", "POST"])
def identity_edit(request: SignedInRequest, target_id: int) -> HttpResponse:
    """Ask for the person's key in one target, and keep it."""
    target = access.fetch(request.user, "identify", AwsTarget.objects.filter(enabled=True), pk=target_id)
    form = OwnKeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.set_own_key(actor=request.user, target=target, **form.cleaned_data)
        except Invalid as error:
            put_beside(form, error)
        else:
            messages.success(request, f"Your key for {target} is kept. AWS is being asked whose it is.")
            return redirect("aws:identity")
    context = {"form": form, "target": target}
    return render(request, "aws/identity_form.html", context, status=400 if form.errors else 200)


def _own(request: SignedInRequest, identity_id: int) -> CallerIdentity:
    """Return one of the person's own identities, or, for an administrator, anybody's."""
    rows = CallerIdentity.objects.select_related("target", "user")
    if not access.capable(request.user, "administer"):
        rows = rows.filter(user=request.user.pk)
    found = rows.filter(pk=identity_id).first()
    if found is None:
        raise NotFound()
    return found


def _back(request: SignedInRequest, found: CallerIdentity) -> HttpResponse:
    if found.user_id == request.user.pk:
        return redirect("aws:identity")
    return redirect("aws:target", found.target_id)


@require_safe
def identity_status(request: SignedInRequest, identity_id: int) -> HttpResponse:
    """Show what AWS said of an identity: a part of the page that asks again until AWS has answered."""
    return render(request, "aws/identity_status.html", {"identity": _own(request, identity_id)})


@require_POST
def identity_check(request: SignedInRequest, identity_id: int) -> HttpResponse:
    """Ask AWS again whose identity it is."""
    found = _own(request, identity_id)
    services.recheck_identity(actor=request.user, identity=found)
    messages.info(request, f"AWS is being asked about the identity in {found.target}.")
    return _back(request, found)


@require_POST
def identity_remove(request: SignedInRequest, identity_id: int) -> HttpResponse:
    """Forget an identity and its secret."""
    found = _own(request, identity_id)
    answer = _back(request, found)
    services.remove_identity(actor=request.user, identity=found)
    messages.success(request, f"The identity in {found.target} is removed, with its secret.")
    return answer
