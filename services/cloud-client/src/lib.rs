//! A client for the SLB, ECS and VPC APIs: signature, credentials, typed calls, error classes.
//!
//! Called by the actuator alone. Each call of the API is a value that implements [`Action`]; [`Client::send`] signs and sends it
//! once. Nothing here waits for a limit, retries or remembers: that is the actuator's.

mod action;
mod answer;
mod classify;
mod client;
mod credentials;
mod ecs;
mod endpoint;
mod error;
mod scrub;
mod signature;
mod slb;
mod vpc;

pub use action::{Action, Parameters, Product};
pub use answer::{Node, UnexpectedAnswer};
pub use classify::{Class, classify};
pub use client::{Client, ClientSetup, SetupError};
pub use credentials::{
    Credentials, CredentialsError, CredentialsProvider, EnvironmentCredentials, FixedCredentials, Pending,
};
pub use ecs::{DescribeNetworkInterfaces, InterfaceAddress, InterfacePage};
pub use endpoint::{EndpointError, Endpoints, Network};
pub use error::{CallError, Failure, Refusal};
pub use slb::access_control::{
    AclEntries, AclPage, AclSummary, ChangeAclEntries, CreateAcl, DeleteAcl, DescribeAcl, DescribeAcls,
};
pub use slb::certificates::{Certificate, DescribeServerCertificates};
pub use slb::domain_extensions::{
    CreateDomainExtension, DeleteDomainExtension, DescribeDomainExtensions, SetDomainExtension,
};
pub use slb::listener_attributes::{BOUND_BY_SET, wire_name};
pub use slb::listeners::{
    CreateListener, DeleteListener, DescribeListeners, ListenerPage, ReadListener, SetListener,
    StartListener, StopListener,
};
pub use slb::load_balancers::{
    ChangeLoadBalancer, CreateLoadBalancer, CreatedLoadBalancer, DeleteLoadBalancer, DescribeLoadBalancers,
    LoadBalancerFilter, LoadBalancerPage,
};
pub use slb::vgroups::{
    ChangeBackends, CreateVServerGroup, DeleteVServerGroup, DescribeVServerGroup, DescribeVServerGroups,
};
pub use slb::zones::DescribeZonePairs;
pub use vpc::{DescribeEips, DescribeVSwitches, Eip, EipPage, VSwitch};

/// Backends in one call, `TooManyBackendServers` beyond; the same for creating, adding, setting and removing.
pub const BACKENDS_PER_CALL: usize = 20;
/// Ids in one `DescribeLoadBalancers` or `DescribeLoadBalancerListeners`.
pub const LOAD_BALANCERS_PER_READ: usize = 10;
/// Addresses in one `DescribeNetworkInterfaces`.
pub const ADDRESSES_PER_READ: usize = 100;
/// Entries in one `AddAccessControlListEntry` or `RemoveAccessControlListEntry`.
pub const ACL_ENTRIES_PER_CALL: usize = 50;
