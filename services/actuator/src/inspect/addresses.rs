//! Which of the addresses that CLBs are to have are taken: by a CLB, or by a network interface. Read anew each time, because it is asked
//! before something is created.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use clb_cloud_client::{
    ADDRESSES_PER_READ, DescribeLoadBalancers, DescribeNetworkInterfaces, LoadBalancerFilter,
};
use clb_model::cloud::{AddressHolder, StaticAddress};
use clb_model::marks::OWNER_TAG;
use tokio::time::Instant;

use crate::cloud::{Cloud, ReadError};
use crate::limits::Asker;

/// What has those of the addresses that are taken.
pub(super) async fn held(
    cloud: &Cloud,
    asked: &BTreeSet<StaticAddress>,
    asker: &Asker,
    deadline: Instant,
) -> Result<BTreeMap<StaticAddress, AddressHolder>, ReadError> {
    let mut held = BTreeMap::new();
    for address in asked {
        if let Some(holder) = load_balancer(cloud, address, asker, deadline).await? {
            held.insert(address.clone(), holder);
        }
    }
    let mut by_vswitch: BTreeMap<(&str, &str), Vec<&StaticAddress>> = BTreeMap::new();
    for address in asked.iter().filter(|address| !held.contains_key(*address)) {
        let vswitch = (address.vpc_id.as_str(), address.vswitch_id.as_str());
        by_vswitch.entry(vswitch).or_default().push(address);
    }
    let mut of_interfaces = BTreeMap::new();
    for addresses in by_vswitch.values().flat_map(|all| all.chunks(ADDRESSES_PER_READ)) {
        of_interfaces.extend(interfaces(cloud, addresses, asker, deadline).await?);
    }
    held.extend(of_interfaces);
    Ok(held)
}

async fn load_balancer(
    cloud: &Cloud,
    address: &StaticAddress,
    asker: &Asker,
    deadline: Instant,
) -> Result<Option<AddressHolder>, ReadError> {
    let action = DescribeLoadBalancers {
        filter: LoadBalancerFilter::Address(address.clone()),
        page: 1,
    };
    let text = address.address.to_string();
    let page = cloud.read(asker, &action, deadline).await?;
    // An answer that was filtered less than asked for must not count.
    let found = page
        .load_balancers
        .into_iter()
        .find(|found| found.address == text && found.vswitch_id == address.vswitch_id);
    Ok(found.map(|mut found| AddressHolder::LoadBalancer {
        id: found.id,
        owner: found.tags.remove(OWNER_TAG).unwrap_or_default(),
    }))
}

/// The interfaces that have some of these addresses, all of one vSwitch.
async fn interfaces(
    cloud: &Cloud,
    asked: &[&StaticAddress],
    asker: &Asker,
    deadline: Instant,
) -> Result<BTreeMap<StaticAddress, AddressHolder>, ReadError> {
    let mut found = BTreeMap::new();
    let Some(first) = asked.first() else {
        return Ok(found);
    };
    let addresses: Vec<IpAddr> = asked.iter().map(|one| IpAddr::V4(one.address)).collect();
    let mut next_token: Option<String> = None;
    loop {
        let action = DescribeNetworkInterfaces {
            vpc_id: &first.vpc_id,
            vswitch_id: Some(&first.vswitch_id),
            addresses: &addresses,
            next_token: next_token.as_deref(),
        };
        let page = cloud.read(asker, &action, deadline).await?;
        for one in page.addresses {
            if let Some(address) = asked.iter().find(|asked| asked.address == one.address) {
                let holder = AddressHolder::NetworkInterface(one.interface_id);
                found.insert((*address).clone(), holder);
            }
        }
        match page.next_token {
            Some(token) => next_token = Some(token),
            None => return Ok(found),
        }
    }
}
