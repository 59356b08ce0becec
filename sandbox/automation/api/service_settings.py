"""GetServiceSetting, UpdateServiceSetting and ResetServiceSetting, for the setting that Automation follows.

https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-throttling-retry.html
"""

from collections.abc import Mapping
from typing import Any

from sandbox.automation.api.errors import ServiceSettingNotFound, ValidationException
from sandbox.automation.clock import Clock
from sandbox.automation.service_settings import THROTTLING_RETRY, Setting
from sandbox.automation.store import Store
from sandbox.identity import Principal

LONGEST_SECONDS = 3_600


def get(store: Store, request: Mapping[str, Any], principal: Principal, region: str) -> dict[str, Any]:
    """The ServiceSetting as the account has it in this Region."""
    name = _name(request)
    with store.lock:
        setting = store.service_settings.get(principal.account_id, region)
    customized = setting.modified_at is not None
    return {
        "SettingId": name,
        "SettingValue": str(setting.seconds),
        "Status": "Customized" if customized else "Default",
        "ARN": f"arn:{principal.partition}:ssm:{region}:{principal.account_id}:servicesetting{name}",
        **(
            {"LastModifiedDate": setting.modified_at, "LastModifiedUser": setting.modified_by}
            if customized
            else {}
        ),
    }


def update(store: Store, clock: Clock, request: Mapping[str, Any], principal: Principal, region: str) -> None:
    """Set it. ValidationException when the value is not a number of seconds up to an hour."""
    _name(request)
    value = request["SettingValue"]
    if not value.isdecimal() or int(value) > LONGEST_SECONDS:
        raise ValidationException(
            f"The value of {THROTTLING_RETRY} must lie between 0 and {LONGEST_SECONDS} seconds, not {value}."
        )
    setting = Setting(int(value), clock.now(), principal.arn)
    with store.changing():
        store.service_settings.put(principal.account_id, region, setting)


def reset(store: Store, request: Mapping[str, Any], principal: Principal, region: str) -> dict[str, Any]:
    """Give it the value back that it has without anybody's doing."""
    _name(request)
    with store.changing():
        store.service_settings.put(principal.account_id, region, Setting())
    return get(store, request, principal, region)


def _name(request: Mapping[str, Any]) -> str:
    # The setting's ARN stands for its name.
    given = str(request["SettingId"])
    name = given.rpartition(":servicesetting")[2]
    if name != THROTTLING_RETRY:
        raise ServiceSettingNotFound(
            f"This sandbox has no service setting {given}: it has {THROTTLING_RETRY}."
        )
    return name
