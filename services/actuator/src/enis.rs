//! Which network interface has an address: asked once per address, a hundred addresses at a time.

use std::collections::HashMap;
use std::net::IpAddr;

use clb_cloud_client::{ADDRESSES_PER_READ, DescribeNetworkInterfaces};
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::cloud::{Cloud, ReadError};
use crate::limits::Asker;

/// Addresses that are remembered; beyond it all are forgotten, which costs a read per hundred.
const REMEMBERED: usize = 200_000;

/// The cache of one region. An address repeats across VPCs, so the VPC is part of the key.
#[derive(Debug, Default)]
pub(crate) struct Enis(Mutex<HashMap<(String, IpAddr), String>>);

impl Enis {
    /// The interfaces that have these addresses, in the first of the VPCs that knows them. Absent: none has it. What was found stays
    /// found although another batch may drop it from the cache meanwhile.
    pub(crate) async fn find(
        &self,
        cloud: &Cloud,
        vpc_ids: &[String],
        addresses: &[IpAddr],
        asker: &Asker,
        deadline: Instant,
    ) -> Result<HashMap<IpAddr, String>, ReadError> {
        let mut found = self.remembered(vpc_ids, addresses);
        for vpc in vpc_ids {
            let (v4, v6): (Vec<IpAddr>, Vec<IpAddr>) = addresses
                .iter()
                .copied()
                .filter(|address| !found.contains_key(address))
                .partition(IpAddr::is_ipv4);
            for asked in v4.chunks(ADDRESSES_PER_READ).chain(v6.chunks(ADDRESSES_PER_READ)) {
                found.extend(self.ask(cloud, vpc, asked, asker, deadline).await?);
            }
        }
        Ok(found)
    }

    /// Drops what is known of an address.
    pub(crate) fn forget(&self, vpc_ids: &[String], address: IpAddr) {
        let mut cache = self.0.lock();
        for vpc in vpc_ids {
            cache.remove(&(vpc.clone(), address));
        }
    }

    fn remembered(&self, vpc_ids: &[String], addresses: &[IpAddr]) -> HashMap<IpAddr, String> {
        let cache = self.0.lock();
        addresses
            .iter()
            .filter_map(|address| {
                let eni = vpc_ids
                    .iter()
                    .find_map(|vpc| cache.get(&(vpc.clone(), *address)))?;
                Some((*address, eni.clone()))
            })
            .collect()
    }

    async fn ask(
        &self,
        cloud: &Cloud,
        vpc: &str,
        addresses: &[IpAddr],
        asker: &Asker,
        deadline: Instant,
    ) -> Result<HashMap<IpAddr, String>, ReadError> {
        let mut found = HashMap::new();
        let mut next_token: Option<String> = None;
        loop {
            let action = DescribeNetworkInterfaces {
                vpc_id: vpc,
                vswitch_id: None,
                addresses,
                next_token: next_token.as_deref(),
            };
            let page = cloud.read(asker, &action, deadline).await?;
            let mut cache = self.0.lock();
            if cache.len() > REMEMBERED {
                cache.clear();
            }
            for one in page
                .addresses
                .into_iter()
                .filter(|one| addresses.contains(&one.address))
            {
                cache.insert((vpc.to_owned(), one.address), one.interface_id.clone());
                found.insert(one.address, one.interface_id);
            }
            drop(cache);
            match page.next_token {
                Some(token) => next_token = Some(token),
                None => return Ok(found),
            }
        }
    }
}
