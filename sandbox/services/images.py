"""EC2's CreateImage and CopyImage: names that are taken or malformed, client tokens, and encrypted copies.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateImage.html
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CopyImage.html
"""

from __future__ import annotations

import re
from typing import Any

from moto.ec2.models.amis import Ami, AmiBackend

from sandbox.calls import current_call, regions
from sandbox.errors import AwsError

_NAME = re.compile(r"[\w ()\[\]./'@-]{3,128}", re.ASCII)


def _check_name(backend: AmiBackend, name: str | None) -> None:
    if name is None or not _NAME.fullmatch(name):
        raise AwsError(
            "InvalidAMIName.Malformed",
            "AMI names must be between 3 and 128 characters long, and may contain letters, numbers, '(', "
            "')', '.', '-', '/', '[', ']', '@', '_', ''' and spaces",
        )
    for image in list(backend.amis.values()):
        # AWS's own images share names among themselves.
        if image.name == name and image.owner_alias is None:
            raise AwsError("InvalidAMIName.Duplicate", f"AMI name {name} is already in use by AMI {image.id}")


def install() -> None:
    """Make EC2's backend check what it is asked to make."""
    create, copy = AmiBackend.create_image, AmiBackend.copy_image

    def create_image(self: AmiBackend, *arguments: Any, **options: Any) -> Ami:
        _check_name(self, current_call.get().params.get("Name"))
        return create(self, *arguments, **options)

    def copy_image(self: AmiBackend, *arguments: Any, **options: Any) -> Ami:
        params = current_call.get().params
        token = params.get("ClientToken")
        for image in list(self.amis.values()):
            if token and getattr(image, "client_token", None) == token:
                return image
        _check_name(self, params.get("Name"))
        if params["SourceRegion"] not in regions():
            raise AwsError("InvalidRequest", f"The source Region {params['SourceRegion']} is not valid.")
        image = copy(self, *arguments, **options)
        vars(image)["client_token"] = token
        image.ebs_snapshot.encrypted = bool(params.get("Encrypted"))
        image.ebs_snapshot.kms_key_id = params.get("KmsKeyId")
        return image

    methods: Any = AmiBackend
    methods.create_image, methods.copy_image = create_image, copy_image
