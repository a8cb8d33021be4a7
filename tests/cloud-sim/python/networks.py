"""The reads of ECS and VPC."""

from __future__ import annotations

import json

from listeners import REGION


def run(api, checks) -> None:
    answer = api.call(
        "DescribeInstances",
        product="ecs",
        RegionId=REGION,
        InstanceIds=json.dumps(["i-n1", "i-off", "i-none"]),
        MaxResults=1,
        VpcId="vpc-lab",
        VSwitchId="vsw-k",
        ZoneId="cn-hangzhou-k",
    )
    rows = answer["Instances"]["Instance"]
    checks.equal("a page of instances", [row["InstanceId"] for row in rows], ["i-n1"])
    checks.fields("instance", rows[0], {"Status": "Running", "ZoneId": "cn-hangzhou-k", "RegionId": REGION})
    checks.equal("address", rows[0]["VpcAttributes"]["PrivateIpAddress"]["IpAddress"], ["10.0.0.11"])
    answer = api.call(
        "DescribeInstances", product="ecs", RegionId=REGION, InstanceIds=json.dumps(["i-n1", "i-off"]), MaxResults=1, NextToken=answer["NextToken"]
    )
    rows = answer["Instances"]["Instance"]
    checks.equal("the next page", [(row["InstanceId"], row["Status"]) for row in rows], [("i-off", "Stopped")])
    answer = api.call(
        "DescribeNetworkInterfaces",
        product="ecs",
        RegionId=REGION,
        VpcId="vpc-lab",
        PrivateIpAddress=["10.0.1.2", "10.9.9.9"],
        MaxResults=100,
    )
    rows = answer["NetworkInterfaceSets"]["NetworkInterfaceSet"]
    checks.equal("by address", [row["NetworkInterfaceId"] for row in rows], ["eni-1"])
    addresses = [one["PrivateIpAddress"] for one in rows[0]["PrivateIpSets"]["PrivateIpSet"]]
    checks.equal("addresses of the interface", addresses, ["10.0.1.1", "10.0.1.2"])
    answer = api.call("DescribeNetworkInterfaces", product="ecs", RegionId=REGION, Ipv6Address=["fd00::1"], NetworkInterfaceId=["eni-1"])
    checks.equal("by IPv6 address", answer["TotalCount"], 1)
    answer = api.call("DescribeVpcs", product="vpc", RegionId=REGION, VpcId="vpc-lab", PageNumber=1, PageSize=50)
    vpc = answer["Vpcs"]["Vpc"][0]
    checks.fields("VPC", vpc, {"CidrBlock": "10.0.0.0/8", "VpcName": "lab", "Status": "Available"})
    answer = api.call("DescribeVSwitches", product="vpc", RegionId=REGION, VpcId="vpc-lab", VSwitchId="vsw-k", ZoneId="cn-hangzhou-k", PageSize=50)
    vswitch = answer["VSwitches"]["VSwitch"][0]
    checks.fields("vSwitch", vswitch, {"CidrBlock": "10.0.0.0/16", "AvailableIpAddressCount": 250})
    answer = api.call("DescribeEipAddresses", product="vpc", RegionId=REGION, AssociatedInstanceId="lb-x", AssociatedInstanceType="SlbInstance")
    checks.equal("EIP", [row["IpAddress"] for row in answer["EipAddresses"]["EipAddress"]], ["47.111.0.1"])
