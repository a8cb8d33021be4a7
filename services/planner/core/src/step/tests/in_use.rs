//! What the Service's own CLB uses already is there: it is neither asked about nor a mistake.

use clb_model::cluster::NodeReady;

use super::world::World;
use crate::desired::tests::lab::{Lab, NOW_MS, node};
use crate::facts::{Certificate, CloudFacts, Question};
use crate::step::State;

#[test]
fn a_certificate_that_expires_in_use_stops_nothing() {
    let mut world = World::settled(Lab::https());
    let expired = Some(Certificate {
        expires_ms: Some(NOW_MS - 1),
    });
    world.lab.facts.certificates.insert("cert-a".to_owned(), expired);
    world.lab = world.lab.clone().annotated("idle-timeout", "33");
    let last = world.settle();
    assert_eq!(last.state, State::Converged, "{}", last.message);
    assert_eq!(world.reasons().len(), 1, "{:?}", world.reasons());
}

#[test]
fn what_is_in_use_is_no_mistake_before_the_mirror_has_shown_it() {
    let mut world = World::settled(Lab::https());
    let expired = Some(Certificate {
        expires_ms: Some(NOW_MS - 1),
    });
    world.lab.facts.certificates.insert("cert-a".to_owned(), expired);
    let early = world.look_too_early();
    assert_eq!(early.state, State::Observing, "{}", early.message);
    assert!(early.writes.is_empty(), "{:?}", early.writes);
}

#[test]
fn a_mistake_that_only_the_mirror_shows_is_none_no_sooner_than_it_has_answered() {
    let mut world = World::new(Lab::tcp().annotated("id", "lb-nowhere"));
    assert_eq!(world.settle().state, State::Failed);
    let early = world.look_too_early();
    assert_eq!(early.state, State::Observing, "{}", early.message);
    assert!(early.writes.is_empty(), "{:?}", early.writes);
}

#[test]
fn another_certificate_that_has_expired_is_a_mistake() {
    let mut world = World::settled(Lab::https());
    let expired = Some(Certificate {
        expires_ms: Some(NOW_MS - 1),
    });
    world.lab.facts.certificates.insert("cert-b".to_owned(), expired);
    world.lab = world.lab.clone().annotated("cert-id", "cert-b");
    let last = world.settle();
    assert_eq!(last.state, State::Failed);
    assert_eq!(
        world.reasons(),
        Vec::<&str>::new(),
        "the listener keeps the old one"
    );
}

#[test]
fn backends_are_followed_while_the_cloud_does_not_answer() {
    let mut world = World::settled(Lab::https());
    world.lab = world.lab.clone().annotated("cert-id", "cert-of-tomorrow");
    let certificate = Question::Certificate("cert-of-tomorrow".to_owned());
    world.lab.facts.unanswered_because = [(certificate, "Forbidden".to_owned())].into();
    let n5 = node("n5", "cn-hangzhou-k");
    world.lab.nodes.insert("n5".to_owned(), n5);
    let step = world.pass();
    assert_eq!((step.state, step.questions.len()), (State::Failed, 1));
    let reasons = world.reasons();
    assert!(reasons.len() == 1 && reasons[0].contains("n5"), "{reasons:?}");
}

#[test]
fn nothing_is_asked_about_what_is_in_use() {
    let services = [
        Lab::https(),
        Lab::tcp()
            .annotated("acl-status", "on")
            .annotated("acl-id", "acl-1")
            .annotated("acl-type", "white"),
        Lab::tcp()
            .annotated("address-type", "intranet")
            .annotated("vswitch-id", "vsw-k"),
    ];
    for lab in services {
        let mut world = World::settled(lab);
        world.lab.facts = CloudFacts::default();
        let last = world.settle();
        assert_eq!(last.state, State::Converged, "{}", last.message);
    }
}

#[test]
fn a_node_of_a_service_with_mistakes_goes_when_its_grace_time_ends() {
    let mut world = World::settled(Lab::tcp());
    world.lab = world.lab.clone().annotated("scheduler", "fair");
    world.settle();
    let since_ms = world.now_ms - 10_000;
    let ready = Some(NodeReady {
        ready: false,
        since_ms,
    });
    world.lab.nodes.get_mut("n2").unwrap().ready = ready;
    let end_of_grace = since_ms + world.lab.cluster.node_grace_ms;
    assert_eq!(world.look().wake_at_ms, Some(end_of_grace));
}

/// What the Service's CLB uses is there, which the mirror will show: that the cloud does not say so concerns nobody.
#[test]
fn nobody_is_told_of_a_question_before_the_mirror_has_shown_what_is_in_use() {
    let mut world = World::settled(Lab::https());
    let question = Question::Certificate("cert-a".to_owned());
    world.lab.facts.certificates.clear();
    let unanswered = [(question, "Forbidden".to_owned())];
    world.lab.facts.unanswered_because = unanswered.into();
    let early = world.look_too_early();
    assert_eq!((early.state, early.questions.len()), (State::Observing, 1));
    assert!(early.writes.is_empty(), "{:?}", early.writes);
    assert_eq!(world.look().state, State::Converged);
}
