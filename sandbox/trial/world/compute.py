"""Machines, networks and functions of a trial's world."""

from __future__ import annotations

import io
import zipfile

from sandbox.trial.world.things import Thing, World, makes

_HANDLER = "def handler(event, context):\n    return {'statusCode': 200, 'status': 'Success'}\n"


@makes("vpc")
def vpc(world: World, name: str) -> Thing:
    found = world.client("ec2").describe_vpcs()["Vpcs"]
    made = found[0]["VpcId"]
    return Thing(made, made, world.arn("ec2", f"vpc/{made}"))


@makes("subnet")
def subnet(world: World, name: str) -> Thing:
    made = world.client("ec2").describe_subnets()["Subnets"][0]
    return Thing(made["SubnetId"], made["SubnetId"], made["SubnetArn"])


@makes("security-group")
def security_group(world: World, name: str) -> Thing:
    name = name or "trial-group"
    made = world.client("ec2").create_security_group(
        GroupName=name, Description="of the trial", VpcId=world.need("vpc").id
    )["GroupId"]
    world.client("ec2").authorize_security_group_ingress(
        GroupId=made, IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp="0.0.0.0/0"
    )
    return Thing(made, name, world.arn("ec2", f"security-group/{made}"))


@makes("default-security-group")
def default_security_group(world: World, name: str) -> Thing:
    found = world.client("ec2").describe_security_groups(
        Filters=[{"Name": "group-name", "Values": ["default"]}]
    )["SecurityGroups"][0]["GroupId"]
    return Thing(found, "default", world.arn("ec2", f"security-group/{found}"))


@makes("image")
def image(world: World, name: str) -> Thing:
    # One of one's own can be copied, shared and deregistered; moto's belong to others.
    made = world.client("ec2").create_image(InstanceId=world.need("instance").id, Name=name or "trial-image")
    return Thing(made["ImageId"], "trial-image")


@makes("public-image")
def public_image(world: World, name: str) -> Thing:
    names = ["Windows_Server*"] if world.windows else ["amzn2-ami-*", "amzn-ami-*"]
    found = world.client("ec2").describe_images(Filters=[{"Name": "name", "Values": names}])["Images"]
    return Thing((found or world.client("ec2").describe_images()["Images"])[0]["ImageId"])


@makes("key-pair")
def key_pair(world: World, name: str) -> Thing:
    made = world.client("ec2").create_key_pair(KeyName=name or "trial-key")
    return Thing(made["KeyName"], made["KeyName"])


@makes("instance")
def instance(world: World, name: str) -> Thing:
    made = world.client("ec2").run_instances(
        ImageId=world.need("public-image").id,
        InstanceType="t3.micro",
        MinCount=1,
        MaxCount=1,
        KeyName=world.need("key-pair").name,
        SecurityGroupIds=[world.need("security-group").id],
        SubnetId=world.need("subnet").id,
        IamInstanceProfile={"Name": world.need("instance-profile").name},
        TagSpecifications=[
            {"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": name or "trial-instance"}]}
        ],
    )["Instances"][0]["InstanceId"]
    return Thing(made, made, world.arn("ec2", f"instance/{made}"))


@makes("volume")
def volume(world: World, name: str) -> Thing:
    made = world.client("ec2").create_volume(
        AvailabilityZone=f"{world.region}a", Size=8, VolumeType="gp3", Iops=3000
    )["VolumeId"]
    return Thing(made, made, world.arn("ec2", f"volume/{made}"))


@makes("attached-volume")
def attached_volume(world: World, name: str) -> Thing:
    held = world.client("ec2").describe_instances(InstanceIds=[world.need("instance").id])
    mappings = held["Reservations"][0]["Instances"][0]["BlockDeviceMappings"]
    made = mappings[0]["Ebs"]["VolumeId"]
    return Thing(made, made, world.arn("ec2", f"volume/{made}"))


@makes("snapshot")
def snapshot(world: World, name: str) -> Thing:
    made = world.client("ec2").create_snapshot(VolumeId=world.need("volume").id)["SnapshotId"]
    return Thing(made, made, world.arn("ec2", f"snapshot/{made}"))


@makes("network-interface")
def network_interface(world: World, name: str) -> Thing:
    made = world.client("ec2").create_network_interface(SubnetId=world.need("subnet").id)
    return Thing(made["NetworkInterface"]["NetworkInterfaceId"])


@makes("route-table")
def route_table(world: World, name: str) -> Thing:
    return Thing(world.client("ec2").describe_route_tables()["RouteTables"][0]["RouteTableId"])


@makes("network-acl")
def network_acl(world: World, name: str) -> Thing:
    return Thing(world.client("ec2").describe_network_acls()["NetworkAcls"][0]["NetworkAclId"])


@makes("address")
def address(world: World, name: str) -> Thing:
    made = world.client("ec2").allocate_address(Domain="vpc")
    return Thing(made["AllocationId"], made["PublicIp"])


@makes("internet-gateway")
def internet_gateway(world: World, name: str) -> Thing:
    return Thing(world.client("ec2").create_internet_gateway()["InternetGateway"]["InternetGatewayId"])


@makes("transit-gateway")
def transit_gateway(world: World, name: str) -> Thing:
    made = world.client("ec2").create_transit_gateway(Description="of the trial")["TransitGateway"]
    return Thing(made["TransitGatewayId"], "", made["TransitGatewayArn"])


@makes("launch-template")
def launch_template(world: World, name: str) -> Thing:
    made = world.client("ec2").create_launch_template(
        LaunchTemplateName=name or "trial-template",
        LaunchTemplateData={"ImageId": world.need("public-image").id, "InstanceType": "t3.micro"},
    )["LaunchTemplate"]
    return Thing(made["LaunchTemplateId"], made["LaunchTemplateName"])


@makes("auto-scaling-group")
def auto_scaling_group(world: World, name: str) -> Thing:
    name = name or "trial-group"
    scaling = world.client("autoscaling")
    scaling.create_auto_scaling_group(
        AutoScalingGroupName=name,
        LaunchTemplate={"LaunchTemplateId": world.need("launch-template").id, "Version": "$Latest"},
        MinSize=1,
        MaxSize=4,
        DesiredCapacity=2,
        VPCZoneIdentifier=world.need("subnet").id,
    )
    made = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"][0]
    return Thing(name, name, made["AutoScalingGroupARN"])


@makes("load-balancer")
def load_balancer(world: World, name: str) -> Thing:
    subnets = [each["SubnetId"] for each in world.client("ec2").describe_subnets()["Subnets"][:2]]
    elb = world.client("elbv2")
    made = elb.create_load_balancer(
        Name=name or "trial-balancer", Subnets=subnets, SecurityGroups=[world.need("security-group").id]
    )["LoadBalancers"][0]
    # One without targets does nothing.
    group = elb.create_target_group(
        Name=f"{made['LoadBalancerName']}-all"[:32], Protocol="HTTP", Port=80, VpcId=world.need("vpc").id
    )["TargetGroups"][0]["TargetGroupArn"]
    elb.create_listener(
        LoadBalancerArn=made["LoadBalancerArn"],
        Protocol="HTTP",
        Port=80,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
    )
    return Thing(made["LoadBalancerArn"], made["LoadBalancerName"], made["LoadBalancerArn"])


@makes("target-group")
def target_group(world: World, name: str) -> Thing:
    elb = world.client("elbv2")
    made = elb.create_target_group(
        Name=name or "trial-targets", Protocol="HTTP", Port=80, VpcId=world.need("vpc").id
    )["TargetGroups"][0]["TargetGroupArn"]
    elb.create_listener(
        LoadBalancerArn=world.need("load-balancer").arn,
        Protocol="HTTP",
        Port=8080,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": made}],
    )
    elb.register_targets(TargetGroupArn=made, Targets=[{"Id": world.need("instance").id}])
    return Thing(made, name or "trial-targets", made)


@makes("classic-load-balancer")
def classic_load_balancer(world: World, name: str) -> Thing:
    name = name or "trial-classic"
    world.client("elb").create_load_balancer(
        LoadBalancerName=name,
        Listeners=[{"Protocol": "HTTP", "LoadBalancerPort": 80, "InstancePort": 80}],
        AvailabilityZones=[f"{world.region}a"],
    )
    return Thing(name, name)


@makes("function")
def function(world: World, name: str) -> Thing:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", _HANDLER)
    made = world.client("lambda").create_function(
        FunctionName=name or "trial-function",
        Runtime="python3.11",
        Role=world.need("role", "TrialFunctionRole").arn,
        Handler="index.handler",
        Code={"ZipFile": packed.getvalue()},
        Publish=True,
    )
    return Thing(made["FunctionName"], made["FunctionName"], made["FunctionArn"])


@makes("ecs-cluster")
def ecs_cluster(world: World, name: str) -> Thing:
    made = world.client("ecs").create_cluster(clusterName=name or "trial-cluster")["cluster"]
    return Thing(made["clusterName"], made["clusterName"], made["clusterArn"])


@makes("ecs-task-definition")
def ecs_task_definition(world: World, name: str) -> Thing:
    made = world.client("ecs").register_task_definition(
        family=name or "trial-task",
        containerDefinitions=[{"name": "main", "image": "busybox", "memory": 128, "cpu": 1}],
    )["taskDefinition"]["taskDefinitionArn"]
    return Thing(made, name or "trial-task", made)


@makes("ecs-service")
def ecs_service(world: World, name: str) -> Thing:
    made = world.client("ecs").create_service(
        cluster=world.need("ecs-cluster").name,
        serviceName=name or "trial-service",
        taskDefinition=world.need("ecs-task-definition").arn,
        desiredCount=1,
    )["service"]
    return Thing(made["serviceName"], made["serviceName"], made["serviceArn"])


@makes("eks-cluster")
def eks_cluster(world: World, name: str) -> Thing:
    subnets = [each["SubnetId"] for each in world.client("ec2").describe_subnets()["Subnets"][:2]]
    made = world.client("eks").create_cluster(
        name=name or "trial-cluster",
        roleArn=world.need("role", "TrialClusterRole").arn,
        resourcesVpcConfig={"subnetIds": subnets},
    )["cluster"]
    return Thing(made["name"], made["name"], made["arn"])
