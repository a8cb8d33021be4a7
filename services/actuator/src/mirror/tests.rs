use std::collections::BTreeMap;

use clb_model::attribute::{ListenerAttribute, ListenerAttributes};
use clb_model::cloud::{Listener, ListenerKey};
use clb_model::version::PartVersion;

use super::parts::Details;
use super::*;
use crate::sample;

fn state() -> State {
    let mut state = State::new(BTreeSet::from(["c-lab".to_owned()]), 7);
    state.insert_created(sample::load_balancer("lb-1"));
    state
}

fn id() -> LoadBalancerId {
    LoadBalancerId::new("lb-1").unwrap()
}

fn listener(scheduler: &str) -> Listener {
    Listener {
        version: PartVersion::default(),
        running: true,
        vgroup: None,
        attributes: ListenerAttributes::new().with(ListenerAttribute::Scheduler, scheduler),
        domain_extensions: Default::default(),
    }
}

fn key(text: &str) -> ListenerKey {
    text.parse().unwrap()
}

fn interest(uid: &str, name: &str) -> Interest {
    Interest {
        service: ServiceUid::new(uid).unwrap(),
        default_name: name.to_owned(),
        load_balancer: None,
    }
}

fn updates(state: &mut State, view: u64) -> Vec<MirrorUpdate> {
    std::iter::from_fn(|| state.next_update(view)).collect()
}

#[test]
fn what_was_read_before_or_during_an_own_write_is_dropped() {
    let mut state = state();
    let clock = state.clock();
    let mut read = sample::load_balancer("lb-1");
    read.name = "old".to_owned();
    state.begin_write(&id());
    assert!(!state.put_instance(read.clone(), clock));
    let during = state.clock();
    state.end_write(&id());
    assert!(!state.put_instance(read.clone(), during));
    assert_ne!(state.get(&id()).unwrap().name, "old");
    let after = state.clock();
    assert!(state.put_instance(read, after));
    assert_eq!(state.get(&id()).unwrap().name, "old");
}

#[test]
fn what_was_read_before_a_removal_brings_no_clb_back() {
    let mut state = state();
    let clock = state.clock();
    state.remove(&id());
    assert!(!state.put_instance(sample::load_balancer("lb-1"), clock));
    assert_eq!(state.get(&id()), None);
    // It is there after all, or one of the same id.
    let after = state.clock();
    state.put_instance(sample::load_balancer("lb-1"), after);
    assert!(state.get(&id()).is_some());
}

#[test]
fn only_the_changed_part_gets_a_new_version() {
    let mut state = state();
    let both = |first: &str| [(key("tcp:80"), listener(first)), (key("tcp:81"), listener("rr"))].into();
    state.put_listeners(&id(), both("rr"));
    let before = state.get(&id()).unwrap();
    assert!(state.put_listeners(&id(), both("wrr")));
    let after = state.get(&id()).unwrap();
    assert_eq!(after.version, before.version);
    assert!(after.listeners[&key("tcp:80")].version > before.listeners[&key("tcp:80")].version);
    assert_eq!(
        after.listeners[&key("tcp:81")].version,
        before.listeners[&key("tcp:81")].version
    );
    assert_eq!(after.version.term, 7);
    assert!(!state.put_listeners(&id(), both("wrr")));
}

#[test]
fn the_status_alone_makes_nothing_stale() {
    let mut state = state();
    let before = state.get(&id()).unwrap().version;
    let mut read = sample::load_balancer("lb-1");
    read.status = "inactive".to_owned();
    let clock = state.clock();
    assert!(!state.put_instance(read, clock));
    let after = state.get(&id()).unwrap();
    assert_eq!((after.version, after.status.as_str()), (before, "inactive"));
}

#[test]
fn many_changes_of_a_clb_are_sent_once_and_as_it_is_then() {
    let mut state = state();
    let view = state.open_view("c-lab", Arc::new(Notify::new()));
    state.all_listed();
    updates(&mut state, view);
    for number in 0..100 {
        state.edit(&id(), &PartKey::Instance, |one| {
            one.name = format!("name-{number}")
        });
    }
    let sent = updates(&mut state, view);
    let [MirrorUpdate::LoadBalancer(seen)] = &sent[..] else {
        panic!("{sent:?}");
    };
    assert_eq!(seen.name, "name-99");
}

#[test]
fn a_clb_of_another_cluster_is_shown_only_to_whom_it_matters() {
    let mut state = state();
    let own = state.open_view("c-lab", Arc::new(Notify::new()));
    let other = state.open_view("c-other", Arc::new(Notify::new()));
    state.all_listed();
    assert_eq!(updates(&mut state, own).len(), 2);
    assert_eq!(updates(&mut state, other), [MirrorUpdate::Synced]);

    state.change_interests(other, vec![interest("u", "name-of-lb-1")], &[]);
    let sent = updates(&mut state, other);
    assert!(matches!(sent[0], MirrorUpdate::LoadBalancer(_)), "{sent:?}");
    assert!(matches!(&sent[1], MirrorUpdate::Resolved { load_balancers, .. } if *load_balancers == [id()]));

    state.change_interests(other, Vec::new(), &[ServiceUid::new("u").unwrap()]);
    assert_eq!(updates(&mut state, other), [MirrorUpdate::Gone(id())]);
    assert!(updates(&mut state, own).is_empty());
}

#[test]
fn an_interest_is_resolved_only_after_everything_was_listed() {
    let mut state = State::new(BTreeSet::new(), 1);
    let view = state.open_view("c-lab", Arc::new(Notify::new()));
    state.change_interests(view, vec![interest("u", "n")], &[]);
    assert!(updates(&mut state, view).is_empty());
    state.all_listed();
    let sent = updates(&mut state, view);
    assert!(sent.contains(&MirrorUpdate::Synced), "{sent:?}");
    assert!(
        matches!(sent.last(), Some(MirrorUpdate::Resolved { load_balancers, .. }) if load_balancers.is_empty()),
        "{sent:?}"
    );
}

#[test]
fn a_clb_whose_details_are_not_known_is_loaded_before_it_is_shown() {
    let mut state = State::new(BTreeSet::from(["c-lab".to_owned()]), 1);
    let view = state.open_view("c-lab", Arc::new(Notify::new()));
    let clock = state.clock();
    state.put_instance(sample::load_balancer("lb-1"), clock);
    state.all_listed();
    assert!(updates(&mut state, view).is_empty());
    assert!(state.wanted.contains_key(&id()));
    state.complete(&id());
    let sent = updates(&mut state, view);
    assert!(matches!(sent[0], MirrorUpdate::LoadBalancer(_)), "{sent:?}");
    assert_eq!(sent[1], MirrorUpdate::Synced);
}

/// The loader has taken what is wanted, and puts what it has read.
#[test]
fn what_was_read_of_an_incomplete_clb_is_not_read_again() {
    let mut state = State::new(BTreeSet::from(["c-lab".to_owned()]), 1);
    let view = state.open_view("c-lab", Arc::new(Notify::new()));
    let clock = state.clock();
    state.put_instance(sample::load_balancer("lb-1"), clock);
    state.all_listed();
    assert_eq!(state.wanted.remove(&id()), Some(Wanted::DETAILS));
    let details = || Details {
        listeners: Some([(key("tcp:80"), listener("rr"))].into()),
        access_lists: None,
        vgroups: Some(BTreeMap::new()),
    };
    assert_eq!(state.put_details(&id(), details()), Vec::<&str>::new());
    assert!(state.wanted.is_empty());
    let sent = updates(&mut state, view);
    let MirrorUpdate::LoadBalancer(shown) = &sent[0] else {
        panic!("{sent:?}");
    };
    assert_eq!(shown.listeners.len(), 1);
    let other = Details {
        listeners: Some([(key("tcp:80"), listener("wrr"))].into()),
        ..details()
    };
    assert_eq!(state.put_details(&id(), other), ["listeners"]);
}

#[tokio::test(start_paused = true)]
async fn a_planner_that_asks_for_a_look_hears_when_it_is_over_and_a_recent_one_is_not_repeated() {
    let mut state = state();
    state.all_listed();
    let view = state.open_view("c-lab", Arc::new(Notify::new()));
    let named = LoadBalancerId::new("lb-absent").unwrap();
    let by_id = Interest {
        load_balancer: Some(named.clone()),
        ..interest("u", "a-name")
    };
    state.change_interests(view, vec![by_id], &[]);
    state.wanted.clear();
    updates(&mut state, view);
    let looked = |id: &LoadBalancerId| vec![MirrorUpdate::Looked(id.clone())];

    for id in [id(), named] {
        let begun = Instant::now();
        state.ask_for_look(view, id.clone(), begun);
        assert_eq!(state.wanted.remove(&id), Some(Wanted::ALL));
        assert!(updates(&mut state, view).is_empty());
        state.looked_at(&id, Wanted::ALL, begun);
        assert_eq!(updates(&mut state, view), looked(&id));
        tokio::time::advance(Duration::from_secs(2)).await;
        state.ask_for_look(view, id.clone(), Instant::now());
        assert_eq!(
            updates(&mut state, view),
            looked(&id),
            "it was looked at just now"
        );
        assert!(state.wanted.is_empty());
        tokio::time::advance(Duration::from_secs(2)).await;
        state.ask_for_look(view, id.clone(), Instant::now());
        assert_eq!(state.wanted.remove(&id), Some(Wanted::ALL));
        // Its own attributes alone are no look at what is on it.
        if state.get(&id).is_some() {
            state.looked_at(&id, Wanted::INSTANCE, Instant::now());
            assert!(updates(&mut state, view).is_empty());
        }
    }
    let unseen = LoadBalancerId::new("lb-of-others").unwrap();
    state.ask_for_look(view, unseen.clone(), Instant::now());
    assert_eq!(updates(&mut state, view), looked(&unseen));
    assert!(state.wanted.is_empty());
}
