//! What cannot change after the CLB was made: the cloud stays as it is, and one event says so.

use std::collections::BTreeMap;

use clb_e2e::{Api, Stage};
use clb_sandbox::manifests::Manifest;
use serde_json::Value;

use crate::lab::{self, account, apply_all, at_rest, events, last_call, service, told, written_since};
use crate::shown::{differences, settled};

/// A Service whose annotations change, and the annotations that it is told of, each with a word of the message.
struct Case {
    name: &'static str,
    first: &'static [(&'static str, &'static str)],
    second: &'static [(&'static str, &'static str)],
    told: &'static [(&'static str, &'static str)],
}

const INTERNAL: (&str, &str) = ("address-type", "intranet");
const K: (&str, &str) = ("vswitch-id", "vsw-k");
const REUSED: (&str, &str) = ("id", "lb-reuse-44");

const CASES: &[Case] = &[
    Case {
        name: "to-internal",
        first: &[],
        second: &[INTERNAL],
        told: &[("address-type", "intranet")],
    },
    Case {
        name: "to-internet",
        first: &[INTERNAL],
        second: &[("address-type", "internet")],
        told: &[("address-type", "internet")],
    },
    Case {
        name: "to-ipv6",
        first: &[],
        second: &[("ip-version", "ipv6")],
        told: &[("ip-version", "ipv6")],
    },
    Case {
        name: "other-vswitch",
        first: &[INTERNAL, K],
        second: &[INTERNAL, ("vswitch-id", "vsw-j")],
        told: &[("vswitch-id", "vsw-j")],
    },
    Case {
        name: "other-address",
        first: &[INTERNAL, K, ("ip", "10.0.250.9")],
        second: &[INTERNAL, K, ("ip", "10.0.250.10")],
        told: &[("loadbalancer-ip ", "10.0.250.10")],
    },
    Case {
        name: "other-zones",
        first: &[
            ("master-zoneid", "cn-hangzhou-k"),
            ("slave-zoneid", "cn-hangzhou-j"),
        ],
        second: &[
            ("master-zoneid", "cn-hangzhou-j"),
            ("slave-zoneid", "cn-hangzhou-k"),
        ],
        told: &[
            ("master-zoneid", "cn-hangzhou-j"),
            ("slave-zoneid", "cn-hangzhou-k"),
        ],
    },
    Case {
        name: "other-resource-group",
        first: &[],
        second: &[("resource-group-id", "rg-lab")],
        told: &[("resource-group-id", "rg-lab")],
    },
    Case {
        name: "other-network",
        first: &[INTERNAL, ("network-type", "vpc")],
        second: &[("network-type", "classic")],
        told: &[("network-type", "classic")],
    },
    Case {
        name: "by-specification",
        first: &[("instance-charge-type", "PayByCLCU")],
        second: &[("instance-charge-type", "PayBySpec")],
        told: &[("instance-charge-type", "PayByCLCU")],
    },
    Case {
        name: "specification-without",
        first: &[],
        second: &[("spec", "slb.s2.small")],
        told: &[("loadbalancer-spec", "PayByCLCU")],
    },
    Case {
        name: "bandwidth-by-use",
        first: &[],
        second: &[("charge-type", "paybybandwidth"), ("bandwidth", "10")],
        told: &[("charge-type", "PayByCLCU")],
    },
    Case {
        name: "bandwidth-inside",
        first: &[INTERNAL],
        second: &[("charge-type", "paybybandwidth"), ("bandwidth", "10")],
        told: &[("charge-type", "internal"), ("bandwidth", "internal")],
    },
    Case {
        name: "bandwidth-by-traffic",
        first: &[("spec", "slb.s1.small")],
        second: &[("spec", "slb.s1.small"), ("bandwidth", "10")],
        told: &[("bandwidth", "paybybandwidth")],
    },
    Case {
        name: "to-the-users",
        first: &[],
        second: &[("id", "lb-reuse-04")],
        told: &[("loadbalancer-id", "lb-reuse-04")],
    },
    Case {
        name: "to-another-of-the-users",
        first: &[("id", "lb-reuse-05")],
        second: &[("id", "lb-reuse-45")],
        told: &[("loadbalancer-id", "lb-reuse-45")],
    },
    Case {
        name: "out-of-the-users-group",
        first: &[REUSED, ("vgroup-port", "rsp-user-44:80")],
        second: &[REUSED],
        told: &[("vgroup-port", "rsp-user-44")],
    },
    Case {
        name: "into-the-users-group",
        first: &[REUSED],
        second: &[REUSED, ("vgroup-port", "rsp-user-44:80")],
        told: &[("vgroup-port", "rsp-user-44")],
    },
];

/// All CLBs as the cloud shows them.
fn clbs(stage: &Stage) -> BTreeMap<String, Value> {
    let account = account(stage);
    let ids = account.load_balancer_ids().into_iter();
    ids.map(|id| {
        let state = settled(&account.load_balancer(&id).unwrap_or_default(), &[]);
        (id, state)
    })
    .collect()
}

fn manifests(annotations: impl Fn(&Case) -> &'static [(&'static str, &'static str)]) -> Vec<Manifest> {
    let make = |case: &Case| service(case.name, &["80/TCP"], annotations(case));
    CASES.iter().map(make).collect()
}

async fn what_cannot_change_stays_and_is_said(api: Api) -> anyhow::Result<()> {
    let Some(mut stage) = lab::start(api).await? else {
        return Ok(());
    };
    apply_all(&stage, &manifests(|case| case.first)).await?;
    stage.converged(CASES.len()).await?;
    at_rest(&stage).await?;
    let before = clbs(&stage);
    let last = last_call(&stage);

    apply_all(&stage, &manifests(|case| case.second)).await?;
    for case in CASES {
        for (annotation, word) in case.told {
            told(&stage, case.name, &[annotation, word]).await?;
        }
    }
    stage.converged(CASES.len()).await?;
    at_rest(&stage).await?;
    let said = events(&stage).await?;
    for case in CASES {
        let warnings: Vec<_> = said[case.name]
            .iter()
            .filter(|said| said.kind == "Warning")
            .collect();
        assert_eq!(warnings.len(), case.told.len(), "{}: {warnings:?}", case.name);
        assert!(
            warnings.iter().all(|said| said.count == 1),
            "{}: {warnings:?}",
            case.name
        );
    }

    stage.world.services.restart().await?;
    stage.converged(CASES.len()).await?;
    at_rest(&stage).await?;
    assert_eq!(written_since(&stage, last), Vec::<String>::new());
    let after = clbs(&stage);
    for (id, before) in &before {
        assert_eq!(differences(&after[id], before), Vec::<String>::new(), "{id}");
    }
    assert_eq!(after.len(), before.len());
    assert_eq!(events(&stage).await?, said, "once is enough");
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_change_stays_and_is_said_on_kube_sim() -> anyhow::Result<()> {
    what_cannot_change_stays_and_is_said(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_change_stays_and_is_said_on_a_real_api() -> anyhow::Result<()> {
    what_cannot_change_stays_and_is_said(Api::Real).await
}
