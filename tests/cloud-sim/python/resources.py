"""Every resource but listeners: created, described, changed, described again and deleted."""

from __future__ import annotations

import datetime
import json

from listeners import REGION, refused

TAGS = [{"Key": "team", "Value": "web"}, {"Key": "empty", "Value": ""}]
SHOWN_TAGS = [{"TagKey": "empty", "TagValue": ""}, {"TagKey": "team", "TagValue": "web"}]


def places(api, checks) -> None:
    regions = api.call("DescribeRegions", RegionId=REGION, AcceptLanguage="en-US")["Regions"]["Region"]
    checks.holds("regions", any(region["RegionId"] == REGION for region in regions))
    zones = api.call("DescribeZones", RegionId=REGION, AcceptLanguage="en-US")["Zones"]["Zone"]
    checks.holds("zones", any(zone["ZoneId"] == "cn-hangzhou-k" for zone in zones))
    available = api.call(
        "DescribeAvailableResource", RegionId=REGION, AddressType="vpc", AddressIPVersion="ipv4"
    )["AvailableResources"]["AvailableResource"]
    checks.holds("resources", any(pair["MasterZoneId"] == "cn-hangzhou-k" for pair in available))


def certificates(api, checks) -> dict:
    pem, key = certificate("www.example.com")
    uploaded = api.call(
        "UploadServerCertificate",
        RegionId=REGION,
        ServerCertificate=pem,
        PrivateKey=key,
        ServerCertificateName="www",
        ResourceGroupId="rg-lab",
        Tag=TAGS,
    )
    wanted = {"ServerCertificateName": "www", "CommonName": "www.example.com", "ResourceGroupId": "rg-lab"}
    checks.fields("uploaded certificate", uploaded, wanted)
    checks.equal(
        "names of the certificate",
        uploaded["SubjectAlternativeNames"]["SubjectAlternativeName"],
        ["www.example.com", "alt.example.com"],
    )
    one = {"RegionId": REGION, "ServerCertificateId": uploaded["ServerCertificateId"]}
    api.call("SetServerCertificateName", **one, ServerCertificateName="renamed")
    answer = api.call("DescribeServerCertificates", **one, ResourceGroupId="rg-lab", Tag=TAGS[:1])
    rows = answer["ServerCertificates"]["ServerCertificate"]
    checks.equal("certificate in the list", len(rows), 1)
    checks.fields("described certificate", rows[0], {**wanted, "ServerCertificateName": "renamed"})
    checks.equal("tags of the certificate", rows[0]["Tags"]["Tag"], SHOWN_TAGS)
    second = api.call(
        "UploadServerCertificate",
        RegionId=REGION,
        AliCloudCertificateId="123_1",
        AliCloudCertificateName="cas",
        AliCloudCertificateRegionId="cn-hangzhou",
    )
    checks.fields("from the service", second, {"AliCloudCertificateId": "123_1", "IsAliCloudCertificate": 1})
    ca = api.call(
        "UploadCACertificate", RegionId=REGION, CACertificate=pem, CACertificateName="ca", ResourceGroupId="rg-lab", Tag=TAGS
    )
    one_ca = {"RegionId": REGION, "CACertificateId": ca["CACertificateId"]}
    api.call("SetCACertificateName", **one_ca, CACertificateName="ca-renamed")
    rows = api.call("DescribeCACertificates", **one_ca, ResourceGroupId="rg-lab", Tag=TAGS[:1])
    rows = rows["CACertificates"]["CACertificate"]
    checks.fields("CA certificate", rows[0], {"CACertificateName": "ca-renamed", "CommonName": "www.example.com"})
    return {
        "certificate": uploaded["ServerCertificateId"],
        "certificate2": second["ServerCertificateId"],
        "ca": ca["CACertificateId"],
    }


def certificate(name: str) -> tuple[str, str]:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    names = x509.SubjectAlternativeName([x509.DNSName(name), x509.DNSName("alt.example.com")])
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = built.public_bytes(serialization.Encoding.PEM).decode()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    return pem, private


def access_lists(api, checks) -> str:
    made = api.call(
        "CreateAccessControlList", RegionId=REGION, AclName="list", AddressIPVersion="ipv4", ResourceGroupId="rg-lab", Tag=TAGS
    )
    one = {"RegionId": REGION, "AclId": made["AclId"]}
    entries = [{"entry": "10.0.0.0/8", "comment": "inside"}, {"entry": "192.0.2.1", "comment": "one"}]
    api.call("AddAccessControlListEntry", **one, AclEntrys=json.dumps(entries))
    api.call("RemoveAccessControlListEntry", **one, AclEntrys=json.dumps(entries[:1]))
    api.call("SetAccessControlListAttribute", **one, AclName="renamed")
    found = api.call("DescribeAccessControlListAttribute", **one, Page=1, PageSize=50, AclEntryComment="one")
    checks.fields("access list", found, {"AclName": "renamed", "AddressIPVersion": "ipv4", "TotalAclEntry": 1})
    checks.equal(
        "entries", found["AclEntrys"]["AclEntry"], [{"AclEntryIP": "192.0.2.1/32", "AclEntryComment": "one"}]
    )
    rows = api.call(
        "DescribeAccessControlLists",
        RegionId=REGION,
        AclName="renam",
        AddressIPVersion="ipv4",
        ResourceGroupId="rg-lab",
        PageNumber=1,
        PageSize=50,
        Tag=TAGS[:1],
    )
    checks.equal("access list in the list", [acl["AclId"] for acl in rows["Acls"]["Acl"]], [made["AclId"]])
    checks.equal("tags of the access list", rows["Acls"]["Acl"][0]["Tags"]["Tag"], SHOWN_TAGS)
    return made["AclId"]


def load_balancers(api, checks, suffix: str) -> dict:
    internet = {
        "RegionId": REGION,
        "AddressIPVersion": "ipv4",
        "AddressType": "internet",
        "DeleteProtection": "on",
        "InstanceChargeType": "PayBySpec",
        "InternetChargeType": "paybybandwidth",
        "LoadBalancerName": f"web-{suffix}",
        "LoadBalancerSpec": "slb.s1.small",
        "MasterZoneId": "cn-hangzhou-k",
        "SlaveZoneId": "cn-hangzhou-j",
        "ModificationProtectionReason": "managed.by.ack",
        "ModificationProtectionStatus": "ConsoleProtection",
        "PayType": "PayOnDemand",
        "ResourceGroupId": "rg-lab",
        "Bandwidth": 1000,
    }
    sent = {**internet, "ClientToken": f"token-{suffix}", "Tag": TAGS, "AutoPay": False, "Duration": 1, "PricingCycle": "month"}
    made = api.call("CreateLoadBalancer", **sent)
    again = api.call("CreateLoadBalancer", **sent)
    checks.equal("the same token", again["LoadBalancerId"], made["LoadBalancerId"])
    checks.fields("created", made, {"LoadBalancerName": f"web-{suffix}", "ResourceGroupId": "rg-lab"})
    one = {"RegionId": REGION, "LoadBalancerId": made["LoadBalancerId"]}
    found = api.call("DescribeLoadBalancerAttribute", **one)
    checks.fields("load balancer", found, {**internet, "LoadBalancerStatus": "active", "NetworkType": "classic"})
    checks.equal("tags of the load balancer", found["Tags"]["Tag"], SHOWN_TAGS)
    row = listed(api, checks, made, internet, suffix)
    checks.fields("in the list", row, {"InternetChargeType": "3", "InternetChargeTypeAlias": "paybybandwidth"})
    change(api, checks, one, suffix)
    internal(api, checks)
    return {"lb": made["LoadBalancerId"]}


def listed(api, checks, made, attributes, suffix) -> dict:
    filters = {
        "Address": made["Address"],
        "AddressIPVersion": "ipv4",
        "AddressType": "internet",
        "InternetChargeType": "paybybandwidth",
        "LoadBalancerId": made["LoadBalancerId"],
        "LoadBalancerName": f"web-{suffix}",
        "LoadBalancerStatus": "active",
        "MasterZoneId": "cn-hangzhou-k",
        "SlaveZoneId": "cn-hangzhou-j",
        "NetworkType": "classic",
        "PayType": "PayOnDemand",
        "ResourceGroupId": "rg-lab",
    }
    answer = api.call(
        "DescribeLoadBalancers",
        RegionId=REGION,
        PageNumber=1,
        PageSize=100,
        Tag=TAGS,
        Tags=json.dumps([{"TagKey": "team", "TagValue": "web"}]),
        **filters,
    )
    checks.equal("found by every filter", answer["TotalCount"], 1)
    row = answer["LoadBalancers"]["LoadBalancer"][0]
    same = {name: value for name, value in attributes.items() if name != "InternetChargeType"}
    checks.fields("in the list", row, same)
    for name, value in (("ServerId", "i-none"), ("ServerIntranetAddress", "10.9.9.9"), ("VpcId", "vpc-none"), ("VSwitchId", "vsw-none")):
        none = api.call("DescribeLoadBalancers", RegionId=REGION, **{name: value})
        checks.equal(f"found by another {name}", none["TotalCount"], 0)
    return row


def change(api, checks, one, suffix) -> None:
    api.call("SetLoadBalancerName", **one, LoadBalancerName=f"renamed-{suffix}")
    api.call("SetLoadBalancerStatus", **one, LoadBalancerStatus="inactive")
    api.call("SetLoadBalancerDeleteProtection", **one, DeleteProtection="off")
    api.call(
        "SetLoadBalancerModificationProtection",
        **one,
        ModificationProtectionStatus="ConsoleProtection",
        ModificationProtectionReason="other",
    )
    api.call("ModifyLoadBalancerInstanceSpec", **one, LoadBalancerSpec="slb.s2.small", AutoPay=True)
    api.call("ModifyLoadBalancerInternetSpec", **one, InternetChargeType="paybybandwidth", Bandwidth=2000, AutoPay=True)
    wanted = {
        "LoadBalancerName": f"renamed-{suffix}",
        "LoadBalancerStatus": "inactive",
        "DeleteProtection": "off",
        "ModificationProtectionReason": "other",
        "LoadBalancerSpec": "slb.s2.small",
        "Bandwidth": 2000,
    }
    checks.fields("changed", api.call("DescribeLoadBalancerAttribute", **one), wanted)
    api.call("ModifyLoadBalancerInternetSpec", **one, InternetChargeType="paybytraffic")
    api.call(
        "ModifyLoadBalancerInstanceChargeType",
        **one,
        InstanceChargeType="PayByCLCU",
        InternetChargeType="paybytraffic",
        Bandwidth=5120,
        LoadBalancerSpec="slb.s2.small",
    )
    wanted = {"InstanceChargeType": "PayByCLCU", "InternetChargeType": "paybytraffic", "Bandwidth": 5120}
    checks.fields("paid by use", api.call("DescribeLoadBalancerAttribute", **one), wanted)
    refused(checks, "a specification under PayByCLCU", "OperationDenied.PayByCLCU", lambda: api.call(
        "ModifyLoadBalancerInstanceSpec", **one, LoadBalancerSpec="slb.s1.small"))
    api.call("SetLoadBalancerStatus", **one, LoadBalancerStatus="active")


def internal(api, checks) -> None:
    inside = {
        "RegionId": REGION,
        "AddressType": "intranet",
        "VpcId": "vpc-lab",
        "VSwitchId": "vsw-k",
        "Address": "10.0.250.8",
        "InstanceChargeType": "PayByCLCU",
    }
    made = api.call("CreateLoadBalancer", **inside)
    one = {"RegionId": REGION, "LoadBalancerId": made["LoadBalancerId"]}
    checks.fields("internal", api.call("DescribeLoadBalancerAttribute", **one), {**inside, "NetworkType": "vpc"})
    refused(checks, "an address that is taken", "InvalidParameter", lambda: api.call("CreateLoadBalancer", **inside))
    refused(checks, "no address", "InvalidVSwitchId.NotFound", lambda: api.call(
        "CreateLoadBalancer", **{**inside, "VSwitchId": "vsw-none"}))
    api.call("DeleteLoadBalancer", **one)
    refused(checks, "gone", "InvalidLoadBalancerId.NotFound", lambda: api.call("DescribeLoadBalancerAttribute", **one))


def groups(api, checks, made) -> dict:
    one_lb = {"RegionId": REGION, "LoadBalancerId": made["lb"]}
    backends = [
        {"ServerId": "i-n1", "Port": 30080, "Weight": 100, "Type": "ecs", "Description": "k8s/a"},
        {"ServerId": "eni-1", "Port": "80", "Weight": "50", "Type": "eni", "ServerIp": "10.0.1.2", "Description": "pod"},
        {"ServerId": "eci-1", "Port": 80, "Type": "eci", "ServerIp": "10.0.0.14"},
    ]
    first = api.call(
        "CreateVServerGroup", **one_lb, VServerGroupName="k8s/80/web/default/c1", BackendServers=json.dumps(backends), Tag=TAGS
    )
    one = {"RegionId": REGION, "VServerGroupId": first["VServerGroupId"]}
    checks.equal("backends", shown(api, one), [
        ("i-n1", 30080, 100, "ecs", "", "k8s/a"), ("eni-1", 80, 50, "eni", "10.0.1.2", "pod"), ("eci-1", 80, 100, "eci", "10.0.0.14", "")])
    more = [{"ServerId": "i-n2", "Port": 30080}]
    api.call("AddVServerGroupBackendServers", **one, BackendServers=json.dumps(more))
    api.call("RemoveVServerGroupBackendServers", **one, BackendServers=json.dumps(backends[2:]))
    api.call(
        "ModifyVServerGroupBackendServers",
        **one,
        OldBackendServers=json.dumps(backends[1:2]),
        NewBackendServers=json.dumps([{"ServerId": "i-n2", "Port": 30081, "Weight": 7}]),
    )
    weights = [{"ServerId": "i-n1", "Port": 30080, "Weight": 0, "Description": "drained"}]
    api.call("SetVServerGroupAttribute", **one, VServerGroupName="renamed", BackendServers=json.dumps(weights))
    checks.equal("changed backends", shown(api, one), [
        ("i-n1", 30080, 0, "ecs", "", "drained"), ("i-n2", 30080, 100, "ecs", "", ""), ("i-n2", 30081, 7, "ecs", "", "")])
    answer = api.call("DescribeVServerGroups", **one_lb, IncludeListener=True, IncludeRule=True, Description="renamed", Tag=TAGS[:1])
    rows = answer["VServerGroups"]["VServerGroup"]
    checks.equal("group in the list", [(row["VServerGroupName"], row["ServerCount"]) for row in rows], [("renamed", 3)])
    checks.equal("tags of the group", rows[0]["Tags"]["Tag"], SHOWN_TAGS)
    refused(checks, "a stopped instance", "ObtainIpFail", lambda: api.call(
        "AddVServerGroupBackendServers", **one, BackendServers=json.dumps([{"ServerId": "i-off", "Port": 1}])))
    second = api.call("CreateVServerGroup", **one_lb, VServerGroupName="second")
    return {"group": first["VServerGroupId"], "group2": second["VServerGroupId"]}


def shown(api, one) -> list[tuple]:
    answer = api.call("DescribeVServerGroupAttribute", **one)
    names = ("ServerId", "Port", "Weight", "Type", "ServerIp", "Description")
    return [tuple(row[name] for name in names) for row in answer["BackendServers"]["BackendServer"]]


def domain_extensions(api, checks, made) -> None:
    listener = {"RegionId": REGION, "LoadBalancerId": made["lb"], "ListenerPort": 443}
    first = api.call("CreateDomainExtension", **listener, Domain="a.example.com", ServerCertificateId=made["certificate"])
    one = {"RegionId": REGION, "DomainExtensionId": first["DomainExtensionId"]}
    api.call("SetDomainExtensionAttribute", **one, ServerCertificateId=made["certificate2"])
    wanted = {"Domain": "a.example.com", "ServerCertificateId": made["certificate2"], **one}
    del wanted["RegionId"]
    checks.fields("extension domain", api.call("DescribeDomainExtensionAttribute", **one), wanted)
    rows = api.call("DescribeDomainExtensions", **listener, DomainExtensionId=first["DomainExtensionId"])
    checks.equal("extension domains", rows["DomainExtensions"]["DomainExtension"], [wanted])
    https = api.call("DescribeLoadBalancerHTTPSListenerAttribute", **listener)
    checks.equal("extension domains of the listener", https["DomainExtensions"]["DomainExtension"], [wanted])
    api.call("DeleteDomainExtension", **one)
    rows = api.call("DescribeDomainExtensions", **listener)
    checks.equal("extension domains left", rows["DomainExtensions"]["DomainExtension"], [])


def tags(api, checks, made) -> None:
    one = {"RegionId": REGION, "LoadBalancerId": made["lb"]}
    api.call("AddTags", **one, Tags=json.dumps([{"TagKey": "old", "TagValue": "way"}]))
    sets = api.call("DescribeTags", **one, Tags=json.dumps([{"TagKey": "old", "TagValue": "way"}]), PageNumber=1, PageSize=50)
    checks.equal("tag sets", sets["TagSets"]["TagSet"], [{"TagKey": "old", "TagValue": "way", "InstanceCount": 1}])
    checks.equal("keys", api.call("DescribeTags", RegionId=REGION, DistinctKey=True)["TotalCount"], 3)
    api.call("RemoveTags", **one, Tags=json.dumps([{"TagKey": "old", "TagValue": "way"}]))
    listener = f"{made['lb']}_tcp_80"
    kinds = {"instance": made["lb"], "vservergroup": made["group"], "acl": made["acl"], "certificate": made["certificate"], "listener": listener}
    for kind, resource in kinds.items():
        what = {"RegionId": REGION, "ResourceType": kind, "ResourceId": [resource]}
        api.call("TagResources", **what, Tag=[{"Key": "new", "Value": "tag"}])
        found = api.call("ListTagResources", **what, Tag=[{"Key": "new", "Value": "tag"}])["TagResources"]["TagResource"]
        wanted = [("empty", ""), ("new", "tag"), ("team", "web")]
        checks.equal(f"tags of {kind}", sorted((tag["TagKey"], tag["TagValue"]) for tag in found), wanted)
        api.call("UntagResources", **what, TagKey=["new"])
        api.call("UntagResources", **what, All=True)
        left = api.call("ListTagResources", **what)["TagResources"]["TagResource"]
        checks.equal(f"tags left of {kind}", left, [])
    page = api.call("ListTagResources", RegionId=REGION, ResourceType="instance", ResourceId=[made["lb"]], NextToken="0")
    checks.equal("a page of tags", page["TagResources"]["TagResource"], [])


def delete(api, checks, made) -> None:
    group = {"RegionId": REGION, "VServerGroupId": made["group2"]}
    refused(checks, "a group in use", "RspoolVipExist", lambda: api.call("DeleteVServerGroup", **group))
    refused(checks, "a certificate in use", "CertificateAndPrivateKeyIsRefered", lambda: api.call(
        "DeleteServerCertificate", RegionId=REGION, ServerCertificateId=made["certificate2"]))
    api.call("DeleteLoadBalancerListener", RegionId=REGION, LoadBalancerId=made["lb"], ListenerPort=443)
    for name in ("group", "group2"):
        api.call("DeleteVServerGroup", RegionId=REGION, VServerGroupId=made[name])
    one = {"RegionId": REGION, "LoadBalancerId": made["lb"]}
    api.call("SetLoadBalancerDeleteProtection", **one, DeleteProtection="on")
    refused(checks, "a protected load balancer", "OperationDenied.DeleteProtectionIsOn", lambda: api.call("DeleteLoadBalancer", **one))
    api.call("SetLoadBalancerDeleteProtection", **one, DeleteProtection="off")
    api.call("DeleteLoadBalancer", **one)
    api.call("DeleteAccessControlList", RegionId=REGION, AclId=made["acl"])
    for name in ("certificate", "certificate2"):
        api.call("DeleteServerCertificate", RegionId=REGION, ServerCertificateId=made[name])
    api.call("DeleteCACertificate", RegionId=REGION, CACertificateId=made["ca"])
    checks.equal("load balancers left", api.call("DescribeLoadBalancers", RegionId=REGION)["TotalCount"], 0)
