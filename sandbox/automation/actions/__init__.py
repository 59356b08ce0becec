"""The actions that a step can name. One module here an action (or family); `find` knows them all."""

from sandbox.automation.actions import (
    approve,
    aws_api,
    branch,
    create_stack,
    create_tags,
    delete_stack,
    execute_automation,
    execute_script,
    images,
    instance_state,
    invoke_webhook,
    lambda_function,
    loop,
    pause,
    resource_property,
    run_command,
    run_instances,
    sleep,
    state_machine,
    update_variable,
)
from sandbox.automation.actions.registry import Action, heeding
from sandbox.fixtures import hooks

REGISTRY: dict[str, Action] = {
    action.name: heeding(action)
    for action in (
        approve.ACTION,
        aws_api.ACTION,
        branch.ACTION,
        create_stack.ACTION,
        create_tags.ACTION,
        delete_stack.ACTION,
        execute_automation.ACTION,
        execute_script.ACTION,
        images.COPY,
        images.CREATE,
        images.DELETE,
        instance_state.ACTION,
        invoke_webhook.ACTION,
        lambda_function.ACTION,
        loop.ACTION,
        pause.ACTION,
        resource_property.ASSERT,
        resource_property.WAIT,
        run_command.ACTION,
        run_instances.ACTION,
        sleep.ACTION,
        state_machine.ACTION,
        update_variable.ACTION,
    )
}


def find(name: str) -> Action | None:
    """The action called `name`, or None when the sandbox has none of that name."""
    action, stand_in = REGISTRY.get(name), hooks.current()
    return action if stand_in is None else stand_in.acting(name, action)
