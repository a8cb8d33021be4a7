//! How much of everything an account may have.

use serde::{Deserialize, Serialize};

/// Quotas of an account. The default is what the documentation names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Quotas {
    /// Load balancers per account.
    pub load_balancers: usize,
    /// Listeners per load balancer.
    pub listeners: usize,
    /// Backends per load balancer, counted in each of its groups.
    pub backends: usize,
    /// Times that one ECS instance may be a backend.
    pub attachments: usize,
    /// Backends in one call.
    pub backends_per_call: usize,
    /// Tags per resource.
    pub tags: usize,
    /// Extension domains per HTTPS listener.
    pub domain_extensions: usize,
    /// Access control lists per account.
    pub acls: usize,
    /// Entries per access control list.
    pub acl_entries: usize,
    /// Entries in one call.
    pub acl_entries_per_call: usize,
    /// Access control lists per listener.
    pub acls_per_listener: usize,
    /// Listeners per access control list.
    pub listeners_per_acl: usize,
}

impl Default for Quotas {
    fn default() -> Self {
        Quotas {
            load_balancers: 60,
            listeners: 50,
            backends: 200,
            attachments: 50,
            backends_per_call: 20,
            tags: 20,
            domain_extensions: 3,
            acls: 50,
            acl_entries: 300,
            acl_entries_per_call: 50,
            acls_per_listener: 3,
            listeners_per_acl: 50,
        }
    }
}

impl Quotas {
    /// No quota on what an account may have; what one call may carry stays as documented, because no account
    /// can have that raised.
    pub fn unlimited() -> Self {
        Quotas {
            load_balancers: usize::MAX,
            listeners: usize::MAX,
            backends: usize::MAX,
            attachments: usize::MAX,
            tags: usize::MAX,
            domain_extensions: usize::MAX,
            acls: usize::MAX,
            acl_entries: usize::MAX,
            acls_per_listener: usize::MAX,
            listeners_per_acl: usize::MAX,
            ..Quotas::default()
        }
    }
}
