"""Parameter Store's data type for integrations, which moto does not know.

https://docs.aws.amazon.com/systems-manager/latest/userguide/creating-webhook-integrations.html
"""

from __future__ import annotations

from typing import Any

import moto.ssm.models

from sandbox.automation.actions.invoke_webhook import NAMESPACE
from sandbox.automation.api.errors import ValidationException
from sandbox.calls import current_call

INTEGRATION = "aws:ssm:integration"


def install() -> None:
    """Let an integration be put, as the SecureString in the reserved namespace that it must be."""
    known = moto.ssm.models._valid_parameter_data_type

    def valid(data_type: str) -> bool:
        if data_type != INTEGRATION:
            return bool(known(data_type))
        call = current_call.get(None)
        params: Any = call.params if call is not None else {}
        if params.get("Type") != "SecureString" or not params.get("Name", "").startswith(NAMESPACE):
            raise ValidationException(
                f"A parameter of the data type {INTEGRATION} must be a SecureString whose name begins with "
                f"{NAMESPACE}."
            )
        return True

    vars(moto.ssm.models)["_valid_parameter_data_type"] = valid
