//! The mirror after writes of our own is what a fresh read finds, whatever was written and whatever the cloud refused.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use clb_actuator::{Actuator, ActuatorSettings};
use clb_cloud_client::FixedCredentials;
use clb_model::attribute::{ListenerAttribute as A, ListenerAttributes};
use clb_model::cloud::{Backend, IpVersion, LoadBalancer};
use clb_model::operation::{BackendChange, Change, LoadBalancerChange, VServerGroupRef};
use clb_model::version::PartVersion;
use clb_model::{LoadBalancerId, VServerGroupId, marks};
use clb_proto::actuator::v1::actuator_service_client::ActuatorServiceClient;
use clb_settings::from_yaml;
use clb_telemetry::{Health, Metrics};
use clb_tls::Security;
use clb_wire::actuator::MirrorUpdate;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

use crate::lab::{Lab, PATIENCE, Watch, ecs, group, listener, pod, watch_by};

/// One batch.
#[derive(Debug, Clone)]
enum Write {
    /// Of the group, by its place among those that are there, of these instances or pods.
    Backends(usize, BackendChange, std::ops::Range<u8>, bool, u8),
    NewGroup(u8, std::ops::Range<u8>),
    DeleteGroup(usize),
    NewListener(u16, &'static str),
    Listener(u16, &'static str, u8),
    Recreate(u16, &'static str, &'static str),
    DeleteListener(u16, &'static str),
    Instance(u8),
    Ranges(std::ops::Range<u8>, bool),
}

const PROTOCOLS: [&str; 3] = ["tcp", "udp", "http"];

fn write() -> impl Strategy<Value = Write> {
    let change = prop_oneof![
        3 => Just(BackendChange::Add),
        1 => Just(BackendChange::Remove),
        1 => Just(BackendChange::Set)
    ];
    let some = || (0_u8..26, 1_u8..26).prop_map(|(from, count)| from..(from + count).min(30));
    let port = || 80_u16..83;
    let protocol = || prop::sample::select(&PROTOCOLS[..]);
    prop_oneof![
        6 => (0_usize..3, change, some(), any::<bool>(), 0_u8..=100)
            .prop_map(|(group, change, which, pods, weight)| Write::Backends(group, change, which, pods, weight)),
        2 => (0_u8..4, some()).prop_map(|(name, which)| Write::NewGroup(name, which)),
        1 => (0_usize..3).prop_map(Write::DeleteGroup),
        3 => (port(), protocol()).prop_map(|(port, protocol)| Write::NewListener(port, protocol)),
        4 => (port(), protocol(), 0_u8..6).prop_map(|(port, protocol, what)| Write::Listener(port, protocol, what)),
        1 => (port(), protocol(), protocol()).prop_map(|(port, old, new)| Write::Recreate(port, old, new)),
        1 => (port(), protocol()).prop_map(|(port, protocol)| Write::DeleteListener(port, protocol)),
        2 => (0_u8..6).prop_map(Write::Instance),
        1 => (some(), any::<bool>()).prop_map(|(which, used)| Write::Ranges(which, used)),
    ]
}

fn backends(which: std::ops::Range<u8>, pods: bool, weight: u8) -> Vec<Backend> {
    which
        .map(|number| {
            let backend = match pods {
                true => pod(&format!("10.0.5.{number}")),
                false => ecs(&format!("i-node-{number}")),
            };
            Backend { weight, ..backend }
        })
        .collect()
}

/// What a listener is told, by number.
fn attributes(what: u8) -> ListenerAttributes {
    let none = ListenerAttributes::new();
    match what {
        0 => none.with(A::Scheduler, "wrr"),
        1 => none.with(A::HealthCheck, true).with(A::HealthCheckInterval, 7),
        2 => none.with(A::Description, "another"),
        3 => none.with(A::AclStatus, false),
        4 => none.with(A::HealthCheck, false),
        _ => none.with(A::PersistenceTimeout, 60),
    }
}

/// The operations of a write on what is there.
fn changes(write: &Write, there: &LoadBalancer) -> Vec<Change> {
    let existing = |place: usize| -> Option<VServerGroupId> {
        there
            .vgroups
            .keys()
            .nth(place % there.vgroups.len().max(1))
            .cloned()
    };
    let key = |port: u16, protocol: &str| format!("{protocol}:{port}").parse().unwrap();
    let new = |port: u16, protocol: &str| {
        let mut new = listener(&format!("{protocol}:{port}"), 1);
        new.vgroup = existing(0).map(VServerGroupRef::Id);
        if protocol == "http" {
            new.attributes.set(A::HealthCheck, false);
            new.attributes.set(A::StickySession, false);
        } else {
            new.attributes.set(A::Bandwidth, -1);
        }
        new
    };
    match write.clone() {
        Write::Backends(place, change, which, pods, weight) => existing(place)
            .map(|id| Change::ChangeBackends {
                vgroup: VServerGroupRef::Id(id),
                change,
                backends: backends(which, pods, weight),
            })
            .into_iter()
            .collect(),
        Write::NewGroup(name, which) => vec![group(
            &format!("k8s/3009{name}/nginx/default/c-lab"),
            backends(which, false, 100),
        )],
        // One that is in use is waited for: that is another test's matter.
        Write::DeleteGroup(place) => existing(place)
            .filter(|id| {
                there
                    .listeners
                    .values()
                    .all(|listener| listener.vgroup.as_ref() != Some(id))
            })
            .map(|vgroup| Change::DeleteVServerGroup { vgroup })
            .into_iter()
            .collect(),
        Write::NewListener(port, protocol) => vec![Change::CreateListener(new(port, protocol))],
        Write::Listener(port, protocol, what) => vec![Change::ChangeListener {
            listener: key(port, protocol),
            vgroup: None,
            attributes: attributes(what),
        }],
        Write::Recreate(port, old, protocol) => vec![Change::RecreateListener {
            old: key(port, old).protocol,
            new: new(port, protocol),
        }],
        Write::DeleteListener(port, protocol) => vec![Change::DeleteListener {
            listener: key(port, protocol),
        }],
        Write::Instance(what) => vec![Change::ChangeLoadBalancer(match what {
            0 => LoadBalancerChange::Name("another-name".to_owned()),
            1 => LoadBalancerChange::DeleteProtection(false),
            2 => LoadBalancerChange::DeleteProtection(true),
            3 => LoadBalancerChange::ModificationProtection(false),
            4 => LoadBalancerChange::SetTags([("team".to_owned(), "web".to_owned())].into()),
            _ => LoadBalancerChange::RemoveTags(vec!["team".to_owned()]),
        })],
        Write::Ranges(which, used) => {
            let entries = which
                .map(|number| format!("172.16.{number}.0/24").parse().unwrap())
                .collect();
            let mut changes = vec![Change::FillAccessList {
                ip_version: IpVersion::V4,
                entries,
            }];
            if used {
                changes.push(Change::ChangeListener {
                    listener: key(80, "tcp"),
                    vgroup: None,
                    attributes: ListenerAttributes::new()
                        .with(A::AclStatus, true)
                        .with(A::AclType, "white")
                        .with(A::AclId, marks::access_list_name(&"uid-1".parse().unwrap())),
                });
            }
            changes
        }
    }
}

/// All CLBs of the cluster as a stream shows them at its start, without versions, which are each actuator's own, and without what the cloud
/// has chosen and does not say in its answer to the creation: the audit reads that later.
async fn shown(mut watch: Watch) -> BTreeMap<LoadBalancerId, LoadBalancer> {
    let mut all = BTreeMap::new();
    loop {
        match watch.next().await {
            MirrorUpdate::Synced => return all,
            MirrorUpdate::LoadBalancer(mut shown) => {
                let none = PartVersion::default();
                *shown = LoadBalancer {
                    version: none,
                    status: String::new(),
                    spec: String::new(),
                    bandwidth: 0,
                    master_zone_id: String::new(),
                    slave_zone_id: String::new(),
                    ..*shown
                };
                shown.listeners.values_mut().for_each(|part| part.version = none);
                shown.vgroups.values_mut().for_each(|part| {
                    part.version = none;
                    part.backends.sort_by(|one, other| one.key().cmp(&other.key()));
                });
                shown
                    .access_lists
                    .values_mut()
                    .for_each(|part| part.version = none);
                // One that no listener uses is looked for by its name when it is needed.
                let used: BTreeSet<String> = shown
                    .listeners
                    .values()
                    .filter_map(|listener| listener.attributes.text(A::AclId))
                    .map(str::to_owned)
                    .collect();
                shown.access_lists.retain(|id, _| used.contains(id));
                all.insert(shown.id.clone(), *shown);
            }
            _ => {}
        }
    }
}

/// As an actuator shows it that has just started.
async fn read_anew(lab: &Lab) -> BTreeMap<LoadBalancerId, LoadBalancer> {
    let metrics = Metrics::new("actuator");
    let health = Health::new(&metrics).unwrap();
    let settings: ActuatorSettings = from_yaml(&lab.settings).unwrap();
    let keys = FixedCredentials::new(
        cloud_sim::DEFAULT_ACCESS_KEY_ID,
        cloud_sim::DEFAULT_ACCESS_KEY_SECRET,
    );
    let actuator = Actuator::bind(settings, Arc::new(keys), Security::Insecure, metrics, health)
        .await
        .unwrap();
    let endpoint = format!("http://{}", actuator.address());
    let stop = CancellationToken::new();
    let running = tokio::spawn(actuator.run(stop.clone()));
    let client = ActuatorServiceClient::new(Channel::from_shared(endpoint).unwrap().connect_lazy());
    let all = shown(watch_by(client).await).await;
    stop.cancel();
    running.await.unwrap().unwrap();
    all
}

async fn follow(writes: Vec<Write>) -> Result<(), TestCaseError> {
    let lab = Lab::start().await;
    lab.instances("node", 28);
    for number in 0..28 {
        lab.interface(&format!("eni-{number}"), &[&format!("10.0.5.{number}")]);
    }
    let (id, _) = lab.create("uid-1").await;
    for write in writes {
        let there = shown(lab.watch().await).await;
        let changes = changes(&write, &there[&id]);
        if !changes.is_empty() {
            // Refusals are part of it: there is no such listener, a group is in use, a server is not there.
            lab.execute(&lab.batch_on("uid-1", &id, changes)).await;
        }
    }
    let fresh = read_anew(&lab).await;
    // What the cloud fills in for a new listener is read right after it was made.
    let give_up = Instant::now() + PATIENCE;
    loop {
        let kept = shown(lab.watch().await).await;
        if kept == fresh || Instant::now() > give_up {
            prop_assert_eq!(kept, fresh);
            return Ok(());
        }
        // What it waits for is done on this thread too.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 60, ..ProptestConfig::default() })]

    #[test]
    fn the_mirror_after_own_writes_is_what_a_fresh_read_finds(writes in prop::collection::vec(write(), 1..16)) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(follow(writes))?;
    }
}
