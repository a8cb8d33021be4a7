//! The two pools and the undo log of one write.

use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::ops::RangeInclusive;

use ipnet::Ipv4Net;
use rand::Rng;

/// Node ports of a cluster that was started with default flags.
pub(crate) const NODE_PORTS: RangeInclusive<u16> = 30_000..=32_767;

/// Why a wanted port cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PortRefusal {
    /// Outside of the node port range.
    OutOfRange,
    /// Another Service has it.
    Taken,
    /// None is left.
    Full,
}

impl fmt::Display for PortRefusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfRange => write!(
                formatter,
                "provided port is not in the valid range. The range of valid ports is {}-{}",
                NODE_PORTS.start(),
                NODE_PORTS.end()
            ),
            Self::Taken => formatter.write_str("provided port is already allocated"),
            Self::Full => formatter.write_str("range is full"),
        }
    }
}

/// What is handed out at present.
#[derive(Debug)]
pub(crate) struct Allocators {
    range: Ipv4Net,
    addresses: HashSet<Ipv4Addr>,
    ports: BTreeSet<u16>,
}

impl Default for Allocators {
    fn default() -> Self {
        #[expect(clippy::expect_used, reason = "12 is a valid prefix length")]
        let range = Ipv4Net::new(Ipv4Addr::new(10, 96, 0, 0), 12).expect("12 bits");
        Self {
            range,
            addresses: HashSet::new(),
            ports: BTreeSet::new(),
        }
    }
}

impl Allocators {
    /// Starts one write.
    pub(crate) fn lend(&mut self) -> Lending<'_> {
        Lending {
            pools: self,
            taken_addresses: Vec::new(),
            taken_ports: Vec::new(),
            freed: Freed::default(),
        }
    }
}

#[derive(Debug, Default)]
struct Freed {
    addresses: Vec<Ipv4Addr>,
    ports: Vec<u16>,
}

/// One write's takings. Dropping it gives back what was taken; [`Lending::keep`] makes takings and releases final.
#[derive(Debug)]
pub(crate) struct Lending<'a> {
    pools: &'a mut Allocators,
    taken_addresses: Vec<Ipv4Addr>,
    taken_ports: Vec<u16>,
    freed: Freed,
}

impl Lending<'_> {
    /// Takes the given address; the error is the API's reason.
    pub(crate) fn take_address(&mut self, wanted: &str) -> Result<(), String> {
        let range = self.pools.range;
        let address = match wanted.parse::<IpAddr>() {
            Ok(IpAddr::V4(address)) => address,
            _ => return Err("the provided network does not match the current range".to_owned()),
        };
        let is_inside =
            range.contains(&address) && address != range.network() && address != range.broadcast();
        if !is_inside {
            return Err("the provided network does not match the current range".to_owned());
        }
        if !self.pools.addresses.insert(address) {
            return Err("provided IP is already allocated".to_owned());
        }
        self.taken_addresses.push(address);
        Ok(())
    }

    /// Takes any free address; `None` if there is none.
    pub(crate) fn take_any_address(&mut self) -> Option<String> {
        let first = u32::from(self.pools.range.network());
        let size = u32::from(self.pools.range.broadcast()) - first;
        let start = rand::rng().random_range(1..size);
        let free = (0..size - 1)
            .map(|step| Ipv4Addr::from(first + 1 + (start + step - 1) % (size - 1)))
            .find(|address| !self.pools.addresses.contains(address))?;
        self.pools.addresses.insert(free);
        self.taken_addresses.push(free);
        Some(free.to_string())
    }

    /// Takes the given node port.
    pub(crate) fn take_port(&mut self, wanted: i64) -> Result<(), PortRefusal> {
        let port = u16::try_from(wanted).map_err(|_error| PortRefusal::OutOfRange)?;
        if !NODE_PORTS.contains(&port) {
            return Err(PortRefusal::OutOfRange);
        }
        if !self.pools.ports.insert(port) {
            return Err(PortRefusal::Taken);
        }
        self.taken_ports.push(port);
        Ok(())
    }

    /// Takes any free node port.
    pub(crate) fn take_any_port(&mut self) -> Result<u16, PortRefusal> {
        let count = NODE_PORTS.end() - NODE_PORTS.start() + 1;
        let start = rand::rng().random_range(0..count);
        let free = (0..count)
            .map(|step| NODE_PORTS.start() + (start + step) % count)
            .find(|port| !self.pools.ports.contains(port))
            .ok_or(PortRefusal::Full)?;
        self.pools.ports.insert(free);
        self.taken_ports.push(free);
        Ok(free)
    }

    /// Gives an address back once the write is final.
    pub(crate) fn free_address(&mut self, address: &str) {
        self.freed.addresses.extend(address.parse::<Ipv4Addr>());
    }

    /// Gives a port back once the write is final.
    pub(crate) fn free_port(&mut self, port: i64) {
        self.freed.ports.extend(u16::try_from(port));
    }

    /// Makes takings and releases final.
    pub(crate) fn keep(mut self) {
        self.taken_addresses.clear();
        self.taken_ports.clear();
        for address in std::mem::take(&mut self.freed.addresses) {
            self.pools.addresses.remove(&address);
        }
        for port in std::mem::take(&mut self.freed.ports) {
            self.pools.ports.remove(&port);
        }
    }
}

impl Drop for Lending<'_> {
    fn drop(&mut self) {
        for address in &self.taken_addresses {
            self.pools.addresses.remove(address);
        }
        for port in &self.taken_ports {
            self.pools.ports.remove(port);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_dropped_write_took_is_free_again() {
        let mut pools = Allocators::default();
        let mut first = pools.lend();
        first.take_port(30_080).expect("free");
        first.take_address("10.96.0.9").expect("free");
        drop(first);
        let mut second = pools.lend();
        second.take_port(30_080).expect("free again");
        second.take_address("10.96.0.9").expect("free again");
        second.keep();
        assert_eq!(pools.lend().take_port(30_080), Err(PortRefusal::Taken));
    }

    #[test]
    fn releases_count_once_the_write_is_kept() {
        let mut pools = Allocators::default();
        let mut first = pools.lend();
        first.take_port(30_001).expect("free");
        first.keep();
        let mut second = pools.lend();
        second.free_port(30_001);
        drop(second);
        assert_eq!(pools.lend().take_port(30_001), Err(PortRefusal::Taken));
        let mut third = pools.lend();
        third.free_port(30_001);
        third.keep();
        assert_eq!(pools.lend().take_port(30_001), Ok(()));
    }

    #[test]
    fn every_port_is_handed_out_once() {
        let mut pools = Allocators::default();
        let mut lending = pools.lend();
        let ports: BTreeSet<u16> = std::iter::from_fn(|| lending.take_any_port().ok()).collect();
        assert_eq!(ports.len(), NODE_PORTS.count());
        assert_eq!(lending.take_any_port(), Err(PortRefusal::Full));
    }
}
