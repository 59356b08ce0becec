"""What the user guide shows of branches and of the options that lead from step to step.

https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-branch-condition.html
"""

from typing import Any

import pytest

from tests.sandbox.guide.conftest import Guide, Step, command, sleep

SYSTEM = {"System": {"type": "String"}}


def choose(*choices: dict[str, Any], default: str | None = None, **step: Any) -> Step:
    inputs = {"Choices": list(choices), **({"Default": default} if default else {})}
    return {"name": "choose", "action": "aws:branch", "inputs": inputs, **step}


def when(step: str, value: str, variable: str = "{{ System }}") -> dict[str, Any]:
    return {"NextStep": step, "Variable": variable, "StringEquals": value}


@pytest.mark.parametrize(
    ("system", "order"),
    [
        ("windows", ["choose", "onWindows"]),
        ("linux", ["choose", "onLinux"]),
        ("solaris", ["choose", "rest"]),
    ],
)
def test_a_parameter_decides_which_command_runs(guide: Guide, system: str, order: list[str]) -> None:
    instance = guide.instance()

    run = guide.run(
        choose(when("onWindows", "windows"), when("onLinux", "linux"), default="rest"),
        command("onLinux", instance, "ls", isEnd=True),
        command("onWindows", instance, "date", "AWS-RunPowerShellScript", isEnd=True),
        sleep("rest"),
        parameters=SYSTEM,
        values={"System": [system]},
    )

    assert (run.status, run.order) == ("Success", order), run


def test_the_output_of_a_step_decides(guide: Guide) -> None:
    instance = guide.instance()
    look = {
        "name": "look",
        "action": "aws:executeAwsApi",
        "inputs": {
            "Service": "ec2",
            "Api": "DescribeInstances",
            "InstanceIds": [instance],
        },
        "outputs": [
            {"Name": "Id", "Selector": "$.Reservations[0].Instances[0].InstanceId", "Type": "String"},
            {"Name": "Kind", "Selector": "$.Reservations[0].Instances[0].Hypervisor", "Type": "String"},
        ],
    }

    run = guide.run(
        look,
        choose(
            when("elsewhere", "ovm", "{{ look.Kind }}"), when("here", "xen", "{{look.Kind}}"), default="rest"
        ),
        command("elsewhere", "{{ look.Id }}", "ls", isEnd=True),
        command("here", "{{ look.Id }}", "ls", isEnd=True),
        sleep("rest"),
    )

    assert (run.status, run.order) == ("Success", ["look", "choose", "here"]), run


def test_without_a_default_the_next_step_comes_or_the_run_ends(guide: Guide) -> None:
    on = guide.run(
        choose(when("last", "linux")),
        sleep("next"),
        sleep("last"),
        parameters=SYSTEM,
        values={"System": ["windows"]},
    )
    over = guide.run(
        choose(when("last", "linux"), isEnd=True),
        sleep("next"),
        sleep("last"),
        parameters=SYSTEM,
        values={"System": ["windows"]},
    )

    assert (on.status, on.order) == ("Success", ["choose", "next", "last"])
    assert (over.status, over.order) == ("Success", ["choose"])


BOTH = [{"Variable": "{{ State }}", "StringEquals": "running"}]


@pytest.mark.parametrize(
    ("state", "system", "reached"),
    [
        ("running", "Windows", "onWindows"),
        ("running", "Linux", "onLinux"),
        ("stopped", "Linux", "rest"),
        ("running", "Solaris", "rest"),
    ],
)
def test_and_wants_all_of_its_variables(guide: Guide, state: str, system: str, reached: str) -> None:
    choices = [
        {"And": [*BOTH, {"Variable": "{{ System }}", "StringEquals": name}], "NextStep": f"on{name}"}
        for name in ("Windows", "Linux")
    ]

    run = guide.run(
        choose(*choices, default="rest"),
        sleep("onWindows", isEnd=True),
        sleep("onLinux", isEnd=True),
        sleep("rest"),
        parameters={**SYSTEM, "State": {"type": "String"}},
        values={"System": [system], "State": [state]},
    )

    assert run.order == ["choose", reached], run


@pytest.mark.parametrize(
    ("system", "allowed", "reached"),
    [
        ("Windows", "false", "first"),
        ("Linux", "true", "first"),
        ("Linux", "false", "second"),
        ("Mac", "false", "rest"),
    ],
)
def test_or_wants_one_of_its_variables(guide: Guide, system: str, allowed: str, reached: str) -> None:
    run = guide.run(
        choose(
            {
                "Or": [
                    {"Variable": "{{ System }}", "StringEquals": "Windows"},
                    {"Variable": "{{ Allowed }}", "BooleanEquals": True},
                ],
                "NextStep": "first",
            },
            {
                "Or": [
                    {"Variable": "{{ System }}", "StringEquals": "Linux"},
                    {"Variable": "{{ Allowed }}", "BooleanEquals": True},
                ],
                "NextStep": "second",
            },
            default="rest",
        ),
        sleep("first", isEnd=True),
        sleep("second", isEnd=True),
        sleep("rest"),
        parameters={**SYSTEM, "Allowed": {"type": "Boolean"}},
        values={"System": [system], "Allowed": [allowed]},
    )

    assert run.order == ["choose", reached], run


@pytest.mark.parametrize(("system", "reached"), [("Windows", "two"), ("Linux", "three")])
def test_not_wants_its_variable_to_differ(guide: Guide, system: str, reached: str) -> None:
    run = guide.run(
        choose(
            {"NextStep": "two", "Not": {"Variable": "{{ System }}", "StringEquals": "Linux"}},
            when("one", "Windows"),
            default="three",
        ),
        sleep("one", isEnd=True),
        sleep("two", isEnd=True),
        sleep("three"),
        parameters=SYSTEM,
        values={"System": [system]},
    )

    assert run.order == ["choose", reached], run


@pytest.mark.parametrize(
    ("operator", "constant", "held", "missed"),
    [
        ("StringEquals", "abc", "abc", "Abc"),
        ("EqualsIgnoreCase", "abc", "ABC", "ab"),
        ("StartsWith", "ab", "abc", "cab"),
        ("EndsWith", "bc", "abc", "abcd"),
        ("Contains", "b", "abc", "ac"),
        ("NumericEquals", 7, "7", "8"),
        ("NumericGreater", 7, "8", "7"),
        ("NumericLesser", 7, "6", "7"),
        ("NumericGreaterOrEquals", 7, "7", "6"),
        ("NumericLesserOrEquals", 7, "7", "8"),
        ("BooleanEquals", True, "true", "false"),
    ],
)
def test_each_operator(guide: Guide, operator: str, constant: Any, held: str, missed: str) -> None:
    kind = "Boolean" if operator == "BooleanEquals" else "Integer" if operator[0] == "N" else "String"
    name = guide.document(
        choose({"NextStep": "holds", "Variable": "{{ Value }}", operator: constant}, default="misses"),
        sleep("holds", isEnd=True),
        sleep("misses"),
        parameters={"Value": {"type": kind}},
    )
    runs = [
        guide.ssm.start_automation_execution(DocumentName=name, Parameters={"Value": [value]})
        for value in (held, missed)
    ]

    reached = [guide.wait(run["AutomationExecutionId"]).order[-1] for run in runs]

    assert reached == ["holds", "misses"]


INSTALL = "install-the-package"


def installing(guide: Guide, text: str, *more: Step, **step: Any) -> Any:
    """A run whose first step installs something, in two attempts."""
    return guide.run(command("install", guide.instance(), text, maxAttempts=2, **step), *more)


def invoke(name: str, function: str, **step: Any) -> Step:
    return {"name": name, "action": "aws:invokeLambdaFunction", "inputs": {"FunctionName": function}, **step}


@pytest.fixture(scope="module")
def functions(guide: Guide) -> None:
    """The functions that test and repair; the installation fails where the command says so."""
    for name in ("TestInstallation", "RepairInstallation"):
        guide.make_function(name, f"def handler(event, context):\n    return {name!r}\n")
    guide.sandbox.command_results(
        "POST", Contains=f"{INSTALL} badly", ResponseCode=1, StandardError="no such package"
    )


@pytest.mark.usefixtures("functions")
def test_a_failed_step_aborts_the_run(guide: Guide) -> None:
    then = invoke("test", "TestInstallation", timeoutSeconds=500)

    good = installing(guide, INSTALL, then, onFailure="Abort")
    bad = installing(guide, f"{INSTALL} badly", then, onFailure="Abort")

    assert (good.status, good.order) == ("Success", ["install", "test"]), good
    assert good.output("test", "Payload") == ['"TestInstallation"']
    assert (bad.status, bad.order) == ("Failed", ["install"]), bad
    assert "no such package" in bad.step("install")["FailureMessage"]


@pytest.mark.usefixtures("functions")
@pytest.mark.parametrize(
    ("text", "status", "order"),
    [
        (INSTALL, "Success", ["install", "test"]),
        (f"{INSTALL} badly", "Failed", ["install", "repair"]),
    ],
)
def test_a_failed_step_leads_to_another(guide: Guide, text: str, status: str, order: list[str]) -> None:
    run = installing(
        guide,
        text,
        invoke("test", "TestInstallation", isEnd=True),
        invoke("repair", "RepairInstallation", isEnd=True),
        onFailure="step:repair",
        nextStep="test",
    )

    assert (run.status, run.order) == (status, order), run


@pytest.mark.usefixtures("functions")
def test_a_step_that_is_not_critical_does_not_fail_the_run(guide: Guide) -> None:
    run = installing(
        guide,
        f"{INSTALL} badly",
        invoke("verify", "RepairInstallation"),
        onFailure="step:verify",
        isCritical=False,
        nextStep="verify",
    )

    assert (run.status, run.order) == ("Success", ["install", "verify"]), run
    assert run.step("install")["StepStatus"] == "Failed"
