//! Plaintext is for loopback only.

use std::net::{IpAddr, SocketAddr};

/// An address that plaintext is not allowed on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{address} is not on this host: --insecure is for loopback only; give certificates (tls.…), or use 127.0.0.1"
)]
pub struct NotLoopback {
    /// The address as given.
    pub address: String,
}

/// Refuses to listen without TLS where others could reach it.
///
/// # Errors
/// [`NotLoopback`] for every address but 127.0.0.0/8 and `::1`; also for 0.0.0.0, which is all addresses.
pub fn require_loopback_address(address: SocketAddr) -> Result<(), NotLoopback> {
    if address.ip().to_canonical().is_loopback() {
        Ok(())
    } else {
        Err(NotLoopback {
            address: address.to_string(),
        })
    }
}

/// Refuses to dial another host without TLS. Of names only `localhost` passes, since any other may resolve to
/// anything.
///
/// # Errors
/// [`NotLoopback`].
pub fn require_loopback_host(host: &str) -> Result<(), NotLoopback> {
    let is_loopback = host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.to_canonical().is_loopback());
    if is_loopback {
        Ok(())
    } else {
        Err(NotLoopback {
            address: host.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{require_loopback_address, require_loopback_host};

    #[test]
    fn only_this_host_passes() {
        for good in ["127.0.0.1:1", "127.8.9.1:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
            require_loopback_address(good.parse().unwrap()).unwrap();
        }
        for bad in ["0.0.0.0:1", "[::]:1", "10.0.0.1:1", "[::ffff:10.0.0.1]:1"] {
            require_loopback_address(bad.parse().unwrap()).unwrap_err();
        }
        for good in ["localhost", "LOCALHOST", "127.0.0.1", "::1"] {
            require_loopback_host(good).unwrap();
        }
        for bad in ["planner.clb-system", "localhost.example.com", "10.0.0.1", ""] {
            require_loopback_host(bad).unwrap_err();
        }
    }
}
