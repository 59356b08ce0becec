"""The data files of botocore and moto: nothing of them is lost, and no more of them is kept than is used."""

import gzip
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import moto
import pytest

from tests.sandbox.conftest import REPOSITORY, Account, Sandbox
from tests.support.stack import COMPILED

MOST_MEGABYTES = 145


@pytest.mark.parametrize("location_type", ["region", "availability-zone"])
def test_every_region_offers_the_instance_types_that_moto_knows(sandbox: Sandbox, location_type: str) -> None:
    folder = Path(moto.__file__).parent / "ec2/resources/instance_type_offerings" / location_type
    known = json.loads(gzip.decompress((folder / "eu-west-3.json.gz").read_bytes()))
    ec2 = sandbox.client("ec2", region="eu-west-3")
    answer = ec2.describe_instance_type_offerings(LocationType=location_type)["InstanceTypeOfferings"]
    assert {(offer["InstanceType"], offer["Location"]) for offer in answer} == {
        (offer["InstanceType"], offer["Location"]) for offer in known
    }
    assert {offer["LocationType"] for offer in answer} == {location_type}


def test_every_type_of_instance_can_be_described(sandbox: Sandbox) -> None:
    known = json.loads(
        gzip.decompress((Path(moto.__file__).parent / "ec2/resources/instance_types.json.gz").read_bytes())
    )
    pages = sandbox.client("ec2").get_paginator("describe_instance_types").paginate()
    described = {
        found["InstanceType"]: found["VCpuInfo"]["DefaultVCpus"]
        for page in pages
        for found in page["InstanceTypes"]
    }
    assert described == {name: type_["VCpuInfo"]["DefaultVCpus"] for name, type_ in known.items()}


def test_every_account_has_the_policies_that_aws_manages(sandbox: Sandbox, other_account: Account) -> None:
    def names(keys: dict[str, str] | None) -> set[str]:
        pages = sandbox.client("iam", keys).get_paginator("list_policies").paginate(Scope="AWS")
        return {policy["PolicyName"] for page in pages for policy in page["Policies"]}

    first = names(None)
    assert "AdministratorAccess" in first
    assert names(other_account.keys) == first


def test_clients_work_with_moto_s_models_and_without_what_moto_adds_to_them() -> None:
    script = """
from sandbox import data_files
data_files.economise()
import botocore.session
from moto.core.loaders import create_loader
clients, motos = (
    loader.load_service_model("ec2", "service-2")["shapes"]
    for loader in (botocore.session.Session().get_component("data_loader"), create_loader())
)
assert clients["Instance"] is motos["Instance"]
assert motos.keys() - clients.keys() == {"AuthFailure", "DryRunOperation"}

import boto3
from botocore.stub import Stubber
s3 = boto3.client("s3", region_name="us-east-1", aws_access_key_id="none", aws_secret_access_key="none")
with Stubber(s3) as stubber:
    stubber.add_response("head_bucket", {"BucketRegion": "us-east-1"})
    assert s3.head_bucket(Bucket="any")["BucketRegion"] == "us-east-1"
# The client has changed its own.
operations = create_loader().load_service_model("s3", "service-2")["operations"]
assert operations["HeadBucket"]["http"]["requestUri"] == "/{Bucket}"
"""
    subprocess.run(
        [sys.executable, "-c", script],
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"], **COMPILED, "HOME": "/nonexistent"},
        check=True,
    )


@pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="the system does not tell a process's memory"
)
def test_a_sandbox_that_launched_an_instance_stays_small(launch_sandbox: Callable[..., Sandbox]) -> None:
    running = launch_sandbox()
    running.client("iam").list_users()
    ec2 = running.client("ec2")
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    ec2.run_instances(ImageId=image, InstanceType="t3.micro", MinCount=1, MaxCount=1)
    status = Path(f"/proc/{running.process.pid}/status").read_text()
    resident = re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)
    assert resident is not None
    assert int(resident[1]) / 1024 < MOST_MEGABYTES
