//! Ports that are chosen now and bound later: by a program that is told its port, or by a service that is stopped and started again.
//!
//! Called by `clb-envtest` for etcd and kube-apiserver, and by `clb-sandbox` for its services.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// Below those that the system gives to connections (from 32,768): it would give them away while nobody listens.
const FIRST: u16 = 12_000;
/// How many there are to choose from.
const COUNT: u16 = 20_000;

/// A free port of this machine's loopback that no connection gets by chance, and this process another time only after all others.
///
/// # Errors
/// When the system refuses all of them.
pub fn lasting() -> io::Result<SocketAddr> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Processes that run side by side begin at different places.
    let place = u16::try_from(std::process::id() % u32::from(COUNT)).unwrap_or_default();
    let mut refusal = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..COUNT {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let address = SocketAddr::from((
            Ipv4Addr::LOCALHOST,
            FIRST + (place.wrapping_mul(997).wrapping_add(step)) % COUNT,
        ));
        match TcpListener::bind(address) {
            Ok(_) => return Ok(address),
            Err(error) => refusal = error,
        }
    }
    Err(refusal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_another_and_none_is_one_that_connections_get() {
        let (one, other) = (lasting().unwrap(), lasting().unwrap());
        assert_ne!(one, other);
        for address in [one, other] {
            assert!((FIRST..FIRST + COUNT).contains(&address.port()));
        }
    }
}
