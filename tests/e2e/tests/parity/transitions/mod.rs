//! From any example to any other by one apply: the end is that of creating the second directly, but that attributes which only the
//! first names keep their value, and those that cannot change stay, with an event.

mod pair;
mod run;
mod wanted;

use anyhow::Context as _;
use clb_e2e::Api;

use crate::lab::{self, actions_since, apply_all, example_names, last_call, told};
use pair::Pair;

/// Changes that each show something: charge types, redirects, certificates, tags, names, node ports, reuse, types of backends.
const TELLING: &[(&str, &str)] = &[
    ("00-internet", "01-internal"),
    ("01-internal", "00-internet"),
    ("01-internal", "03-by-bandwidth"),
    ("00-internet", "02-instance-type"),
    ("00-internet", "03-by-bandwidth"),
    ("02-instance-type", "03-by-bandwidth"),
    ("03-by-bandwidth", "02-instance-type"),
    ("00-internet", "06-zones"),
    ("07-vswitch", "08-static-ip"),
    ("09-ipv6", "01-internal"),
    ("00-internet", "12-resource-group"),
    ("10-tags", "11-name"),
    ("11-name", "46-legacy-prefix"),
    ("16-hostname", "00-internet"),
    ("00-internet", "15-preserve"),
    ("15-preserve", "23-http"),
    ("18-acl", "28-proxy-protocol"),
    ("19-persistence", "37-health-off"),
    ("20-sticky", "21-redirect"),
    ("21-redirect", "23-http"),
    ("21-redirect", "25-domain-extensions"),
    ("21-redirect", "26-tls-policy"),
    ("26-tls-policy", "21-redirect"),
    ("24-https", "25-domain-extensions"),
    ("25-domain-extensions", "34-http2-off"),
    ("25-domain-extensions", "17-wrr"),
    ("38-health-http", "20-sticky"),
    ("23-http", "33-established"),
    ("22-udp", "27-tcp-udp"),
    ("27-tcp-udp", "36-health-udp"),
    ("00-internet", "27-tcp-udp"),
    ("39-backend-label", "43-ignore-weight"),
    ("40-local", "42-eni"),
    ("42-eni", "41-unscheduled"),
    ("04-existing", "05-existing-override"),
    ("05-existing-override", "04-existing"),
    ("05-existing-override", "21-redirect"),
    ("04-existing", "00-internet"),
    ("17-wrr", "05-existing-override"),
    ("44-vgroup-port", "45-weight"),
    ("45-weight", "43-ignore-weight"),
    ("44-vgroup-port", "19-persistence"),
];

fn telling() -> Vec<Pair> {
    let pairs = TELLING.iter().enumerate();
    pairs
        .map(|(number, (from, to))| Pair::new(number, from, to))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn telling_changes_end_as_if_made_so_on_kube_sim() -> anyhow::Result<()> {
    run::all_end_as_if_made_so(Api::Simulated, telling()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn telling_changes_end_as_if_made_so_on_a_real_api() -> anyhow::Result<()> {
    run::all_end_as_if_made_so(Api::Real, telling()).await
}

/// Each example is once the first and once the second.
#[tokio::test(flavor = "multi_thread")]
async fn each_example_changes_into_another_on_kube_sim() -> anyhow::Result<()> {
    const FURTHER: usize = 20;
    let names = example_names();
    let pairs = names.iter().enumerate().map(|(number, from)| {
        let to = &names[(number + FURTHER) % names.len()];
        Pair::new(number, from, to)
    });
    run::all_end_as_if_made_so(Api::Simulated, pairs.collect()).await
}

/// A CLB stays one of IPv6, on which the second example's list of IPv4 addresses cannot be in force: that is a mistake, and the
/// listeners stay as they are.
async fn an_access_list_of_the_other_family_is_a_mistake(api: Api) -> anyhow::Result<()> {
    let Some(stage) = lab::start(api).await? else {
        return Ok(());
    };
    let pair = Pair::new(0, "09-ipv6", "18-acl");
    apply_all(&stage, &[pair.first()]).await?;
    stage.converged(1).await?;
    let last = last_call(&stage);
    apply_all(&stage, &[pair.second()]).await?;
    told(
        &stage,
        "changed-0",
        &[
            "alibaba-cloud-loadbalancer-acl-id",
            "acl-1",
            "a list of ipv6 addresses",
        ],
    )
    .await?;
    // The Service's target port has changed, and its backends are followed.
    let mut actions = actions_since(&stage, last);
    actions.retain(|action| !action.ends_with("VServerGroupBackendServers"));
    assert_eq!(actions, Vec::<String>::new());
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_access_list_of_the_other_family_is_a_mistake_on_kube_sim() -> anyhow::Result<()> {
    an_access_list_of_the_other_family_is_a_mistake(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_access_list_of_the_other_family_is_a_mistake_on_a_real_api() -> anyhow::Result<()> {
    an_access_list_of_the_other_family_is_a_mistake(Api::Real).await
}

/// All of them but the one that is a mistake: 2161.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes; see the README"]
async fn every_change_ends_as_if_made_so() -> anyhow::Result<()> {
    let names = example_names();
    let impossible = ("09-ipv6".to_owned(), "18-acl".to_owned());
    let pairs: Vec<(&String, &String)> = names
        .iter()
        .flat_map(|from| names.iter().map(move |to| (from, to)))
        .filter(|(from, to)| from != to && (*from, *to) != (&impossible.0, &impossible.1))
        .collect();
    let mut wrong = Vec::new();
    for some in pairs.chunks(94) {
        let some = some
            .iter()
            .enumerate()
            .map(|(number, (from, to))| Pair::new(number, from, to));
        let some: Vec<Pair> = some.collect();
        let which = some.first().map(Pair::describe).unwrap_or_default();
        let found = run::differences(Api::Simulated, some).await;
        wrong.extend(found.with_context(|| format!("in the changes from {which} on"))?);
    }
    assert_eq!(wrong, Vec::<String>::new(), "{}", wrong.join("\n"));
    Ok(())
}
