"""Settings of an account in a Region that Automation follows."""

import datetime as dt
from dataclasses import dataclass, field

THROTTLING_RETRY = "/ssm/automation/throttling-retry-time-limit"


@dataclass(frozen=True)
class Setting:
    """For how many seconds a step's throttled calls are tried again, and who said so when, if anybody has."""

    seconds: int = 0
    modified_at: dt.datetime | None = None
    modified_by: str = ""


@dataclass
class ServiceSettings:
    """The settings of all accounts and Regions."""

    _throttling: dict[tuple[str, str], Setting] = field(default_factory=dict)

    def get(self, account_id: str, region: str) -> Setting:
        """The account's setting in the Region, or the default."""
        return self._throttling.get((account_id, region), Setting())

    def put(self, account_id: str, region: str, setting: Setting) -> None:
        """Replace it."""
        self._throttling[account_id, region] = setting
