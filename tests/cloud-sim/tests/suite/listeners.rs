//! Facts about listeners that a controller's author is likely to get wrong.

use crate::client::{Lab, text};
use serde_json::json;

struct Place {
    lab: Lab,
    lb: String,
    group: String,
}

impl Place {
    async fn start() -> Self {
        let lab = Lab::start().await;
        let lb = lab.load_balancer(&[]).await;
        let group = lab.group(&lb, "g").await;
        Place { lab, lb, group }
    }

    async fn call(&self, action: &str, port: &str, parameters: &[(&str, &str)]) -> crate::client::Called {
        let place = [("LoadBalancerId", self.lb.as_str()), ("ListenerPort", port)];
        self.lab.call(action, &[&place, parameters].concat()).await
    }

    async fn refused(&self, action: &str, port: &str, parameters: &[(&str, &str)]) -> crate::client::Failed {
        self.call(action, port, parameters).await.unwrap_err()
    }

    async fn create(&self, kind: &str, port: &str, parameters: &[(&str, &str)]) -> crate::client::Called {
        let common = [("VServerGroupId", self.group.as_str()), ("Bandwidth", "-1")];
        let action = format!("CreateLoadBalancer{kind}Listener");
        self.call(&action, port, &[&common, parameters].concat()).await
    }

    async fn describe(&self, kind: &str, port: &str) -> serde_json::Value {
        self.call(&format!("DescribeLoadBalancer{kind}ListenerAttribute"), port, &[])
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn creations_spell_the_interval_with_a_small_letter() {
    let place = Place::start().await;
    place
        .create("TCP", "80", &[("healthCheckInterval", "7")])
        .await
        .unwrap();
    assert_eq!(place.describe("TCP", "80").await["HealthCheckInterval"], 7);
    place
        .create("TCP", "81", &[("HealthCheckInterval", "7")])
        .await
        .unwrap();
    assert_eq!(
        place.describe("TCP", "81").await["HealthCheckInterval"],
        2,
        "unknown parameters are ignored"
    );
    let set = [("HealthCheckInterval", "9"), ("HealthCheckSwitch", "off")];
    place
        .call("SetLoadBalancerTCPListenerAttribute", "80", &set)
        .await
        .unwrap();
    let found = place.describe("TCP", "80").await;
    assert_eq!(
        (&found["HealthCheckInterval"], &found["HealthCheck"]),
        (&json!(9), &json!("off"))
    );
    place
        .create("UDP", "80", &[("healthCheckReq", "a"), ("healthCheckExp", "b")])
        .await
        .unwrap();
    let found = place.describe("UDP", "80").await;
    assert_eq!(
        (&found["HealthCheckReq"], &found["HealthCheckExp"]),
        (&json!("a"), &json!("b"))
    );
}

#[tokio::test]
async fn the_list_has_its_own_shapes() {
    let place = Place::start().await;
    let none = place
        .lab
        .call(
            "DescribeLoadBalancerListeners",
            &[("LoadBalancerId.1", &place.lb)],
        )
        .await
        .unwrap();
    assert!(
        none.get("Listeners").is_none(),
        "absent when there is none: {none}"
    );
    let acl = [
        ("AclStatus", "on"),
        ("AclType", "white"),
        ("AclId", "acl-1"),
        ("ProxyProtocolV2Enabled", "true"),
    ];
    place.create("TCP", "80", &acl).await.unwrap();
    let list = place
        .lab
        .call(
            "DescribeLoadBalancerListeners",
            &[("LoadBalancerId.1", &place.lb)],
        )
        .await
        .unwrap();
    let row = &list["Listeners"][0];
    assert_eq!((&row["AclIds"], &row["Tags"]), (&json!(["acl-1"]), &json!([])));
    assert_eq!(row["TCPListenerConfig"]["ProxyProtocolV2Enabled"], "true");
    let one = place.describe("TCP", "80").await;
    assert_eq!(
        (&one["AclIds"], &one["Tags"]),
        (&json!({ "AclId": ["acl-1"] }), &json!({ "Tag": [] }))
    );
    assert_eq!(one["ProxyProtocolV2Enabled"], true);
    let bare = place
        .lab
        .call("DescribeLoadBalancerListeners", &[("LoadBalancerId", &place.lb)])
        .await
        .unwrap();
    assert_eq!(
        bare["TotalCount"], 5,
        "a bare LoadBalancerId is ignored: all of the account"
    );
    let first = place
        .lab
        .call("DescribeLoadBalancerListeners", &[("MaxResults", "3")])
        .await
        .unwrap();
    let next = [
        ("MaxResults", "3"),
        ("NextToken", first["NextToken"].as_str().unwrap()),
    ];
    let second = place
        .lab
        .call("DescribeLoadBalancerListeners", &next)
        .await
        .unwrap();
    assert_eq!(second["Listeners"].as_array().unwrap().len(), 2);
    assert!(second.get("NextToken").is_none());
    let bad = [("NextToken", "nonsense")];
    assert_eq!(
        place.lab.refused("DescribeLoadBalancerListeners", &bad).await,
        "IllegalParam.NextToken"
    );
}

#[tokio::test]
async fn a_new_listener_is_stopped_and_started_once() {
    let place = Place::start().await;
    place.create("TCP", "80", &[]).await.unwrap();
    assert_eq!(place.describe("TCP", "80").await["Status"], "stopped");
    place.call("StartLoadBalancerListener", "80", &[]).await.unwrap();
    assert_eq!(place.describe("TCP", "80").await["Status"], "running");
    assert_eq!(
        place.refused("StartLoadBalancerListener", "80", &[]).await.code(),
        "Operation.NotAllowed"
    );
    let missing = place.refused("StartLoadBalancerListener", "81", &[]).await;
    assert_eq!(
        missing,
        crate::client::Failed::Refused(404, "ListenerNotFound".to_owned())
    );
    let missing = place.refused("DeleteLoadBalancerListener", "81", &[]).await;
    assert_eq!(
        missing,
        crate::client::Failed::Refused(404, "ResourceNotFound.Listener".to_owned())
    );
}

#[tokio::test]
async fn tcp_http_and_https_share_ports_and_udp_does_not() {
    let place = Place::start().await;
    place.create("TCP", "80", &[]).await.unwrap();
    let taken = place
        .create("HTTP", "80", &[("HealthCheck", "off")])
        .await
        .unwrap_err();
    assert_eq!(taken.code(), "ListenerAlreadyExists");
    place.create("UDP", "80", &[]).await.unwrap();
    assert_eq!(
        place.refused("StartLoadBalancerListener", "80", &[]).await.code(),
        "TooManyListeners"
    );
    place
        .call("StartLoadBalancerListener", "80", &[("ListenerProtocol", "udp")])
        .await
        .unwrap();
    let other = place
        .refused("SetLoadBalancerHTTPListenerAttribute", "80", &[("Gzip", "off")])
        .await;
    assert_eq!(other.code(), "UnsupportedOperationonfixedprotocalport");
}

#[tokio::test]
async fn switching_groups_needs_the_switch_too() {
    let place = Place::start().await;
    place.create("TCP", "80", &[]).await.unwrap();
    let other = place.lab.group(&place.lb, "other").await;
    let action = "SetLoadBalancerTCPListenerAttribute";
    place
        .call(action, "80", &[("VServerGroupId", &other)])
        .await
        .unwrap();
    assert_eq!(
        place.describe("TCP", "80").await["VServerGroupId"],
        json!(place.group)
    );
    place
        .call(
            action,
            "80",
            &[("VServerGroupId", &other), ("VServerGroup", "on")],
        )
        .await
        .unwrap();
    assert_eq!(place.describe("TCP", "80").await["VServerGroupId"], json!(other));
    assert_eq!(
        place
            .refused(action, "80", &[("VServerGroup", "on")])
            .await
            .code(),
        "MissingParam.VServerGroupId"
    );
    assert_eq!(
        place
            .refused(action, "80", &[("VServerGroup", "off")])
            .await
            .code(),
        "OperationFailed.ServerGroupInUse"
    );
    let unknown = place
        .refused(
            action,
            "80",
            &[("VServerGroupId", "rsp-x"), ("VServerGroup", "on")],
        )
        .await;
    assert_eq!(
        unknown,
        crate::client::Failed::Refused(404, "InvalidParameter".to_owned())
    );
    let of_another = [("VServerGroupId", "rsp-user-04"), ("VServerGroup", "on")];
    assert_eq!(
        place.refused(action, "80", &of_another).await.code(),
        "InvalidParam.VServerGroupId"
    );
}

#[tokio::test]
async fn a_redirect_describes_as_almost_nothing() {
    let place = Place::start().await;
    let forward = [
        ("HealthCheck", "off"),
        ("ListenerForward", "on"),
        ("ForwardPort", "443"),
    ];
    let action = "CreateLoadBalancerHTTPListener";
    assert_eq!(
        place.refused(action, "80", &forward).await.code(),
        "InvalidParameter",
        "the target comes first"
    );
    let https = [("HealthCheck", "off"), ("ServerCertificateId", "cert-a")];
    place.create("HTTPS", "443", &https).await.unwrap();
    place.call(action, "80", &forward).await.unwrap();
    let found = place.describe("HTTP", "80").await;
    assert_eq!(
        (&found["ForwardPort"], &found["ListenerForward"]),
        (&json!(443), &json!("on"))
    );
    for absent in ["Scheduler", "VServerGroupId", "HealthCheck", "Bandwidth"] {
        assert!(found.get(absent).is_none(), "{absent}: {found}");
    }
    assert_eq!(
        place
            .refused("DeleteLoadBalancerListener", "443", &[])
            .await
            .code(),
        "ListenerForwardExist"
    );
    place.call("DeleteLoadBalancerListener", "80", &[]).await.unwrap();
    place
        .call("DeleteLoadBalancerListener", "443", &[])
        .await
        .unwrap();
}

#[tokio::test]
async fn the_last_listener_leaves_the_load_balancer_inactive() {
    let place = Place::start().await;
    place.create("TCP", "80", &[]).await.unwrap();
    let status = async || {
        let lb = [("LoadBalancerId", place.lb.as_str())];
        text(
            &place
                .lab
                .call("DescribeLoadBalancerAttribute", &lb)
                .await
                .unwrap(),
            "LoadBalancerStatus",
        )
    };
    assert_eq!(status().await, "active");
    place.call("DeleteLoadBalancerListener", "80", &[]).await.unwrap();
    assert_eq!(status().await, "inactive");
    place.create("TCP", "80", &[]).await.unwrap();
    place.call("StartLoadBalancerListener", "80", &[]).await.unwrap();
    assert_eq!(status().await, "active");
}

#[tokio::test]
async fn schedulers_move_within_their_family_only() {
    let place = Place::start().await;
    place.create("TCP", "80", &[("Scheduler", "rr")]).await.unwrap();
    let set = "SetLoadBalancerTCPListenerAttribute";
    place.call(set, "80", &[("Scheduler", "wrr")]).await.unwrap();
    assert_eq!(
        place.refused(set, "80", &[("Scheduler", "sch")]).await.code(),
        "InvalidParameter"
    );
    place.create("TCP", "81", &[("Scheduler", "sch")]).await.unwrap();
    assert_eq!(
        place.refused(set, "81", &[("Scheduler", "tch")]).await.code(),
        "InvalidParameter"
    );
    place.create("UDP", "80", &[("Scheduler", "sch")]).await.unwrap();
    place
        .call(
            "SetLoadBalancerUDPListenerAttribute",
            "80",
            &[("Scheduler", "qch")],
        )
        .await
        .unwrap();
    let gone = place
        .create("TCP", "82", &[("Scheduler", "wlc")])
        .await
        .unwrap_err();
    assert_eq!(gone.code(), "InvalidParameter");
}

#[tokio::test]
async fn what_is_on_needs_what_belongs_to_it() {
    let place = Place::start().await;
    let refused = async |kind: &str, parameters: &[(&str, &str)]| {
        place
            .create(kind, "80", parameters)
            .await
            .unwrap_err()
            .code()
            .to_owned()
    };
    assert_eq!(
        refused("TCP", &[("AclStatus", "on"), ("AclType", "white")]).await,
        "MissingParameter"
    );
    let unknown = [("AclStatus", "on"), ("AclType", "white"), ("AclId", "acl-x")];
    assert_eq!(refused("TCP", &unknown).await, "AclNotExist");
    assert_eq!(
        refused("TCP", &[("ConnectionDrain", "on")]).await,
        "MissingParameter"
    );
    let check = ("HealthCheck", "off");
    assert_eq!(
        refused("HTTP", &[]).await,
        "MissingParameter",
        "HealthCheck is mandatory"
    );
    assert_eq!(
        refused("HTTP", &[check, ("StickySession", "on")]).await,
        "MissingParameter"
    );
    let insert = [check, ("StickySession", "on"), ("StickySessionType", "insert")];
    assert_eq!(refused("HTTP", &insert).await, "MissingParameter");
    assert_eq!(
        refused("HTTP", &[check, ("IdleTimeout", "61")]).await,
        "InvalidParameter.IdleTimeout"
    );
    assert_eq!(refused("HTTPS", &[check]).await, "InvalidParameter");
    assert_eq!(
        refused("HTTPS", &[check, ("ServerCertificateId", "cert-x")]).await,
        "CertificateNotExist"
    );
    let policy = [
        check,
        ("ServerCertificateId", "cert-a"),
        ("TLSCipherPolicy", "tls-x"),
    ];
    assert_eq!(refused("HTTPS", &policy).await, "InvalidTLSPolicyId.NotExist");
    assert_eq!(
        refused("UDP", &[("healthCheckReq", "")]).await,
        "InvalidParamLength.HealthCheckReq"
    );
    let no_target = place
        .call("CreateLoadBalancerTCPListener", "80", &[("Bandwidth", "-1")])
        .await
        .unwrap_err();
    assert_eq!(no_target.code(), "MissingParameter");
    place
        .create("TCP", "80", &[("HealthCheckURI", "/")])
        .await
        .expect("what Describe returns has to be accepted");
}

#[tokio::test]
async fn extension_domains() {
    let place = Place::start().await;
    let https = [("HealthCheck", "off"), ("ServerCertificateId", "cert-a")];
    place.create("HTTPS", "443", &https).await.unwrap();
    let action = "CreateDomainExtension";
    let one = [("Domain", "a.example.com"), ("ServerCertificateId", "cert-b")];
    let made = place.call(action, "443", &one).await.unwrap();
    assert_eq!(
        place.refused(action, "443", &one).await.code(),
        "InvalidParameter.Domain"
    );
    assert_eq!(
        place.refused(action, "443", &one[..1]).await.code(),
        "MissingParameter.CertificateId"
    );
    let unknown = [("Domain", "b.example.com"), ("ServerCertificateId", "cert-x")];
    assert_eq!(
        place.refused(action, "443", &unknown).await.code(),
        "InvalidParameter.ServerCertificateId"
    );
    for domain in ["b.example.com", "c.example.com"] {
        place
            .call(action, "443", &[("Domain", domain), one[1]])
            .await
            .unwrap();
    }
    let fourth = place
        .refused(action, "443", &[("Domain", "d.example.com"), one[1]])
        .await;
    assert_eq!(fourth.code(), "DomainExtensionNumberOverLimit");
    let id = text(&made, "DomainExtensionId");
    let change = [
        ("DomainExtensionId", id.as_str()),
        ("ServerCertificateId", "cert-c"),
    ];
    place
        .lab
        .call("SetDomainExtensionAttribute", &change)
        .await
        .unwrap();
    let found = place
        .lab
        .call("DescribeDomainExtensionAttribute", &change[..1])
        .await
        .unwrap();
    assert_eq!(found["ServerCertificateId"], "cert-c");
    place
        .lab
        .call("DeleteDomainExtension", &change[..1])
        .await
        .unwrap();
    let gone = place.lab.refused("DeleteDomainExtension", &change[..1]).await;
    assert_eq!(gone, "InvalidParameter.DomainExtensionId");
}
