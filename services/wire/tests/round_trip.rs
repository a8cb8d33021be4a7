//! What one service encodes, the other decodes to the same.

#![expect(
    clippy::unwrap_used,
    reason = "a strategy that makes an invalid value is a fault of the test"
)]

mod strategies;

use std::collections::BTreeSet;

use clb_proto::{actuator, snapshot};
use clb_wire::actuator::{
    Facts, InspectQuery, Interest, MirrorUpdate, Subject, batch_from_proto, batch_to_proto, facts_from_proto,
    facts_to_proto, inspect_query_from_proto, inspect_query_to_proto, interest_from_proto, interest_to_proto,
    load_balancer_from_proto, load_balancer_to_proto, mirror_update_from_proto, mirror_update_to_proto,
    operation_result_from_proto, operation_result_to_proto,
};
use clb_wire::records::{Object, decode, node_record, service_record};
use clb_wire::snapshot::{
    Hello, ResumePoint, directive_from_proto, directive_result_from_proto, directive_result_to_proto,
    directive_to_proto, heartbeat_from_proto, heartbeat_to_proto, hello_from_proto, hello_to_proto,
};
use proptest::prelude::*;
use prost::Message;

/// Through the bytes, as a peer would see it.
fn sent<M: Message + Default>(message: &M) -> M {
    M::decode(message.encode_to_vec().as_slice()).unwrap()
}

proptest! {
    #[test]
    fn services(service in strategies::cluster::service()) {
        let record: snapshot::v1::ObjectRecord = sent(&service_record(&service));
        prop_assert_eq!(&record, &service_record(&service));
        prop_assert_eq!(decode(&record).unwrap(), Object::Service(Box::new(service)));
    }

    #[test]
    fn nodes(node in strategies::cluster::node()) {
        let record: snapshot::v1::ObjectRecord = sent(&node_record(&node));
        prop_assert_eq!(decode(&record).unwrap(), Object::Node(node));
    }

    #[test]
    fn directives(directive in strategies::cluster::directive()) {
        prop_assert_eq!(directive_from_proto(sent(&directive_to_proto(&directive, None))).unwrap(), directive);
    }

    #[test]
    fn directive_results(result in strategies::cluster::directive_result()) {
        prop_assert_eq!(directive_result_from_proto(sent(&directive_result_to_proto(&result))).unwrap(), result);
    }

    #[test]
    fn greetings(epoch in strategies::cluster::tenure(), sequence in any::<u64>(), resumes in any::<bool>()) {
        let hello = Hello {
            cluster_uid: "uid".to_owned(),
            instance: "watcher-0".to_owned(),
            epoch,
            protocols: 1..=2,
            resume: resumes.then_some(ResumePoint { epoch, sequence }),
        };
        prop_assert_eq!(hello_from_proto(sent(&hello_to_proto(&hello))).unwrap(), hello);
    }

    #[test]
    fn heartbeats(age in strategies::duration(), sequence in any::<u64>()) {
        let message = heartbeat_to_proto(age, sequence);
        prop_assert_eq!(heartbeat_from_proto(sent(&message)).unwrap(), (age, sequence));
    }

    #[test]
    fn load_balancers(load_balancer in strategies::cloud::load_balancer()) {
        let message: actuator::v1::LoadBalancer = sent(&load_balancer_to_proto(&load_balancer));
        prop_assert_eq!(load_balancer_from_proto(message).unwrap(), load_balancer);
    }

    #[test]
    fn mirror_updates(
        load_balancer in strategies::cloud::load_balancer(),
        service in strategies::cluster::service_uid(),
        reason in strategies::text(),
    ) {
        let id = load_balancer.id.clone();
        for update in [
            MirrorUpdate::LoadBalancer(Box::new(load_balancer)),
            MirrorUpdate::Gone(id.clone()),
            MirrorUpdate::Resolved { service, load_balancers: vec![id.clone()] },
            MirrorUpdate::Looked(id),
            MirrorUpdate::Synced,
            MirrorUpdate::Trouble { reason },
        ] {
            prop_assert_eq!(mirror_update_from_proto(sent(&mirror_update_to_proto(&update))).unwrap(), update);
        }
    }

    #[test]
    fn interests(
        service in strategies::cluster::service_uid(),
        default_name in strategies::text(),
        load_balancer in proptest::option::of(strategies::cloud::load_balancer_id()),
    ) {
        let interest = Interest { service, default_name, load_balancer };
        prop_assert_eq!(interest_from_proto(sent(&interest_to_proto(&interest))).unwrap(), interest);
    }

    #[test]
    fn questions_about_addresses(static_addresses in strategies::cloud::static_addresses()) {
        let query = InspectQuery {
            cluster: "c-lab".parse().unwrap(),
            region: "cn-hangzhou".to_owned(),
            certificate_ids: BTreeSet::new(),
            acl_ids: BTreeSet::new(),
            vswitch_ids: BTreeSet::new(),
            zone_pairs: false,
            static_addresses,
            in_part: true,
        };
        prop_assert_eq!(inspect_query_from_proto(sent(&inspect_query_to_proto(&query))).unwrap(), query);
    }

    #[test]
    fn holders_of_addresses(held_addresses in strategies::cloud::held_addresses()) {
        let facts = Facts { held_addresses, ..Facts::default() };
        prop_assert_eq!(facts_from_proto(sent(&facts_to_proto(&facts))), facts);
    }

    #[test]
    fn what_was_not_answered(reasons in proptest::collection::vec(strategies::text(), 5)) {
        let subjects = [
            Subject::Certificates,
            Subject::AccessControlLists,
            Subject::VSwitch("vsw-k".to_owned()),
            Subject::ZonePairs,
            Subject::StaticAddresses,
        ];
        let facts = Facts { unanswered: subjects.into_iter().zip(reasons).collect(), ..Facts::default() };
        prop_assert_eq!(facts_from_proto(sent(&facts_to_proto(&facts))), facts);
    }

    #[test]
    fn batches(batch in strategies::operation::batch()) {
        let message: actuator::v1::Batch = sent(&batch_to_proto(&batch));
        prop_assert_eq!(batch_from_proto(message).unwrap(), batch);
    }

    #[test]
    fn operation_results(result in strategies::operation::operation_result()) {
        prop_assert_eq!(operation_result_from_proto(sent(&operation_result_to_proto(&result))).unwrap(), result);
    }
}
