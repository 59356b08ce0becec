"""Databases, buckets, queues and streams of a trial's world."""

from __future__ import annotations

import json
from typing import Any

from sandbox.trial.world.things import Thing, World, makes, policy

_MASTER = {"MasterUsername": "admin", "MasterUserPassword": "trial-password"}


@makes("bucket")
def bucket(world: World, name: str) -> Thing:
    name = name or f"trial-bucket-{world.account_id}"
    s3 = world.client("s3")
    where: dict[str, Any] = {}
    if world.region != "us-east-1":
        where["CreateBucketConfiguration"] = {"LocationConstraint": world.region}
    s3.create_bucket(Bucket=name, ObjectOwnership="BucketOwnerPreferred", **where)
    # Access may be logged to it, and of its object there is an older version.
    logs = "uri=http://acs.amazonaws.com/groups/s3/LogDelivery"
    s3.put_bucket_acl(Bucket=name, GrantWrite=logs, GrantReadACP=logs)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=name, Key="trial/object.txt", Body=b"of the trial, earlier\n")
    s3.put_object(Bucket=name, Key="trial/object.txt", Body=b"of the trial\n")
    return Thing(name, name, f"arn:{world.partition}:s3:::{name}")


@makes("object")
def stored_object(world: World, name: str) -> Thing:
    name = name or "trial/object.txt"
    world.client("s3").put_object(Bucket=world.need("bucket").name, Key=name, Body=b"of the trial\n")
    return Thing(name, name)


@makes("db-subnet-group")
def db_subnet_group(world: World, name: str) -> Thing:
    subnets = [each["SubnetId"] for each in world.client("ec2").describe_subnets()["Subnets"][:2]]
    made = world.client("rds").create_db_subnet_group(
        DBSubnetGroupName=name or "trial-subnets", DBSubnetGroupDescription="of the trial", SubnetIds=subnets
    )["DBSubnetGroup"]
    return Thing(made["DBSubnetGroupName"], made["DBSubnetGroupName"], made["DBSubnetGroupArn"])


@makes("db-instance")
def db_instance(world: World, name: str) -> Thing:
    made = world.client("rds").create_db_instance(
        DBInstanceIdentifier=name or "trial-db",
        DBInstanceClass="db.t3.medium",
        Engine="mysql",
        AllocatedStorage=20,
        BackupRetentionPeriod=1,
        VpcSecurityGroupIds=[world.need("security-group").id],
        DBSubnetGroupName=world.need("db-subnet-group").name,
        **_MASTER,
    )["DBInstance"]
    return Thing(made["DBInstanceIdentifier"], made["DBInstanceIdentifier"], made["DBInstanceArn"])


@makes("db-resource")
def db_resource(world: World, name: str) -> Thing:
    found = world.client("rds").describe_db_instances(DBInstanceIdentifier=world.need("db-instance").id)
    return Thing(found["DBInstances"][0]["DbiResourceId"])


@makes("db-cluster")
def db_cluster(world: World, name: str) -> Thing:
    return _cluster(world, name or "trial-db-cluster", "aurora-mysql")


@makes("document-cluster")
def document_cluster(world: World, name: str) -> Thing:
    # moto makes none of this engine; DocumentDB's API is that of RDS.
    return _cluster(world, name or "trial-document-cluster", "aurora-mysql")


@makes("graph-cluster")
def graph_cluster(world: World, name: str) -> Thing:
    return _cluster(world, name or "trial-graph-cluster", "neptune")


def _cluster(world: World, name: str, engine: str) -> Thing:
    rds = world.client("rds")
    made = rds.create_db_cluster(
        DBClusterIdentifier=name,
        Engine=engine,
        BackupRetentionPeriod=1,
        DBSubnetGroupName=world.need("db-subnet-group").name,
        **_MASTER,
    )["DBCluster"]
    for number in (1, 2):
        rds.create_db_instance(
            DBInstanceIdentifier=f"{name}-{number}",
            DBInstanceClass="db.r5.large",
            Engine=engine,
            DBClusterIdentifier=name,
        )
    return Thing(made["DBClusterIdentifier"], made["DBClusterIdentifier"], made["DBClusterArn"])


@makes("db-cluster-resource")
def db_cluster_resource(world: World, name: str) -> Thing:
    found = world.client("rds").describe_db_clusters(DBClusterIdentifier=world.need("db-cluster").id)
    return Thing(found["DBClusters"][0]["DbClusterResourceId"])


@makes("document-instance")
def document_instance(world: World, name: str) -> Thing:
    member = f"{world.need('document-cluster').name}-1"
    return Thing(member, member, world.arn("rds", f"db:{member}"))


@makes("db-snapshot")
def db_snapshot(world: World, name: str) -> Thing:
    made = world.client("rds").create_db_snapshot(
        DBSnapshotIdentifier=name or "trial-db-snapshot", DBInstanceIdentifier=world.need("db-instance").id
    )["DBSnapshot"]
    return Thing(made["DBSnapshotIdentifier"], made["DBSnapshotIdentifier"], made["DBSnapshotArn"])


@makes("db-cluster-snapshot")
def db_cluster_snapshot(world: World, name: str) -> Thing:
    made = world.client("rds").create_db_cluster_snapshot(
        DBClusterSnapshotIdentifier=name or "trial-cluster-snapshot",
        DBClusterIdentifier=world.need("db-cluster").id,
    )["DBClusterSnapshot"]
    snapshot = made["DBClusterSnapshotIdentifier"]
    return Thing(snapshot, snapshot, made["DBClusterSnapshotArn"])


@makes("redshift-cluster")
def redshift_cluster(world: World, name: str) -> Thing:
    name = name or "trial-redshift"
    world.client("redshift").create_cluster(
        ClusterIdentifier=name, NodeType="ra3.xlplus", NumberOfNodes=2, DBName="trial", **_MASTER
    )
    return Thing(name, name, world.arn("redshift", f"cluster:{name}"))


@makes("replication-group")
def replication_group(world: World, name: str) -> Thing:
    made = world.client("elasticache").create_replication_group(
        ReplicationGroupId=name or "trial-cache",
        ReplicationGroupDescription="of the trial",
        Engine="redis",
        NumCacheClusters=2,
        CacheNodeType="cache.t3.micro",
    )["ReplicationGroup"]
    return Thing(made["ReplicationGroupId"], made["ReplicationGroupId"], made["ARN"])


@makes("cache-cluster")
def cache_cluster(world: World, name: str) -> Thing:
    made = world.client("elasticache").create_cache_cluster(
        CacheClusterId=name or "trial-cache-node",
        Engine="redis",
        NumCacheNodes=1,
        CacheNodeType="cache.t3.micro",
    )["CacheCluster"]
    return Thing(made["CacheClusterId"], made["CacheClusterId"], made["ARN"])


@makes("table")
def table(world: World, name: str) -> Thing:
    made = world.client("dynamodb").create_table(
        TableName=name or "trial-table",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )["TableDescription"]
    return Thing(made["TableName"], made["TableName"], made["TableArn"])


@makes("table-backup")
def table_backup(world: World, name: str) -> Thing:
    made = world.client("dynamodb").create_backup(
        TableName=world.need("table").name, BackupName=name or "trial-backup"
    )["BackupDetails"]
    return Thing(made["BackupArn"], made["BackupName"], made["BackupArn"])


@makes("file-system")
def file_system(world: World, name: str) -> Thing:
    efs = world.client("efs")
    made = efs.create_file_system(CreationToken=name or "trial", Backup=True)
    efs.create_mount_target(
        FileSystemId=made["FileSystemId"],
        SubnetId=world.need("subnet").id,
        SecurityGroups=[world.need("security-group").id],
    )
    return Thing(made["FileSystemId"], made["FileSystemId"], made["FileSystemArn"])


@makes("queue")
def queue(world: World, name: str) -> Thing:
    name = name or "trial-queue"
    sqs = world.client("sqs")
    fifo = ".fifo" if name.endswith(".fifo") else ""
    if not name.startswith("trial-dead-letters"):
        dead = world.need("queue", f"trial-dead-letters{fifo}").arn
        attributes = {"RedrivePolicy": json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": "5"})}
    else:
        attributes = {}
    arn = world.arn("sqs", name)
    owner = {"AWS": f"arn:{world.partition}:iam::{world.account_id}:root"}
    attributes["Policy"] = policy(
        {"Sid": "Owner", "Effect": "Allow", "Principal": owner, "Action": "sqs:*", "Resource": arn}
    )
    if fifo:
        attributes["FifoQueue"] = "true"
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    return Thing(url, name, arn, url)


@makes("topic")
def topic(world: World, name: str) -> Thing:
    # The topics that approvers are told by must begin so.
    made = world.client("sns").create_topic(Name=name or "Automation-trial-topic")["TopicArn"]
    return Thing(made, made.rpartition(":")[2], made)


@makes("subscription")
def subscription(world: World, name: str) -> Thing:
    made = world.client("sns").subscribe(
        TopicArn=world.need("topic").arn,
        Protocol="sqs",
        Endpoint=world.need("queue").arn,
        Attributes={
            "RedrivePolicy": json.dumps(
                {"deadLetterTargetArn": world.need("queue", "trial-dead-letters").arn}
            )
        },
        ReturnSubscriptionArn=True,
    )["SubscriptionArn"]
    return Thing(made, "", made)


@makes("stream")
def stream(world: World, name: str) -> Thing:
    name = name or "trial-stream"
    world.client("kinesis").create_stream(StreamName=name, ShardCount=1)
    return Thing(name, name, world.arn("kinesis", f"stream/{name}"))


@makes("analytics-application")
def analytics_application(world: World, name: str) -> Thing:
    made = world.client("kinesisanalyticsv2").create_application(
        ApplicationName=name or "trial-application",
        RuntimeEnvironment="FLINK-1_18",
        ServiceExecutionRole=world.need("role").arn,
    )["ApplicationDetail"]
    return Thing(name or "trial-application", name or "trial-application", made["ApplicationARN"])


@makes("repository")
def repository(world: World, name: str) -> Thing:
    made = world.client("ecr").create_repository(repositoryName=name or "trial-repository")["repository"]
    return Thing(made["repositoryName"], made["repositoryName"], made["repositoryArn"], made["repositoryUri"])
