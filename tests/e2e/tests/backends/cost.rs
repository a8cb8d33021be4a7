//! What a change of endpoints costs.

use std::collections::BTreeMap;

use clb_e2e::Api;

use crate::lab::{Lab, Pod, by_hand, eni, on_both_apis, pod, pods};

on_both_apis!(endpoints_cost_no_read_and_the_least_writes);

/// ENI backends come and go, and weights of nodes change under Local policy: no SLB read, one DescribeNetworkInterfaces per 100 new
/// addresses, and ⌈n/20⌉ writes of each kind.
async fn endpoints_cost_no_read_and_the_least_writes(api: Api) -> anyhow::Result<()> {
    let nodes = 30_u16;
    let Some(lab) = Lab::start_with(api, |options| options.nodes = usize::from(nodes)).await? else {
        return Ok(());
    };
    lab.slice("web", &pods(0..10)).await?;
    let uid = lab.apply(&eni("web").tcp(80)).await?;
    lab.pods_are(&uid, &pods(0..10), 8080).await?;
    let on_nodes = |pods_per_node: u16| -> Vec<Pod> {
        let placed = |number: u16| pod(1000 + number).on(&format!("n{}", number % nodes + 1));
        (0..nodes * pods_per_node).map(placed).collect()
    };
    lab.slice("local", &on_nodes(1)).await?;
    let policy = serde_json::json!("Local");
    let local = lab
        .apply(&by_hand("local").tcp(80).spec("externalTrafficPolicy", policy))
        .await?;
    let weighed = |weight: u16| -> Vec<String> { (1..=nodes).map(|n| format!("i-n{n}={weight}")).collect() };
    let as_texts = |texts: &[String]| -> Vec<String> { texts.to_vec() };
    lab.backends_are(
        &local,
        &as_texts(&weighed(1))
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>(),
    )
    .await?;
    lab.stage.converged(2).await?;

    // 45 come, 5 go.
    let before = lab.now();
    lab.slice("web", &pods(5..55)).await?;
    lab.pods_are(&uid, &pods(5..55), 8080).await?;
    assert_eq!(
        lab.counts(before),
        counts(&[
            ("DescribeNetworkInterfaces", 1),
            ("AddVServerGroupBackendServers", 3),
            ("RemoveVServerGroupBackendServers", 1),
        ])
    );
    // 150 come: their interfaces are asked for in two calls.
    let before = lab.now();
    lab.slice("web", &pods(5..205)).await?;
    lab.pods_are(&uid, &pods(5..205), 8080).await?;
    assert_eq!(
        lab.counts(before),
        counts(&[
            ("DescribeNetworkInterfaces", 2),
            ("AddVServerGroupBackendServers", 8)
        ])
    );
    // 30 nodes get another weight.
    let before = lab.now();
    lab.slice("local", &on_nodes(2)).await?;
    let wanted = weighed(2);
    let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
    lab.backends_are(&local, &wanted).await?;
    assert_eq!(lab.counts(before), counts(&[("SetVServerGroupAttribute", 2)]));
    lab.stage.end().await;
    Ok(())
}

fn counts(of: &[(&str, usize)]) -> BTreeMap<String, usize> {
    of.iter()
        .map(|(action, count)| ((*action).to_owned(), *count))
        .collect()
}
