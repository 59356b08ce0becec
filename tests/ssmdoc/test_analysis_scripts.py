"""The calls of AWS in Python scripts: each way of making a client and of calling it."""

import textwrap

import pytest

from ssmdoc.analysis import scripts
from ssmdoc.analysis.script_values import UNKNOWN


def made(source: str) -> list[str]:
    return sorted({f"{call.service}:{call.operation}" for call in scripts.calls(textwrap.dedent(source))})


def untold(source: str) -> list[tuple[int, str]]:
    return [(item.line, item.why) for item in scripts.read(textwrap.dedent(source)).untold]


@pytest.mark.parametrize(
    "source",
    [
        "import boto3\nboto3.client('ec2').describe_instances()",
        "import boto3 as b\nb.client(service_name='ec2', region_name='x').describe_instances()",
        "from boto3 import client as c\nc('ec2').describe_instances()",
        "import boto3\nboto3.session.Session(region_name='x').client('ec2').describe_instances()",
        "import boto3\nSERVICE = 'ec2'\nx = boto3.client(SERVICE)\nx.describe_instances()",
        "import boto3\nx = boto3.client('ec2')\ny = x\ny.describe_instances()",
        "import boto3\ndef make(r):\n  return boto3.client('ec2', region_name=r)\n"
        "make('x').describe_instances()",
        "import boto3\ndef use(ec2):\n  ec2.describe_instances()\ndef h(e, c):\n  use(boto3.client('ec2'))",
        "import boto3\ndef use(a, *, c=None):\n  c.describe_instances()\n"
        "def h(e, x):\n  use(1, c=boto3.client('ec2'))",
        "import boto3\nclass A:\n  ec2 = boto3.client('ec2')\n"
        "  def go(self):\n    self.ec2.describe_instances()",
        "import boto3\nclass A:\n  def __init__(self, n):\n    self.c = boto3.client(n)\n"
        "  def go(self):\n    self.c.describe_instances()\nA('ec2').go()",
        "import boto3\nx = {n: boto3.client(n) for n in ['ec2']}\nx['ec2'].describe_instances()",
        "import boto3\nx = {'a': boto3.client('ec2')}\nx['a'].describe_instances()",
        "import boto3\na, b = boto3.client('ec2'), 1\na.describe_instances()",
        "import boto3\ngetattr(boto3.client('ec2'), 'describe_instances')()",
        "import boto3\nlist(map(lambda i: boto3.client('ec2').describe_instances(InstanceIds=[i]), []))",
        "import boto3\nfor p in boto3.client('ec2').get_paginator('describe_instances').paginate():\n  pass",
        "import boto3\nboto3.client('ec2').get_waiter('instance_running').wait(InstanceIds=[])",
        "import boto3\nprint(boto3.resource('ec2').Instance('i-1').state)",
        "import boto3\n[i for i in boto3.resource('ec2').instances.all()]",
        "import boto3\nboto3.resource('ec2').meta.client.describe_instances()",
        "import boto3\nx = boto3.client('ec2')\ndef retry(f):\n  return f\nretry(x.describe_instances)()",
        "import boto3\nfrom concurrent import futures\nx = boto3.client('ec2')\n"
        "def one(c): c.describe_instances()\nfutures.submit(one, x)",
        "import boto3\ntry:\n  x = boto3.client('ec2')\nexcept Exception:\n  raise\nx.describe_instances()",
        "import boto3\ndef h(e, c):\n  global x\n  x = boto3.client('ec2')\n  g()\n"
        "def g():\n  x.describe_instances()",
        "import boto3\nwith boto3.client('ec2') as x:\n  x.describe_instances()",
        "async def h():\n  import boto3\n  await boto3.client('ec2').describe_instances()",
        "import botocore.session\nbotocore.session.get_session().create_client('ec2').describe_instances()",
    ],
)
def test_each_way_to_the_same_call(source: str) -> None:
    assert made(source) == ["ec2:DescribeInstances"]
    assert not untold(source)


def test_a_name_holds_what_it_was_last_given() -> None:
    source = """
        import boto3
        client = boto3.client("ec2")
        client.describe_tags()
        client = boto3.client("rds")
        client.describe_db_instances()
    """
    assert made(source) == ["ec2:DescribeTags", "rds:DescribeDBInstances"]
    assert not untold(source)


def test_a_name_that_may_hold_either_client_is_the_one_that_has_the_operation() -> None:
    source = """
        import boto3
        def h(event, context):
            name = "sns" if event["x"] else "sqs"
            client = boto3.client(name)
            client.publish()
            client.send_message()
    """
    assert made(source) == ["sns:Publish", "sqs:SendMessage"]
    assert not untold(source)


def test_resources_act_and_their_collections_list() -> None:
    source = """
        import boto3
        ec2 = boto3.resource("ec2")
        ec2.instances.filter(Filters=[]).terminate()
        for volume in ec2.volumes.all():
            volume.delete()
        bucket = boto3.resource("s3").Bucket("a")
        bucket.objects.all().delete()
        bucket.Object("k").put(Body="")
        boto3.client("s3").upload_file("f", "a", "k")
    """
    assert made(source) == [
        "ec2:DeleteVolume",
        "ec2:DescribeInstances",
        "ec2:DescribeVolumes",
        "ec2:TerminateInstances",
        "s3:DeleteObjects",
        "s3:ListObjects",
        "s3:PutObject",
    ]


def test_arguments_are_known_where_they_are_written() -> None:
    source = """
        import boto3
        def h(event, context):
            args = {"Bucket": "a"}
            args["Key"] = event["key"]
            boto3.client("s3").get_object(**args)
    """
    assert dict(scripts.calls(textwrap.dedent(source))[0].arguments) == {"Bucket": "a", "Key": UNKNOWN}


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("import boto3\nx = boto3.client(service)\n", 2),
        ("import boto3\ndef h(e, c):\n  getattr(boto3.client('ec2'), e['m'])()", 3),
        ("import boto3\nboto3.client('ec2').describe_dragons()", 2),
        ("from other import client\nclient.describe_instances()\ndef h(ec2):\n  ec2.describe_tags()", 4),
        ("import boto3\nboto3.client('ec2').get_paginator(name)", 2),
        ("def h(:\n  pass", 1),
    ],
)
def test_what_cannot_be_told_has_its_line(source: str, line: int) -> None:
    assert line in [place for place, _ in untold(source)]


def test_ordinary_code_calls_nothing() -> None:
    source = """
        import json, re, datetime
        def h(event, context):
            text = re.match("a", event.get("b", "")).group()
            return {"x": json.dumps(text), "t": datetime.datetime.now().isoformat()}
    """
    assert made(source) == []
    assert not untold(source)


@pytest.mark.parametrize(
    "source",
    [
        "def f(): f()\nf()",
        "def f(x): g(x)\ndef g(x): f(x)\nf(1)",
        "x = " + "(" * 150 + "1" + ")" * 150,
        "x = " + "-" * 5000 + "1",
        "\0",
        "x = {}\n" + "x['a'] = x\n" * 50,
        "l = []\nl.append(l)",
        "d = {}\nd.update(d)\nd['a'] = d\nd.get('a').get('a')",
        "\n".join(f"def f{n}(): f{n + 1}(); f{n + 1}()" for n in range(60)),
        "class A(A):\n  x = A().x",
    ],
)
def test_no_script_stops_the_reading(source: str) -> None:
    scripts.calls(source)
