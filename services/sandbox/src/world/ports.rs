//! Ports for services that are stopped and started again while others of the machine go on.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// Below those that the system gives to connections: it would give them away while a service is stopped.
const FIRST: u16 = 12_000;
/// How many there are to choose from.
const COUNT: u16 = 20_000;

/// A free port of this machine that no connection gets by chance.
///
/// # Errors
/// When the system refuses all of them.
pub(super) fn lasting() -> io::Result<SocketAddr> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Sandboxes that run side by side begin at different places.
    let place = u16::try_from(std::process::id() % u32::from(COUNT)).unwrap_or_default();
    let mut refusal = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..COUNT {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let address = SocketAddr::from((
            Ipv4Addr::LOCALHOST,
            FIRST + (place.wrapping_mul(37).wrapping_add(step)) % COUNT,
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
