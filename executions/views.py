"""The operators' pages."""

import uuid
from collections.abc import Mapping
from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

import ssmdoc.parameters
from accounts.launching import as_text, bind_parameters, form_fields, language
from accounts.models import Delegation, User
from accounts.services import check_launchable
from common import access
from common.errors import Conflict, Forbidden, Invalid, NotFound, PortalError
from executions import approving, awaiting, fairness, limits, run_list, selectors, services, stepping, wakeups
from executions.forms import (
    AnswerForm,
    ApprovalForm,
    AskedLaunch,
    CatalogueFilter,
    LaunchForm,
    PaceForm,
    RejectionForm,
    RunFilter,
    asked,
)
from executions.models import Execution, Status


def _actor(request: HttpRequest) -> User:
    return cast(User, request.user)


@require_safe
def catalogue(request: HttpRequest) -> HttpResponse:
    """List what the person may launch."""
    form = CatalogueFilter(request.GET)
    form.is_valid()
    page = selectors.catalogue(
        _actor(request),
        search=form.cleaned_data.get("q", ""),
        before=request.GET.get("before", ""),
        after=request.GET.get("after", ""),
    )
    return render(request, "executions/catalogue.html", {"page": page, "form": form})


def _delegation(actor: User, delegation_id: int) -> Delegation:
    everything = Delegation.objects.select_related("document", "version__document", "target", "service_role")
    return access.fetch(actor, "execute", everything, pk=delegation_id)


@require_http_methods(["GET", "HEAD", "POST"])
def launch(request: HttpRequest, delegation_id: int) -> HttpResponse:
    """Ask for a delegation's parameters, and launch it."""
    actor = _actor(request)
    delegation = _delegation(actor, delegation_id)
    again_of = _repeated(actor, delegation, request.POST.get("from") or request.GET.get("from", ""))
    if request.method == "POST":
        return _launch(request, delegation, again_of)
    initial, dropped = _values_of(again_of, delegation) if again_of else ({}, [])
    form = LaunchForm(form_fields(delegation), initial=initial)
    pace = PaceForm(initial={"step_by_step": again_of is not None and again_of.step_by_step})
    return _launch_page(request, delegation, form, pace, again_of=again_of, dropped=dropped)


def _launch(request: HttpRequest, delegation: Delegation, again_of: Execution | None) -> HttpResponse:
    fields = form_fields(delegation)
    form, pace = LaunchForm(fields, request.POST), PaceForm(request.POST)
    pace.is_valid()
    if not form.is_valid():
        # All that is wrong is said at once, not first what is missing and then what is refused.
        _, refused = bind_parameters(delegation, form.values())
        _put_beside_fields(form, {name: why for name, why in refused.items() if name not in form.errors})
        return _launch_page(
            request, delegation, form, pace, again_of=again_of, run_id=_run_id(request), status=400
        )
    try:
        run = services.launch(
            actor=_actor(request),
            delegation=delegation,
            values=form.values(),
            again_of=again_of,
            run_id=_run_id(request),
            step_by_step=pace.cleaned_data["step_by_step"],
        )
    except Invalid as error:
        _put_beside_fields(form, error.fields)
        return _launch_page(
            request, delegation, form, pace, again_of=again_of, run_id=_run_id(request), status=error.status
        )
    except (Conflict, Forbidden) as error:
        form.add_error(None, error.message)
        # A new id: what is sent next is another run than the one that this form may have launched.
        return _launch_page(request, delegation, form, pace, again_of=again_of, status=error.status)
    return redirect("executions:detail", execution_id=run.pk)


def _put_beside_fields(form: LaunchForm, sentences: Mapping[str, str]) -> None:
    for name, sentence in sentences.items():
        form.add_error(name if name in form.fields else None, sentence)


def _run_id(request: HttpRequest) -> uuid.UUID | None:
    try:
        return uuid.UUID(request.POST.get("run", ""))
    except ValueError:
        return None


def _launch_page(
    request: HttpRequest,
    delegation: Delegation,
    form: LaunchForm,
    pace: PaceForm,
    *,
    again_of: Execution | None,
    dropped: list[str] | None = None,
    run_id: uuid.UUID | None = None,
    status: int = 200,
) -> HttpResponse:
    hindrance = ""
    try:
        check_launchable(delegation)
    except PortalError as error:
        hindrance = error.message
    context = {
        "delegation": delegation,
        "form": form,
        "pace": pace,
        "fixed": [field for field in form_fields(delegation) if field.read_only],
        "again_of": again_of,
        "dropped": dropped or [],
        "hindrance": hindrance,
        "run_id": run_id or uuid.uuid4(),
        "run_limits": limits.words(delegation),
        "approvers": awaiting.approvers([delegation])[delegation.pk],
        "lacks_approvers": awaiting.lacks_approvers(_actor(request), delegation),
        "identified": services.has_identity(_actor(request), delegation),
    }
    return render(request, "executions/launch.html", context, status=status)


def _repeated(actor: User, delegation: Delegation, key: str) -> Execution | None:
    """Return the run to repeat, if `key` names one of this delegation that the actor may see."""
    if not key:
        return None
    return access.fetch(actor, "view", Execution.objects.filter(delegation=delegation), pk=key)


def _values_of(run: Execution, delegation: Delegation) -> tuple[dict[str, str], list[str]]:
    """Return the run's values as the form shows them, and the names of those not allowed any more."""
    document = language(delegation.version)
    fields = {field.name: field for field in form_fields(delegation) if not field.read_only}
    given = {name: value for name, value in run.parameters.items() if name in fields}
    _, refused = bind_parameters(delegation, given)
    typed = ssmdoc.parameters.from_wire(document, {k: v for k, v in given.items() if k not in refused})
    kept: dict[str, Any] = {}
    for name in given:
        if name not in refused:
            value = typed[name]
            kept[name] = value if fields[name].widget == "multiselect" else as_text(value)
    gone = [name for name in run.parameters if name not in document.parameters]
    return kept, [*(fields[name].label for name in given if name in refused), *gone]


@require_safe
def runs(request: HttpRequest) -> HttpResponse:
    """List the runs that the person may see."""
    actor = _actor(request)
    seen = run_list.sight(actor)
    form = RunFilter(request.GET, choices=run_list.filter_choices(actor, request.GET.dict(), seen))
    filters = form.filters()
    for name in ("before", "after"):
        if name in request.GET:
            filters[name] = request.GET[name]
    context = {"page": run_list.runs(actor, filters, seen), "form": form, "filtered": bool(filters)}
    return render(request, "executions/runs.html", context)


@require_safe
def detail(request: HttpRequest, execution_id: uuid.UUID) -> HttpResponse:
    """Show a run."""
    return _detail_page(request, selectors.fetch_run(_actor(request), execution_id))


def _detail_page(
    request: HttpRequest,
    run: Execution,
    form: AnswerForm | None = None,
    refused: ApprovalForm | RejectionForm | None = None,
    status: int = 200,
) -> HttpResponse:
    actor = _actor(request)
    context = {
        "view": selectors.run_view(actor, run),
        "run": run,
        "position": _position(run),
        "answer_form": form or AnswerForm(),
        "asked": _asked(actor, run, refused),
    }
    return render(request, "executions/detail.html", context, status=status)


def _position(run: Execution) -> fairness.Position | None:
    """Return where a run stands that waits in the portal."""
    return fairness.position(run) if run.status == Status.QUEUED else None


def _asked(
    actor: User, run: Execution, refused: ApprovalForm | RejectionForm | None = None
) -> AskedLaunch | None:
    """Return how the launch of a run is approved, with the forms that do it; None if it needs no approval."""
    launch = awaiting.request_of(actor, run)
    return asked(launch, refused) if launch is not None else None


@require_safe
def live(request: HttpRequest, execution_id: uuid.UUID) -> HttpResponse:
    """Give the part of a run's page that changes; only its age when the page knows the rest (`seen`)."""
    actor = _actor(request)
    run = selectors.fetch_run(actor, execution_id)
    if not run.is_settled:
        wakeups.watched([run.pk])
    if request.GET.get("seen") == str(run.last_event):
        response = render(request, "executions/_freshness.html", {"run": run, "position": _position(run)})
        response["HX-Retarget"] = "#run-freshness"
        response["HX-Reswap"] = "outerHTML"
        return response
    view = selectors.run_view(actor, run)
    context = {
        "view": view,
        "run": run,
        "position": _position(run),
        "answer_form": AnswerForm(),
        "asked": _asked(actor, run),
        "changed": True,
    }
    return render(request, "executions/_live.html", context)


@require_POST
def cancel(request: HttpRequest, execution_id: uuid.UUID) -> HttpResponse:
    """Cancel a run."""
    actor = _actor(request)
    run = selectors.fetch_run(actor, execution_id, "cancel")
    try:
        run = services.cancel(actor=actor, execution=run)
    except Conflict as error:
        messages.warning(request, error.message)
    else:
        done = "The run is cancelled." if run.is_final else "AWS is being asked to stop the run."
        messages.success(request, done)
    return redirect("executions:detail", execution_id=run.pk)


@require_POST
def signal(request: HttpRequest, execution_id: uuid.UUID) -> HttpResponse:
    """Answer a run's waiting step."""
    actor = _actor(request)
    run = selectors.fetch_run(actor, execution_id, "signal")
    form = AnswerForm(request.POST)
    if not form.is_valid():
        return _detail_page(request, run, form, status=400)
    try:
        services.signal(
            actor=actor,
            execution=run,
            kind=request.POST.get("kind", ""),
            step=request.POST.get("step", ""),
            comment=form.cleaned_data["comment"],
        )
    except (Conflict, NotFound) as error:
        messages.warning(request, error.message)
    else:
        messages.success(request, "Your answer is on its way to AWS.")
    return redirect("executions:detail", execution_id=run.pk)


@require_POST
def control_step(request: HttpRequest, execution_id: uuid.UUID) -> HttpResponse:
    """Start or stop a step of a run that goes step by step, or complete the run."""
    actor = _actor(request)
    run = selectors.fetch_run(actor, execution_id, "cancel")
    try:
        stepping.control_step(
            actor=actor,
            execution=run,
            kind=request.POST.get("kind", ""),
            step=request.POST.get("step", ""),
        )
    except (Conflict, NotFound) as error:
        messages.warning(request, error.message)
    else:
        messages.success(request, "Your request is on its way to AWS.")
    return redirect("executions:detail", execution_id=run.pk)


@require_POST
def approve_launch(request: HttpRequest, execution_id: uuid.UUID) -> HttpResponse:
    """Approve the launch of a run."""
    form = ApprovalForm(request.POST, auto_id=f"approve-{execution_id}-%s")
    return _answer_launch(request, execution_id, form)


@require_POST
def reject_launch(request: HttpRequest, execution_id: uuid.UUID) -> HttpResponse:
    """Reject the launch of a run."""
    form = RejectionForm(request.POST, auto_id=f"reject-{execution_id}-%s")
    return _answer_launch(request, execution_id, form)


def _answer_launch(
    request: HttpRequest, execution_id: uuid.UUID, form: ApprovalForm | RejectionForm
) -> HttpResponse:
    actor = _actor(request)
    run = selectors.fetch_run(actor, execution_id)
    approving.check_may_answer(actor, run)
    if not form.is_valid():
        return _detail_page(request, run, refused=form, status=400)
    said = form.cleaned_data["comment"]
    try:
        if isinstance(form, ApprovalForm):
            approving.approve(actor=actor, execution=run, comment=said)
        else:
            approving.reject(actor=actor, execution=run, reason=said)
    except Conflict as error:
        messages.warning(request, error.message)
    else:
        messages.success(request, awaiting.outcome(run))
    if request.POST.get("list") == "approvals":
        return redirect("executions:approvals")
    return redirect("executions:detail", execution_id=run.pk)


@require_safe
def approvals(request: HttpRequest) -> HttpResponse:
    """List the launches that the person may approve, and the waiting steps that they may answer."""
    actor = _actor(request)
    page, launches = awaiting.page(actor, request.GET.dict())
    steps, more = selectors.approvals(actor, after=request.GET.get("after", ""))
    context = {
        "launches": [asked(launch) for launch in launches],
        "page": page,
        "listed": {"list": "approvals"},
        "steps": steps,
        "more": more,
    }
    return render(request, "executions/approvals.html", context)
