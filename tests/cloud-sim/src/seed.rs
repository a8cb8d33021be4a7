//! An account as its user sees it: makes what a controller finds in the cloud, and changes things by hand.

use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::Value;

use crate::account::{AccountState, Owner};
use crate::acls::AccessControlList;
use crate::catalog::{self, validate};
use crate::certificates::Certificate;
use crate::cloud::{Cloud, execute};
use crate::ecs::{Instance, NetworkInterface};
use crate::errors::{self, Answer, ApiError};
use crate::ids;
use crate::input::Input;
use crate::snapshot::{self, LoadError};
use crate::vpc::{Eip, VSwitch, Vpc};

/// One account of the simulated cloud.
#[derive(Clone)]
pub struct Account {
    cloud: Cloud,
    id: String,
    state: Arc<Mutex<AccountState>>,
}

impl Account {
    pub(crate) fn new(cloud: Cloud, id: &str) -> Self {
        let state = cloud.state_of(id);
        Account {
            cloud,
            id: id.to_owned(),
            state,
        }
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Adds a VPC.
    pub fn add_vpc(&self, vpc: Vpc) {
        self.state.lock().vpcs.insert(vpc.vpc_id.clone(), vpc);
    }

    /// Adds a vSwitch.
    pub fn add_vswitch(&self, vswitch: VSwitch) {
        self.state
            .lock()
            .vswitches
            .insert(vswitch.vswitch_id.clone(), vswitch);
    }

    /// Adds an ECS instance or a container instance.
    pub fn add_instance(&self, instance: Instance) {
        self.state
            .lock()
            .instances
            .insert(instance.instance_id.clone(), instance);
    }

    /// Sets the status of an instance; says whether there is such an instance.
    pub fn set_instance_status(&self, id: &str, status: &str) -> bool {
        let mut state = self.state.lock();
        let Some(instance) = state.instances.get_mut(id) else {
            return false;
        };
        status.clone_into(&mut instance.status);
        true
    }

    /// Removes an instance. Where it is a backend it stays one, as in the real cloud.
    pub fn remove_instance(&self, id: &str) -> bool {
        self.state.lock().instances.remove(id).is_some()
    }

    /// Adds a network interface, or replaces it (a pod's interface gets and loses addresses).
    pub fn add_network_interface(&self, interface: NetworkInterface) {
        self.state.lock().network_interfaces.insert(interface);
    }

    /// Removes a network interface.
    pub fn remove_network_interface(&self, id: &str) -> bool {
        self.state.lock().network_interfaces.remove(id).is_some()
    }

    /// The network interface with that id.
    pub fn network_interface(&self, id: &str) -> Option<NetworkInterface> {
        self.state.lock().network_interfaces.get(id).cloned()
    }

    /// Adds a server certificate.
    pub fn add_certificate(&self, certificate: Certificate) {
        self.state
            .lock()
            .certificates
            .insert(certificate.id.clone(), certificate);
    }

    /// Removes a server certificate, used or not.
    pub fn remove_certificate(&self, id: &str) -> bool {
        self.state.lock().certificates.remove(id).is_some()
    }

    /// Adds a CA certificate.
    pub fn add_ca_certificate(&self, certificate: Certificate) {
        self.state
            .lock()
            .ca_certificates
            .insert(certificate.id.clone(), certificate);
    }

    /// Adds an access control list.
    pub fn add_acl(&self, acl: AccessControlList) {
        self.state.lock().acls.insert(acl.acl_id.clone(), acl);
    }

    /// Adds an elastic address.
    pub fn add_eip(&self, eip: Eip) {
        self.state.lock().eips.insert(eip.allocation_id.clone(), eip);
    }

    /// Adds a cipher policy of the user's own, `tls-…`.
    pub fn add_tls_policy(&self, id: &str) {
        self.state.lock().tls_policies.insert(id.to_owned());
    }

    /// Says what health checks find for a server: `normal`, `abnormal` or `unavailable`.
    pub fn set_health(&self, server_id: &str, status: &str) {
        self.state
            .lock()
            .health
            .insert(server_id.to_owned(), status.to_owned());
    }

    /// Does something by hand, as a person in the console would: the same checks hold, but there is no
    /// signature, limit, fault or waiting, and the journal does not show it. What it makes is the user's.
    ///
    /// # Errors
    /// As the action over HTTP.
    pub fn call(&self, action: &str, parameters: &[(&str, &str)]) -> Answer {
        let action = catalog::find(action).ok_or_else(|| ApiError::from(errors::UNKNOWN_ACTION))?;
        let input: Input = parameters.iter().copied().collect();
        let input = validate(action, input)?;
        let circumstances = self.cloud.circumstances();
        let request_id = ids::request_id();
        execute(
            &mut self.state.lock(),
            action,
            &input,
            &circumstances,
            Owner::User,
            &request_id,
        )
    }

    /// The ids of all load balancers.
    pub fn load_balancer_ids(&self) -> Vec<String> {
        self.state.lock().load_balancers.keys().cloned().collect()
    }

    /// A load balancer with its listeners and groups, groups under their names and listeners pointing to them
    /// by `group:NAME`.
    pub fn load_balancer(&self, id: &str) -> Option<Value> {
        snapshot::load_balancer(&self.state.lock(), id)
    }

    /// Everything the account has, under the field names that Describe uses.
    pub fn state(&self) -> Value {
        snapshot::of(&self.state.lock())
    }

    /// Adds what a document in the form of `state` holds, or of a single load balancer under `load_balancer`.
    /// In every text of it, each stand-in's name is first replaced by its value. Returns the ids of the load
    /// balancers.
    ///
    /// # Errors
    /// A document that is not of that form.
    pub fn load_state(&self, document: &Value, stand_ins: &[(&str, &str)]) -> Result<Vec<String>, LoadError> {
        snapshot::load(&mut self.state.lock(), document, stand_ins)
    }
}
