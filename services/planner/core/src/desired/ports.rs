//! The Service's ports with the protocols of their listeners. The start of everything else in [`super`].

use clb_model::cloud::{ListenerKey, ListenerProtocol};
use clb_model::cluster::{Service, ServicePort, Transport};

use crate::annotations::Read;
use crate::annotations::listener::PROTOCOL_PORT;
use crate::problem::Problem;

/// A port of the Service that gets a listener.
#[derive(Debug, Clone, Copy)]
pub(super) struct Port<'a> {
    /// What the Service says of it.
    pub(super) spec: &'a ServicePort,
    /// The protocol of its listener.
    pub(super) protocol: ListenerProtocol,
    /// The HTTPS port to which its listener redirects.
    pub(super) forward_to: Option<u16>,
}

impl Port<'_> {
    /// What tells its listener from others.
    pub(super) fn key(&self) -> ListenerKey {
        ListenerKey {
            port: self.spec.port,
            protocol: self.protocol,
        }
    }
}

/// The ports, ordered by listener, and what is wrong with them.
#[derive(Debug, Default)]
pub(super) struct Ports<'a> {
    /// Those that can have a listener.
    pub(super) ports: Vec<Port<'a>>,
    /// Mistakes in `spec.ports` and `protocol-port`.
    pub(super) problems: Vec<Problem>,
}

impl<'a> Ports<'a> {
    /// Reads `spec.ports` by the annotations.
    pub(super) fn of(service: &'a Service, read: &Read<'_>) -> Self {
        let mut found = Self::default();
        let listener = &read.annotations.listener;
        for (index, spec) in service.ports.iter().enumerate() {
            let default = match spec.transport {
                Transport::Tcp => ListenerProtocol::Tcp,
                Transport::Udp => ListenerProtocol::Udp,
                Transport::Sctp => {
                    found.problems.push(sctp(index));
                    continue;
                }
            };
            let named = listener
                .protocol_port
                .as_ref()
                .and_then(|list| list.value.protocol(spec.port, spec.transport));
            let protocol = named.unwrap_or(default);
            let forward_to = listener
                .forward_port
                .as_ref()
                .filter(|_| protocol == ListenerProtocol::Http)
                .and_then(|list| list.value.target(spec.port));
            found.ports.push(Port {
                spec,
                protocol,
                forward_to,
            });
        }
        found.ports.sort_by_key(Port::key);
        found.check_protocol_port(service, read);
        found
    }

    /// A pair of `protocol-port` must fit a port of the Service; one for a port that is not there does
    /// nothing, which [`super::effects`] says.
    fn check_protocol_port(&mut self, service: &Service, read: &Read<'_>) {
        let Some(list) = &read.annotations.listener.protocol_port else {
            return;
        };
        for (number, protocol) in list.value.iter() {
            let transports: Vec<Transport> = service
                .ports
                .iter()
                .filter(|port| port.port == number)
                .map(|port| port.transport)
                .collect();
            if !transports.is_empty() && !transports.contains(&protocol.transport()) {
                let needed = protocol.transport().as_str();
                self.problems.push(list.problem(
                    format!(
                        "{protocol} needs a port of protocol {needed}, and port {number} of the Service \
                        is none"
                    ),
                    PROTOCOL_PORT.example,
                ));
            }
        }
    }
}

fn sctp(index: usize) -> Problem {
    Problem {
        place: format!("spec.ports[{index}].protocol"),
        value: Transport::Sctp.as_str().to_owned(),
        allowed: "TCP or UDP; a CLB cannot carry SCTP".to_owned(),
        example: "TCP".to_owned(),
    }
}
