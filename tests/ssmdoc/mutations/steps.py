"""Mistakes in steps: keys, jumps, inputs, outputs, branches, loops."""

from collections.abc import Iterator
from typing import Any

from ssmdoc import actions, references
from tests.ssmdoc.mutations import (
    DROP,
    Kinds,
    Planted,
    Site,
    changed,
    misspelt,
    sites,
    uses,
)

KINDS = Kinds()

Document = dict[str, Any]


# Steps


@KINDS.document
def _step_renamed_but_not_its_references(document: Document) -> Iterator[Planted]:
    for site in sites(document):
        name = str(site.step.get("name"))
        places = [item.path for item in uses(document, "output", name)]
        for other in sites(document):
            places += [(*other.path, key) for key in ("nextStep",) if other.step.get(key) == name]
            places += [
                (*other.path, key)
                for key in ("onFailure", "onCancel")
                if other.step.get(key) == f"step:{name}"
            ]
        if places:
            yield Planted(changed(document, (*site.path, "name"), f"{name}Renamed"), tuple(places))


@KINDS.step
def _step_key_misspelt(site: Site) -> Iterator[Planted]:
    for key in ("onFailure", "nextStep", "isEnd", "timeoutSeconds", "maxAttempts", "isCritical", "outputs"):
        if key in site.step:
            yield site.rename((), key, misspelt(key))


@KINDS.step
def _step_key_in_lower_case(site: Site) -> Iterator[Planted]:
    for key in ("onFailure", "nextStep", "isEnd", "timeoutSeconds", "maxAttempts", "isCritical"):
        if key in site.step:
            yield site.rename((), key, key.lower())


@KINDS.step
def _step_without_name(site: Site) -> Iterator[Planted]:
    yield site.plant(("name",), DROP)


@KINDS.step
def _step_without_action(site: Site) -> Iterator[Planted]:
    yield site.plant(("action",), DROP)


@KINDS.step
def _step_without_inputs(site: Site) -> Iterator[Planted]:
    spec = actions.SPECS.get(site.action)
    if spec and any(item.required for item in spec.inputs) and "inputs" in site.step:
        yield site.plant(("inputs",), DROP)


@KINDS.step
def _step_named_with_a_dash(site: Site) -> Iterator[Planted]:
    yield site.plant(("name",), "step-" + str(site.step.get("name")))


@KINDS.step
def _step_named_too_short(site: Site) -> Iterator[Planted]:
    yield site.plant(("name",), "ab")


@KINDS.step
def _step_named_like_the_first(site: Site) -> Iterator[Planted]:
    first = site.document["mainSteps"][0]
    if site.path != ("mainSteps", 0) and first.get("name") != site.step.get("name"):
        yield site.plant(("name",), first.get("name"))


@KINDS.step
def _action_misspelt(site: Site) -> Iterator[Planted]:
    yield site.plant(("action",), "aws:" + misspelt(site.action.removeprefix("aws:")))


@KINDS.step
def _action_without_its_prefix(site: Site) -> Iterator[Planted]:
    if site.action.startswith("aws:"):
        yield site.plant(("action",), site.action.removeprefix("aws:"))


@KINDS.step
def _action_in_other_case(site: Site) -> Iterator[Planted]:
    name = site.action.removeprefix("aws:")
    yield site.plant(("action",), "aws:" + name[:1].upper() + name[1:])


@KINDS.step
def _timeout_that_is_no_number(site: Site) -> Iterator[Planted]:
    yield site.plant(("timeoutSeconds",), "10m")


@KINDS.step
def _attempts_of_zero(site: Site) -> Iterator[Planted]:
    yield site.plant(("maxAttempts",), 0)


@KINDS.step
def _end_that_is_neither_true_nor_false(site: Site) -> Iterator[Planted]:
    yield site.plant(("isEnd",), "maybe")


@KINDS.step
def _critical_that_is_neither_true_nor_false(site: Site) -> Iterator[Planted]:
    yield site.plant(("isCritical",), "maybe")


@KINDS.step
def _next_step_misspelt(site: Site) -> Iterator[Planted]:
    if isinstance(site.step.get("nextStep"), str):
        yield site.plant(("nextStep",), misspelt(site.step["nextStep"]))


@KINDS.step
def _next_step_to_nowhere(site: Site) -> Iterator[Planted]:
    yield site.plant(("nextStep",), "NoSuchStepAnywhere")


@KINDS.step
def _failure_to_nowhere(site: Site) -> Iterator[Planted]:
    yield site.plant(("onFailure",), "step:NoSuchStepAnywhere")


@KINDS.step
def _failure_to_itself(site: Site) -> Iterator[Planted]:
    yield site.plant(("onFailure",), f"step:{site.step.get('name')}")


@KINDS.step
def _failure_in_lower_case(site: Site) -> Iterator[Planted]:
    yield site.plant(("onFailure",), "abort")


@KINDS.step
def _failure_without_the_word_step(site: Site) -> Iterator[Planted]:
    yield site.plant(("onFailure",), str(site.document["mainSteps"][-1].get("name")))


@KINDS.step
def _cancel_that_continues(site: Site) -> Iterator[Planted]:
    yield site.plant(("onCancel",), "Continue")


@KINDS.document
def _cancel_into_a_sleep(document: Document) -> Iterator[Planted]:
    all_sites = list(sites(document))
    for target in all_sites:
        if target.action in {"aws:sleep", "aws:approve", "aws:runInstances", "aws:createStack"}:
            for site in all_sites:
                if site.path != target.path and len(site.path) == len(target.path) == 2:
                    yield site.plant(("onCancel",), f"step:{target.step['name']}")


@KINDS.step
def _input_beside_the_inputs(site: Site) -> Iterator[Planted]:
    for key, value in site.inputs.items():
        if key not in site.step:
            without = changed(site.document, (*site.path, "inputs", key), DROP)
            yield Planted(changed(without, (*site.path, key), value), ((*site.path, key),))


@KINDS.step
def _end_in_the_middle(site: Site) -> Iterator[Planted]:
    steps = site.document["mainSteps"]
    if site.path != ("mainSteps", 0) or len(steps) < 2 or site.action == "aws:branch":
        return
    if all(not step.get("onFailure", "").startswith("step:") for step in steps):
        without = {key: value for key, value in site.step.items() if key != "nextStep"}
        data = changed(site.document, site.path, {**without, "isEnd": True})
        yield Planted(data, tuple(("mainSteps", index) for index in range(1, len(steps))))


@KINDS.document
def _circle_without_an_end(document: Document) -> Iterator[Planted]:
    steps = document["mainSteps"]
    plain = not any(step.get("action") in {"aws:branch", "aws:loop"} for step in steps)
    if (
        len(steps) >= 2
        and plain
        and not any(step.get("isEnd") or step.get("nextStep") for step in steps[:-1])
    ):
        last = {key: value for key, value in steps[-1].items() if key != "isEnd"}
        data = changed(document, ("mainSteps", len(steps) - 1), {**last, "nextStep": steps[0]["name"]})
        yield Planted(data, tuple(("mainSteps", index) for index in range(len(steps))))


@KINDS.step
def _step_that_leads_to_itself(site: Site) -> Iterator[Planted]:
    if len(site.path) == 2 and site.action != "aws:branch" and "isEnd" not in site.step:
        yield site.plant(("nextStep",), site.step.get("name"))


@KINDS.step
def _action_of_command_documents(site: Site) -> Iterator[Planted]:
    yield site.plant(("action",), "aws:runShellScript")


@KINDS.step
def _end_and_next_step_both(site: Site) -> Iterator[Planted]:
    if site.step.get("nextStep") and site.action != "aws:branch":
        yield site.plant(("isEnd",), True, ("nextStep",))


# Inputs


@KINDS.step
def _step_key_inside_the_inputs(site: Site) -> Iterator[Planted]:
    for key in ("nextStep", "isEnd", "timeoutSeconds", "outputs"):
        if key in site.step and site.inputs and site.action != "aws:executeAwsApi":
            yield site.plant(("inputs", key), site.step[key])


@KINDS.step
def _duration_as_a_number(site: Site) -> Iterator[Planted]:
    if site.action == "aws:sleep" and "Duration" in site.inputs:
        yield site.plant(("inputs", "Duration"), 300)


@KINDS.step
def _command_parameters_misspelt(site: Site) -> Iterator[Planted]:
    shell = site.inputs.get("DocumentName") in {"AWS-RunShellScript", "AWS-RunPowerShellScript"}
    if site.action == "aws:runCommand" and shell and "commands" in (site.inputs.get("Parameters") or {}):
        yield site.rename(("inputs", "Parameters"), "commands", "command")


@KINDS.step
def _command_parameters_as_list(site: Site) -> Iterator[Planted]:
    if site.action == "aws:runCommand" and isinstance(site.inputs.get("Parameters"), dict):
        yield site.plant(("inputs", "Parameters"), [site.inputs["Parameters"]])


@KINDS.step
def _child_parameters_as_text(site: Site) -> Iterator[Planted]:
    if site.action == "aws:executeAutomation" and "RuntimeParameters" in site.inputs:
        yield site.plant(("inputs", "RuntimeParameters"), "InstanceId=i-0123456789abcdef0")


@KINDS.step
def _payload_as_list(site: Site) -> Iterator[Planted]:
    if isinstance(site.inputs.get("InputPayload"), dict):
        yield site.plant(("inputs", "InputPayload"), [site.inputs["InputPayload"]])


@KINDS.step
def _instance_that_is_an_image(site: Site) -> Iterator[Planted]:
    if site.action in {"aws:changeInstanceState", "aws:runCommand"} and "InstanceIds" in site.inputs:
        yield site.plant(("inputs", "InstanceIds"), ["ami-0123456789abcdef0"], ("inputs", "InstanceIds", 0))


@KINDS.step
def _instance_type_without_a_size(site: Site) -> Iterator[Planted]:
    if site.action == "aws:runInstances":
        yield site.plant(("inputs", "InstanceType"), "t3")


@KINDS.step
def _required_input_dropped(site: Site) -> Iterator[Planted]:
    spec = actions.SPECS.get(site.action)
    for item in spec.inputs if spec else ():
        if item.required and item.name in site.inputs:
            yield site.plant(("inputs", item.name), DROP, ("inputs",), ())


@KINDS.step
def _input_misspelt(site: Site) -> Iterator[Planted]:
    spec = actions.SPECS.get(site.action)
    if spec and not spec.open_inputs:
        for key in site.inputs:
            planted = site.rename(("inputs",), key, misspelt(key))
            yield Planted(planted.data, (*planted.places, (*site.path, "inputs")))


@KINDS.step
def _input_in_other_case(site: Site) -> Iterator[Planted]:
    spec = actions.SPECS.get(site.action)
    if spec and not spec.open_inputs:
        for key in site.inputs:
            planted = site.rename(("inputs",), key, key.swapcase())
            yield Planted(planted.data, (*planted.places, (*site.path, "inputs")))


@KINDS.step
def _input_of_wrong_type(site: Site) -> Iterator[Planted]:
    spec = actions.SPECS.get(site.action)
    wrong = {
        "Integer": "a few",
        "Boolean": "perhaps",
        "StringList": "only-one",
        "MapList": "only-one",
        "StringMap": "x",
    }
    for item in spec.inputs if spec else ():
        if item.name in site.inputs and item.type in wrong:
            yield site.plant(("inputs", item.name), wrong[item.type])


@KINDS.step
def _input_that_is_no_choice(site: Site) -> Iterator[Planted]:
    spec = actions.SPECS.get(site.action)
    for item in spec.inputs if spec else ():
        if item.choices and item.name in site.inputs and not references.find(site.inputs[item.name]):
            yield site.plant(("inputs", item.name), misspelt(str(site.inputs[item.name])))


@KINDS.step
def _input_left_empty(site: Site) -> Iterator[Planted]:
    spec = actions.SPECS.get(site.action)
    for item in spec.inputs if spec else ():
        if item.required and item.name in site.inputs:
            yield site.plant(("inputs", item.name), None, ("inputs", item.name), ("inputs",))


@KINDS.step
def _duration_in_words(site: Site) -> Iterator[Planted]:
    if "Duration" in site.inputs:
        yield site.plant(("inputs", "Duration"), "5 minutes")


@KINDS.step
def _duration_without_its_t(site: Site) -> Iterator[Planted]:
    if "Duration" in site.inputs:
        yield site.plant(("inputs", "Duration"), "P10S")


@KINDS.step
def _time_that_is_none(site: Site) -> Iterator[Planted]:
    if site.action == "aws:sleep":
        fresh = {"Timestamp": "tomorrow at noon"}
        data = changed(site.document, (*site.path, "inputs"), fresh)
        yield Planted(data, ((*site.path, "inputs", "Timestamp"),))


@KINDS.step
def _command_that_runs_nowhere(site: Site) -> Iterator[Planted]:
    if site.action == "aws:runCommand":
        left = {key: value for key, value in site.inputs.items() if key not in {"InstanceIds", "Targets"}}
        yield Planted(
            changed(site.document, (*site.path, "inputs"), left), ((*site.path, "inputs"), site.path)
        )


@KINDS.step
def _one_of_several_inputs_dropped(site: Site) -> Iterator[Planted]:
    for action, names in (
        ("aws:createStack", ("TemplateBody", "TemplateURL")),
        ("aws:approve", ("Approvers",)),
        ("aws:executeScript", ("Script", "Attachment")),
        ("aws:loop", ("Iterators", "LoopCondition")),
        ("aws:sleep", ("Duration", "Timestamp")),
    ):
        if site.action == action:
            left = {key: value for key, value in site.inputs.items() if key not in names}
            yield Planted(
                changed(site.document, (*site.path, "inputs"), left), ((*site.path, "inputs"), site.path)
            )


@KINDS.step
def _variable_that_is_not_declared(site: Site) -> Iterator[Planted]:
    if site.action == "aws:updateVariable":
        yield site.plant(("inputs", "Name"), "variable:NobodyDeclaredThis")


# Outputs


def _outputs(site: Site) -> Iterator[tuple[int, dict[str, Any]]]:
    for index, output in enumerate(site.step.get("outputs") or []):
        if isinstance(output, dict):
            yield index, output


@KINDS.step
def _output_of_unknown_type(site: Site) -> Iterator[Planted]:
    for index, output in _outputs(site):
        if "Type" in output:
            yield site.plant(("outputs", index, "Type"), misspelt(output["Type"]))


@KINDS.step
def _output_of_a_type_of_another_language(site: Site) -> Iterator[Planted]:
    for index, output in _outputs(site):
        if "Type" in output:
            yield site.plant(("outputs", index, "Type"), "List")


@KINDS.step
def _output_without_name(site: Site) -> Iterator[Planted]:
    for index, output in _outputs(site):
        if "Name" in output:
            yield site.plant(("outputs", index, "Name"), DROP)


@KINDS.step
def _output_without_selector(site: Site) -> Iterator[Planted]:
    for index, output in _outputs(site):
        if "Selector" in output:
            yield site.plant(("outputs", index, "Selector"), DROP)


@KINDS.step
def _output_key_in_lower_case(site: Site) -> Iterator[Planted]:
    for index, output in _outputs(site):
        for key in ("Name", "Selector", "Type"):
            if key in output:
                yield site.rename(("outputs", index), key, key.lower())


@KINDS.step
def _output_as_map(site: Site) -> Iterator[Planted]:
    for _, output in _outputs(site):
        yield site.plant(("outputs",), output)


@KINDS.step
def _output_twice(site: Site) -> Iterator[Planted]:
    outputs = site.step.get("outputs") or []
    if outputs:
        yield site.plant(("outputs",), [*outputs, outputs[0]], ("outputs", len(outputs)))


@KINDS.document
def _output_renamed_but_not_its_references(document: Document) -> Iterator[Planted]:
    for site in sites(document):
        for index, output in _outputs(site):
            places = [
                item.path
                for item in uses(document, "output", str(site.step.get("name")))
                if item.output == output.get("Name")
            ]
            if places:
                at = (*site.path, "outputs", index, "Name")
                yield Planted(changed(document, at, f"{output['Name']}Renamed"), tuple(places))


@KINDS.step
def _selector_that_is_no_path(site: Site) -> Iterator[Planted]:
    for index, output in _outputs(site):
        if "Selector" in output:
            yield site.plant(("outputs", index, "Selector"), f"{output['Selector']}[0")


@KINDS.step
def _selector_with_a_dot_at_its_end(site: Site) -> Iterator[Planted]:
    for index, output in _outputs(site):
        if "Selector" in output:
            yield site.plant(("outputs", index, "Selector"), f"{output['Selector']}.")


# Branches and loops


def _choices(site: Site) -> Iterator[tuple[int, dict[str, Any]]]:
    choices = site.inputs.get("Choices") if site.action == "aws:branch" else None
    for index, choice in enumerate(choices if isinstance(choices, list) else []):
        if isinstance(choice, dict):
            yield index, choice


def _operator(choice: dict[str, Any]) -> str:
    known = ("StringEquals", "EqualsIgnoreCase", "Contains", "NumericEquals", "BooleanEquals", "StartsWith")
    return next((name for name in known if name in choice), "")


@KINDS.step
def _operator_misspelt(site: Site) -> Iterator[Planted]:
    for index, choice in _choices(site):
        name = _operator(choice)
        if name:
            yield site.rename(("inputs", "Choices", index), name, misspelt(name))


@KINDS.step
def _operator_of_step_functions(site: Site) -> Iterator[Planted]:
    for index, choice in _choices(site):
        name = _operator(choice)
        if name:
            yield site.rename(("inputs", "Choices", index), name, "NumericGreaterThan")


@KINDS.step
def _choice_without_next_step(site: Site) -> Iterator[Planted]:
    for index, choice in _choices(site):
        if "NextStep" in choice:
            yield site.plant(("inputs", "Choices", index, "NextStep"), DROP)


@KINDS.step
def _choice_to_nowhere(site: Site) -> Iterator[Planted]:
    for index, choice in _choices(site):
        if "NextStep" in choice:
            yield site.plant(("inputs", "Choices", index, "NextStep"), misspelt(choice["NextStep"]))


@KINDS.step
def _choice_without_variable(site: Site) -> Iterator[Planted]:
    for index, choice in _choices(site):
        if "Variable" in choice:
            yield site.plant(("inputs", "Choices", index, "Variable"), DROP)


@KINDS.step
def _choice_of_a_plain_word(site: Site) -> Iterator[Planted]:
    for index, choice in _choices(site):
        if isinstance(choice.get("Variable"), str):
            plain = choice["Variable"].replace("{{", "").replace("}}", "").strip()
            yield site.plant(("inputs", "Choices", index, "Variable"), plain)


@KINDS.step
def _choice_that_compares_nothing(site: Site) -> Iterator[Planted]:
    for index, choice in _choices(site):
        name = _operator(choice)
        if name:
            place = ("inputs", "Choices", index)
            yield site.plant((*place, name), DROP, place, (*place, "Variable"))


@KINDS.step
def _default_to_nowhere(site: Site) -> Iterator[Planted]:
    if site.action == "aws:branch" and isinstance(site.inputs.get("Default"), str):
        yield site.plant(("inputs", "Default"), misspelt(site.inputs["Default"]))


@KINDS.step
def _choices_empty(site: Site) -> Iterator[Planted]:
    if site.action == "aws:branch":
        yield site.plant(("inputs", "Choices"), [])


@KINDS.step
def _choices_as_map(site: Site) -> Iterator[Planted]:
    for _, choice in _choices(site):
        yield site.plant(("inputs", "Choices"), choice)


@KINDS.step
def _conditions_joined_in_a_map(site: Site) -> Iterator[Planted]:
    for index, choice in _choices(site):
        comparison = {key: value for key, value in choice.items() if key != "NextStep"}
        fresh = {"NextStep": choice.get("NextStep"), "And": comparison}
        yield site.plant(("inputs", "Choices", index), fresh, ("inputs", "Choices", index, "And"))


@KINDS.step
def _number_compared_with_a_word(site: Site) -> Iterator[Planted]:
    for index, choice in _choices(site):
        if "Variable" in choice and choice.get("NextStep"):
            fresh = {"NextStep": choice["NextStep"], "Variable": choice["Variable"], "NumericGreater": "many"}
            yield site.plant(
                ("inputs", "Choices", index), fresh, ("inputs", "Choices", index, "NumericGreater")
            )


@KINDS.step
def _truth_compared_with_a_word(site: Site) -> Iterator[Planted]:
    for index, choice in _choices(site):
        if "Variable" in choice and choice.get("NextStep"):
            fresh = {
                "NextStep": choice["NextStep"],
                "Variable": choice["Variable"],
                "BooleanEquals": "perhaps",
            }
            yield site.plant(
                ("inputs", "Choices", index), fresh, ("inputs", "Choices", index, "BooleanEquals")
            )


@KINDS.document
def _choice_of_a_value_that_is_not_allowed(document: Document) -> Iterator[Planted]:
    for site in sites(document):
        for index, choice in _choices(site):
            found = references.whole(choice.get("Variable"))
            parameter = (document.get("parameters") or {}).get(found.name if found else "") or {}
            if parameter.get("allowedValues") and "{{" not in choice.get("StringEquals", "{{"):
                at = ("inputs", "Choices", index, "StringEquals")
                yield site.plant(at, misspelt(f"{choice['StringEquals']}s"))


@KINDS.step
def _two_operators(site: Site) -> Iterator[Planted]:
    for index, choice in _choices(site):
        if _operator(choice) == "StringEquals":
            yield site.plant(("inputs", "Choices", index, "EndsWith"), "x", ("inputs", "Choices", index))


@KINDS.step
def _loop_of_too_many_turns(site: Site) -> Iterator[Planted]:
    if site.action == "aws:loop":
        yield site.plant(("inputs", "MaxIterations"), 5000)


@KINDS.document
def _jump_into_a_loop(document: Document) -> Iterator[Planted]:
    inner = [site for site in sites(document) if "Steps" in site.path]
    outer = [site for site in sites(document) if len(site.path) == 2 and site.action != "aws:loop"]
    for target in inner[:1]:
        for site in outer:
            yield site.plant(("nextStep",), target.step.get("name"))
