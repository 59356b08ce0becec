"""RDS's DescribeOptionGroups, which need not name a group.

https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeOptionGroups.html
"""

from __future__ import annotations

from typing import Any

from moto.rds.exceptions import OptionGroupNotFoundFaultError
from moto.rds.models import OptionGroup, RDSBackend


def install() -> None:
    """Let the groups be listed without a name, also when there are none."""

    def describe_option_groups(self: RDSBackend, option_group_kwargs: dict[str, Any]) -> list[OptionGroup]:
        wanted = {"option_group_name": None, **option_group_kwargs}
        try:
            return describe(self, wanted)
        except OptionGroupNotFoundFaultError:
            if wanted["option_group_name"]:
                raise
            return []

    describe = RDSBackend.describe_option_groups
    RDSBackend.describe_option_groups = describe_option_groups  # type: ignore[method-assign]
