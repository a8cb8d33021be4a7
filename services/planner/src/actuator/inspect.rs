//! Asking the actuator about things that annotations name.

use std::collections::BTreeSet;
use std::time::Duration;

use clb_model::ClusterId;
use clb_planner_core::facts::Question;
use clb_wire::actuator::{Facts, InspectQuery, Subject, facts_from_proto, inspect_query_to_proto};
use tokio::time::timeout;

use super::{ActuatorClient, reason};

/// The answer may take a few calls to the cloud, each of which may wait for the account's limit.
const DEADLINE: Duration = Duration::from_secs(30);

/// Asks.
///
/// # Errors
/// Why there is no answer, for people.
pub(crate) async fn inspect(
    mut client: ActuatorClient,
    cluster: ClusterId,
    region: String,
    questions: BTreeSet<Question>,
) -> Result<Facts, String> {
    let mut query = InspectQuery {
        cluster,
        region,
        certificate_ids: BTreeSet::new(),
        acl_ids: BTreeSet::new(),
        vswitch_ids: BTreeSet::new(),
        zone_pairs: false,
        static_addresses: BTreeSet::new(),
        in_part: true,
    };
    for question in questions {
        match question {
            Question::Certificate(id) => drop(query.certificate_ids.insert(id)),
            Question::AccessControlList(id) => drop(query.acl_ids.insert(id)),
            Question::VSwitch(id) => drop(query.vswitch_ids.insert(id)),
            Question::ZonePairs => query.zone_pairs = true,
            Question::StaticAddress(address) => drop(query.static_addresses.insert(address)),
        }
    }
    match timeout(DEADLINE, client.inspect(inspect_query_to_proto(&query))).await {
        Ok(Ok(response)) => Ok(facts_from_proto(response.into_inner())),
        Ok(Err(status)) => Err(reason(&status)),
        Err(_) => Err(format!("no answer within {DEADLINE:?}")),
    }
}

/// What answers a question, or leaves it unanswered together with others.
pub(crate) fn subject(question: &Question) -> Subject {
    match question {
        Question::Certificate(_) => Subject::Certificates,
        Question::AccessControlList(_) => Subject::AccessControlLists,
        Question::VSwitch(id) => Subject::VSwitch(id.clone()),
        Question::ZonePairs => Subject::ZonePairs,
        Question::StaticAddress(_) => Subject::StaticAddresses,
    }
}
