"""EC2's RunInstances and DetachVolume, where moto reads less of the request than AWS does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from moto.ec2.exceptions import InvalidVolumeDetachmentError
from moto.ec2.models import EC2Backend
from moto.ec2.models.elastic_block_store import VolumeAttachment
from moto.ec2.models.instances import Reservation

from sandbox.calls import current_call
from sandbox.errors import AwsError


def _once(backend: EC2Backend, params: Mapping[str, Any], launch: Callable[[], Reservation]) -> Reservation:
    """Launch, or give what was launched when the same request came before.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Run_Instance_Idempotency.html
    """
    known: dict[str, tuple[str, str]] = vars(backend).setdefault("client_tokens", {})
    token, request = params.get("ClientToken"), repr(sorted(params.items()))
    if token in known:
        reservation_id, first = known[token]
        if request != first:
            raise AwsError(
                "IdempotentParameterMismatch",
                "Arguments on this idempotent request are inconsistent with arguments used in previous "
                "request(s).",
            )
        return backend.reservations[reservation_id]
    made = launch()
    if token:
        known[token] = (made.id, request)
    for instance in made.instances:
        instance.disable_api_termination = bool(params.get("DisableApiTermination"))
        instance.kernel, instance.ramdisk = params.get("KernelId"), params.get("RamdiskId")
        # Under these names DescribeInstances shows them.
        vars(instance).update(kernel_id=instance.kernel, ramdisk_id=instance.ramdisk)
        placement = params.get("Placement") or {}
        instance._placement.tenancy = placement.get("Tenancy") or "default"
        instance._placement.group_name = placement.get("GroupName") or ""
    return made


def install() -> None:
    """Launch as many instances as are asked for at most, and detach a volume that is named alone.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DetachVolume.html
    """

    def run_instances(self: EC2Backend, image_id: str, count: int, *more: Any, **options: Any) -> Reservation:
        call = current_call.get(None)
        if call is not None and (call.service, call.operation) == ("ec2", "RunInstances"):
            count = int(call.params["MaxCount"])
            return _once(self, call.params, lambda: launch(self, image_id, count, *more, **options))
        return launch(self, image_id, count, *more, **options)

    def detach_volume(
        self: EC2Backend, volume_id: str, instance_id: str | None, device_path: str | None
    ) -> VolumeAttachment:
        attachment = self.get_volume(volume_id).attachment
        if instance_id is None and attachment is not None:
            instance_id = attachment.instance.id
        if instance_id is None:
            raise InvalidVolumeDetachmentError(volume_id, "", "")
        return detach(self, volume_id, instance_id, device_path)  # type: ignore[arg-type]

    launch, detach = EC2Backend.run_instances, EC2Backend.detach_volume
    EC2Backend.run_instances = run_instances  # type: ignore[method-assign,assignment]
    EC2Backend.detach_volume = detach_volume  # type: ignore[method-assign,assignment]
