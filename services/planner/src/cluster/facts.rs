//! Answers about certificates, access control lists, vSwitches, zones and addresses, kept for a while; questions are asked once, for all
//! Services that wait.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use clb_model::ServiceUid;
use clb_model::cloud::StaticAddress;
use clb_planner_core::facts::{AccessControlList, Certificate, CloudFacts, Question, VSwitchFact};
use clb_wire::actuator::Facts;
use tokio::time::Instant;

use crate::actuator::subject;

/// Ids in one Inspect call.
const QUESTIONS_PER_CALL: usize = 50;
/// How long it holds at most what has an address: that changes by what Services do.
const ADDRESS_TTL: Duration = Duration::from_secs(10);
/// How often in a row a question stays without an answer before Services are told: one or two failures may pass by themselves.
const FAILURES_TO_TELL: u32 = 3;
/// A question that was last asked so long ago concerns nobody any more.
const FORGET_FAILURES: Duration = Duration::from_secs(3600);

/// The answers of one cluster.
#[derive(Debug)]
pub(crate) struct FactCache {
    facts: CloudFacts,
    ttl: Duration,
    expiries: BTreeSet<(Instant, Question)>,
    open: BTreeMap<Question, BTreeSet<ServiceUid>>,
    asking: BTreeSet<Question>,
    /// Addresses with which CLBs are being created, and for which Services.
    claims: BTreeMap<StaticAddress, ServiceUid>,
    /// Of the questions that the last call which asked them left without an answer.
    failures: BTreeMap<Question, Failures>,
}

#[derive(Debug)]
struct Failures {
    in_a_row: u32,
    last: Instant,
}

/// The Services that waited for a call.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Waited {
    /// Some question of theirs has an answer.
    pub(crate) answered: BTreeSet<ServiceUid>,
    /// Some question of theirs has none; they ask again.
    pub(crate) unanswered: BTreeSet<ServiceUid>,
}

impl FactCache {
    /// Empty; answers hold for `ttl`.
    pub(crate) fn new(ttl: Duration) -> Self {
        Self {
            facts: CloudFacts::default(),
            ttl,
            expiries: BTreeSet::new(),
            open: BTreeMap::new(),
            asking: BTreeSet::new(),
            claims: BTreeMap::new(),
            failures: BTreeMap::new(),
        }
    }

    /// The answers that hold now.
    pub(crate) fn current(&mut self, now: Instant) -> &CloudFacts {
        while self.expiries.first().is_some_and(|(due, _)| *due <= now) {
            if let Some((_, question)) = self.expiries.pop_first() {
                match question {
                    Question::Certificate(id) => drop(self.facts.certificates.remove(&id)),
                    Question::AccessControlList(id) => drop(self.facts.access_control_lists.remove(&id)),
                    Question::VSwitch(id) => drop(self.facts.vswitches.remove(&id)),
                    Question::ZonePairs => self.facts.zone_pairs = None,
                    Question::StaticAddress(address) => drop(self.facts.static_addresses.remove(&address)),
                }
            }
        }
        &self.facts
    }

    /// A Service needs answers.
    pub(crate) fn ask(&mut self, uid: &ServiceUid, questions: &BTreeSet<Question>) {
        for question in self.facts.unanswered(questions) {
            self.open.entry(question).or_default().insert(uid.clone());
        }
    }

    /// What to ask next; empty while a call is under way or nothing is open.
    pub(crate) fn next_call(&mut self) -> BTreeSet<Question> {
        if self.asking.is_empty() {
            let claims = &self.claims;
            let is_claimed = |question: &&Question| match question {
                Question::StaticAddress(address) => claims.contains_key(address),
                _ => false,
            };
            let open = self.open.keys().filter(|question| !is_claimed(question));
            self.asking = open.take(QUESTIONS_PER_CALL).cloned().collect();
            return self.asking.clone();
        }
        BTreeSet::new()
    }

    /// A CLB with this address is to be created for the Service: whether that may begin. No while one is being created for another Service;
    /// then this one waits for what the cloud says after it.
    pub(crate) fn claim(&mut self, uid: &ServiceUid, address: &StaticAddress) -> bool {
        let holder = self.claims.entry(address.clone()).or_insert_with(|| uid.clone());
        if holder == uid {
            return true;
        }
        let question = Question::StaticAddress(address.clone());
        self.open.entry(question).or_default().insert(uid.clone());
        false
    }

    /// The creation for the Service has ended: what is known of its address is out of date.
    pub(crate) fn release(&mut self, uid: &ServiceUid) {
        let facts = &mut self.facts.static_addresses;
        self.claims.retain(|address, holder| {
            let ended = holder == uid;
            if ended {
                facts.remove(address);
            }
            !ended
        });
    }

    /// Takes in the answers to the call.
    pub(crate) fn answer(&mut self, answers: &Facts, now: Instant) -> Waited {
        let mut waited = Waited::default();
        for question in std::mem::take(&mut self.asking) {
            if let Some(reason) = answers.unanswered.get(&subject(&question)) {
                waited.unanswered.extend(self.fail(question, reason, now));
                continue;
            }
            self.failures.remove(&question);
            self.facts.unanswered_because.remove(&question);
            self.know(&question, answers);
            waited
                .answered
                .extend(self.open.remove(&question).unwrap_or_default());
            let ttl = match question {
                Question::StaticAddress(_) => self.ttl.min(ADDRESS_TTL),
                _ => self.ttl,
            };
            self.expiries.insert((now + ttl, question));
        }
        waited
    }

    fn know(&mut self, question: &Question, answers: &Facts) {
        match question {
            Question::Certificate(id) => {
                let fact = answers.certificates.get(id).map(|fact| Certificate {
                    expires_ms: fact.expires_ms,
                });
                self.facts.certificates.insert(id.clone(), fact);
            }
            Question::AccessControlList(id) => {
                let fact = answers.acls.get(id).map(|fact| AccessControlList {
                    ip_version: fact.ip_version,
                });
                self.facts.access_control_lists.insert(id.clone(), fact);
            }
            Question::VSwitch(id) => {
                let fact = answers.vswitches.get(id).map(|fact| VSwitchFact {
                    vpc_id: fact.vpc_id.clone(),
                    cidr: fact.cidr.parse().ok(),
                });
                self.facts.vswitches.insert(id.clone(), fact);
            }
            Question::ZonePairs => self.facts.zone_pairs = Some(answers.zone_pairs.clone()),
            Question::StaticAddress(address) => {
                let holder = answers.held_addresses.get(address).cloned();
                self.facts.static_addresses.insert(address.clone(), holder);
            }
        }
    }

    /// The whole call failed for this reason. Returns the Services that waited; they ask again.
    pub(crate) fn failed(&mut self, reason: &str, now: Instant) -> BTreeSet<ServiceUid> {
        let asked = std::mem::take(&mut self.asking);
        asked
            .into_iter()
            .flat_map(|question| self.fail(question, reason, now))
            .collect()
    }

    fn fail(&mut self, question: Question, reason: &str, now: Instant) -> BTreeSet<ServiceUid> {
        let unanswered = &mut self.facts.unanswered_because;
        self.failures.retain(|question, failures| {
            let is_recent = now.duration_since(failures.last) < FORGET_FAILURES;
            if !is_recent {
                unanswered.remove(question);
            }
            is_recent
        });
        let waited = self.open.remove(&question).unwrap_or_default();
        let failures = self.failures.entry(question.clone()).or_insert(Failures {
            in_a_row: 0,
            last: now,
        });
        failures.in_a_row = failures.in_a_row.saturating_add(1);
        failures.last = now;
        if failures.in_a_row >= FAILURES_TO_TELL {
            unanswered.insert(question, reason.to_owned());
        }
        waited
    }
}

#[cfg(test)]
mod tests {
    use clb_model::cloud::AddressHolder;
    use clb_wire::actuator::Subject;

    use super::*;

    fn address() -> StaticAddress {
        StaticAddress {
            vpc_id: "vpc-lab".to_owned(),
            vswitch_id: "vsw-k".to_owned(),
            address: "10.0.250.8".parse().unwrap(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_an_address_is_soon_asked_again() {
        let mut cache = FactCache::new(Duration::from_secs(60));
        let uid = ServiceUid::new("a").unwrap();
        let questions = BTreeSet::from([
            Question::StaticAddress(address()),
            Question::VSwitch("vsw-k".to_owned()),
        ]);
        cache.ask(&uid, &questions);
        cache.next_call();
        let holder = AddressHolder::NetworkInterface("eni-1".to_owned());
        let answers = Facts {
            held_addresses: [(address(), holder.clone())].into(),
            ..Facts::default()
        };
        cache.answer(&answers, Instant::now());
        let known = cache.current(Instant::now());
        assert_eq!(known.static_addresses[&address()], Some(holder));
        tokio::time::advance(Duration::from_secs(30)).await;
        let known = cache.current(Instant::now());
        assert_eq!(
            known.unanswered(&questions),
            [Question::StaticAddress(address())].into()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_is_given_to_one_service_at_a_time() {
        let mut cache = FactCache::new(Duration::from_secs(60));
        let (first, second) = (ServiceUid::new("a").unwrap(), ServiceUid::new("b").unwrap());
        let questions = BTreeSet::from([Question::StaticAddress(address())]);
        cache.ask(&first, &questions);
        cache.next_call();
        cache.answer(&Facts::default(), Instant::now());
        assert!(cache.claim(&first, &address()));
        assert!(cache.claim(&first, &address()), "its newer plan");
        assert!(!cache.claim(&second, &address()));
        assert_eq!(
            cache.next_call(),
            BTreeSet::new(),
            "nobody knows until the creation has ended"
        );
        cache.release(&first);
        assert!(cache.current(Instant::now()).static_addresses.is_empty());
        assert_eq!(cache.next_call(), questions);
        assert_eq!(
            cache.answer(&Facts::default(), Instant::now()).answered,
            [second.clone()].into()
        );
        assert!(cache.claim(&second, &address()));
    }

    #[tokio::test(start_paused = true)]
    async fn services_are_told_after_some_failures_and_no_more_once_there_is_an_answer() {
        let mut cache = FactCache::new(Duration::from_secs(60));
        let uid = ServiceUid::new("a").unwrap();
        let questions = BTreeSet::from([Question::Certificate("cert-a".to_owned())]);
        let mut told = Vec::new();
        for _ in 0..4 {
            cache.ask(&uid, &questions);
            assert_eq!(cache.next_call(), questions);
            assert_eq!(
                cache.failed("Forbidden", Instant::now()),
                BTreeSet::from([uid.clone()])
            );
            told.push(!cache.current(Instant::now()).unanswered_because.is_empty());
        }
        assert_eq!(told, [false, false, true, true]);
        cache.ask(&uid, &questions);
        cache.next_call();
        cache.answer(&Facts::default(), Instant::now());
        assert!(cache.current(Instant::now()).unanswered_because.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_question_without_an_answer_keeps_none_from_another() {
        let mut cache = FactCache::new(Duration::from_secs(60));
        let (tls, listed) = (ServiceUid::new("tls").unwrap(), ServiceUid::new("acl").unwrap());
        let certificate = Question::Certificate("cert-a".to_owned());
        for asked in 1..=3 {
            cache.ask(&tls, &[certificate.clone()].into());
            let acl = Question::AccessControlList(format!("acl-{asked}"));
            cache.ask(&listed, &[acl].into());
            assert_eq!(cache.next_call().len(), 2);
            let answers = Facts {
                unanswered: [(Subject::Certificates, "Forbidden".to_owned())].into(),
                ..Facts::default()
            };
            let waited = Waited {
                answered: [listed.clone()].into(),
                unanswered: [tls.clone()].into(),
            };
            assert_eq!(cache.answer(&answers, Instant::now()), waited);
            let known = cache.current(Instant::now());
            assert_eq!(known.access_control_lists.len(), asked);
            assert!(known.certificates.is_empty(), "it may be there");
        }
        let known = cache.current(Instant::now());
        let told = BTreeMap::from([(certificate, "Forbidden".to_owned())]);
        assert_eq!(known.unanswered_because, told);
    }
}
