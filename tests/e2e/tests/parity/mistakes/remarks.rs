//! Annotations that do nothing here, and names that are none: a Warning event, once, and the Service works.

use clb_e2e::Api;

use super::table::{TCP, TLS, UDP};
use crate::lab::{self, apply_all, events, full_name, last_call, written_since};

/// A Service with one annotation that does nothing.
struct Remark {
    ports: &'static [&'static str],
    annotations: &'static [(&'static str, &'static str)],
    /// The annotation, named without the prefix or in full.
    at: &'static str,
    /// Words of the reason, or the name that was meant.
    because: &'static str,
}

const HTTP: (&str, &str) = ("protocol-port", "http:80");

const REMARKS: &[Remark] = &[
    // For another kind of listener.
    Remark {
        ports: TCP,
        annotations: &[("idle-timeout", "30")],
        at: "idle-timeout",
        because: "loadbalancer-established-timeout",
    },
    Remark {
        ports: TCP,
        annotations: &[("request-timeout", "60")],
        at: "request-timeout",
        because: "the Service has TCP listeners",
    },
    Remark {
        ports: TCP,
        annotations: &[
            ("sticky-session", "on"),
            ("sticky-session-type", "insert"),
            ("cookie-timeout", "1800"),
        ],
        at: "sticky-session",
        because: "loadbalancer-persistence-timeout",
    },
    Remark {
        ports: TCP,
        annotations: &[("xforwardedfor-proto", "on")],
        at: "xforwardedfor-proto",
        because: "HTTP listeners, HTTPS listeners",
    },
    Remark {
        ports: TCP,
        annotations: &[("cert-id", "cert-nowhere")],
        at: "cert-id",
        because: "HTTPS listeners",
    },
    Remark {
        ports: TCP,
        annotations: &[HTTP, ("http2-enabled", "off")],
        at: "http2-enabled",
        because: "HTTPS listeners",
    },
    Remark {
        ports: TCP,
        annotations: &[HTTP, ("persistence-timeout", "1800")],
        at: "persistence-timeout",
        because: "loadbalancer-sticky-session",
    },
    Remark {
        ports: TCP,
        annotations: &[HTTP, ("proxy-protocol", "on")],
        at: "proxy-protocol",
        because: "TCP listeners, UDP listeners",
    },
    Remark {
        ports: UDP,
        annotations: &[("established-timeout", "60")],
        at: "established-timeout",
        because: "UDP listeners",
    },
    // The flag is for HTTP and HTTPS, the switch for TCP and UDP.
    Remark {
        ports: TCP,
        annotations: &[("health-check-flag", "on")],
        at: "health-check-flag",
        because: "loadbalancer-health-check-switch",
    },
    Remark {
        ports: TCP,
        annotations: &[HTTP, ("health-check-switch", "on")],
        at: "health-check-switch",
        because: "loadbalancer-health-check-flag",
    },
    Remark {
        ports: TCP,
        annotations: &[("health-check-method", "get")],
        at: "health-check-method",
        because: "HTTP listeners, HTTPS listeners",
    },
    Remark {
        ports: TCP,
        annotations: &[("health-check-timeout", "10")],
        at: "health-check-timeout",
        because: "loadbalancer-health-check-connect-timeout",
    },
    Remark {
        ports: TCP,
        annotations: &[("health-check-uri", "/healthz")],
        at: "health-check-uri",
        because: "loadbalancer-health-check-type: \"http\"",
    },
    Remark {
        ports: TCP,
        annotations: &[("health-check-switch", "off"), ("health-check-interval", "3")],
        at: "health-check-interval",
        because: "the health check is off",
    },
    Remark {
        ports: TCP,
        annotations: &[HTTP, ("health-check-flag", "on"), ("health-check-type", "tcp")],
        at: "health-check-type",
        because: "TCP listeners",
    },
    // Switched off by another annotation, or by its absence.
    Remark {
        ports: TCP,
        annotations: &[("acl-id", "acl-nowhere")],
        at: "acl-id",
        because: "loadbalancer-acl-status: \"on\"",
    },
    Remark {
        ports: TCP,
        annotations: &[("connection-drain-timeout", "30")],
        at: "connection-drain-timeout",
        because: "loadbalancer-connection-drain: \"on\"",
    },
    Remark {
        ports: TCP,
        annotations: &[HTTP, ("cookie-timeout", "1800")],
        at: "cookie-timeout",
        because: "loadbalancer-sticky-session: \"on\"",
    },
    Remark {
        ports: TCP,
        annotations: &[("bandwidth", "20")],
        at: "bandwidth",
        because: "paybybandwidth",
    },
    Remark {
        ports: TCP,
        annotations: &[("vswitch-id", "vsw-nowhere")],
        at: "vswitch-id",
        because: "loadbalancer-address-type: \"intranet\"",
    },
    Remark {
        ports: TCP,
        annotations: &[("address-type", "intranet"), ("charge-type", "paybytraffic")],
        at: "charge-type",
        because: "an internal CLB",
    },
    Remark {
        ports: TCP,
        annotations: &[("weight", "60")],
        at: "weight",
        because: "a reused vServer group",
    },
    Remark {
        ports: TCP,
        annotations: &[("protocol-port", "http:8080")],
        at: "protocol-port",
        because: "http:8080 names a port that the Service does not have",
    },
    Remark {
        ports: TCP,
        annotations: &[("protocol-port", "http:8080,tcp:80,https:8443")],
        at: "protocol-port",
        because: "http:8080, https:8443 name ports that the Service does not have",
    },
    Remark {
        ports: TCP,
        annotations: &[("hostname", "www.example.com"), ("external-ip-type", "eip")],
        at: "external-ip-type",
        because: "loadbalancer-hostname alone",
    },
    Remark {
        ports: TCP,
        annotations: &[("backend-type", "eni"), ("remove-unscheduled-backend", "on")],
        at: "remove-unscheduled-backend",
        because: "ECS backends",
    },
    Remark {
        ports: TCP,
        annotations: &[("name", "")],
        at: "name",
        because: "its value is empty",
    },
    // The newer prefix counts.
    Remark {
        ports: TLS,
        annotations: &[
            ("scheduler", "wrr"),
            ("service.beta.kubernetes.io/alicloud-loadbalancer-scheduler", "rr"),
        ],
        at: "service.beta.kubernetes.io/alicloud-loadbalancer-scheduler",
        because: "is there too and counts",
    },
    // Names that are none.
    Remark {
        ports: TCP,
        annotations: &[("schedular", "wrr")],
        at: "schedular",
        because: "did you mean service.beta.kubernetes.io/alibaba-cloud-loadbalancer-scheduler?",
    },
    Remark {
        ports: TCP,
        annotations: &[("Scheduler", "wrr")],
        at: "Scheduler",
        because: "did you mean service.beta.kubernetes.io/alibaba-cloud-loadbalancer-scheduler?",
    },
    Remark {
        ports: TCP,
        annotations: &[("health-check-http-code", "http_2xx")],
        at: "health-check-http-code",
        because: "did you mean service.beta.kubernetes.io/alibaba-cloud-loadbalancer-health-check-httpcode?",
    },
    Remark {
        ports: TCP,
        annotations: &[(
            "service.beta.kubernetes.io/alicloud-loadbalancer-certid",
            "cert-a",
        )],
        at: "service.beta.kubernetes.io/alicloud-loadbalancer-certid",
        because: "did you mean service.beta.kubernetes.io/alicloud-loadbalancer-cert-id?",
    },
    Remark {
        ports: TCP,
        annotations: &[(
            "service.kubernetes.io/alibaba-cloud-loadbalancer-scheduler",
            "wrr",
        )],
        at: "service.kubernetes.io/alibaba-cloud-loadbalancer-scheduler",
        because: "did you mean service.beta.kubernetes.io/alibaba-cloud-loadbalancer-scheduler?",
    },
    Remark {
        ports: TCP,
        annotations: &[("service.beta.kubernetes.io/backend-typ", "eni")],
        at: "service.beta.kubernetes.io/backend-typ",
        because: "did you mean service.beta.kubernetes.io/backend-type?",
    },
    Remark {
        ports: TCP,
        annotations: &[("service.beta.kubernetes.io/alibabacloud-loadbalancer-name", "web")],
        at: "service.beta.kubernetes.io/alibabacloud-loadbalancer-name",
        because: "did you mean service.beta.kubernetes.io/alibaba-cloud-loadbalancer-name?",
    },
    Remark {
        ports: TCP,
        annotations: &[("service.beta.kubernetes.io/alibaba-cloud-scheduler", "wrr")],
        at: "service.beta.kubernetes.io/alibaba-cloud-scheduler",
        because: "did you mean service.beta.kubernetes.io/alibaba-cloud-loadbalancer-scheduler?",
    },
    Remark {
        ports: TCP,
        annotations: &[(
            "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-backend-type",
            "eni",
        )],
        at: "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-backend-type",
        because: "did you mean service.beta.kubernetes.io/backend-type?",
    },
    Remark {
        ports: TCP,
        annotations: &[("frobnicate-everything-at-once", "on")],
        at: "frobnicate-everything-at-once",
        because: "is not known",
    },
];

async fn what_does_nothing_is_said_once(api: Api) -> anyhow::Result<()> {
    let Some(mut stage) = lab::start(api).await? else {
        return Ok(());
    };
    let named: Vec<(String, &Remark)> = REMARKS
        .iter()
        .enumerate()
        .map(|(number, remark)| (format!("remark-{number}"), remark))
        .collect();
    let manifests: Vec<_> = named
        .iter()
        .map(|(name, remark)| lab::service(name, remark.ports, remark.annotations))
        .collect();
    // Somebody else's annotations are nobody's business.
    let others = lab::service(
        "others",
        TCP,
        &[
            ("service.beta.kubernetes.io/aws-load-balancer-type", "nlb"),
            ("example.com/loadbalancer-spec", "large"),
            ("kubectl.kubernetes.io/restartedAt", "2026-01-01"),
        ],
    );
    apply_all(&stage, &manifests).await?;
    apply_all(&stage, &[others]).await?;
    stage.converged(manifests.len() + 1).await?;

    let mut wrong = Vec::new();
    let before = events(&stage).await?;
    for (name, remark) in &named {
        let place = full_name(remark.at);
        let warnings: Vec<_> = before[name]
            .iter()
            .filter(|said| said.kind == "Warning")
            .collect();
        let right: Vec<_> = warnings
            .iter()
            .filter(|said| {
                said.message.contains(&format!("annotation {place} "))
                    && said.message.contains(remark.because)
            })
            .collect();
        if right.len() != 1 || right[0].count != 1 {
            wrong.push(format!("{} {:?}: {warnings:?}", remark.at, remark.annotations));
        }
    }
    let of_others: Vec<_> = before["others"]
        .iter()
        .filter(|said| said.kind == "Warning")
        .collect();
    assert!(of_others.is_empty(), "{of_others:?}");
    assert_eq!(wrong, Vec::<String>::new(), "{}", wrong.join("\n"));

    let last = last_call(&stage);
    stage.world.services.restart().await?;
    stage.converged(manifests.len() + 1).await?;
    assert_eq!(events(&stage).await?, before, "a restart says nothing again");
    assert_eq!(written_since(&stage, last), Vec::<String>::new());
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_nothing_is_said_once_on_kube_sim() -> anyhow::Result<()> {
    what_does_nothing_is_said_once(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_nothing_is_said_once_on_a_real_api() -> anyhow::Result<()> {
    what_does_nothing_is_said_once(Api::Real).await
}
