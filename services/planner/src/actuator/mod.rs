//! The planner's client of the actuator: the mirror's stream, batches, questions. One channel serves all clusters.

pub(crate) mod execute;
pub(crate) mod inspect;
pub(crate) mod interests;
pub(crate) mod mirror;
pub(crate) mod reach;

use clb_proto::actuator::v1::actuator_service_client::ActuatorServiceClient;
use clb_telemetry::grpc::InjectContext;
use clb_tls::PeerIdentity;
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Status};

pub(crate) use inspect::subject;

/// A CLB with many backends in one message of the mirror.
const LARGEST_MESSAGE: usize = 16 * 1024 * 1024;

/// The actuator's client; cheap to clone.
pub(crate) type ActuatorClient = ActuatorServiceClient<InterceptedService<Channel, AsPlanner>>;

/// A client on this channel, which connects when it is first used.
pub(crate) fn client(channel: Channel) -> ActuatorClient {
    ActuatorServiceClient::with_interceptor(channel, AsPlanner)
        .max_decoding_message_size(LARGEST_MESSAGE)
        .max_encoding_message_size(LARGEST_MESSAGE)
}

/// Says who calls and in which trace.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AsPlanner;

impl Interceptor for AsPlanner {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        clb_tls::present(&PeerIdentity::Planner, request.metadata_mut());
        InjectContext.call(request)
    }
}

/// A call's error for people, with its causes: the status alone says "transport error".
pub(crate) fn reason(status: &Status) -> String {
    let mut text = match status.message() {
        "" => format!("{:?}", status.code()),
        message => format!("{:?}: {message}", status.code()),
    };
    let mut cause = std::error::Error::source(status);
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}
