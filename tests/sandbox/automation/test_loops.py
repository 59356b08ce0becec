"""aws:loop: turns for each item or while a condition holds, the ways through them, and what they leave."""

import datetime as dt
from typing import Any

import pytest

from sandbox.automation.engine import Engine


def sleep(name: str, duration: str = "PT1S", **more: Any) -> dict[str, Any]:
    return {"name": name, "action": "aws:sleep", "inputs": {"Duration": duration}, **more}


def put(name: str, variable: str, value: Any, **more: Any) -> dict[str, Any]:
    inputs = {"Name": f"variable:{variable}", "Value": value}
    return {"name": name, "action": "aws:updateVariable", "inputs": inputs, **more}


def failing(name: str, **more: Any) -> dict[str, Any]:
    inputs = {"Service": "ec2", "Api": "DescribeInstances", "InstanceIds": ["i-0123456789abcdef0"]}
    return {"name": name, "action": "aws:executeAwsApi", "inputs": inputs, **more}


def choose(name: str, variable: Any, equals: Any, then: str, **more: Any) -> dict[str, Any]:
    choice = {"NextStep": then, "Variable": variable, "StringEquals": equals}
    return {"name": name, "action": "aws:branch", "inputs": {"Choices": [choice]}, **more}


def loop(*steps: dict[str, Any], name: str = "each", inputs: Any = None, **more: Any) -> dict[str, Any]:
    given = {"Iterators": ["a", "b", "c"]} if inputs is None else inputs
    return {"name": name, "action": "aws:loop", "inputs": {**given, "Steps": list(steps)}, **more}


@pytest.fixture
def run(trial):
    """Run these steps, with variables `word` and `count`, and a list `items`, to their end."""

    def begin(*steps: dict[str, Any], items: Any = None, until: dt.datetime | None = None) -> Any:
        variables = {
            "word": {"type": "String", "default": "none"},
            "count": {"type": "Integer", "default": 0},
            "items": {"type": "StringList", "default": items or []},
        }
        execution = trial.begin({"variables": variables, "mainSteps": list(steps)})
        execution.variables = {name: each["default"] for name, each in variables.items()}
        trial.advance(execution, until=until)
        return execution

    return begin


def told(execution: Any) -> list[tuple[Any, ...]]:
    """Each record: its name and status, and the loop's turn and item that it belongs to."""
    return [
        (each.name, each.status, *((each.parent.iteration, each.parent.value) if each.parent else ()))
        for each in execution.steps
    ]


def test_it_runs_its_steps_once_for_each_item_and_lists_them_behind_the_loop(run):
    execution = run(
        loop(put("note", "word", "{{ each.CurrentIteratorValue }}"), sleep("nap")), sleep("after")
    )
    assert execution.status == "Success", execution.failure_message
    assert told(execution) == [
        ("each", "Success"),
        ("note", "Success", 1, "a"),
        ("nap", "Success", 1, "a"),
        ("note", "Success", 2, "b"),
        ("nap", "Success", 2, "b"),
        ("note", "Success", 3, "c"),
        ("nap", "Success", 3, "c"),
        ("after", "Success"),
    ]
    assert execution.variables["word"] == "c"
    assert execution.steps[0].outputs == {"CurrentIteration": 3, "CurrentIteratorValue": "c"}
    assert execution.steps[0].ended_at - execution.steps[0].started_at == dt.timedelta(seconds=3)
    assert len({each.id for each in execution.steps}) == len(execution.steps)


def test_it_repeats_while_the_condition_holds_which_it_asks_after_each_turn(run):
    condition = {"Not": {"Variable": "{{ variable:count }}", "NumericEquals": 3}}
    inputs = {"LoopCondition": condition, "MaxIterations": 10}
    execution = run(loop(put("count", "count", "{{ each.CurrentIteration }}"), inputs=inputs))
    assert execution.status == "Success", execution.failure_message
    assert execution.variables["count"] == 3
    never = {"Variable": "{{ variable:word }}", "StringEquals": "never"}
    once = run(loop(sleep("nap"), inputs={"LoopCondition": never, "MaxIterations": 10}))
    assert told(once) == [("each", "Success"), ("nap", "Success", 1, None)]


def test_the_condition_may_ask_for_outputs_of_the_turn_and_the_limit_may_be_a_reference(trial):
    look = {
        "name": "look",
        "action": "aws:executeAwsApi",
        "inputs": {"Service": "ec2", "Api": "DescribeVpcs"},
        "outputs": [{"Name": "state", "Selector": "$.Vpcs[0].State", "Type": "String"}],
    }
    condition = {"Variable": "{{ look.state }}", "StringEquals": "available"}
    steps = (loop(look, inputs={"LoopCondition": condition, "MaxIterations": "{{ Most }}"}),)
    execution = trial.run(*steps, Most=["4"], outputs=("look.state",))
    assert execution.status == "Success", execution.failure_message
    assert trial.calls.count("ec2:DescribeVpcs") == 4
    # Outside of the loop, a step of it stands for its last turn.
    assert execution.outputs == {"look.state": "available"}


def test_without_items_nothing_is_repeated(run):
    execution = run(loop(sleep("nap"), inputs={"Iterators": "{{ variable:items }}"}), sleep("after"))
    assert told(execution) == [("each", "Success"), ("after", "Success")]


def test_items_have_the_type_that_the_loop_names(run):
    inputs = {"Iterators": ["1", "2"], "IteratorDataType": "Integer"}
    execution = run(loop(put("count", "count", "{{ each.CurrentIteratorValue }}"), inputs=inputs))
    assert execution.variables["count"] == 2
    wrong = run(loop(sleep("nap"), inputs={"Iterators": ["one"], "IteratorDataType": "Integer"}))
    assert wrong.status == "Failed"
    assert "IteratorDataType Integer" in wrong.failure_message


@pytest.mark.parametrize(
    ("inputs", "why"),
    [
        ({"Iterators": ["x"] * 101}, "100 iterators at most"),
        ({"Iterators": "one, two"}, "must be a list"),
        ({"Iterators": ["x"], "IteratorDataType": "MapList"}, "IteratorDataType must be"),
        (
            {"LoopCondition": {"Variable": "x", "StringEquals": "x"}, "MaxIterations": "{{ variable:word }}"},
            "MaxIter",
        ),
        (
            {"Iterators": ["x"], "LoopCondition": {"Variable": "x", "StringEquals": "x"}},
            "either Iterators or",
        ),
        ({}, "either Iterators or"),
    ],
)
def test_it_fails_when_the_document_does_not_say_how_often(run, inputs, why):
    execution = run(loop(sleep("nap"), inputs=inputs))
    assert execution.status == "Failed"
    assert why in execution.failure_message


def test_it_repeats_a_hundred_times_at_most(run):
    always = {"Variable": "x", "StringEquals": "x"}
    execution = run(loop(sleep("nap"), inputs={"LoopCondition": always}))
    assert execution.status == "Success"
    assert sum(each.name == "nap" for each in execution.steps) == 100


def test_steps_jump_within_a_turn_and_is_end_ends_it(run):
    execution = run(
        loop(
            choose("which", "{{ each.CurrentIteratorValue }}", "b", "special"),
            sleep("usual", isEnd=True),
            sleep("special"),
        ),
        sleep("after"),
    )
    names = [(each.name, each.parent.value) for each in execution.steps if each.parent]
    usual = [(name, item) for item in "ac" for name in ("which", "usual")]
    assert names == [*usual[:2], ("which", "b"), ("special", "b"), *usual[2:]]
    assert execution.steps[-1].name == "after"
    assert execution.status == "Success"


def test_a_step_may_lead_out_of_the_loop(run):
    execution = run(
        loop(choose("which", "{{ each.CurrentIteratorValue }}", "b", "out", isEnd=True)),
        sleep("skipped"),
        sleep("out"),
    )
    assert execution.status == "Success"
    assert told(execution) == [
        ("each", "Success"),
        ("which", "Success", 1, "a"),
        ("which", "Success", 2, "b"),
        ("skipped", "Pending"),
        ("out", "Success"),
    ]


def test_a_step_outside_does_not_lead_into_a_loop(run):
    execution = run(sleep("first", nextStep="nap"), loop(sleep("nap")))
    assert execution.status == "Failed"
    assert "only in a turn of the loop each" in execution.failure_message


def test_a_failure_ends_the_loop_as_the_loop_says_unless_the_step_says_it_itself(run):
    execution = run(loop(failing("look"), onFailure="step:rescue"), sleep("skipped"), sleep("rescue"))
    assert (execution.status, execution.failure_message) == ("Failed", execution.steps[1].failure.message)
    assert told(execution) == [
        ("each", "Failed"),
        ("look", "Failed", 1, "a"),
        ("skipped", "Pending"),
        ("rescue", "Success"),
    ]
    aborted = run(loop(failing("look", onFailure="Abort"), onFailure="Continue"), sleep("after"))
    assert aborted.status == "Failed"
    assert told(aborted)[-1] == ("after", "Pending")


def test_a_failure_that_the_step_lets_pass_ends_neither_turn_nor_loop(run):
    execution = run(loop(failing("look", onFailure="Continue"), sleep("nap")))
    assert execution.status == "Success"
    assert [each.status for each in execution.steps] == ["Success", *["Failed", "Success"] * 3]


def test_a_failure_may_lead_on_within_the_turn_and_out_of_the_loop(run):
    within = run(
        loop(failing("look", onFailure="step:mend", isCritical=False), sleep("skipped"), sleep("mend"))
    )
    assert within.status == "Success"
    assert [each.name for each in within.steps] == ["each", *["look", "mend"] * 3]
    out = run(loop(failing("look", onFailure="step:rescue")), sleep("skipped"), sleep("rescue"))
    assert out.status == "Failed"
    assert told(out) == [
        ("each", "Failed"),
        ("look", "Failed", 1, "a"),
        ("skipped", "Pending"),
        ("rescue", "Success"),
    ]


def test_the_loop_begins_anew_when_it_has_attempts_left(run):
    execution = run(loop(sleep("nap"), failing("look"), maxAttempts=2))
    assert execution.status == "Failed"
    assert [each.name for each in execution.steps] == ["each", "nap", "look", "nap", "look"]
    assert [each.parent.iteration for each in execution.steps[1:]] == [1, 1, 1, 1]
    assert execution.steps[0].attempt == 2


def test_the_loop_has_its_own_timeout(run):
    execution = run(loop(sleep("nap", "PT40S"), timeoutSeconds=60))
    assert execution.status == "TimedOut"
    assert told(execution) == [("each", "TimedOut"), ("nap", "Success", 1, "a"), ("nap", "Cancelled", 2, "b")]
    assert execution.ended_at - execution.started_at == dt.timedelta(seconds=60)


def test_a_loop_inside_a_loop_fails(run):
    execution = run(loop(loop(sleep("nap"), name="inner")))
    assert execution.status == "Failed"
    assert "inside another loop" in execution.failure_message


def test_cancelling_ends_step_and_loop_and_cleans_up_where_the_step_says(trial, run):
    start = trial.clock.now()
    execution = run(
        loop(sleep("nap", "PT1H", onCancel="step:tidy")), sleep("skipped"), sleep("tidy"), until=start
    )
    execution.stop_requested = "Cancel"
    trial.advance(execution)
    assert execution.status == "Cancelled"
    assert told(execution) == [
        ("each", "Cancelled"),
        ("nap", "Cancelled", 1, "a"),
        ("skipped", "Pending"),
        ("tidy", "Success"),
    ]


def test_cleaning_up_within_the_loop_begins_no_further_turn(trial, run):
    execution = run(
        loop(sleep("nap", "PT1H", onCancel="step:tidy"), sleep("skipped"), sleep("tidy")),
        until=trial.clock.now(),
    )
    execution.stop_requested = "Cancel"
    trial.advance(execution)
    assert execution.status == "Cancelled"
    assert [each.name for each in execution.steps] == ["each", "nap", "tidy"]
    assert execution.steps[0].status == "Cancelled"


def test_completing_ends_the_loop_after_the_step_that_runs(trial, run):
    execution = run(loop(sleep("nap", "PT1H"), sleep("never")), until=trial.clock.now())
    execution.stop_requested = "Complete"
    trial.advance(execution)
    assert execution.status == "Success"
    assert told(execution) == [("each", "Cancelled"), ("nap", "Success", 1, "a")]


def test_a_saved_run_goes_on_in_the_middle_of_a_loop(trial, run):
    execution = run(
        loop(put("note", "word", "{{ each.CurrentIteratorValue }}"), sleep("nap", "PT1H")),
        sleep("after"),
        until=trial.clock.now() + dt.timedelta(minutes=90),
    )
    store = trial.restart()
    engine = Engine(store=store, clock=trial.clock, client=trial._client)
    loaded = store.get(execution.id)
    engine.recover(loaded)
    while (due := engine.advance(loaded)) is not None:
        trial.clock.move_to(due)
    assert loaded.status == "Success"
    assert [name for name, *_ in told(loaded)] == ["each", *["note", "nap"] * 3, "after"]
    assert loaded.ended_at - loaded.started_at == dt.timedelta(hours=3, seconds=1)
    assert {each.parent.record for each in loaded.steps if each.parent} == {loaded.steps[0]}


def test_the_api_tells_the_turn_of_each_step_and_filters_by_it(ssm, make_document, finish):
    name = make_document(loop(sleep("nap", "PT0S")))
    execution_id = ssm.start_automation_execution(DocumentName=name)["AutomationExecutionId"]
    found = finish(execution_id)
    first, *turns = found["StepExecutions"]
    assert "ParentStepDetails" not in first
    assert [each["ParentStepDetails"] for each in turns] == [
        {
            "StepExecutionId": first["StepExecutionId"],
            "StepName": "each",
            "Action": "aws:loop",
            "Iteration": number,
            "IteratorValue": item,
        }
        for number, item in enumerate("abc", 1)
    ]

    def ids(key: str, value: str) -> list[str]:
        answer = ssm.describe_automation_step_executions(
            AutomationExecutionId=execution_id, Filters=[{"Key": key, "Values": [value]}]
        )
        return [each["StepExecutionId"] for each in answer["StepExecutions"]]

    assert ids("ParentStepExecutionId", first["StepExecutionId"]) == [
        each["StepExecutionId"] for each in turns
    ]
    assert ids("ParentStepIteration", "2") == [turns[1]["StepExecutionId"]]
    assert ids("ParentStepIteratorValue", "c") == [turns[2]["StepExecutionId"]]
    assert ids("ParentStepIteratorValue", "d") == []
