//! What the planner's core says of a Service when nothing is known of the cluster and the cloud.

use std::collections::{BTreeMap, BTreeSet};

use clb_model::ClusterId;
use clb_model::cloud::InstanceChargeType;
use clb_model::cluster::Service;
use clb_model::ownership::{Candidate, Standing, standing};
use clb_planner_core::annotations;
use clb_planner_core::annotations::instance::VSWITCH_ID;
use clb_planner_core::desired::{Inputs, Wish, desired};
use clb_planner_core::facts::{AccessControlList, Certificate, CloudFacts, Question, VSwitchFact};
use clb_planner_core::problem::{Notice, Problem};
use clb_planner_core::settings::{BackendType, ClusterSettings, Quotas, VSwitch};

/// The planner's verdict.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub(super) problems: Vec<Problem>,
    pub(super) notices: Vec<Notice>,
    /// What it would ask the cloud, and which was taken for granted.
    pub(super) granted: BTreeSet<Question>,
    /// Some other controller's Service, whatever else it says.
    pub(super) foreign: bool,
}

/// What the planner would find. Of a Service of which not all could be read (`whole`), only what cannot come from what is missing.
pub(super) fn check(service: &Service, whole: bool) -> Verdict {
    let mut verdict = Verdict::default();
    let candidate = Candidate {
        service_type: service.service_type,
        load_balancer_class: service.load_balancer_class.as_deref(),
        annotations: &service.annotations,
        remembered_class: None,
        deleting: service.deleting,
        finalizer: service.finalizer,
    };
    // Which class we serve is configuration, so whatever class the Service names is taken for it.
    if standing(candidate, service.load_balancer_class.as_deref()) != Standing::Ours {
        verdict.foreign = true;
        return verdict;
    }
    let Some(cluster) = cluster() else { return verdict };
    let nodes = BTreeMap::new();
    let mut facts = CloudFacts::default();
    loop {
        let inputs = Inputs {
            cluster: &cluster,
            service,
            nodes: &nodes,
            facts: &facts,
            now_ms: 0,
        };
        match desired(inputs) {
            Wish::Desired(desired) if whole => verdict.notices = desired.notices,
            Wish::Desired(_) => verdict.notices = annotations::read(&service.annotations).notices,
            Wish::Problems(problems) => {
                verdict.problems = problems
                    .into_iter()
                    .filter(|problem| whole || !is_about_ports(service, problem))
                    .collect();
                verdict.notices = annotations::read(&service.annotations).notices;
            }
            Wish::Questions(questions) => {
                for question in questions {
                    grant(&question, &cluster, &mut facts);
                    verdict.granted.insert(question);
                }
                continue;
            }
        }
        return verdict;
    }
}

/// Whether a mistake may come from ports that could not be read: a redirect whose list is right needs the listeners of others.
fn is_about_ports(service: &Service, problem: &Problem) -> bool {
    let read = annotations::read(&service.annotations);
    let redirects = read.annotations.listener.forward_port;
    redirects.is_some_and(|written| written.place == problem.place)
}

/// What is asked about is there, and as it should be.
fn grant(question: &Question, cluster: &ClusterSettings, facts: &mut CloudFacts) {
    match question {
        Question::Certificate(id) => {
            let certificate = Certificate { expires_ms: None };
            facts.certificates.insert(id.clone(), Some(certificate));
        }
        Question::AccessControlList(id) => {
            let list = AccessControlList { ip_version: None };
            facts.access_control_lists.insert(id.clone(), Some(list));
        }
        Question::VSwitch(id) => {
            let vswitch = VSwitchFact {
                vpc_id: cluster.vpc_id.clone(),
                cidr: None,
            };
            facts.vswitches.insert(id.clone(), Some(vswitch));
        }
        Question::ZonePairs => facts.zone_pairs = Some(BTreeSet::new()),
        Question::StaticAddress(address) => drop(facts.static_addresses.insert(address.clone(), None)),
    }
}

/// A cluster with the planner's defaults and a vSwitch, of which a real one as a rule has some.
fn cluster() -> Option<ClusterSettings> {
    Some(ClusterSettings {
        id: ClusterId::new("lint").ok()?,
        region: "region".to_owned(),
        vpc_id: "vpc-of-the-cluster".to_owned(),
        vpc_cidrs: Vec::new(),
        vswitches: vec![VSwitch {
            id: VSWITCH_ID.example.to_owned(),
            zone_id: "zone".to_owned(),
        }],
        resource_group_id: None,
        default_backend_type: BackendType::Ecs,
        default_instance_charge_type: InstanceChargeType::PayByClcu,
        load_balancer_class: None,
        quotas: Quotas::default(),
        node_grace_ms: 0,
        drain_leaving_nodes: false,
        ip_mode_proxy: false,
        use_health_check_node_port: false,
        standard_fields_on_adopted: false,
    })
}
