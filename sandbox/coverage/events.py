"""The events of Systems Manager on the event bus.

https://docs.aws.amazon.com/systems-manager/latest/userguide/reference-eventbridge-events.html
"""

from sandbox.automation import notices
from sandbox.coverage.rows import Behaviour

_TOLD = "automation/test_automation_notices.py::test_each_change_of_a_status_is_told"
_ENDS = "automation/test_automation_notices.py::test_a_run_that_fails_or_is_cancelled_is_told_of"
_ALONE = "coverage/test_table.py::test_no_other_event_of_systems_manager_is_told"

TYPES = (
    Behaviour(notices.EXECUTION, "done", "", (_TOLD, _ENDS)),
    Behaviour(notices.STEP, "done", "", (_TOLD, _ENDS)),
    *(
        Behaviour(name, "absent", "", (_ALONE,))
        for name in (
            "Calendar State Change",
            "EC2 Command Invocation Status-change Notification",
            "EC2 Command Status-change Notification",
            "Parameter Store Change",
        )
    ),
    Behaviour(
        "Those of Compliance, Inventory, State Manager, Maintenance Windows and parameter policies",
        "absent",
        "The sandbox does not do what these tell of.",
        (),
    ),
)
