"""Every attribute of every kind of listener: created, described, changed, described again."""

from __future__ import annotations

REGION = "cn-hangzhou"

LAYER_7 = {
    "HealthCheck": "on",
    "HealthCheckMethod": "get",
    "HealthCheckTimeout": 7,
    "HealthCheckInterval": 4,
    "HealthyThreshold": 4,
    "UnhealthyThreshold": 5,
    "HealthCheckConnectPort": 8081,
    "HealthCheckDomain": "www.example.com",
    "HealthCheckURI": "/healthz",
    "HealthCheckHttpCode": "http_2xx,http_3xx",
    "Scheduler": "rr",
    "Gzip": "off",
    "IdleTimeout": 30,
    "RequestTimeout": 90,
    "StickySession": "on",
    "StickySessionType": "insert",
    "CookieTimeout": 600,
    "XForwardedFor": "on",
    "XForwardedFor_ClientSrcPort": "on",
    "XForwardedFor_proto": "on",
    "XForwardedFor_SLBID": "on",
    "XForwardedFor_SLBIP": "on",
    "XForwardedFor_SLBPORT": "on",
    "Bandwidth": -1,
    "Description": "k8s/80/web/default/c1",
}
LAYER_7_CHANGED = {
    **LAYER_7,
    "HealthCheckMethod": "head",
    "HealthCheckTimeout": 8,
    "HealthCheckInterval": 5,
    "HealthyThreshold": 2,
    "UnhealthyThreshold": 2,
    "HealthCheckConnectPort": 8082,
    "HealthCheckDomain": "$_ip",
    "HealthCheckURI": "/ready",
    "HealthCheckHttpCode": "http_4xx",
    "Scheduler": "wrr",
    "Gzip": "on",
    "IdleTimeout": 31,
    "RequestTimeout": 91,
    "StickySessionType": "server",
    "Cookie": "session",
    "XForwardedFor_ClientSrcPort": "off",
    "XForwardedFor_proto": "off",
    "XForwardedFor_SLBID": "off",
    "XForwardedFor_SLBIP": "off",
    "XForwardedFor_SLBPORT": "off",
    "Bandwidth": 20,
    "Description": "changed",
}
del LAYER_7_CHANGED["CookieTimeout"]

LAYER_4 = {
    "HealthCheckSwitch": "on",
    "HealthCheckConnectTimeout": 9,
    "HealthCheckConnectPort": 8081,
    "HealthyThreshold": 4,
    "UnhealthyThreshold": 5,
    "ProxyProtocolV2Enabled": True,
    "Bandwidth": 10,
    "Description": "k8s/80/web/default/c1",
}
LAYER_4_CHANGED = {
    "HealthCheckSwitch": "on",
    "HealthCheckConnectTimeout": 10,
    "HealthCheckConnectPort": 8082,
    "HealthCheckInterval": 6,
    "HealthyThreshold": 2,
    "UnhealthyThreshold": 3,
    "ProxyProtocolV2Enabled": False,
    "Bandwidth": 12,
    "Description": "changed",
}
DRAIN = {"ConnectionDrain": "on", "ConnectionDrainTimeout": 30}
DRAIN_CHANGED = {"ConnectionDrain": "on", "ConnectionDrainTimeout": 60}

TCP = {
    **LAYER_4,
    **DRAIN,
    "healthCheckInterval": 3,
    "HealthCheckType": "http",
    "HealthCheckDomain": "www.example.com",
    "HealthCheckURI": "/healthz",
    "HealthCheckHttpCode": "http_3xx",
    "Scheduler": "rr",
    "PersistenceTimeout": 100,
    "EstablishedTimeout": 600,
}
TCP_CHANGED = {
    **LAYER_4_CHANGED,
    **DRAIN_CHANGED,
    "HealthCheckType": "tcp",
    "HealthCheckDomain": "$_ip",
    "HealthCheckURI": "/ready",
    "HealthCheckHttpCode": "http_4xx",
    "Scheduler": "wrr",
    "PersistenceTimeout": 0,
    "EstablishedTimeout": 500,
    "SynProxy": "enable",
}
UDP = {
    **LAYER_4,
    "healthCheckInterval": 3,
    "healthCheckReq": "ping",
    "healthCheckExp": "pong",
    "Scheduler": "sch",
}
UDP_CHANGED = {**LAYER_4_CHANGED, "healthCheckReq": "hello", "healthCheckExp": "world", "Scheduler": "qch"}

# What a parameter is called in answers, where that differs.
DESCRIBED_AS = {
    "HealthCheckSwitch": "HealthCheck",
    "healthCheckInterval": "HealthCheckInterval",
    "healthCheckReq": "HealthCheckReq",
    "healthCheckExp": "HealthCheckExp",
}
# Draining of UDP is in the V3 client's listener list, but in no request and no single answer that it knows.
NOT_IN_SINGLE = {"UDP": {"ConnectionDrain", "ConnectionDrainTimeout"}}
COMMON = {"AclStatus", "AclType", "AclId", "Bandwidth", "Description", "Scheduler", "VServerGroupId"}


def create_all(api, checks, made) -> None:
    """`made` has the ids of what other scenarios made: load balancer, groups, access list, certificates."""
    https = {
        "ServerCertificateId": made["certificate"],
        "CACertificateId": made["ca"],
        "EnableHttp2": "off",
        "TLSCipherPolicy": "tls_cipher_policy_1_2",
    }
    https_changed = {
        "ServerCertificateId": made["certificate2"],
        "CACertificateId": made["ca"],
        "EnableHttp2": "on",
        "TLSCipherPolicy": "tls-own",
    }
    one_listener(api, checks, made, "TCP", 80, TCP, TCP_CHANGED)
    drain, drain_changed = (DRAIN, DRAIN_CHANGED) if api.name == "V1" else ({}, {})
    one_listener(api, checks, made, "UDP", 80, {**UDP, **drain}, {**UDP_CHANGED, **drain_changed})
    one_listener(api, checks, made, "HTTP", 8080, LAYER_7, LAYER_7_CHANGED)
    one_listener(api, checks, made, "HTTPS", 443, {**LAYER_7, **https}, {**LAYER_7_CHANGED, **https_changed})
    both_ports(api, checks, made)
    forwarding(api, checks, made)
    paging(api, checks, made)


def delete_all(api, checks, made) -> None:
    """All but the HTTPS one, which goes with what it uses."""
    for protocol, port in (("tcp", 80), ("udp", 80), ("http", 8080)):
        api.call("DeleteLoadBalancerListener", **place(made, port), ListenerProtocol=protocol)
    gone = api.call("DescribeLoadBalancerListeners", RegionId=REGION, LoadBalancerId=[made["lb"]])
    checks.equal("listeners left", [row["ListenerProtocol"] for row in gone["Listeners"]], ["https"])


def place(made, port: int) -> dict:
    return {"RegionId": REGION, "LoadBalancerId": made["lb"], "ListenerPort": port}


def one_listener(api, checks, made, kind, port, attributes, changed) -> None:
    group = {"VServerGroupId": made["group"]}
    acl = {"AclStatus": "on", "AclType": "white", "AclId": made["acl"]}
    tags = [{"Key": "team", "Value": "web"}, {"Key": "empty", "Value": ""}]
    api.call(f"CreateLoadBalancer{kind}Listener", **place(made, port), **attributes, **group, **acl, Tag=tags)
    found = describe(api, made, kind, port)
    checks.equal(f"{kind}: a new listener", found["Status"], "stopped")
    described(checks, f"{kind} after creation", found, {**attributes, **group, **acl}, NOT_IN_SINGLE.get(kind, set()))
    checks.equal(f"{kind}: AclIds", found["AclIds"], {"AclId": [made["acl"]]})
    checks.equal(
        f"{kind}: tags",
        found["Tags"]["Tag"],
        [{"TagKey": "empty", "TagValue": ""}, {"TagKey": "team", "TagValue": "web"}],
    )
    listed(api, checks, made, kind, port, {**attributes, **group, **acl})
    protocol = {"ListenerProtocol": kind.lower()}
    api.call("StartLoadBalancerListener", **place(made, port), **protocol)
    checks.equal(f"{kind}: started", describe(api, made, kind, port)["Status"], "running")
    api.call("StopLoadBalancerListener", **place(made, port), **protocol)
    checks.equal(f"{kind}: stopped", describe(api, made, kind, port)["Status"], "stopped")
    api.call("StartLoadBalancerListener", **place(made, port), **protocol)

    health = api.call("DescribeHealthStatus", **place(made, port), **protocol)["BackendServers"]["BackendServer"]
    checks.equal(f"{kind}: health", {row["ServerHealthStatus"] for row in health}, {"normal"})

    action = f"SetLoadBalancer{kind}ListenerAttribute"
    acl["AclType"] = "black"
    group = {"VServerGroupId": made["group2"]}
    api.call(action, **place(made, port), **changed, **acl, DryRun=True)
    described(checks, f"{kind} after a dry run", describe(api, made, kind, port), attributes, NOT_IN_SINGLE.get(kind, set()))
    api.call(action, **place(made, port), **changed, **acl, **group, VServerGroup="on")
    found = describe(api, made, kind, port)
    described(checks, f"{kind} after the change", found, {**changed, **group, **acl}, NOT_IN_SINGLE.get(kind, set()))
    listed(api, checks, made, kind, port, {**changed, **group, **acl})
    api.call(action, **place(made, port), AclStatus="off")
    checks.fields(f"{kind} without access control", describe(api, made, kind, port), {"AclStatus": "off", "AclId": ""})


def describe(api, made, kind: str, port: int) -> dict:
    return api.call(f"DescribeLoadBalancer{kind}ListenerAttribute", **place(made, port))


def described(checks, what: str, found: dict, attributes: dict, left_out: set) -> None:
    for name, value in attributes.items():
        if name not in left_out and name not in ("VServerGroup", "DryRun"):
            checks.equal(f"{what}: {name}", found.get(DESCRIBED_AS.get(name, name)), value)


def listed(api, checks, made, kind: str, port: int, attributes: dict) -> None:
    answer = api.call(
        "DescribeLoadBalancerListeners",
        RegionId=REGION,
        LoadBalancerId=[made["lb"]],
        ListenerProtocol=kind.lower(),
        ListenerPort=port,
        Description=attributes["Description"],
        Tag=[{"Key": "team", "Value": "web"}],
    )
    checks.equal(f"{kind}: listed", answer["TotalCount"], 1)
    row = answer["Listeners"][0]
    config = row[f"{kind}ListenerConfig"]
    for name, value in attributes.items():
        if name == "SynProxy":
            continue
        wanted = str(value).lower() if isinstance(value, bool) else value
        name = DESCRIBED_AS.get(name, name)
        checks.equal(f"{kind} in the list: {name}", (row if name in COMMON else config).get(name), wanted)
    checks.equal(f"{kind} in the list: AclIds", row["AclIds"], [made["acl"]])
    checks.equal(f"{kind} in the list: Tags", [tag["TagKey"] for tag in row["Tags"]], ["empty", "team"])


def both_ports(api, checks, made) -> None:
    """TCP and UDP may share a port; then the protocol has to be named."""
    refused(checks, "stop with two listeners on the port", "TooManyListeners", lambda: api.call(
        "StopLoadBalancerListener", **place(made, 80)))


def forwarding(api, checks, made) -> None:
    attributes = {"HealthCheck": "off", "ListenerForward": "on", "ForwardPort": 443, "Description": "redirect"}
    api.call("CreateLoadBalancerHTTPListener", **place(made, 81), **attributes)
    found = describe(api, made, "HTTP", 81)
    checks.fields("redirect", found, {"ListenerForward": "on", "ForwardPort": 443, "Status": "stopped"})
    checks.holds("a redirect shows no scheduler", "Scheduler" not in found)
    refused(checks, "deleting the target of a redirect", "ListenerForwardExist", lambda: api.call(
        "DeleteLoadBalancerListener", **place(made, 443)))
    api.call("DeleteLoadBalancerListener", **place(made, 81))
    api.call("CreateLoadBalancerHTTPListener", **place(made, 82), HealthCheck="off", BackendServerPort=8000)
    checks.fields("by port", describe(api, made, "HTTP", 82), {"BackendServerPort": 8000, "HealthCheck": "off"})
    api.call("DeleteLoadBalancerListener", **place(made, 82))
    for kind, port, extra in (
        ("TCP", 83, {}),
        ("UDP", 83, {}),
        ("HTTPS", 84, {"HealthCheck": "off", "ServerCertificateId": made["certificate"]}),
    ):
        create = f"CreateLoadBalancer{kind}Listener"
        api.call(create, **place(made, port), Bandwidth=-1, BackendServerPort=8000, **extra)
        checks.equal(f"{kind} by port", describe(api, made, kind, port)["BackendServerPort"], 8000)
        sticky = {"StickySession": "on", "StickySessionType": "server", "Cookie": "c"}
        api.call("DeleteLoadBalancerListener", **place(made, port), ListenerProtocol=kind.lower())
        if kind == "HTTPS":
            api.call(create, **place(made, port), Bandwidth=-1, BackendServerPort=8000, **extra, **sticky)
            described(checks, "HTTPS by cookie", describe(api, made, kind, port), sticky, set())
            insert = {"StickySession": "on", "StickySessionType": "insert", "CookieTimeout": 60}
            api.call("SetLoadBalancerHTTPSListenerAttribute", **place(made, port), **insert)
            described(checks, "HTTPS by insertion", describe(api, made, kind, port), insert, set())
            api.call("DeleteLoadBalancerListener", **place(made, port))
    sticky = {"StickySession": "on", "StickySessionType": "server", "Cookie": "c"}
    api.call("CreateLoadBalancerHTTPListener", **place(made, 85), HealthCheck="off", BackendServerPort=1, **sticky)
    insert = {"StickySession": "on", "StickySessionType": "insert", "CookieTimeout": 60}
    api.call("SetLoadBalancerHTTPListenerAttribute", **place(made, 85), **insert)
    described(checks, "HTTP by insertion", describe(api, made, "HTTP", 85), insert, set())
    api.call("DeleteLoadBalancerListener", **place(made, 85))


def paging(api, checks, made) -> None:
    seen, token = [], None
    while True:
        page = {"NextToken": token} if token else {}
        answer = api.call("DescribeLoadBalancerListeners", LoadBalancerId=[made["lb"]], MaxResults=3, **page)
        seen += [(row["ListenerProtocol"], row["ListenerPort"]) for row in answer["Listeners"]]
        token = answer.get("NextToken")
        if not token:
            break
    checks.equal("all pages of listeners", sorted(seen), [("http", 8080), ("https", 443), ("tcp", 80), ("udp", 80)])


def refused(checks, what: str, code: str, attempt) -> None:
    from clients import Refused

    try:
        attempt()
        checks.equal(what, "carried out", code)
    except Refused as error:
        checks.equal(what, error.code, code)
