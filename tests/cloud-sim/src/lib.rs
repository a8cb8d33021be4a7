//! A simulated Alibaba Cloud for tests and for people: SLB (CLB) 2014-05-15, ECS 2014-05-26 and VPC
//! 2016-04-28.
//!
//! It verifies signatures (V1 and V3), validates parameters, fills defaults, refuses concurrent changes to
//! one load balancer, enforces request limits and quotas, and fails in the ways that it is told to. The
//! sandbox, the end-to-end tests and the actuator's tests use it as a library; the binary `cloud-sim` serves
//! it by itself.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use cloud_sim::{CloudSim, Fault, FaultKind, Options, lab};
//!
//! let sim = CloudSim::start(Options::default()).await?;
//! let account = sim.cloud().account(cloud_sim::DEFAULT_ACCOUNT);
//! lab::build(&account)?;
//! sim.cloud().order_fault(Fault::next(FaultKind::ResetAfter).of("CreateLoadBalancer"));
//! // … calls to sim.endpoint() …
//! assert_eq!(sim.cloud().counters().writes, 0);
//! sim.shutdown().await;
//! # Ok(())
//! # }
//! ```

mod account;
mod acls;
mod admin;
pub mod catalog;
mod certificates;
mod client_tokens;
mod cloud;
mod domain_extensions;
mod ecs;
pub mod errors;
mod faults;
mod gateway;
mod health;
mod ids;
mod input;
mod journal;
pub mod lab;
mod limits;
mod listeners;
mod load_balancers;
mod options;
mod quotas;
mod request;
mod scope;
mod seed;
mod server;
mod signature;
mod snapshot;
mod tags;
mod vgroups;
mod vpc;
mod xml;
mod zones;

use std::net::SocketAddr;
use std::time::Duration;

pub use account::{Owner, Tags};
pub use acls::{AccessControlList, AclEntry};
pub use certificates::Certificate;
pub use cloud::Cloud;
pub use ecs::{Instance, NetworkInterface};
pub use faults::{Fault, FaultKind};
pub use journal::{Call, Counters, Outcome};
pub use limits::{Limits, WINDOW};
pub use options::{
    AccessKey, Circumstances, DEFAULT_ACCESS_KEY_ID, DEFAULT_ACCESS_KEY_SECRET, DEFAULT_ACCOUNT, Options,
};
pub use quotas::Quotas;
pub use seed::Account;
pub use snapshot::LoadError;
pub use vpc::{Eip, VSwitch, Vpc};

/// How long `shutdown` waits for calls in flight.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(2);

/// Why the simulator could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
}

/// A simulated cloud that is being served.
pub struct CloudSim {
    cloud: Cloud,
    address: SocketAddr,
}

impl CloudSim {
    /// Starts serving.
    ///
    /// # Errors
    /// The address cannot be listened on.
    pub async fn start(options: Options) -> Result<CloudSim, StartError> {
        let cloud = Cloud::new(&options);
        let address = server::listen(cloud.clone(), options.listen)
            .await
            .map_err(|source| StartError::Listen {
                address: options.listen,
                source,
            })?;
        Ok(CloudSim { cloud, address })
    }

    /// The URL of all three products, `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The cloud behind it.
    pub fn cloud(&self) -> &Cloud {
        &self.cloud
    }

    /// Stops listening and lets calls in flight end, for two seconds at most.
    pub async fn shutdown(self) {
        self.cloud.stop(SHUTDOWN_GRACE).await;
    }
}

impl Drop for CloudSim {
    fn drop(&mut self) {
        self.cloud.stopping().cancel();
    }
}
