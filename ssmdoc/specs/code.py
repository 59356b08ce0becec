"""Actions that run code: scripts, functions, state machines and webhooks."""

from __future__ import annotations

from ssmdoc.specs.model import GUIDE, ActionSpec, may, need, returns

SPECS = (
    ActionSpec(
        "aws:executeScript",
        "Run a script",
        "Runs Python or PowerShell for ten minutes at most.",
        (
            need("Runtime", "String", "The language and its version, like python3.11."),
            may("Handler", "String", "The function to call; Python needs it."),
            may("InputPayload", "Any", "What the handler gets as events."),
            may("Script", "String", "The script; it or Attachment is needed."),
            may("Attachment", "String", "The attached file that holds the script."),
        ),
        returns(OutputPayload="StringMap"),
        "change",
        GUIDE + "executeScript.html",
        timeout_seconds=600,
        either=("Script", "Attachment"),
        examples=(
            {
                "Runtime": "python3.11",
                "Handler": "main",
                "InputPayload": {"name": "{{ Name }}"},
                "Script": "def main(events, context):\n    return {'greeting': 'Hello ' + events['name']}\n",
            },
        ),
    ),
    ActionSpec(
        "aws:executeStateMachine",
        "Run a state machine",
        "Starts a Step Functions state machine and waits for it.",
        (
            need("stateMachineArn", "String", "The state machine."),
            may("name", "String", "A name for its execution."),
            may("input", "Any", "Its input as JSON."),
        ),
        returns(
            executionArn="String",
            input="String",
            name="String",
            output="String",
            startDate="String",
            stateMachineArn="String",
            status="String",
            stopDate="String",
        ),
        "change",
        GUIDE + "executeStateMachine.html",
        iam=("states:DescribeExecution", "states:StartExecution"),
        examples=(
            {
                "stateMachineArn": "arn:aws:states:eu-west-1:111122223333:stateMachine:orders",
                "input": '{"id": "{{ OrderId }}"}',
            },
        ),
    ),
    ActionSpec(
        "aws:invokeLambdaFunction",
        "Invoke a Lambda function",
        "Invokes a function and waits five minutes at most.",
        (
            need("FunctionName", "String", "The function's name or ARN."),
            may("Qualifier", "String", "Its version or alias."),
            may("InvocationType", "String", "How to invoke.", "RequestResponse", "Event", "DryRun"),
            may("LogType", "String", "Tail returns the last 4 KB of log.", "None", "Tail"),
            may("ClientContext", "Any", "Context of the client."),
            may("InputPayload", "Any", "The event as a map."),
            may("Payload", "Any", "The event as JSON text."),
        ),
        returns(
            StatusCode="String",
            FunctionError="String",
            LogResult="String",
            Payload="String",
            OutputPayload="String",
        ),
        "change",
        GUIDE + "lamb.html",
        iam=("lambda:InvokeFunction",),
        timeout_seconds=300,
        examples=({"FunctionName": "notify", "InputPayload": {"id": "{{ InstanceId }}"}},),
    ),
    ActionSpec(
        "aws:invokeWebhook",
        "Invoke a webhook",
        "Calls a webhook integration.",
        (
            need("IntegrationName", "String", "The integration."),
            may("Body", "String", "What to send."),
        ),
        returns(Response="String", ResponseCode="String"),
        "change",
        GUIDE + "invoke-webhook.html",
        examples=({"IntegrationName": "chat", "Body": '{"text": "done"}'},),
    ),
)
