//! From any example to any other by one apply: the end is that of creating the second directly, but that attributes which only the
//! first names keep their value, and those that cannot change stay, with an event.

mod pair;
mod run;
mod wanted;

use clb_e2e::Api;

use crate::lab::example_names;
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

/// All 2162.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes; run with --ignored"]
async fn every_change_ends_as_if_made_so() -> anyhow::Result<()> {
    let names = example_names();
    let pairs: Vec<(&String, &String)> = names
        .iter()
        .flat_map(|from| names.iter().map(move |to| (from, to)))
        .filter(|(from, to)| from != to)
        .collect();
    let mut wrong = Vec::new();
    for some in pairs.chunks(94) {
        let some = some
            .iter()
            .enumerate()
            .map(|(number, (from, to))| Pair::new(number, from, to));
        wrong.extend(run::differences(Api::Simulated, some.collect()).await?);
    }
    assert_eq!(wrong, Vec::<String>::new(), "{}", wrong.join("\n"));
    Ok(())
}
