"""The documents that the sandbox is measured with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

Step = dict[str, Any]

# What the script of each step adds to the text that it is given.
DIGITS = "123"
MIXED_OUTPUTS = {"third.Text": ["1" + DIGITS]}


def mixed() -> str:
    """Ten sleeps, a branch and three Python scripts, of which each hands a text on to the next.

    As cdk-ssm-documents wants it: a payload of texts alone, and selectors that begin with `$.Payload`.
    """
    first, second, third = (
        _script(name, text, digit)
        for name, text, digit in zip(
            ("first", "second", "third"),
            ("{{ Start }}", "{{ first.Text }}", "{{ second.Text }}"),
            DIGITS,
            strict=True,
        )
    )
    branch: Step = {
        "name": "choose",
        "action": "aws:branch",
        "inputs": {
            "Choices": [
                {"NextStep": "sleep5", "Variable": "{{ first.Text }}", "StringEquals": "1" + DIGITS[0]}
            ],
            "Default": "third",
        },
    }
    sleeps = [_sleep(f"sleep{number}", "PT1M") for number in range(10)]
    return _document(
        [*sleeps[:5], first, branch, *sleeps[5:8], second, *sleeps[8:], third],
        parameters={"Start": {"type": "String", "default": "1"}},
        outputs=list(MIXED_OUTPUTS),
    )


def sleeps(number: int) -> str:
    """A document that sleeps `number` times a minute."""
    return _document([_sleep(f"sleep{step}", "PT1M") for step in range(number)])


CONCURRENT_SLEEP_SECONDS = 1
CONCURRENT_TURNS = 3
CONCURRENT_SECONDS = CONCURRENT_TURNS * CONCURRENT_SLEEP_SECONDS


def concurrent() -> str:
    """Ten steps that sleep, branch and update a variable; the first sleeps until the moment `Begin`."""
    steps: list[Step] = [_sleep_until("begin", "Begin")]
    for turn in range(CONCURRENT_TURNS):
        steps += [
            _update(f"count{turn}", "Count", f"{{{{ variable:Count }}}}{turn}"),
            {
                "name": f"choose{turn}",
                "action": "aws:branch",
                "inputs": {
                    "Choices": [
                        {
                            "NextStep": f"sleep{turn}",
                            "Variable": "{{ variable:Count }}",
                            "Contains": str(turn),
                        }
                    ],
                    "Default": "begin",
                },
            },
            _sleep(f"sleep{turn}", f"PT{CONCURRENT_SLEEP_SECONDS}S"),
        ]
    return _document(
        steps,
        parameters={"Begin": {"type": "String"}},
        variables={"Count": {"type": "String", "default": ""}},
    )


QUEUED_SLEEP_SECONDS = 0.2


def queued() -> str:
    """Sleeps until the moment `Begin`, then for a fifth of a second."""
    return _document(
        [_sleep_until("begin", "Begin"), _sleep("rest", f"PT{QUEUED_SLEEP_SECONDS}S")],
        parameters={"Begin": {"type": "String"}},
    )


def nominal_seconds(step: Mapping[str, Any]) -> float:
    """How long a step of `concurrent` takes by itself, its first one apart."""
    return float(CONCURRENT_SLEEP_SECONDS) if step["Action"] == "aws:sleep" else 0.0


def _sleep(name: str, duration: str) -> Step:
    return {"name": name, "action": "aws:sleep", "inputs": {"Duration": duration}}


def _sleep_until(name: str, parameter: str) -> Step:
    return {"name": name, "action": "aws:sleep", "inputs": {"Timestamp": f"{{{{ {parameter} }}}}"}}


def _update(name: str, variable: str, value: str) -> Step:
    inputs = {"Name": f"variable:{variable}", "Value": value}
    return {"name": name, "action": "aws:updateVariable", "inputs": inputs}


def _script(name: str, text: str, digit: str) -> Step:
    return {
        "name": name,
        "action": "aws:executeScript",
        "inputs": {
            "Runtime": "python3.11",
            "Handler": "handle",
            "InputPayload": {"text": text},
            "Script": f'def handle(events, context):\n    return {{"text": events["text"] + "{digit}"}}\n',
        },
        "outputs": [{"Name": "Text", "Selector": "$.Payload.text", "Type": "String"}],
    }


def _document(steps: list[Step], **more: Any) -> str:
    return json.dumps({"schemaVersion": "0.3", **more, "mainSteps": steps})
