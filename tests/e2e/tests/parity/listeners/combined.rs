//! What the reference's examples leave out: annotations without an example, and several together.

use clb_e2e::{Api, service_api};
use serde_json::{Value, json};

use crate::lab::{self, account, apply_all, events, service};
use crate::shown::id_of;

/// A Service and what the cloud must show of it, by JSON pointers into its CLB.
struct Case {
    name: &'static str,
    ports: &'static [&'static str],
    annotations: &'static [(&'static str, &'static str)],
    shows: Vec<(&'static str, Value)>,
}

fn cases() -> Vec<Case> {
    vec![
        Case {
            name: "sticky-server",
            ports: &["80/TCP"],
            annotations: &[
                ("protocol-port", "http:80"),
                ("sticky-session", "on"),
                ("sticky-session-type", "server"),
                ("cookie", "my-cookie"),
            ],
            shows: vec![
                ("/listeners/http~180/StickySession", json!("on")),
                ("/listeners/http~180/StickySessionType", json!("server")),
                ("/listeners/http~180/Cookie", json!("my-cookie")),
            ],
        },
        Case {
            name: "tcp-checked-by-http",
            ports: &["80/TCP"],
            annotations: &[
                ("health-check-type", "http"),
                ("health-check-uri", "/ready"),
                ("health-check-domain", "$_ip"),
                ("health-check-httpcode", "http_2xx,http_3xx"),
                ("health-check-connect-port", "8080"),
                ("health-check-connect-timeout", "9"),
            ],
            shows: vec![
                ("/listeners/tcp~180/HealthCheck", json!("on")),
                ("/listeners/tcp~180/HealthCheckType", json!("http")),
                ("/listeners/tcp~180/HealthCheckURI", json!("/ready")),
                ("/listeners/tcp~180/HealthCheckDomain", json!("$_ip")),
                (
                    "/listeners/tcp~180/HealthCheckHttpCode",
                    json!("http_2xx,http_3xx"),
                ),
                ("/listeners/tcp~180/HealthCheckConnectPort", json!(8080)),
                ("/listeners/tcp~180/HealthCheckConnectTimeout", json!(9)),
            ],
        },
        Case {
            name: "https-checked-by-get",
            ports: &["443/TCP"],
            annotations: &[
                ("protocol-port", "https:443"),
                ("cert-id", "cert-b"),
                ("health-check-flag", "on"),
                ("health-check-method", "get"),
                ("health-check-timeout", "20"),
                ("tls-cipher-policy", "tls_cipher_policy_1_2_strict_with_1_3"),
                ("http2-enabled", "on"),
                ("request-timeout", "180"),
                ("idle-timeout", "60"),
            ],
            shows: vec![
                ("/listeners/https~1443/ServerCertificateId", json!("cert-b")),
                ("/listeners/https~1443/HealthCheck", json!("on")),
                ("/listeners/https~1443/HealthCheckMethod", json!("get")),
                ("/listeners/https~1443/HealthCheckTimeout", json!(20)),
                (
                    "/listeners/https~1443/TLSCipherPolicy",
                    json!("tls_cipher_policy_1_2_strict_with_1_3"),
                ),
                ("/listeners/https~1443/RequestTimeout", json!(180)),
                ("/listeners/https~1443/IdleTimeout", json!(60)),
            ],
        },
        Case {
            name: "every-kind-of-listener",
            ports: &["80/TCP", "443/TCP", "22/TCP", "53/UDP"],
            annotations: &[
                ("protocol-port", "http:80,https:443"),
                ("cert-id", "cert-a"),
                ("scheduler", "wrr"),
                ("acl-status", "on"),
                ("acl-id", "acl-2"),
                ("acl-type", "black"),
                ("xforwardedfor-proto", "on"),
                ("established-timeout", "20"),
                ("connection-drain", "on"),
                ("connection-drain-timeout", "10"),
                ("healthy-threshold", "2"),
            ],
            shows: vec![
                ("/listeners/http~180/Scheduler", json!("wrr")),
                ("/listeners/http~180/AclId", json!("acl-2")),
                ("/listeners/http~180/XForwardedFor_proto", json!("on")),
                ("/listeners/https~1443/AclType", json!("black")),
                ("/listeners/https~1443/XForwardedFor_proto", json!("on")),
                ("/listeners/tcp~122/EstablishedTimeout", json!(20)),
                ("/listeners/tcp~122/ConnectionDrainTimeout", json!(10)),
                ("/listeners/tcp~122/HealthyThreshold", json!(2)),
                ("/listeners/udp~153/ConnectionDrain", json!("on")),
                ("/listeners/udp~153/AclStatus", json!("on")),
                ("/listeners/udp~153/HealthyThreshold", json!(2)),
            ],
        },
        Case {
            name: "paid-by-bandwidth",
            ports: &["80/TCP"],
            annotations: &[
                ("charge-type", "paybybandwidth"),
                ("bandwidth", "20"),
                ("spec", "slb.s2.small"),
                ("delete-protection", "off"),
                ("modification-protection", "NonProtection"),
                ("name", "shop"),
                ("resource-group-id", "rg-lab"),
                ("network-type", "classic"),
                ("additional-resource-tags", "team=shop"),
            ],
            shows: vec![
                ("/InternetChargeType", json!("paybybandwidth")),
                ("/Bandwidth", json!(20)),
                ("/InstanceChargeType", json!("PayBySpec")),
                ("/LoadBalancerSpec", json!("slb.s2.small")),
                ("/DeleteProtection", json!("off")),
                ("/ModificationProtectionStatus", json!("NonProtection")),
                ("/LoadBalancerName", json!("shop")),
                ("/ResourceGroupId", json!("rg-lab")),
                ("/tags/team", json!("shop")),
            ],
        },
        // Nothing but the charge type: 50 Mbps and the smallest specification.
        Case {
            name: "paid-by-default-bandwidth",
            ports: &["80/TCP"],
            annotations: &[("charge-type", "paybybandwidth")],
            shows: vec![
                ("/InternetChargeType", json!("paybybandwidth")),
                ("/Bandwidth", json!(50)),
                ("/InstanceChargeType", json!("PayBySpec")),
                ("/LoadBalancerSpec", json!("slb.s1.small")),
            ],
        },
        Case {
            name: "inside-the-vpc",
            ports: &["80/TCP"],
            annotations: &[
                ("address-type", "intranet"),
                ("network-type", "vpc"),
                ("default-weight", "30"),
            ],
            shows: vec![
                ("/AddressType", json!("intranet")),
                ("/VpcId", json!("vpc-lab")),
                ("/NetworkType", json!("vpc")),
            ],
        },
        Case {
            name: "hashed",
            ports: &["80/TCP", "53/UDP"],
            annotations: &[("scheduler", "tch")],
            shows: vec![
                ("/listeners/tcp~180/Scheduler", json!("tch")),
                ("/listeners/udp~153/Scheduler", json!("tch")),
            ],
        },
    ]
}

async fn annotations_work_together(api: Api) -> anyhow::Result<()> {
    let Some(stage) = lab::start(api).await? else {
        return Ok(());
    };
    let cases = cases();
    let manifests: Vec<_> = cases
        .iter()
        .map(|case| service(case.name, case.ports, case.annotations))
        .collect();
    apply_all(&stage, &manifests).await?;
    stage.converged(manifests.len()).await?;
    let events = events(&stage).await?;
    let mut wrong = Vec::new();
    for case in &cases {
        let id = id_of(&account(&stage), &service_api(&stage).get(case.name).await?);
        let shown = account(&stage).load_balancer(&id).unwrap_or_default();
        for (pointer, value) in &case.shows {
            if shown.pointer(pointer) != Some(value) {
                wrong.push(format!(
                    "{}{pointer}: {:?}, not {value}",
                    case.name,
                    shown.pointer(pointer)
                ));
            }
        }
        let warnings: Vec<_> = events
            .get(case.name)
            .into_iter()
            .flatten()
            .filter(|said| said.kind == "Warning")
            .collect();
        assert!(warnings.is_empty(), "{}: {warnings:?}", case.name);
        let count = shown["listeners"].as_object().map_or(0, serde_json::Map::len);
        assert_eq!(count, case.ports.len(), "{}", case.name);
    }
    assert_eq!(wrong, Vec::<String>::new(), "{}", wrong.join("\n"));
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn annotations_work_together_on_kube_sim() -> anyhow::Result<()> {
    annotations_work_together(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn annotations_work_together_on_a_real_api() -> anyhow::Result<()> {
    annotations_work_together(Api::Real).await
}
