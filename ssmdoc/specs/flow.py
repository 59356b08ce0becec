"""Actions that steer a run: approval, branches, loops, pauses and variables."""

from __future__ import annotations

from ssmdoc.specs.model import GUIDE, ActionSpec, may, need, returns

SPECS = (
    ActionSpec(
        "aws:approve",
        "Wait for approval",
        "Waits until the people named approve or reject.",
        (
            may("Approvers", "StringList", "User names, user ARNs or role ARNs that may answer; 10 at most."),
            may("NotificationArn", "String", "The SNS topic that is told; its name starts with Automation."),
            may("Message", "String", "What the approvers read."),
            may("MinRequiredApprovals", "Integer", "How many must approve; 1 by default."),
            may("EnhancedApprovals", "Any", "Approvers of a change template."),
        ),
        returns(ApprovalStatus="String", ApproverDecisions="MapList"),
        "flow",
        GUIDE + "approve.html",
        timeout_seconds=604800,
        cancel_target=False,
        either=("Approvers", "EnhancedApprovals"),
        examples=(
            {
                "Approvers": ["arn:aws:iam::111122223333:role/Approvers"],
                "Message": "May the instance be terminated?",
                "MinRequiredApprovals": 1,
            },
        ),
    ),
    ActionSpec(
        "aws:branch",
        "Branch",
        "Goes on with the first step whose condition holds.",
        (
            need("Choices", "MapList", "Conditions, each with the NextStep that it leads to."),
            may("Default", "String", "The step to go on with when no condition holds."),
        ),
        returns(NextStep="String"),
        "flow",
        GUIDE + "branch.html",
        examples=(
            {
                "Choices": [
                    {
                        "NextStep": "stopInstance",
                        "Variable": "{{ getState.State }}",
                        "StringEquals": "running",
                    }
                ],
                "Default": "finish",
            },
        ),
    ),
    ActionSpec(
        "aws:loop",
        "Loop",
        "Repeats steps for each item, or while a condition holds; 100 times at most.",
        (
            need("Steps", "Steps", "The steps to repeat."),
            may("Iterators", "Any", "The items; they or LoopCondition is needed."),
            may("IteratorDataType", "String", "The type of the items."),
            may("LoopCondition", "Condition", "Goes on while it holds."),
            may("MaxIterations", "Integer", "The most repetitions with LoopCondition; 100 at most."),
        ),
        returns(CurrentIteratorValue="Any", CurrentIteration="Integer"),
        "flow",
        GUIDE + "loop.html",
        either=("Iterators", "LoopCondition"),
        examples=(
            {
                "Iterators": "{{ InstanceIds }}",
                "IteratorDataType": "String",
                "Steps": [{"name": "pauseABit", "action": "aws:sleep", "inputs": {"Duration": "PT10S"}}],
            },
        ),
    ),
    ActionSpec(
        "aws:pause",
        "Pause",
        "Waits until someone resumes the run.",
        (may("Message", "String", "What the person who resumes should know."),),
        returns(),
        "flow",
        GUIDE + "pause.html",
        timeout_seconds=604800,
        cancel_target=False,
    ),
    ActionSpec(
        "aws:sleep",
        "Sleep",
        "Waits for a time, or until a time.",
        (
            may("Duration", "String", "An ISO 8601 duration like PT10M; it or Timestamp is needed."),
            may("Timestamp", "String", "An ISO 8601 time like 2030-01-01T01:00:00Z."),
        ),
        returns(),
        "flow",
        GUIDE + "sleep.html",
        cancel_target=False,
        either=("Duration", "Timestamp"),
        examples=({"Duration": "PT10M"},),
    ),
    ActionSpec(
        "aws:updateVariable",
        "Update a variable",
        "Gives a document variable a new value.",
        (
            need("Name", "String", "The variable, like variable:Counter."),
            need("Value", "Any", "Its new value."),
        ),
        returns(),
        "flow",
        GUIDE + "update-variable.html",
        examples=({"Name": "variable:Counter", "Value": 1},),
    ),
)
