//! Listeners of all four protocols: describe in bulk, create, change, start, stop, delete.

use clb_model::attribute::ListenerAttributes;
use clb_model::cloud::{Listener, ListenerKey, ListenerProtocol};
use clb_model::identity::{LoadBalancerId, VServerGroupId};
use clb_model::version::PartVersion;

use super::listener_attributes;
use crate::action::{Action, Parameters};
use crate::answer::{Node, UnexpectedAnswer};

/// Rows on one page, the most that the API gives.
const PAGE_SIZE: usize = 100;

/// `DescribeLoadBalancerListeners`: one page of the listeners of up to ten CLBs.
#[derive(Debug, Clone)]
pub struct DescribeListeners {
    /// One to ten: with none the action answers for the whole account.
    pub ids: Vec<LoadBalancerId>,
    /// Where the last page ended.
    pub next_token: Option<String>,
}

/// One page of listeners.
#[derive(Debug, Clone)]
pub struct ListenerPage {
    /// The listeners.
    pub listeners: Vec<ReadListener>,
    /// Where the next page begins; none after the last.
    pub next_token: Option<String>,
}

/// A listener with the CLB that it is on.
#[derive(Debug, Clone)]
pub struct ReadListener {
    /// The CLB.
    pub load_balancer: LoadBalancerId,
    /// Port and protocol.
    pub key: ListenerKey,
    /// The listener, without extension domains.
    pub listener: Listener,
}

impl Action for DescribeListeners {
    type Answer = ListenerPage;

    fn name(&self) -> &'static str {
        "DescribeLoadBalancerListeners"
    }

    fn parameters(&self, parameters: &mut Parameters) {
        parameters.set_list("LoadBalancerId", &self.ids);
        parameters.set("MaxResults", PAGE_SIZE);
        parameters.set_some("NextToken", self.next_token.as_ref());
    }

    fn read(&self, answer: Node<'_>) -> Result<ListenerPage, UnexpectedAnswer> {
        // `Listeners` is absent when there is none.
        let listeners: Result<Vec<_>, _> = answer.items("Listeners", "Listener").map(read_listener).collect();
        Ok(ListenerPage {
            listeners: listeners?,
            next_token: answer.text("NextToken"),
        })
    }
}

fn read_listener(node: Node<'_>) -> Result<ReadListener, UnexpectedAnswer> {
    let key = ListenerKey {
        port: node.required("ListenerPort")?,
        protocol: node.required("ListenerProtocol")?,
    };
    let details = node.object("HTTPListenerConfig");
    let forwards = [Some(node), details]
        .into_iter()
        .flatten()
        .any(|part| part.text("ListenerForward").as_deref() == Some("on"));
    Ok(ReadListener {
        load_balancer: node.required("LoadBalancerId")?,
        key,
        listener: Listener {
            version: PartVersion::default(),
            // "starting" and "configuring" are on the way to it.
            running: !matches!(node.text_or_empty("Status").as_str(), "stopped" | "stopping" | ""),
            vgroup: node.parsed("VServerGroupId").filter(|_| !forwards),
            attributes: listener_attributes::read(node, key.protocol),
            domain_extensions: Default::default(),
        },
    })
}

/// `CreateLoadBalancer…Listener`. The listener is stopped then.
#[derive(Debug, Clone)]
pub struct CreateListener<'a> {
    /// On which CLB.
    pub id: &'a LoadBalancerId,
    /// Port and protocol.
    pub key: ListenerKey,
    /// Where it sends to; none for a forwarding listener.
    pub vgroup: Option<&'a VServerGroupId>,
    /// What it is told; required parameters that are not among them get the API's usual value.
    pub attributes: &'a ListenerAttributes,
}

impl CreateListener<'_> {
    /// The action for a protocol.
    #[must_use]
    pub fn action(protocol: ListenerProtocol) -> &'static str {
        match protocol {
            ListenerProtocol::Tcp => "CreateLoadBalancerTCPListener",
            ListenerProtocol::Udp => "CreateLoadBalancerUDPListener",
            ListenerProtocol::Http => "CreateLoadBalancerHTTPListener",
            ListenerProtocol::Https => "CreateLoadBalancerHTTPSListener",
        }
    }

    /// All attributes that the creation tells the cloud.
    #[must_use]
    pub fn told(&self) -> ListenerAttributes {
        listener_attributes::required_on_create(self.key.protocol, self.attributes)
    }
}

impl Action for CreateListener<'_> {
    type Answer = ();

    fn name(&self) -> &'static str {
        Self::action(self.key.protocol)
    }

    fn parameters(&self, parameters: &mut Parameters) {
        parameters.set("LoadBalancerId", self.id);
        parameters.set("ListenerPort", self.key.port);
        parameters.set_some("VServerGroupId", self.vgroup);
        listener_attributes::set_for_create(parameters, self.key.protocol, self.attributes);
    }

    fn read(&self, _: Node<'_>) -> Result<(), UnexpectedAnswer> {
        Ok(())
    }
}

/// `SetLoadBalancer…ListenerAttribute`.
#[derive(Debug, Clone)]
pub struct SetListener<'a> {
    /// On which CLB.
    pub id: &'a LoadBalancerId,
    /// Which listener.
    pub key: ListenerKey,
    /// Its new group, if it changes.
    pub vgroup: Option<&'a VServerGroupId>,
    /// What changes.
    pub changed: &'a ListenerAttributes,
    /// What is known of it now: some of that is repeated, because the action might reset it.
    pub current: &'a ListenerAttributes,
}

impl SetListener<'_> {
    /// The action for a protocol.
    #[must_use]
    pub fn action(protocol: ListenerProtocol) -> &'static str {
        match protocol {
            ListenerProtocol::Tcp => "SetLoadBalancerTCPListenerAttribute",
            ListenerProtocol::Udp => "SetLoadBalancerUDPListenerAttribute",
            ListenerProtocol::Http => "SetLoadBalancerHTTPListenerAttribute",
            ListenerProtocol::Https => "SetLoadBalancerHTTPSListenerAttribute",
        }
    }
}

impl Action for SetListener<'_> {
    type Answer = ();

    fn name(&self) -> &'static str {
        Self::action(self.key.protocol)
    }

    fn parameters(&self, parameters: &mut Parameters) {
        parameters.set("LoadBalancerId", self.id);
        parameters.set("ListenerPort", self.key.port);
        if let Some(vgroup) = self.vgroup {
            // The id alone changes nothing.
            parameters.set("VServerGroup", "on");
            parameters.set("VServerGroupId", vgroup);
        }
        listener_attributes::set_for_change(parameters, self.key.protocol, self.changed, self.current);
    }

    fn read(&self, _: Node<'_>) -> Result<(), UnexpectedAnswer> {
        Ok(())
    }
}

macro_rules! on_listener {
    ($(#[$doc:meta])* $name:ident = $action:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name<'a> {
            /// On which CLB.
            pub id: &'a LoadBalancerId,
            /// Which listener.
            pub key: ListenerKey,
        }

        impl Action for $name<'_> {
            type Answer = ();

            fn name(&self) -> &'static str {
                $action
            }

            fn parameters(&self, parameters: &mut Parameters) {
                parameters.set("LoadBalancerId", self.id);
                parameters.set("ListenerPort", self.key.port);
                // TCP and UDP may share a port.
                parameters.set("ListenerProtocol", self.key.protocol);
            }

            fn read(&self, _: Node<'_>) -> Result<(), UnexpectedAnswer> {
                Ok(())
            }
        }
    };
}

on_listener!(
    /// `StartLoadBalancerListener`; refused (`Operation.NotAllowed`) for one that is not stopped.
    StartListener = "StartLoadBalancerListener"
);
on_listener!(
    /// `StopLoadBalancerListener`.
    StopListener = "StopLoadBalancerListener"
);
on_listener!(
    /// `DeleteLoadBalancerListener`.
    DeleteListener = "DeleteLoadBalancerListener"
);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn listeners_are_read_with_their_clb() {
        let answer = json!({"NextToken": "", "Listeners": [
            {"LoadBalancerId": "lb-1", "ListenerPort": 80, "ListenerProtocol": "http", "Status": "running",
             "HTTPListenerConfig": {"ListenerForward": "on", "ForwardPort": 443}},
            {"LoadBalancerId": "lb-1", "ListenerPort": "443", "ListenerProtocol": "https", "Status": "stopped",
             "VServerGroupId": "rsp-1"}]});
        let action = DescribeListeners {
            ids: vec![],
            next_token: None,
        };
        let page = action.read(Node(&answer)).unwrap();
        assert_eq!(page.next_token, None);
        assert_eq!(page.listeners[0].key.to_string(), "http:80");
        assert!(page.listeners[0].listener.running && page.listeners[0].listener.vgroup.is_none());
        assert!(!page.listeners[1].listener.running);
        assert_eq!(
            page.listeners[1]
                .listener
                .vgroup
                .as_ref()
                .map(VServerGroupId::as_str),
            Some("rsp-1")
        );
        assert!(action.read(Node(&json!({}))).unwrap().listeners.is_empty());
    }

    #[test]
    fn a_group_is_switched_on_to_be_changed() {
        let id = LoadBalancerId::new("lb-1").unwrap();
        let vgroup = VServerGroupId::new("rsp-2").unwrap();
        let none = ListenerAttributes::new();
        let mut parameters = Parameters::default();
        SetListener {
            id: &id,
            key: "tcp:80".parse().unwrap(),
            vgroup: Some(&vgroup),
            changed: &none,
            current: &none,
        }
        .parameters(&mut parameters);
        assert_eq!(parameters.get("VServerGroup"), Some("on"));
        assert_eq!(parameters.get("VServerGroupId"), Some("rsp-2"));
    }
}
