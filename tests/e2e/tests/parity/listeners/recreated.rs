//! What a listener cannot change is had by making it anew, and that the traffic was interrupted is said.

use clb_e2e::{Api, Stage, service_api};
use serde_json::{Value, json};

use crate::lab::{self, account, actions_since, apply_all, at_rest, events, last_call, service, shows};
use crate::shown::id_of;

/// How often the Service was told that traffic is interrupted.
async fn interruptions(stage: &Stage) -> anyhow::Result<i32> {
    let events = events(stage).await?;
    let said = events.get("web").into_iter().flatten();
    Ok(said
        .filter(|said| {
            said.kind == "Warning" && said.reason == "AnnotationChanged" && said.message.contains("interrupt")
        })
        .map(|said| said.count)
        .sum())
}

/// Between rr and wrr a listener changes; from them to sch or tch and between those it is made anew, with all that it was.
async fn schedulers(api: Api) -> anyhow::Result<()> {
    let Some(stage) = lab::start(api).await? else {
        return Ok(());
    };
    let with = |scheduler: &'static str| {
        service(
            "web",
            &["80/TCP"],
            &[
                ("scheduler", scheduler),
                ("persistence-timeout", "1800"),
                ("health-check-interval", "7"),
            ],
        )
    };
    apply_all(&stage, &[with("rr")]).await?;
    stage.converged(1).await?;
    let id = id_of(&account(&stage), &service_api(&stage).get("web").await?);
    let before = account(&stage).load_balancer(&id).unwrap_or_default()["listeners"]["tcp/80"].clone();
    let mut expected = 0;
    for (scheduler, anew) in [
        ("wrr", false),
        ("sch", true),
        ("tch", true),
        ("rr", true),
        ("wrr", false),
    ] {
        let last = last_call(&stage);
        apply_all(&stage, &[with(scheduler)]).await?;
        shows(
            &stage,
            &id,
            &[
                ("/listeners/tcp~180/Scheduler", json!(scheduler)),
                ("/listeners/tcp~180/Status", json!("running")),
            ],
        )
        .await?;
        at_rest(&stage).await?;
        let wanted: &[&str] = if anew {
            &[
                "DeleteLoadBalancerListener 80",
                "CreateLoadBalancerTCPListener 80",
                "StartLoadBalancerListener 80",
            ]
        } else {
            &["SetLoadBalancerTCPListenerAttribute 80"]
        };
        assert_eq!(actions_since(&stage, last), wanted, "{scheduler}");
        let mut now = account(&stage).load_balancer(&id).unwrap_or_default()["listeners"]["tcp/80"].clone();
        now["Scheduler"] = json!("rr");
        assert_eq!(now, before, "nothing else changes with {scheduler}");
        expected += i32::from(anew);
        assert_eq!(interruptions(&stage).await?, expected, "{scheduler}");
    }
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn schedulers_on_kube_sim() -> anyhow::Result<()> {
    schedulers(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn schedulers_on_a_real_api() -> anyhow::Result<()> {
    schedulers(Api::Real).await
}

/// The protocol of a port's listener changes, and PROXY protocol is switched: each interrupts, and each is said. TCP and UDP on one port
/// come and go without touching each other.
async fn protocols(api: Api) -> anyhow::Result<()> {
    let Some(stage) = lab::start(api).await? else {
        return Ok(());
    };
    apply_all(&stage, &[service("web", &["80/TCP"], &[])]).await?;
    stage.converged(1).await?;
    let id = id_of(&account(&stage), &service_api(&stage).get("web").await?);

    let mut last = last_call(&stage);
    apply_all(
        &stage,
        &[service("web", &["80/TCP"], &[("protocol-port", "http:80")])],
    )
    .await?;
    shows(
        &stage,
        &id,
        &[
            ("/listeners/http~180/Status", json!("running")),
            ("/listeners/tcp~180", Value::Null),
        ],
    )
    .await?;
    at_rest(&stage).await?;
    assert_eq!(
        actions_since(&stage, last),
        [
            "DeleteLoadBalancerListener 80",
            "CreateLoadBalancerHTTPListener 80",
            "StartLoadBalancerListener 80"
        ]
    );
    assert_eq!(interruptions(&stage).await?, 1);

    apply_all(&stage, &[service("web", &["80/TCP"], &[])]).await?;
    shows(
        &stage,
        &id,
        &[
            ("/listeners/tcp~180/Status", json!("running")),
            ("/listeners/http~180", Value::Null),
        ],
    )
    .await?;
    at_rest(&stage).await?;
    assert_eq!(interruptions(&stage).await?, 2);

    for (switch, on) in [("on", true), ("off", false)] {
        last = last_call(&stage);
        apply_all(
            &stage,
            &[service("web", &["80/TCP"], &[("proxy-protocol", switch)])],
        )
        .await?;
        shows(
            &stage,
            &id,
            &[("/listeners/tcp~180/ProxyProtocolV2Enabled", json!(on))],
        )
        .await?;
        at_rest(&stage).await?;
        assert_eq!(
            actions_since(&stage, last),
            ["SetLoadBalancerTCPListenerAttribute 80"]
        );
    }
    assert_eq!(interruptions(&stage).await?, 4);

    last = last_call(&stage);
    let tcp = account(&stage).load_balancer(&id).unwrap_or_default()["listeners"]["tcp/80"].clone();
    apply_all(&stage, &[service("web", &["80/TCP", "80/UDP"], &[])]).await?;
    shows(&stage, &id, &[("/listeners/udp~180/Status", json!("running"))]).await?;
    apply_all(&stage, &[service("web", &["80/TCP"], &[])]).await?;
    shows(&stage, &id, &[("/listeners/udp~180", Value::Null)]).await?;
    at_rest(&stage).await?;
    assert_eq!(
        account(&stage).load_balancer(&id).unwrap_or_default()["listeners"]["tcp/80"],
        tcp
    );
    let actions = actions_since(&stage, last);
    assert!(
        !actions.iter().any(|action| action.contains("TCPListener")),
        "{actions:?}"
    );
    assert_eq!(interruptions(&stage).await?, 4);
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn protocols_on_kube_sim() -> anyhow::Result<()> {
    protocols(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn protocols_on_a_real_api() -> anyhow::Result<()> {
    protocols(Api::Real).await
}

/// What a person has set in the console and no annotation can name comes to the new listener, too: what a UDP check asks and expects.
async fn what_only_the_console_sets(api: Api) -> anyhow::Result<()> {
    let Some(stage) = lab::start(api).await? else {
        return Ok(());
    };
    apply_all(&stage, &[service("web", &["53/UDP"], &[])]).await?;
    stage.converged(1).await?;
    let id = id_of(&account(&stage), &service_api(&stage).get("web").await?);
    account(&stage)
        .call(
            "SetLoadBalancerUDPListenerAttribute",
            &[
                ("RegionId", "cn-hangzhou"),
                ("LoadBalancerId", &id),
                ("ListenerPort", "53"),
                ("healthCheckReq", "ping"),
                ("healthCheckExp", "pong"),
            ],
        )
        .map_err(|error| anyhow::anyhow!("{error:?}"))?;
    apply_all(&stage, &[service("web", &["53/UDP"], &[("scheduler", "sch")])]).await?;
    shows(
        &stage,
        &id,
        &[
            ("/listeners/udp~153/Scheduler", json!("sch")),
            ("/listeners/udp~153/Status", json!("running")),
            ("/listeners/udp~153/HealthCheckReq", json!("ping")),
            ("/listeners/udp~153/HealthCheckExp", json!("pong")),
        ],
    )
    .await?;
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_the_console_sets_on_kube_sim() -> anyhow::Result<()> {
    what_only_the_console_sets(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_the_console_sets_on_a_real_api() -> anyhow::Result<()> {
    what_only_the_console_sets(Api::Real).await
}
