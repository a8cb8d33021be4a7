//! Answers questions about things that annotations name: certificates, access control lists, vSwitches, zones, addresses.

mod addresses;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use clb_cloud_client::{
    Action, DescribeAcls, DescribeServerCertificates, DescribeVSwitches, DescribeZonePairs, VSwitch,
};
use clb_model::cloud::{AddressHolder, StaticAddress, ZonePair};
use clb_model::operation::Priority;
use clb_wire::actuator::{AclFact, CertificateFact, Facts, InspectQuery, Subject, VSwitchFact};
use tokio::time::Instant;

use crate::cloud::{Cloud, ReadError};
use crate::limits::Asker;

/// A planner waits for the answer with a Service in hand.
const DEADLINE: Duration = Duration::from_secs(15);

/// What of the asked-for things there is. What the cloud does not tell of one kind leaves the others as they are.
pub(crate) async fn inspect(cloud: &Cloud, query: &InspectQuery) -> Facts {
    let inspector = Inspector {
        cloud,
        asker: Asker {
            cluster: query.cluster.to_string(),
            priority: Priority::Normal,
        },
        deadline: Instant::now() + DEADLINE,
    };
    let (certificates, acls, vswitches, zone_pairs, held) = tokio::join!(
        inspector.certificates(&query.certificate_ids),
        inspector.acls(&query.acl_ids),
        inspector.vswitches(&query.vswitch_ids),
        inspector.zone_pairs(query.zone_pairs),
        inspector.held(&query.static_addresses),
    );
    let mut unanswered = BTreeMap::new();
    let facts = Facts {
        certificates: told(certificates, Subject::Certificates, &mut unanswered),
        acls: told(acls, Subject::AccessControlLists, &mut unanswered),
        vswitches: vswitches
            .into_iter()
            .flat_map(|(id, found)| told(found, Subject::VSwitch(id), &mut unanswered))
            .collect(),
        zone_pairs: told(zone_pairs, Subject::ZonePairs, &mut unanswered),
        held_addresses: told(held, Subject::StaticAddresses, &mut unanswered),
        unanswered: BTreeMap::new(),
    };
    Facts { unanswered, ..facts }
}

/// The answer; where there is none, an empty one and a note that it says nothing.
fn told<T: Default>(
    answer: Result<T, ReadError>,
    subject: Subject,
    unanswered: &mut BTreeMap<Subject, String>,
) -> T {
    answer.unwrap_or_else(|error| {
        unanswered.insert(subject, error.to_string());
        T::default()
    })
}

/// Asks for one planner's call, until its deadline.
struct Inspector<'a> {
    cloud: &'a Cloud,
    asker: Asker,
    deadline: Instant,
}

impl Inspector<'_> {
    async fn read<A: Action>(&self, action: &A) -> Result<A::Answer, ReadError> {
        self.cloud.read(&self.asker, action, self.deadline).await
    }

    async fn certificates(
        &self,
        asked: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, CertificateFact>, ReadError> {
        if asked.is_empty() {
            return Ok(BTreeMap::new());
        }
        // One call tells all of the region, as long as there are not too many of them for one answer.
        let all = self.read(&DescribeServerCertificates { id: None }).await?;
        Ok(all
            .into_iter()
            .filter(|certificate| asked.contains(&certificate.id))
            .map(|certificate| {
                let expires_ms = certificate.expires_ms;
                (certificate.id, CertificateFact { expires_ms })
            })
            .collect())
    }

    async fn acls(&self, asked: &BTreeSet<String>) -> Result<BTreeMap<String, AclFact>, ReadError> {
        let mut found = BTreeMap::new();
        let mut action = DescribeAcls { name: None, page: 1 };
        while found.len() < asked.len() {
            let page = self.read(&action).await?;
            for list in page.lists.into_iter().filter(|list| asked.contains(&list.id)) {
                let ip_version = list.ip_version;
                found.insert(list.id, AclFact { ip_version });
            }
            if !page.more {
                break;
            }
            action.page += 1;
        }
        Ok(found)
    }

    /// Each by itself: some may be in a resource group that must not be looked into.
    async fn vswitches(
        &self,
        asked: &BTreeSet<String>,
    ) -> Vec<(String, Result<BTreeMap<String, VSwitchFact>, ReadError>)> {
        let mut all = Vec::new();
        for id in asked {
            let found = self.read(&DescribeVSwitches { id }).await;
            let facts = found.map(|found| found.into_iter().map(vswitch_fact).collect());
            all.push((id.clone(), facts));
        }
        all
    }

    async fn zone_pairs(&self, asked: bool) -> Result<BTreeSet<ZonePair>, ReadError> {
        if !asked {
            return Ok(BTreeSet::new());
        }
        Ok(self.read(&DescribeZonePairs).await?.into_iter().collect())
    }

    async fn held(
        &self,
        asked: &BTreeSet<StaticAddress>,
    ) -> Result<BTreeMap<StaticAddress, AddressHolder>, ReadError> {
        addresses::held(self.cloud, asked, &self.asker, self.deadline).await
    }
}

fn vswitch_fact(vswitch: VSwitch) -> (String, VSwitchFact) {
    let fact = VSwitchFact {
        vpc_id: vswitch.vpc_id,
        zone_id: vswitch.zone_id,
        cidr: vswitch.cidr,
        free_addresses: vswitch.free_addresses,
    };
    (vswitch.id, fact)
}
