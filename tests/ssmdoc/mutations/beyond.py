"""Mistakes beyond the language: calls of AWS, scripts, secrets, limits, and the text itself."""

import json
import re
from collections.abc import Iterator
from typing import Any

from ssmdoc import actions, apis, references, selectors
from ssmdoc.apis import Operation, Service
from tests.ssmdoc.mutations import DROP, Kinds, Planted, Site, changed, misspelt, sites

KINDS = Kinds()

Document = dict[str, Any]

OWN_INPUTS = {"Service", "Api", "PropertySelector", "DesiredValues"}


def _call(site: Site) -> tuple[Service, Operation] | None:
    name, api = site.inputs.get("Service"), site.inputs.get("Api")
    if site.action not in actions.API_ACTIONS or not isinstance(name, str) or not isinstance(api, str):
        return None
    service = apis.service(name)
    operation = service.operation(api) if service else None
    return (service, operation) if service and operation else None


def _given(site: Site) -> Iterator[tuple[str, Any, Service, dict[str, Any]]]:
    """The literal inputs of a call, each with its shape."""
    call = _call(site)
    for key, value in site.inputs.items() if call else ():
        if call and key not in OWN_INPUTS and key in call[1].members:
            yield key, value, call[0], dict(call[0].shape(call[1].members[key]["shape"]))


# Calls


@KINDS.step
def _service_misspelt(site: Site) -> Iterator[Planted]:
    if _call(site):
        yield site.plant(("inputs", "Service"), misspelt(site.inputs["Service"]) + "s")


@KINDS.step
def _operation_misspelt(site: Site) -> Iterator[Planted]:
    if _call(site):
        yield site.plant(("inputs", "Api"), misspelt(site.inputs["Api"]))


@KINDS.step
def _operation_in_the_singular(site: Site) -> Iterator[Planted]:
    call = _call(site)
    if call and site.inputs["Api"].endswith("s") and not call[0].operation(site.inputs["Api"][:-1]):
        yield site.plant(("inputs", "Api"), site.inputs["Api"][:-1])


@KINDS.step
def _operation_of_another_service(site: Site) -> Iterator[Planted]:
    call = _call(site)
    if call and call[0].name == "ec2":
        yield site.plant(("inputs", "Service"), "s3", ("inputs", "Service"), ("inputs", "Api"))


@KINDS.step
def _call_input_misspelt(site: Site) -> Iterator[Planted]:
    for key, *_ in _given(site):
        yield site.rename(("inputs",), key, misspelt(key))


@KINDS.step
def _call_input_in_other_case(site: Site) -> Iterator[Planted]:
    for key, *_ in _given(site):
        yield site.rename(("inputs",), key, key[:1].swapcase() + key[1:])


@KINDS.step
def _call_input_in_the_singular(site: Site) -> Iterator[Planted]:
    call = _call(site)
    for key, *_ in _given(site):
        if call and key.endswith("s") and key[:-1] not in call[1].members:
            yield site.rename(("inputs",), key, key[:-1])


@KINDS.step
def _call_without_required_input(site: Site) -> Iterator[Planted]:
    call = _call(site)
    for name in call[1].required if call else ():
        if name in site.inputs:
            yield site.plant(("inputs", name), DROP, ("inputs",), ())


@KINDS.step
def _call_with_text_for_a_list(site: Site) -> Iterator[Planted]:
    for key, value, _, shape in _given(site):
        if shape.get("type") == "list" and isinstance(value, list):
            yield site.plant(("inputs", key), "only-one")


@KINDS.step
def _call_with_a_reference_to_text_for_a_list(site: Site) -> Iterator[Planted]:
    for key, value, _, shape in _given(site):
        if shape["type"] == "list" and isinstance(value, list):
            yield site.plant(("inputs", key), "{{ global:REGION }}")


@KINDS.step
def _call_with_text_for_a_map(site: Site) -> Iterator[Planted]:
    for key, value, _, shape in _given(site):
        if shape.get("type") in {"structure", "map"} and isinstance(value, dict):
            yield site.plant(("inputs", key), "only-one")


@KINDS.step
def _call_with_a_word_for_a_number(site: Site) -> Iterator[Planted]:
    for key, _, _, shape in _given(site):
        if shape.get("type") in {"integer", "long"}:
            yield site.plant(("inputs", key), "many")


@KINDS.step
def _call_with_a_word_for_a_truth(site: Site) -> Iterator[Planted]:
    for key, _, _, shape in _given(site):
        if shape.get("type") == "boolean":
            yield site.plant(("inputs", key), "perhaps")


@KINDS.step
def _call_with_a_list_for_text(site: Site) -> Iterator[Planted]:
    for key, value, _, shape in _given(site):
        if shape.get("type") == "string" and isinstance(value, str):
            yield site.plant(("inputs", key), [value])


@KINDS.step
def _call_with_a_value_that_is_no_choice(site: Site) -> Iterator[Planted]:
    for key, value, _, shape in _given(site):
        if shape.get("enum") and isinstance(value, str) and not references.find(value):
            yield site.plant(("inputs", key), misspelt(value))


@KINDS.step
def _member_misspelt_inside(site: Site) -> Iterator[Planted]:
    for key, value, service, shape in _given(site):
        item = value[0] if isinstance(value, list) and value else value
        place = ("inputs", key, 0) if isinstance(value, list) else ("inputs", key)
        inner = service.shape(shape["member"]["shape"]) if shape.get("type") == "list" else shape
        if isinstance(item, dict) and inner.get("type") == "structure":
            for member in item:
                yield site.rename(place, member, misspelt(member))


@KINDS.step
def _member_in_other_case_inside(site: Site) -> Iterator[Planted]:
    for key, value, service, shape in _given(site):
        inner = service.shape(shape["member"]["shape"]) if shape.get("type") == "list" else {}
        if (
            isinstance(value, list)
            and value
            and isinstance(value[0], dict)
            and inner.get("type") == "structure"
        ):
            for member in value[0]:
                yield site.rename(("inputs", key, 0), member, member[:1].swapcase() + member[1:])


@KINDS.step
def _map_where_a_list_of_maps_belongs(site: Site) -> Iterator[Planted]:
    for key, value, _, shape in _given(site):
        if shape.get("type") == "list" and isinstance(value, list) and value and isinstance(value[0], dict):
            yield site.plant(("inputs", key), value[0])


# What actions hand on, and what belongs together


@KINDS.step
def _tag_key_in_lower_case(site: Site) -> Iterator[Planted]:
    if site.action == "aws:createTags" and isinstance(site.inputs.get("Tags"), list):
        for index, tag in enumerate(site.inputs["Tags"]):
            if isinstance(tag, dict) and "Key" in tag:
                yield site.rename(("inputs", "Tags", index), "Key", "key")


@KINDS.step
def _image_that_is_an_instance(site: Site) -> Iterator[Planted]:
    if site.action == "aws:runInstances":
        yield site.plant(("inputs", "ImageId"), "i-0123456789abcdef0")


@KINDS.step
def _least_above_the_most(site: Site) -> Iterator[Planted]:
    if site.action == "aws:runInstances":
        data = changed(site.document, (*site.path, "inputs", "MaxInstanceCount"), 1)
        at = (*site.path, "inputs", "MinInstanceCount")
        yield Planted(changed(data, at, 2), (at,))


@KINDS.document
def _brace_missing(document: Document) -> Iterator[Planted]:
    for site in sites(document):
        for key, value in site.inputs.items():
            whole = references.whole(value) if isinstance(value, str) else None
            if whole and whole.kind == "parameter":
                yield site.plant(("inputs", key), "{{ " + whole.name + " }")


@KINDS.document
def _role_by_its_name(document: Document) -> Iterator[Planted]:
    yield Planted(changed(document, ("assumeRole",), "AutomationServiceRole"), (("assumeRole",),))


@KINDS.step
def _handler_without_arguments(site: Site) -> Iterator[Planted]:
    script, handler = _python(site), str(site.inputs.get("Handler"))
    head = next((line for line in script.splitlines() if line.startswith(f"def {handler}(")), "")
    if head.endswith(":") and "Attachment" not in site.inputs:
        fresh = script.replace(head, f"def {handler}():", 1)
        yield site.plant(("inputs", "Script"), fresh, ("inputs", "Handler"), ("inputs", "Script"))


# Responses


def _definite(text: Any) -> bool:
    return (
        isinstance(text, str)
        and "{{" not in text
        and text.startswith("$.")
        and ".." not in text
        and "?" not in text
    )


@KINDS.step
def _selector_of_a_misspelt_member(site: Site) -> Iterator[Planted]:
    for index, output in enumerate(site.step.get("outputs") or []):
        if _call(site) and _definite(output.get("Selector")):
            first = output["Selector"][2:].split("[")[0].split(".")[0]
            fresh = output["Selector"].replace(first, misspelt(first), 1)
            if len(first) > 3 and "Payload" not in first:
                yield site.plant(("outputs", index, "Selector"), fresh)


@KINDS.step
def _selector_of_a_misspelt_last_member(site: Site) -> Iterator[Planted]:
    call = _call(site)
    for index, output in enumerate(site.step.get("outputs") or []):
        text = output.get("Selector")
        if call and _definite(text) and "." in text[2:] and _leads(call, text):
            before, last = text.rsplit(".", 1)
            if len(last) > 3 and "[" not in last:
                yield site.plant(("outputs", index, "Selector"), f"{before}.{misspelt(last)}")


@KINDS.step
def _property_of_a_misspelt_member(site: Site) -> Iterator[Planted]:
    text = site.inputs.get("PropertySelector")
    call = _call(site)
    if call and isinstance(text, str) and _definite(text) and "." in text[2:] and _leads(call, text):
        before, last = text.rsplit(".", 1)
        if "[" not in last:
            yield site.plant(("inputs", "PropertySelector"), f"{before}.{misspelt(last)}")


def _leads(call: tuple[Service, Operation], text: str) -> bool:
    """Whether a selector leads from structure to structure, where each name is known."""
    service, operation = call
    here = service.shape(operation.output)
    for part in selectors.compile(text).parts[:-1]:
        if part.names and here.get("type") == "structure":
            here = service.shape(here["members"].get(part.names[0], {}).get("shape", ""))
        elif part.indexes and here.get("type") == "list":
            here = service.shape(here["member"]["shape"])
        else:
            return False
    return here.get("type") == "structure"


@KINDS.step
def _property_that_is_no_path(site: Site) -> Iterator[Planted]:
    if isinstance(site.inputs.get("PropertySelector"), str):
        yield site.plant(("inputs", "PropertySelector"), site.inputs["PropertySelector"] + "[")


@KINDS.step
def _output_of_another_type_than_answered(site: Site) -> Iterator[Planted]:
    call = _call(site)
    for index, output in enumerate(site.step.get("outputs") or []):
        text = output.get("Selector")
        if call and output.get("Type") == "String" and _definite(text) and _leads(call, text):
            yield site.plant(("outputs", index, "Type"), "StringMap")


@KINDS.step
def _desired_values_as_text(site: Site) -> Iterator[Planted]:
    values = site.inputs.get("DesiredValues")
    if isinstance(values, list) and values:
        yield site.plant(("inputs", "DesiredValues"), str(values[0]))


@KINDS.step
def _desired_value_that_never_comes(site: Site) -> Iterator[Planted]:
    values = site.inputs.get("DesiredValues")
    if values in (["available"], ["running"], ["stopped"]):
        call = _call(site)
        if call and call[0].name == "ec2" and _definite(site.inputs.get("PropertySelector")):
            yield site.plant(("inputs", "DesiredValues", 0), misspelt(values[0]))


@KINDS.step
def _selector_without_an_index(site: Site) -> Iterator[Planted]:
    for index, output in enumerate(site.step.get("outputs") or []):
        selector = output.get("Selector") if isinstance(output, dict) else None
        if _call(site) and isinstance(selector, str) and re.match(r"\$\.\w+\[0\]\.\w+", selector):
            yield site.plant(("outputs", index, "Selector"), selector.replace("[0]", "", 1))


# Scripts


def _python(site: Site) -> str:
    script, runtime = site.inputs.get("Script"), str(site.inputs.get("Runtime"))
    return (
        script
        if site.action == "aws:executeScript" and isinstance(script, str) and runtime[:6] == "python"
        else ""
    )


@KINDS.step
def _runtime_that_never_was(site: Site) -> Iterator[Planted]:
    if "Runtime" in site.inputs:
        yield site.plant(("inputs", "Runtime"), "node18")


@KINDS.step
def _runtime_of_old(site: Site) -> Iterator[Planted]:
    if _python(site) and site.inputs["Runtime"] not in {"python3.6", "python3.7", "python3.8"}:
        yield site.plant(("inputs", "Runtime"), "python3.7")


@KINDS.step
def _handler_dropped(site: Site) -> Iterator[Planted]:
    if _python(site) and "Handler" in site.inputs:
        yield site.plant(("inputs", "Handler"), DROP, ("inputs",), ())


@KINDS.step
def _handler_misspelt(site: Site) -> Iterator[Planted]:
    if _python(site) and "Attachment" not in site.inputs:
        yield site.plant(("inputs", "Handler"), misspelt(str(site.inputs.get("Handler"))) + "_x")


def _asked(site: Site) -> Iterator[str]:
    """The keys of its payload that a script cannot do without."""
    script, payload = _python(site), site.inputs.get("InputPayload")
    handler = re.search(rf"^def {site.inputs.get('Handler')}\((\w+)", script, re.MULTILINE)
    if handler and isinstance(payload, dict) and "try:" not in script:
        for key in payload:
            by_key = re.search(rf"\b{handler.group(1)}\[['\"]{re.escape(key)}['\"]\]", script)
            if by_key and not re.search(rf"['\"]{re.escape(key)}['\"] (?:not )?in |get\(['\"]{key}", script):
                yield key


@KINDS.step
def _payload_key_renamed_but_not_in_the_script(site: Site) -> Iterator[Planted]:
    for key in _asked(site):
        yield Planted(
            site.rename(("inputs", "InputPayload"), key, f"{key}Renamed").data,
            ((*site.path, "inputs", "InputPayload"),),
        )


@KINDS.step
def _payload_key_dropped(site: Site) -> Iterator[Planted]:
    for key in _asked(site):
        yield site.plant(("inputs", "InputPayload", key), DROP)


def _from_payload(site: Site) -> Iterator[tuple[int, str]]:
    for index, output in enumerate(site.step.get("outputs") or []):
        selector = output.get("Selector") if isinstance(output, dict) else None
        if _python(site) and isinstance(selector, str) and re.fullmatch(r"\$\.Payload\.\w+", selector):
            yield index, selector.removeprefix("$.Payload.")


@KINDS.step
def _script_output_beside_its_payload(site: Site) -> Iterator[Planted]:
    for index, key in _from_payload(site):
        yield site.plant(("outputs", index, "Selector"), f"$.{key}")


@KINDS.step
def _script_output_from_a_payload_in_lower_case(site: Site) -> Iterator[Planted]:
    for index, key in _from_payload(site):
        yield site.plant(("outputs", index, "Selector"), f"$.payload.{key}")


@KINDS.step
def _script_output_that_is_never_returned(site: Site) -> Iterator[Planted]:
    script = _python(site)
    for index, key in _from_payload(site):
        if script.count("return ") == 1 and re.search(rf"return \{{\s*['\"]{key}['\"]", script):
            yield site.plant(("outputs", index, "Selector"), f"$.Payload.{misspelt(key)}")


@KINDS.step
def _function_renamed(site: Site) -> Iterator[Planted]:
    script, handler = _python(site), str(site.inputs.get("Handler"))
    if (
        script.count(f"def {handler}(") == 1
        and script.count(handler) == 1
        and "Attachment" not in site.inputs
    ):
        fresh = script.replace(f"def {handler}(", f"def {handler}_of_old(")
        yield site.plant(("inputs", "Script"), fresh, ("inputs", "Handler"))


@KINDS.step
def _script_with_a_colon_missing(site: Site) -> Iterator[Planted]:
    script = _python(site)
    line = next((line for line in script.splitlines() if line.startswith("def ") and line.endswith(":")), "")
    if line:
        yield site.plant(("inputs", "Script"), script.replace(line, line[:-1], 1))


@KINDS.step
def _script_with_a_bracket_open(site: Site) -> Iterator[Planted]:
    if _python(site):
        yield site.plant(("inputs", "Script"), _python(site).rstrip("\n") + "\nprint((1\n")


@KINDS.step
def _script_in_python_2(site: Site) -> Iterator[Planted]:
    if _python(site):
        yield site.plant(("inputs", "Script"), _python(site).rstrip("\n") + "\nprint 'done'\n")


@KINDS.document
def _script_that_calls_aws_without_a_role(document: Document) -> Iterator[Planted]:
    calling = [site for site in sites(document) if "import boto3" in _python(site)]
    if calling and document.get("assumeRole"):
        places = tuple((*site.path, "inputs", "Script") for site in calling)
        yield Planted(changed(document, ("assumeRole",), DROP), places)


# Secrets and limits


@KINDS.document
def _access_key_as_default(document: Document) -> Iterator[Planted]:
    for name, definition in (document.get("parameters") or {}).items():
        if isinstance(definition, dict) and definition.get("type") == "String":
            at = ("parameters", name, "default")
            yield Planted(changed(document, at, "AKIAQX7RZ2M4LW5TNB3C"), (at,))


@KINDS.step
def _password_as_an_input(site: Site) -> Iterator[Planted]:
    if site.action == "aws:executeAwsApi":
        yield site.plant(("inputs", "MasterUserPassword"), "Tr0ub4dor&3-horse")


@KINDS.step
def _password_in_a_script(site: Site) -> Iterator[Planted]:
    if _python(site):
        yield site.plant(
            ("inputs", "Script"), _python(site).rstrip("\n") + "\nPASSWORD = 'Tr0ub4dor&3-horse'\n"
        )


@KINDS.step
def _private_key_in_a_script(site: Site) -> Iterator[Planted]:
    if _python(site):
        fresh = _python(site).rstrip("\n") + "\nKEY = '''-----BEGIN RSA PRIVATE KEY-----\nMIIEow'''\n"
        yield site.plant(("inputs", "Script"), fresh)


@KINDS.step
def _sleep_of_13_hours_without_a_role(site: Site) -> Iterator[Planted]:
    if (
        site.action == "aws:sleep"
        and "Duration" in site.inputs
        and site.document.get("assumeRole")
        and len(site.path) == 2
    ):
        left = {key: value for key, value in site.document.items() if key != "assumeRole"}
        if site.document["mainSteps"][0] is site.step or site.path == ("mainSteps", 1):
            at = (*site.path, "inputs", "Duration")
            yield Planted(changed(left, at, "PT13H"), (site.path,))


# The text itself: an edit of one line, and the lines on which it may be found


def in_text(text: str) -> Iterator[tuple[str, str, set[int]]]:
    """Mistakes of the pen, each as its kind, the text, and the lines where it may be found."""
    lines = text.split("\n")
    if text.lstrip().startswith("{"):
        yield from _in_json(lines)
    else:
        yield from _in_yaml(lines)


def _edit(lines: list[str], number: int, *fresh: str) -> str:
    return "\n".join([*lines[: number - 1], *fresh, *lines[number:]])


def _in_json(lines: list[str]) -> Iterator[tuple[str, str, set[int]]]:
    number = next((n for n, line in enumerate(lines, 1) if line.rstrip().endswith('",')), 0)
    if not number:
        return
    line = lines[number - 1].rstrip()
    yield "comma-missing", _edit(lines, number, line[:-1]), {number, number + 1}
    yield "quote-missing", _edit(lines, number, line[:-2] + ","), {number, number + 1}
    yield "line-twice", _edit(lines, number, line, line), {number + 1}
    yield "comment-in-json", _edit(lines, number, line + " // so it is"), {number}
    yield "single-quotes", _edit(lines, number, line.replace('"', "'")), {number}
    last = max(n for n, line in enumerate(lines, 1) if line.strip())
    yield "brace-missing", _edit(lines, last, ""), {last - 1, last, last + 1}
    yield "something-after-the-end", _edit(lines, last, lines[last - 1], "more"), {last + 1}


def _in_yaml(lines: list[str]) -> Iterator[tuple[str, str, set[int]]]:
    number = next((n for n, line in enumerate(lines, 1) if line.lstrip().startswith("action:")), 0)
    if not number:
        return
    line = lines[number - 1]
    indent = line[: len(line) - len(line.lstrip())]
    near = {number - 1, number, number + 1}
    yield "tab-for-spaces", _edit(lines, number, "\t" + line.lstrip()), near
    yield "indentation-too-deep", _edit(lines, number, f"{indent}   {line.lstrip()}"), near
    yield "indentation-too-shallow", _edit(lines, number, f"{indent[:-1]}{line.lstrip()}"), near
    yield "line-twice", _edit(lines, number, line, line), {number + 1}
    yield "colon-missing", _edit(lines, number, line.replace("action:", "action", 1)), near
    yield (
        "reference-unquoted",
        _edit(lines, number, line, f"{indent}description: {{{{ global:REGION }}}}"),
        {number + 1},
    )
    yield "quote-not-closed", _edit(lines, number, line, f"{indent}description: 'so it is"), {number + 1}
    yield "star-unquoted", _edit(lines, number, line, f"{indent}description: *all"), {number + 1}
    yield "document-end", _edit(lines, number, line, "---"), {number + 1, number + 2}
    yield "colon-inside-a-value", _edit(lines, number, line, f"{indent}description: this: that"), {number + 1}


def as_json(data: Document) -> str:
    """Write data as people write JSON."""
    return json.dumps(data, indent=2, ensure_ascii=False, default=str)
