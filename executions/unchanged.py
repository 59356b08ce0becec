"""Whether what let a run's operator launch it holds still: asked by who approves it, and by the worker."""

from accounts.launching import bind_parameters, language
from accounts.services import check_launchable
from common import access
from common.errors import Forbidden
from executions.models import Execution


def check_unchanged(execution: Execution) -> None:
    """Let a run pass whose operator could launch it now just as they did.

    Raises a PortalError with the reason when the account, its grant, the delegation or what it runs, the
    target, a policy or a limit of a parameter is not what it was.
    """
    operator, delegation = execution.operator, execution.delegation
    if not operator.is_active:
        raise Forbidden(f"{operator.get_full_name()} has been deactivated since.")
    if "execute" not in access.permissions(operator, [delegation])[delegation.pk]:
        raise Forbidden(f"{operator.get_full_name()} may not launch “{delegation}” any more.")
    check_launchable(delegation)
    role = delegation.service_role.arn if delegation.service_role else ""
    frozen = (execution.version_id, execution.target_id, execution.service_role_arn)
    if frozen != (delegation.version_id, delegation.target_id, role):
        raise Forbidden(
            "The delegation was changed after Execute was pressed: open it again to see what it runs now."
        )
    role_parameter = language(delegation.version).assume_role_parameter
    given = {name: value for name, value in execution.parameters.items() if name != role_parameter}
    bound, refused = bind_parameters(delegation, given)
    if refused:
        name, sentence = next(iter(refused.items()))
        raise Forbidden(f"The value of {name} is not allowed any more. {sentence}")
    if bound != execution.parameters:
        raise Forbidden("The delegation's limits were changed after Execute was pressed: launch it again.")
