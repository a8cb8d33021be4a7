//! What the planner knows, over its gRPC service for operators.

pub mod view;

use std::time::Duration;

use clb_proto::planner::v1::planner_service_client::PlannerServiceClient;
use clb_proto::planner::v1::{Cluster, ListClustersRequest, ListServicesRequest, Service};
use clb_settings::HostPort;
use clb_tls::{Security, TlsError, TlsSettings};
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::cli::PlannerArguments;

/// Deadline of one call, connecting included.
const CALL: Duration = Duration::from_secs(15);

/// Ten thousand Services take a few MiB.
const LARGEST_ANSWER: usize = 64 << 20;

/// Why the planner did not answer.
#[derive(Debug, thiserror::Error)]
pub enum PlannerError {
    /// The certificates cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Nothing answers there, or not in time, or not with a certificate that we trust.
    #[error(
        "the planner at {address} cannot be reached: {reason}; is it running there, and is --planner right?"
    )]
    Unreachable {
        /// Where.
        address: HostPort,
        /// The whole chain of causes.
        reason: String,
    },
    /// It does not admit us.
    #[error("the planner at {address} refuses the call: {reason}")]
    Refused {
        /// Where.
        address: HostPort,
        /// Its words.
        reason: String,
    },
    /// It answered with another error.
    #[error("the planner at {address} answered {code:?}: {reason}")]
    Answer {
        /// Where.
        address: HostPort,
        /// The status code.
        code: Code,
        /// Its words.
        reason: String,
    },
}

/// Asks the planner.
#[derive(Debug)]
pub struct Client {
    address: HostPort,
    client: PlannerServiceClient<Channel>,
}

impl Client {
    /// For the planner that the arguments name; connects at the first call.
    ///
    /// # Errors
    /// [`PlannerError::Tls`] for certificates that cannot be used, and for plaintext to another host.
    pub fn connect(arguments: &PlannerArguments) -> Result<Self, PlannerError> {
        let security = Security::from_settings(certificates(arguments).as_ref(), arguments.insecure)?;
        let channel = security.endpoint(&arguments.planner)?.connect_lazy();
        Ok(Self {
            address: arguments.planner.clone(),
            client: PlannerServiceClient::new(channel).max_decoding_message_size(LARGEST_ANSWER),
        })
    }

    /// All clusters, ordered by id.
    ///
    /// # Errors
    /// See [`PlannerError`].
    pub async fn clusters(mut self) -> Result<Vec<Cluster>, PlannerError> {
        let request = with_deadline(ListClustersRequest {});
        match self.client.list_clusters(request).await {
            Ok(answer) => Ok(answer.into_inner().clusters),
            Err(status) => Err(self.error(&status)),
        }
    }

    /// The Services of one cluster or of all, ordered by cluster, namespace and name.
    ///
    /// # Errors
    /// See [`PlannerError`].
    pub async fn services(mut self, cluster: Option<&str>) -> Result<Vec<Service>, PlannerError> {
        let request = with_deadline(ListServicesRequest {
            cluster_id: cluster.unwrap_or_default().to_owned(),
        });
        match self.client.list_services(request).await {
            Ok(answer) => Ok(answer.into_inner().services),
            Err(status) => Err(self.error(&status)),
        }
    }

    fn error(&self, status: &Status) -> PlannerError {
        let address = self.address.clone();
        let reason = status.message().to_owned();
        match status.code() {
            // tonic's own deadline ends a call as cancelled.
            Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled => PlannerError::Unreachable {
                address,
                reason: causes(status),
            },
            Code::Unauthenticated | Code::PermissionDenied => PlannerError::Refused { address, reason },
            code => PlannerError::Answer {
                address,
                code,
                reason,
            },
        }
    }
}

fn with_deadline<T>(message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.set_timeout(CALL);
    request
}

/// The files, where all three are given; the command line asks for all of them.
fn certificates(arguments: &PlannerArguments) -> Option<TlsSettings> {
    Some(TlsSettings {
        ca_file: arguments.tls_ca_file.clone()?,
        cert_file: arguments.tls_cert_file.clone()?,
        key_file: arguments.tls_key_file.clone()?,
    })
}

/// A status with what lies under it: its own words are only "transport error". A cause that repeats the one above it is left out.
fn causes(status: &Status) -> String {
    let mut text = status.message().to_owned();
    let mut cause = std::error::Error::source(status);
    while let Some(inner) = cause {
        let words = inner.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        cause = inner.source();
    }
    text
}
