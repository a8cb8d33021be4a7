//! Answers questions about things that annotations name: certificates, access control lists, vSwitches, zones, addresses.

mod addresses;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use clb_cloud_client::{DescribeAcls, DescribeServerCertificates, DescribeVSwitches, DescribeZonePairs};
use clb_model::operation::Priority;
use clb_wire::actuator::{AclFact, CertificateFact, Facts, InspectQuery, VSwitchFact};
use tokio::time::Instant;

use crate::cloud::{Cloud, ReadError};
use crate::limits::Asker;

/// A planner waits for the answer with a Service in hand.
const DEADLINE: Duration = Duration::from_secs(15);

/// What of the asked-for things there is.
pub(crate) async fn inspect(cloud: &Cloud, query: &InspectQuery) -> Result<Facts, ReadError> {
    let asker = Asker {
        cluster: query.cluster.to_string(),
        priority: Priority::Normal,
    };
    let deadline = Instant::now() + DEADLINE;
    let mut facts = Facts::default();
    if !query.certificate_ids.is_empty() {
        // One call tells all of the region, as long as there are not too many of them for one answer.
        let all = DescribeServerCertificates { id: None };
        for certificate in cloud.read(&asker, &all, deadline).await? {
            if query.certificate_ids.contains(&certificate.id) {
                let expires_ms = certificate.expires_ms;
                facts
                    .certificates
                    .insert(certificate.id, CertificateFact { expires_ms });
            }
        }
    }
    if !query.acl_ids.is_empty() {
        facts.acls = existing_acls(cloud, &query.acl_ids, &asker, deadline).await?;
    }
    for id in &query.vswitch_ids {
        for vswitch in cloud.read(&asker, &DescribeVSwitches { id }, deadline).await? {
            facts.vswitches.insert(
                vswitch.id,
                VSwitchFact {
                    vpc_id: vswitch.vpc_id,
                    zone_id: vswitch.zone_id,
                    cidr: vswitch.cidr,
                    free_addresses: vswitch.free_addresses,
                },
            );
        }
    }
    if query.zone_pairs {
        let pairs = cloud.read(&asker, &DescribeZonePairs, deadline).await?;
        facts.zone_pairs.extend(pairs);
    }
    facts.held_addresses = addresses::held(cloud, &query.static_addresses, &asker, deadline).await?;
    Ok(facts)
}

async fn existing_acls(
    cloud: &Cloud,
    asked: &BTreeSet<String>,
    asker: &Asker,
    deadline: Instant,
) -> Result<BTreeMap<String, AclFact>, ReadError> {
    let mut found = BTreeMap::new();
    let mut action = DescribeAcls { name: None, page: 1 };
    loop {
        let page = cloud.read(asker, &action, deadline).await?;
        for list in page.lists.into_iter().filter(|list| asked.contains(&list.id)) {
            let ip_version = list.ip_version;
            found.insert(list.id, AclFact { ip_version });
        }
        if !page.more || found.len() == asked.len() {
            return Ok(found);
        }
        action.page += 1;
    }
}
