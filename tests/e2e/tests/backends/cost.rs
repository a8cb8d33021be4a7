//! What a change of endpoints costs.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use clb_e2e::Api;
use serde_json::json;

use crate::lab::{Lab, Pod, by_hand, eni, on_both_apis, pod, pods};

on_both_apis!(
    pods_cost_no_read_and_the_least_writes,
    nodes_with_pods_cost_no_read_and_the_least_writes
);

/// The calls that a change may take: one DescribeNetworkInterfaces per 100 new addresses, and ⌈n/20⌉ writes of each kind.
fn calls(unseen: usize, added: usize, removed: usize, reweighted: usize) -> BTreeMap<String, usize> {
    [
        ("DescribeNetworkInterfaces", unseen.div_ceil(100)),
        ("AddVServerGroupBackendServers", added.div_ceil(20)),
        ("RemoveVServerGroupBackendServers", removed.div_ceil(20)),
        ("SetVServerGroupAttribute", reweighted.div_ceil(20)),
    ]
    .into_iter()
    .filter(|(_, count)| *count > 0)
    .map(|(action, count)| (action.to_owned(), count))
    .collect()
}

/// ENI backends, whatever the traffic policy: few and many, 250 at once, all replaced, and some that were there before.
async fn pods_cost_no_read_and_the_least_writes(api: Api) -> anyhow::Result<()> {
    let Some(lab) = Lab::start(api).await? else {
        return Ok(());
    };
    lab.slice("web", &pods(0..10)).await?;
    let local = eni("web").tcp(80).spec("externalTrafficPolicy", json!("Local"));
    let uid = lab.apply(&local).await?;
    lab.pods_are(&uid, &pods(0..10), 8080).await?;
    lab.stage.converged(1).await?;
    lab.read_back().await?;
    let mut present: BTreeSet<u16> = (0..10).collect();
    let steps: [Range<u16>; 10] = [
        5..11,
        5..30,
        5..51,
        // 150 at once: their interfaces are asked for in two calls.
        5..201,
        5..176,
        5..426,
        // None of those that were there stays.
        500..600,
        500..501,
        490..511,
        // Some that were there before: by now another interface may have their addresses.
        505..601,
    ];
    for step in steps {
        let wanted: BTreeSet<u16> = step.clone().collect();
        let expected = calls(
            wanted.difference(&present).count(),
            wanted.difference(&present).count(),
            present.difference(&wanted).count(),
            0,
        );
        let before = lab.now();
        lab.slice("web", &pods(step.clone())).await?;
        lab.pods_are(&uid, &pods(step.clone()), 8080).await?;
        lab.stage.converged(1).await?;
        assert_eq!(lab.counts(before), expected, "{step:?}");
        present = wanted;
    }
    lab.stage.end().await;
    Ok(())
}

/// Under Local policy pods come, go and move; under Cluster policy, where nodes are backends, they cost nothing at all.
async fn nodes_with_pods_cost_no_read_and_the_least_writes(api: Api) -> anyhow::Result<()> {
    let Some(lab) = Lab::start_with(api, |options| options.nodes = 60).await? else {
        return Ok(());
    };
    // So many pods on each of these nodes.
    let placed = |counts: &BTreeMap<u16, u16>| -> Vec<Pod> {
        let nodes = counts
            .iter()
            .flat_map(|(node, count)| (0..*count).map(move |_| format!("n{node}")));
        (0..)
            .zip(nodes)
            .map(|(number, node)| pod(number).on(&node))
            .collect()
    };
    let backends = |counts: &BTreeMap<u16, u16>| -> Vec<String> {
        counts
            .iter()
            .map(|(node, count)| format!("i-n{node}={count}"))
            .collect()
    };
    let each = |nodes: Range<u16>, count: u16| nodes.map(move |node| (node, count));
    let mut present: BTreeMap<u16, u16> = each(1..31, 1).collect();
    lab.slice("web", &placed(&present)).await?;
    lab.slice("cluster", &placed(&present)).await?;
    let local = by_hand("web")
        .tcp(80)
        .spec("externalTrafficPolicy", json!("Local"));
    let uid = lab.apply(&local).await?;
    lab.apply(&by_hand("cluster").tcp(80)).await?;
    let are = async |counts: &BTreeMap<u16, u16>| {
        let wanted = backends(counts);
        lab.backends_are(&uid, &wanted.iter().map(String::as_str).collect::<Vec<_>>())
            .await
    };
    are(&present).await?;
    lab.stage.converged(2).await?;
    lab.read_back().await?;
    let steps: [Vec<(u16, u16)>; 5] = [
        // More on each.
        each(1..31, 2).collect(),
        // From half of the nodes to others.
        each(1..16, 2).chain(each(31..46, 2)).collect(),
        // Some move together, some go, some come.
        each(1..6, 5).chain(each(31..61, 1)).collect(),
        // 240 at once.
        each(1..61, 4).collect(),
        each(60..61, 1).collect(),
    ];
    for step in steps {
        let wanted: BTreeMap<u16, u16> = step.into_iter().collect();
        let reweighted = wanted
            .iter()
            .filter(|(node, count)| present.get(node).is_some_and(|before| before != *count));
        let expected = calls(
            0,
            wanted.keys().filter(|node| !present.contains_key(node)).count(),
            present.keys().filter(|node| !wanted.contains_key(node)).count(),
            reweighted.count(),
        );
        let before = lab.now();
        lab.slice("cluster", &placed(&wanted)).await?;
        lab.slice("web", &placed(&wanted)).await?;
        are(&wanted).await?;
        lab.stage.converged(2).await?;
        assert_eq!(lab.counts(before), expected, "{wanted:?}");
        present = wanted;
    }
    lab.stage.end().await;
    Ok(())
}
