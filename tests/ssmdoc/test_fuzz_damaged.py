"""Published documents damaged by chance: whatever is done with them ends with an answer, within a moment.

Each round is told by its damage and its seed, from which it can be done again.
"""

import copy
import json
import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import ssmdoc
from ssmdoc import analysis, diff, files, policy, reports, schema, suppressions
from ssmdoc.analysis import powershell, scripts
from tests.ssmdoc.test_fuzz import TEXTS

FOLDER = os.environ.get("SSM_CORPUS", "")
# Everything takes less than a second of an idle core; the room is for slow and crowded machines.
MOST_SECONDS = 6
ROUNDS = 300
ODD: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, 10**50, "", "x", "{{ a }}", "{{a.b}}", "{{", "{{ variable:x }}", "$..[", "step:",
    "aws:loop", "aws:branch", "aws:executeScript", "PT1H", "(" * 200, [], [[]], [{}], ["x", None], [1] * 50,
    {}, {"a": 1}, {"Name": [], "Selector": {}}, "a\nb\x1b", "*", "ec2", "arn:aws:s3:::b/{{ a }}", "9" * 400,
    "aws:executeAutomation", "aws:createTags", "PT999999999H", {"Key": None},
)  # fmt: skip
# What no text holds, but a caller may give.
BEYOND_JSON = (float("inf"), float("nan"), "\ud800", (1, 2), b"x", {1: 2}, object())
ODD_CHARACTERS = "\0\t\n\r\"':[{}*&!%|>#\u2028\ufeff\U0001f600"
COMMENTS = (
    "# ssmdoc: ignore step-unreachable because it is so",
    "# ssmdoc: ignore api-input,definition-unused, x because",
    "# ssmdoc: ignore",
    "# ssmdoc: ignore " + "a " * 300,
)
# What somebody may give as a role's policy.
GIVEN: tuple[Any, ...] = (
    *ODD,
    *BEYOND_JSON,
    {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}},
    {"Statement": [1, None, {}, {"Effect": "Allow", "Action": ["ec2:*", None, {}], "Resource": [None, "*"]}]},
    {"Statement": [{"Effect": "Deny", "NotAction": "ec2:*", "NotResource": "arn:*:*"}]},
    {"Statement": [{"Effect": ["Allow"], "Action": {"a": 1}, "Resource": 5, "Condition": []}]},
    {"Statement": [{"Effect": "Allow", "Action": "*a" * 50, "Resource": "*?" * 300, "Sid": 5}]},
    {
        "Statement": [
            {"Effect": "Allow", "Action": ["iam:*", ":", "zz:*", "[a", "?"], "Resource": "arn:aws:ec2:*"}
        ]
    },
)
SETTINGS: tuple[Any, ...] = (
    *ODD, *BEYOND_JSON, ["x"], ["*"], ["aws:*"], ["ec2"], ["ec2:Run*"], ["*:*"], ["Owner"], ["a", "a"],
    ["eu-*"], ["t3.*"], ["\ud800"], ["a"] * 500, ["**" * 200], {"required": ["x"]}, {"$ref": "#"},
    {"$ref": "#/%zz"}, {"$schema": []}, {"$id": 1}, {"$anchor": "x", "$ref": "#x"}, {"multipleOf": 1e-320},
    {"enum": []}, {"title": [], "description": {}}, {"properties": {"mainSteps": {"uniqueItems": True}}},
    {"unevaluatedProperties": False, "properties": {"mainSteps": True}}, {"propertyNames": {"pattern": "^["}},
)  # fmt: skip
SCRIPT_WORDS = (
    "boto3.client('ec2')", "boto3.resource('s3')", "self", "lambda x: x", "**", "await ", "yield", "(", ")",
    "[", "{", "'", '"""', "f'{x}'", "{{ a }}", "x := ", "0x", "\\", "\n", "\t", "global x", "nonlocal x",
    "@x\n", "class A(A):\n pass\n", "def f(f=f):\n return f(f)\n", "from boto3 import *\n", "del x",
    "client(**k)", "getattr(boto3, 'client')", "while True:\n x = [x]\n", "d.update(d)\n",
    "match x:\n case {'a': 1}: pass\n",
)  # fmt: skip


def published() -> list[str]:
    """Our own good document, and published ones where they are at hand."""
    texts = list(TEXTS)
    if FOLDER:
        texts += [path.read_text(encoding="utf-8") for path in sorted((Path(FOLDER) / "documents").iterdir())]
    return [text for text in texts if len(text) < 40_000]


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a value: the list or map, and the index or key."""
    keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from places(value[key])


def lines_lost(text: str, pick: random.Random) -> str:
    lines = text.split("\n")
    start = pick.randrange(len(lines))
    return "\n".join(lines[:start] + lines[start + pick.randint(1, 4) :])


def lines_doubled(text: str, pick: random.Random) -> str:
    lines = text.split("\n")
    start = pick.randrange(len(lines))
    return "\n".join(lines[:start] + lines[start : start + pick.randint(1, 5)] + lines[start:])


def lines_swapped(text: str, pick: random.Random) -> str:
    lines = text.split("\n")
    one, other = pick.randrange(len(lines)), pick.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return "\n".join(lines)


def words_swapped(text: str, pick: random.Random) -> str:
    words = text.split(" ")
    one, other = pick.randrange(len(words)), pick.randrange(len(words))
    words[one], words[other] = words[other], words[one]
    return " ".join(words)


def characters_put_in(text: str, pick: random.Random) -> str:
    at = pick.randrange(len(text))
    return text[:at] + "".join(pick.choices(ODD_CHARACTERS, k=3)) + text[at:]


def bytes_changed(text: str, pick: random.Random) -> str:
    raw = bytearray(text.encode())
    for _ in range(3):
        raw[pick.randrange(len(raw))] = pick.randrange(256)
    return raw.decode("utf-8", "replace")


def values_replaced(text: str, pick: random.Random) -> str:
    data = json.loads(json.dumps(ssmdoc.parse(text).data, default=str))
    for _ in range(pick.randint(1, 4)):
        holder, key = pick.choice(list(places(data)))
        holder[key] = copy.deepcopy(pick.choice(ODD))
    return json.dumps(data, indent=1)


def comments_put_in(text: str, pick: random.Random) -> str:
    lines = text.split("\n")
    for _ in range(3):
        at = pick.randrange(len(lines))
        lines[at:at] = [" " * pick.choice((0, 2, 4)) + pick.choice(COMMENTS)]
    return "\n".join(lines)


DAMAGES: tuple[Callable[[str, random.Random], str], ...] = (
    lines_lost,
    lines_doubled,
    lines_swapped,
    words_swapped,
    characters_put_in,
    bytes_changed,
    comments_put_in,
    values_replaced,
)


def some_rules(pick: random.Random) -> dict[Any, Any]:
    """A rule set of settings that may fit no rule."""
    return {
        name: pick.choice(SETTINGS) for name in pick.sample([*policy.RULES, "none", 5], pick.randint(1, 4))
    }


def usable_rules(pick: random.Random) -> dict[str, Any]:
    """A rule set that can be used."""
    found: dict[str, Any] = {}
    for name in policy.RULES:
        setting = pick.choice(SETTINGS)
        if not policy.validate_rules({**found, name: setting}):
            found[name] = setting
    return found


def judge(text: str, pick: random.Random, before: ssmdoc.Parsed) -> None:
    """All that is done with a document's text, whatever it holds."""
    for finding in ssmdoc.check(text):
        assert finding.message.endswith((".", "?")), finding
    parsed = ssmdoc.parse(text)
    suppressions.find(parsed)
    list(schema.faults(parsed.data))
    document = parsed.document
    if document is None:
        return
    json.dumps(ssmdoc.graph.build(document).as_dict())
    ssmdoc.graph.build(document).reachable()
    ssmdoc.timing.longest(document)
    for step in document.walk():
        assert ssmdoc.timing.limit(document, step).seconds >= 0
    ssmdoc.parameters.form_fields(document)
    ssmdoc.parameters.json_schema(document)
    given = {name: pick.choice(ODD + BEYOND_JSON) for name in (*document.parameters, "none")}
    wire, errors = ssmdoc.parameters.validate(document, given)
    assert not set(wire) & set(errors)
    needs = analysis.analyse(document)
    json.dumps(needs.as_dict())
    assert needs.compare(needs.policy()).missing == (), "what it asks for is what it needs"
    needs.compare(pick.choice(GIVEN))
    rules = some_rules(pick)
    if policy.validate_rules(rules):
        with pytest.raises(ValueError, match=": "):
            policy.evaluate(parsed, rules)
    if before.document is not None:
        json.dumps(diff.compare(before, parsed).as_dict())
    assert diff.compare(parsed, parsed).changes == ()


def report(data: bytes, pick: random.Random) -> None:
    """What `checkdoc` does with a file of these bytes."""
    file = files.decoded("x.yaml", data)
    files.is_document(file.text)
    rules = [usable_rules(pick), usable_rules(pick)]
    found = reports.judge(file, rules, iam=True, steps=True)
    json.dumps(found.as_dict()).encode()
    assert all(line.startswith("x.yaml:") and len(line.splitlines()) == 1 for line in found.lines())
    assert all(sentence.endswith(".") for sentence in policy.explain(*rules))


@pytest.mark.parametrize("damage", DAMAGES)
def test_documents_damaged_by_chance_are_judged(damage: Callable[[str, random.Random], str]) -> None:
    texts = published()
    for seed in range(ROUNDS if FOLDER else ROUNDS // 3):
        pick = random.Random(f"{damage.__name__} {seed}")
        whole = pick.choice(texts)
        text = damage(whole, pick)
        begun = time.process_time()
        judge(text, pick, ssmdoc.parse(damage(whole, pick)))
        if seed % 3 == 0:
            report(text.encode("utf-8", "replace"), pick)
        assert time.process_time() - begun < MOST_SECONDS, f"{damage.__name__}, seed {seed}"


def test_any_bytes_are_reported() -> None:
    for seed in range(ROUNDS):
        pick = random.Random(f"bytes {seed}")
        data = bytearray(pick.choice(TEXTS).encode() if seed % 3 else pick.randbytes(60))
        for _ in range(3):
            data[pick.randrange(len(data))] = pick.randrange(256)
        report(pick.choice((b"", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")) + data, pick)


def published_scripts() -> list[str]:
    """The scripts of published documents, and one of our own."""
    found = ["import boto3\n\n\ndef main(events, context):\n    s3 = boto3.client('s3')\n"
             "    for page in s3.get_paginator('list_objects_v2').paginate(Bucket=events['b']):\n"
             "        s3.delete_object(Bucket=events['b'], Key=page['Contents'][0]['Key'])\n"]  # fmt: skip
    for text in published():
        document = ssmdoc.parse(text).document
        for step in document.walk() if document else ():
            if isinstance(script := step.inputs.get("Script"), str) and script:
                found.append(script)
    return found


def test_scripts_damaged_by_chance_are_read() -> None:
    originals = published_scripts()
    for seed in range(ROUNDS):
        pick = random.Random(f"script {seed}")
        words = pick.choice(originals).split(" ")
        for _ in range(pick.randint(1, 4)):
            at = pick.randrange(len(words))
            words[at : at + pick.randint(0, 1)] = [pick.choice(SCRIPT_WORDS)]
        script = " ".join(words)
        begun = time.process_time()
        scripts.read(script)
        powershell.read(script)
        assert time.process_time() - begun < MOST_SECONDS, f"seed {seed}"
