"""What is wrong with a row, as sentences beside its fields."""

from django.core.exceptions import ValidationError

from aws.models import AwsTarget, ServiceRole


def sentences(error: ValidationError) -> dict[str, str]:
    """Return Django's complaints about a model as one sentence a field."""
    if hasattr(error, "error_dict"):
        return {name: " ".join(messages) for name, messages in error.message_dict.items()}
    return {"__all__": " ".join(error.messages)}


def faults(row: AwsTarget | ServiceRole, exclude: tuple[str, ...] = ()) -> dict[str, str]:
    """Return what Django finds wrong with a row, by field."""
    try:
        row.full_clean(exclude=exclude)
    except ValidationError as error:
        return sentences(error)
    return {}


def other_account(arn: str, target: AwsTarget) -> str:
    """Return why the role `arn` cannot be one of `target`; "" when it can, or is no ARN at all."""
    parts = arn.split(":")
    if len(parts) < 6 or (parts[1] == target.partition and parts[4] == target.account_id):
        return ""
    return f"This role is in account {parts[4]} ({parts[1]}), not {target.account_id} ({target.partition})."
