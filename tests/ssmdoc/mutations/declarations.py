"""Mistakes in what a document declares, and in references to it."""

from collections.abc import Iterator
from typing import Any

from tests.ssmdoc.mutations import (
    DROP,
    Kinds,
    Plan,
    Planted,
    changed,
    misspelt,
    renamed,
    sites,
    uses,
    value_at,
)

KINDS = Kinds()

Document = dict[str, Any]


# Keys of the document


@KINDS.document
def _document_key_misspelt(document: Document) -> Iterator[Planted]:
    for key in ("mainSteps", "parameters", "assumeRole", "description", "outputs"):
        if key in document:
            yield renamed(document, (), key, misspelt(key))


@KINDS.document
def _document_key_in_other_case(document: Document) -> Iterator[Planted]:
    if "mainSteps" in document:
        yield renamed(document, (), "mainSteps", "mainsteps")


@KINDS.document
def _schema_version_as_number(document: Document) -> Iterator[Planted]:
    yield Planted(changed(document, ("schemaVersion",), 0.3), (("schemaVersion",),))


@KINDS.document
def _schema_version_of_commands(document: Document) -> Iterator[Planted]:
    yield Planted(changed(document, ("schemaVersion",), "2.2"), (("schemaVersion",),))


@KINDS.document
def _schema_version_dropped(document: Document) -> Iterator[Planted]:
    yield Planted(changed(document, ("schemaVersion",), DROP), ((),))


@KINDS.document
def _steps_as_map(document: Document) -> Iterator[Planted]:
    steps = {
        step["name"]: step for step in document["mainSteps"] if isinstance(step, dict) and "name" in step
    }
    yield Planted(changed(document, ("mainSteps",), steps), (("mainSteps",),))


@KINDS.document
def _document_output_misspelt(document: Document) -> Iterator[Planted]:
    for index, output in enumerate(document.get("outputs") or []):
        if isinstance(output, str) and "." in output:
            yield Planted(changed(document, ("outputs", index), misspelt(output)), (("outputs", index),))


@KINDS.document
def _role_by_undeclared_parameter(document: Document) -> Iterator[Planted]:
    yield Planted(changed(document, ("assumeRole",), "{{ AssumeRoleOfNobody }}"), (("assumeRole",),))


@KINDS.document
def _role_from_parameter_store(document: Document) -> Iterator[Planted]:
    yield Planted(changed(document, ("assumeRole",), "{{ ssm:/roles/automation }}"), (("assumeRole",),))


# Definitions


def _parameters(document: Document) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, definition in (document.get("parameters") or {}).items():
        if isinstance(definition, dict):
            yield name, definition


def _define(document: Document, name: str, key: str, value: Any) -> Planted:
    at = ("parameters", name, key)
    return Planted(changed(document, at, value), (at[:-1] if value is DROP else at,))


@KINDS.document
def _parameter_type_misspelt(document: Document) -> Iterator[Planted]:
    for name, definition in _parameters(document):
        if not str(definition.get("type")).startswith(("AWS", "List")):
            yield _define(document, name, "type", misspelt(str(definition.get("type"))))


@KINDS.document
def _parameter_type_in_lower_case(document: Document) -> Iterator[Planted]:
    for name, definition in _parameters(document):
        if definition.get("type") in {"String", "StringList", "Boolean"}:
            yield _define(document, name, "type", definition["type"].lower())


@KINDS.document
def _parameter_type_dropped(document: Document) -> Iterator[Planted]:
    for name, definition in _parameters(document):
        if "type" in definition:
            yield _define(document, name, "type", DROP)


@KINDS.document
def _parameter_key_misspelt(document: Document) -> Iterator[Planted]:
    for name, definition in _parameters(document):
        for key in ("default", "description", "allowedValues", "allowedPattern"):
            if key in definition:
                yield renamed(document, ("parameters", name), key, misspelt(key))


@KINDS.document
def _parameter_of_json_schema(document: Document) -> Iterator[Planted]:
    for name, _ in _parameters(document):
        yield _define(document, name, "required", True)


@KINDS.document
def _default_of_wrong_type(document: Document) -> Iterator[Planted]:
    wrong = {
        "Integer": "a few",
        "Boolean": "perhaps",
        "StringList": "one",
        "StringMap": "one",
        "MapList": {"a": 1},
    }
    for name, definition in _parameters(document):
        kind = str(definition.get("type"))
        if kind in wrong:
            yield _define(document, name, "default", wrong[kind])
        elif kind == "String":
            yield _define(document, name, "default", ["a", "list"])


@KINDS.document
def _default_outside_allowed_values(document: Document) -> Iterator[Planted]:
    for name, definition in _parameters(document):
        if definition.get("allowedValues") and definition.get("type") == "String":
            yield _define(document, name, "default", "certainly-not-among-them")


@KINDS.document
def _default_against_pattern(document: Document) -> Iterator[Planted]:
    for name, definition in _parameters(document):
        if (
            str(definition.get("allowedPattern", "")).startswith("^ami-")
            and definition.get("type") == "String"
        ):
            yield _define(document, name, "default", "!! not this !!")


@KINDS.document
def _default_from_other_parameter(document: Document) -> Iterator[Planted]:
    names = [name for name, _ in _parameters(document)]
    for name, definition in _parameters(document):
        other = next((other for other in names if other != name), "")
        if definition.get("type") == "String" and other:
            yield _define(document, name, "default", "{{ " + other + " }}")


@KINDS.document
def _pattern_that_does_not_compile(document: Document) -> Iterator[Planted]:
    for name, definition in _parameters(document):
        if definition.get("type") == "String":
            yield _define(document, name, "allowedPattern", "^(ami-[0-9a-f]+$")


@KINDS.document
def _allowed_values_as_text(document: Document) -> Iterator[Planted]:
    for name, definition in _parameters(document):
        if "allowedValues" in definition:
            yield _define(document, name, "allowedValues", "true,false")


@KINDS.document
def _limit_that_is_no_number(document: Document) -> Iterator[Planted]:
    for name, _ in _parameters(document):
        yield _define(document, name, "maxChars", "long")


@KINDS.document
def _limit_of_another_type(document: Document) -> Iterator[Planted]:
    for name, definition in _parameters(document):
        if definition.get("type") in {"String", "Boolean"}:
            yield _define(document, name, "maxValue", 5)


@KINDS.document
def _pattern_of_python(document: Document) -> Iterator[Planted]:
    for name, definition in _parameters(document):
        if definition.get("type") == "String":
            yield _define(document, name, "allowedPattern", "(?P<all>.*)")


@KINDS.document
def _parameter_named_with_a_dash(document: Document) -> Iterator[Planted]:
    for name, _ in _parameters(document):
        yield renamed(document, ("parameters",), name, f"{name}-1")


@KINDS.document
def _parameter_nobody_reads(document: Document) -> Iterator[Planted]:
    fresh = {**(document.get("parameters") or {}), "NobodyReadsThis": {"type": "String", "default": "x"}}
    yield Planted(changed(document, ("parameters",), fresh), (("parameters", "NobodyReadsThis"),))


@KINDS.document
def _parameter_undeclared(document: Document) -> Iterator[Planted]:
    for name, _ in _parameters(document):
        found = uses(document, "parameter", name)
        if found:
            yield Planted(changed(document, ("parameters", name), DROP), tuple(item.path for item in found))


# References


def _replaced(document: Document, kind: str, new: Any) -> Iterator[Planted]:
    for found in uses(document, kind):
        text = value_at(document, found.path)
        put = new(found)
        if put:
            fresh = text[: found.start] + put + text[found.end :]
            yield Planted(changed(document, found.path, fresh), (found.path,))


@KINDS.document
def _reference_to_misspelt_parameter(document: Document) -> Iterator[Planted]:
    yield from _replaced(document, "parameter", lambda found: "{{ " + misspelt(found.name) + " }}")


@KINDS.document
def _reference_to_misspelt_step(document: Document) -> Iterator[Planted]:
    yield from _replaced(
        document, "output", lambda found: "{{ " + f"{misspelt(found.name)}.{found.output}" + " }}"
    )


@KINDS.document
def _reference_to_misspelt_output(document: Document) -> Iterator[Planted]:
    yield from _replaced(
        document, "output", lambda found: "{{ " + f"{found.name}.{misspelt(found.output)}" + " }}"
    )


@KINDS.document
def _reference_to_undeclared_variable(document: Document) -> Iterator[Planted]:
    yield from _replaced(document, "parameter", lambda found: "{{ variable:" + found.name + " }}")


@KINDS.document
def _reference_to_unknown_global(document: Document) -> Iterator[Planted]:
    yield from _replaced(document, "parameter", lambda _: "{{ global:ACCOUNT }}")


@KINDS.document
def _reference_to_unknown_automation_value(document: Document) -> Iterator[Planted]:
    yield from _replaced(document, "parameter", lambda _: "{{ automation:EXECUTION }}")


@KINDS.document
def _reference_to_parameter_store(document: Document) -> Iterator[Planted]:
    yield from _replaced(document, "parameter", lambda _: "{{ ssm:/some/name }}")


@KINDS.document
def _reference_inside_a_reference(document: Document) -> Iterator[Planted]:
    yield from _replaced(document, "parameter", lambda found: "{{ {{ " + found.name + " }} }}")


# References in the notations of other languages: NAME is the parameter's.
_OTHERWISE = {
    "reference-in-single-braces": "{NAME}",
    "reference-in-single-braces-with-spaces": "{ NAME }",
    "reference-of-cloudformation": "${NAME}",
    "reference-of-a-shell": "$(NAME)",
    "reference-in-square-brackets": "[[ NAME ]]",
    "region-of-cloudformation": "${AWS::Region}",
    "reference-by-its-section": "{{ parameters.NAME }}",
    "reference-by-a-kind-that-is-none": "{{ parameter:NAME }}",
}
_OTHERWISE_WHOLE = {
    "reference-in-three-braces": "{{{ NAME }}}",
    "reference-without-its-first-braces": "NAME }}",
}


def _otherwise(form: str, whole: bool) -> Plan:
    def plan(document: Document) -> Iterator[Planted]:
        return _replaced(
            document,
            "parameter",
            lambda found: form.replace("NAME", found.name) if found.whole or not whole else "",
        )

    return plan


KINDS.plans.update({kind: _otherwise(form, False) for kind, form in _OTHERWISE.items()})
KINDS.plans.update({kind: _otherwise(form, True) for kind, form in _OTHERWISE_WHOLE.items()})


@KINDS.document
def _reference_to_a_step_by_its_section(document: Document) -> Iterator[Planted]:
    yield from _replaced(
        document, "output", lambda found: "{{ " + f"steps.{found.name}.{found.output}" + " }}"
    )


@KINDS.document
def _reference_in_other_case(document: Document) -> Iterator[Planted]:
    known = document.get("parameters") or {}
    yield from _replaced(
        document,
        "parameter",
        lambda found: "" if found.name.swapcase() in known else "{{ " + found.name.swapcase() + " }}",
    )


@KINDS.document
def _reference_to_what_comes_later(document: Document) -> Iterator[Planted]:
    steps = [site for site in sites(document) if len(site.path) == 2]
    if len(steps) < 2 or any(site.action == "aws:branch" or site.step.get("nextStep") for site in steps):
        return
    for output in steps[-1].step.get("outputs") or []:
        first = next((key for key, value in steps[0].inputs.items() if isinstance(value, str)), "")
        if first and first not in {"Service", "Api", "Script", "Runtime", "Handler"}:
            text = "{{ " + f"{steps[-1].step['name']}.{output['Name']}" + " }}"
            yield steps[0].plant(("inputs", first), text)
