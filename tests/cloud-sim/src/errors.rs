//! The error answers of the API: status, code and message as documented.
//!
//! A [`Refusal`] is a constant of the catalogue below; an [`ApiError`] is one on its way to a caller. Every
//! module of the simulator refuses with these; `gateway` turns them into an HTTP answer.

use std::fmt;

/// A documented error: HTTP status, code and message text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status of the answer.
    pub status: u16,
    /// Value of `Code`.
    pub code: &'static str,
    /// Value of `Message`.
    pub message: &'static str,
}

impl Refusal {
    /// The same refusal with a message that names what was wrong.
    pub fn because(self, message: impl Into<String>) -> ApiError {
        ApiError {
            status: self.status,
            code: self.code.to_owned(),
            message: message.into(),
        }
    }
}

/// An error answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// HTTP status, 400 to 599.
    pub status: u16,
    /// Value of `Code`.
    pub code: String,
    /// Value of `Message`.
    pub message: String,
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        refusal.because(refusal.message)
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} (HTTP {}): {}",
            self.code, self.status, self.message
        )
    }
}

impl std::error::Error for ApiError {}

/// The answer of an action: its fields, without `RequestId`, or a refusal.
pub type Answer = Result<serde_json::Value, ApiError>;

const fn refusal(status: u16, code: &'static str, message: &'static str) -> Refusal {
    Refusal {
        status,
        code,
        message,
    }
}

/// Refuses a missing mandatory parameter.
pub fn missing_parameter(name: &str) -> ApiError {
    MISSING_PARAMETER.because(format!(
        "The input parameter \"{name}\" that is mandatory for processing this request is not supplied."
    ))
}

/// Refuses a value with the generic code, naming the parameter.
pub fn invalid_parameter(name: &str) -> ApiError {
    INVALID_PARAMETER.because(format!("The specified parameter {name} is not valid."))
}

macro_rules! catalogue {
    ($($name:ident = $status:literal $code:literal $message:literal;)*) => {
        $(#[doc = concat!("HTTP ", $status, " `", $code, "`: ", $message)]
        pub const $name: Refusal = refusal($status, $code, $message);)*
    };
}

// Requests and credentials.
catalogue! {
    MISSING_PARAMETER = 400 "MissingParameter"
        "The input parameter that is mandatory for processing this request is not supplied.";
    INVALID_PARAMETER = 400 "InvalidParameter" "The specified parameter is not valid.";
    UNKNOWN_ACTION = 404 "InvalidAction.NotFound"
        "Specified api is not found, please check your url and method.";
    UNKNOWN_VERSION = 400 "InvalidVersion" "Specified parameter Version is not valid.";
    UNKNOWN_REGION = 404 "InvalidRegionId.NotFound" "The specified RegionId does not exist.";
    SIGNATURE_MISMATCH = 400 "SignatureDoesNotMatch"
        "Specified signature is not matched with our calculation.";
    UNKNOWN_ACCESS_KEY = 404 "InvalidAccessKeyId.NotFound" "Specified access key is not found.";
    INACTIVE_ACCESS_KEY = 400 "InvalidAccessKeyId.Inactive" "Specified access key is disabled.";
    EXPIRED_TIMESTAMP = 400 "InvalidTimeStamp.Expired" "Specified time stamp or date value is expired.";
    MALFORMED_TIMESTAMP = 400 "InvalidTimeStamp.Format"
        "Specified time stamp or date value is not well formatted.";
    NONCE_USED = 400 "SignatureNonceUsed" "Specified signature nonce was used already.";
    MISSING_TOKEN = 400 "MissingSecurityToken" "SecurityToken is mandatory for this action.";
    MALFORMED_TOKEN = 400 "InvalidSecurityToken.Malformed" "Specified SecurityToken is malformed.";
    EXPIRED_TOKEN = 400 "InvalidSecurityToken.Expired" "Specified SecurityToken is expired.";
    THROTTLED = 400 "Throttling.User" "Request was denied due to user flow control.";
    INTERNAL_ERROR = 500 "InternalError" "The request processing has failed due to some unknown error.";
    SERVICE_UNAVAILABLE = 503 "ServiceUnavailable"
        "The request has failed due to a temporary failure of the server.";
}

// A change that came while another was being carried out.
catalogue! {
    SERVICE_IS_CONFIGURING = 400 "ServiceIsConfiguring"
        "A previous configuration is pending; please try again later.";
    LISTENER_PROCESSING = 400 "ListenerProcessing"
        "A previous configuration of the listener is pending, please try again later.";
    LISTENER_CONFIGURING = 400 "Operation.Deny"
        "The specified listener is configuring, please try again later.";
    LISTENER_STATUS = 400 "OperationFailed.ListenerStatusNotSupport"
        "The status of the listener does not support this operation. Please try again later.";
    LISTENER_STOPPING = 409 "ServiceIsStopping" "The specified Listener is stopping, please retry later.";
    VGROUP_PROCESSING = 400 "VServerGroupProcessing"
        "A previous configuration of the VServer group is pending; please try again later.";
    SERVICE_GROUP_PROCESSING = 400 "OperationFailed.ServiceGroupProcessing"
        "The specified service group is processing.";
    BACKEND_CONFIGURING = 409 "BackendServer.configuring"
        "A previous configuration of the load balancer is pending; please try again later.";
    OPERATION_BUSY = 400 "OperationBusy" "A previous operation is pending.";
    SYSTEM_BUSY = 449 "SystemBusy" "The system is busy.";
    DOMAIN_EXTENSION_PROCESSING = 400 "DomainExtensionProcessing"
        "A previous configuration of the DomainExtension is pending, please try again later.";
    DOMAIN_EXTENSION_STATUS = 400 "IncorrectStatus.DomainExtension"
        "The listener to which the domain extension belongs is being configured, please try again later.";
    TOKEN_PROCESSING = 400 "OperationFailed.TokenIsProcessing"
        "The operation is failed, because the Client Token is processing.";
}

// Load balancers.
catalogue! {
    LOAD_BALANCER_NOT_FOUND = 404 "InvalidLoadBalancerId.NotFound"
        "The specified LoadBalancerId does not exist.";
    VSWITCH_FULL = 400 "VSwitchAvailableIpNotExist" "The specified VSwitch has no availabe ip.";
    VSWITCH_NOT_FOUND = 400 "InvalidVSwitchId.NotFound" "The specified vSwitch instance is invalid.";
    VPC_NOT_FOUND = 400 "InvalidVpcId.NotExist" "The specified VPC not exist.";
    VSWITCH_MISSING = 400 "MissingParam.VSwitchId" "The parameter VSwitchId is required.";
    SHARED_SPEC_DISCONTINUED = 400 "ShareSlbHaltSales" "The share instance has been discontinued.";
    BANDWIDTH_INVALID = 400 "InvalidParameter.Bandwidth" "The param Bandwidth is invalid.";
    IPV6_INTRANET = 400 "InvalidParameter.Mismatch"
        "AddressType and IpVersion is conflict, IPv6 does not support intranet instance.";
    IPV6_UNSUPPORTED = 400 "RegionOrZonesNotSupportIpv6"
        "The specified region or master/slave zones does not support ipv6.";
    INTERNET_CHARGE_TYPE = 400 "Instance.InternetChargeTypeNotAllowed"
        "Illegal parameter. The specified InternetChargeType not allowed.";
    INSTANCE_CHARGE_TYPE = 400 "IllegalParam.InstanceChargeType"
        "The parameter InstanceChargeType is illegal.";
    PROTECTION_STATUS = 400 "InvalidParam.ModificationProtectionStatus"
        "The param ModificationProtectionStatus is invalid.";
    PROTECTION_REASON = 400 "InvalidParam.ModificationProtectionReason"
        "The param ModificationProtectionReason is invalid.";
    TOKEN_CONFLICT = 400 "LX_REQUEST_TOKEN_CONFLICT" "The client token was used with other parameters.";
    ZONE_UNAVAILABLE = 400 "PRODUCT.NOT_AVAILABLE_IZ" "The Instance zone id doesn t support";
    OVER_QUOTA = 400 "OverQuota" "The Total is over the quota";
    ADDRESS_INVALID = 400 "InvalidParameter" "The specified Address is not in the subnet of the vSwitch.";
    ADDRESS_TAKEN = 400 "InvalidParameter" "The vpc Ip is exist.";
    NAME_UNSUPPORTED = 400 "InvalidParameter" "The Lb Name is Not supported.";
    DELETE_PROTECTED = 400 "OperationDenied.DeleteProtectionIsOn"
        "The loadbalancer can not be deleted due to DeleteProtection is enabled.";
    PAY_BY_CLCU = 400 "OperationDenied.PayByCLCU"
        "The operation is not allowed because the instanceChargeType of loadbalancer is PayByCLCU.";
    CHARGE_TYPE_INTRANET = 400 "ActionNotAllowed"
        "The Intranet LB's InternetChargeType is not allowed change to paybybandwidth.";
    INVALID_TAG = 400 "InvalidTag" "The specified tags is invalid.";
}

// Listeners.
catalogue! {
    LISTENER_PORT = 400 "InvalidParam.ListenerPort" "The specified ListenerPort is invalid.";
    LISTENER_BANDWIDTH = 400 "InvalidParameter" "The specified Bandwidth is invalid.";
    LISTENER_EXISTS = 400 "ListenerAlreadyExists" "A listener with the specified port already exists";
    LISTENER_QUOTA = 400 "ListenerNumberOverLimit" "The maximum number of listeners is exceeded.";
    LISTENER_NOT_FOUND = 404 "ListenerNotFound"
        "You have not created a listener for the specified port of the load balancer.";
    LISTENER_RESOURCE_NOT_FOUND = 404 "ResourceNotFound.Listener" "The specified listener is not found.";
    LISTENER_PROTOCOL = 400 "UnsupportedOperationonfixedprotocalport"
        "The operation is not supported by the protocol of the specified port.";
    TOO_MANY_LISTENERS = 400 "TooManyListeners" "More than 1 listener is found, please be more specified.";
    LISTENER_NOT_ALLOWED = 400 "Operation.NotAllowed" "The specified listener is not allowed to operate.";
    FORWARD_EXISTS = 400 "ListenerForwardExist"
        "The specified listener is forwarded by the other listener, the ListenerForward relationship should be deleted firstly.";
    FORWARD_PORT = 400 "InvalidParameter" "The specified ListenerPort or ForwardPort is invalid.";
    BACKEND_PORT_OR_GROUP = 400 "MissingParameter"
        "The BackendServerPort or VServerGroupId is required at lease one.";
    GROUP_OF_ANOTHER = 400 "InvalidParam.VServerGroupId" "The specified VServerGroupId is invalid.";
    GROUP_ID_MISSING = 400 "MissingParam.VServerGroupId" "The parameter VServerGroupId is missing.";
    GROUP_IN_USE = 400 "OperationFailed.ServerGroupInUse"
        "The VServerGroup or MasterSlaveServerGroup can not be close for this listener.";
    MASTER_SLAVE_GROUP = 400 "Abs.VServerGroupIdAndMasterSlaveServerGroupId.MissMatch"
        "The parameters VServerGroupId or MasterSlaveServerGroupId miss match.";
    IDLE_TIMEOUT = 400 "InvalidParameter.IdleTimeout" "The specified IdleTimeout exceeds the limit.";
    REQUEST_TIMEOUT = 400 "InvalidParameter.RequestTimeout" "The specified RequestTimeout exceeds the limit.";
    HEALTH_CHECK_REQ = 400 "InvalidParamLength.HealthCheckReq"
        "The length of the parameter HealthCheckReq is invalid.";
    HEALTH_CHECK_EXP = 400 "InvalidParamLength.HealthCheckExp"
        "The length of the parameter HealthCheckExp is invalid.";
    CERTIFICATE_EMPTY = 400 "InvalidParameter" "The specified ServerCertificateId is empty.";
    CERTIFICATE_NOT_FOUND = 400 "CertificateNotExist" "The specified CertificateId does not exist.";
    TLS_POLICY_NOT_FOUND = 400 "InvalidTLSPolicyId.NotExist"
        "The specified TLS cipher policy does not exist.";
    SCHEDULER_CHANGE = 400 "InvalidParameter"
        "The specified Scheduler can not be changed to from that of the listener.";
    LISTENERS_NEXT_TOKEN = 400 "IllegalParam.NextToken" "The param of NextToken is illegal.";
    LISTENERS_ID_SIZE = 400 "IllegalParamSize.LoadBalancerId" "The param size of LoadBalancerId is illegal.";
}

// Server groups and backends.
catalogue! {
    GROUP_NOT_FOUND = 404 "InvalidParameter" "The specified VServerGroupId does not exist.";
    GROUP_HAS_LISTENER = 400 "RspoolVipExist" "there are vips associating with this vServer group.";
    GROUP_ATTRIBUTE_MISSING = 400 "MissingParameter"
        "VServerGroupName or BackendServers is required at lease one.";
    TOO_MANY_BACKENDS = 400 "TooManyBackendServers"
        "The total number of input real servers exceeds max supported number: 20";
    BACKEND_QUOTA = 400 "InstanceBackendServerNumberOverLimit"
        "The number of backend servers attached to the load balancer exceeds the quota.";
    ATTACHMENT_QUOTA = 400 "InstanceBackendServerNumberOverLimit"
        "The number of times the ECS instance is attached exceeds the quota.";
    BACKENDS_MALFORMED = 400 "BackendServersMalformed"
        "the specified parameter BackendServers is unavailable.";
    BACKENDS_DUPLICATED = 400 "InvalidParameter"
        "The specified BackendServers contain duplicated value of ServerID and Port.";
    WEIGHT_MALFORMED = 400 "InvalidWeight.Malformed" "A specified weight is not valid.";
    BACKEND_TYPE = 400 "BackendServer.InvalidType" "The specified Type is invalid.";
    SERVER_NOT_FOUND = 400 "InvalidServerId.NotExist" "The specified ServerId is not exist.";
    SERVER_NOT_RUNNING = 400 "ObtainIpFail"
        "The specified BackendServers is invalid; some of the specified backend servers do not exist or are not running.";
    ENI_NOT_FOUND = 404 "ResourceNotFound.vServers" "The specified enis does not exist.";
    SERVER_IP_CONFLICT = 400 "InvalidBackendServers.ServerIpConflict"
        "The specified ServerIp does not belong to the server.";
    NETWORK_CONFLICT = 400 "NetworkConflict"
        "The network of the backend server conflicts with that of the load balancer.";
    IPV6_BACKEND = 400 "LBNotSupportIpv6Backend" "The specified loadbalancer does not support ipv6 backend.";
}

// Tags, access lists, certificates, extension domains.
catalogue! {
    TAG_KEY_INVALID = 400 "InvalidParam.TagKey" "The specified TagKey is invalid.";
    TAG_VALUE_INVALID = 400 "InvalidParam.TagValue" "The specified TagValue is invalid.";
    TAG_KEY_MISSING = 400 "MissingParam.TagKey" "The parameter TagKey is required.";
    TAGS_SIZE = 400 "SizeLimitExceeded.Tag" "The maximum size of Tag is exceeded.";
    TAG_QUOTA = 400 "QuotaLimitExceeds" "The number of tags of the resource exceeds the quota.";
    TAG_COUNT_QUOTA = 400 "TagCountLimit" "The number of tags of the load balancer exceeds the quota.";
    RESOURCE_TYPE = 400 "InvalidParam.ResourceType" "The specified ResourceType is invalid.";
    RESOURCE_NOT_FOUND = 400 "ResourceNotExist" "The specified resource does not exist.";
    RESOURCE_IDS_SIZE = 400 "SizeLimitExceeded.ResourceId" "The maximum size of ResourceId is exceeded.";
    TAG_OR_RESOURCE = 400 "MissingParam.TagOrResourceId"
        "The parameter Tag or ResourceId is required at least one.";
    NEXT_TOKEN = 400 "InvalidParam.NextToken" "The specified NextToken is invalid.";
    ACL_NOT_FOUND = 400 "AclNotExist" "Acl does not exist.";
    ACL_IP_VERSION = 400 "IpVersionConflict" "The ip version of this LoadBalancer and the Acl is conflict.";
    ACL_IN_USE = 400 "AclInUsed" "The Acl is being used by listeners.";
    ACL_ENTRY_INVALID = 400 "InvalidParameter" "The specified AclEntrys is not valid.";
    ACL_ENTRY_QUOTA = 400 "AclEntryOverLimit" "The number of entries of the Acl exceeds the quota.";
    ACL_QUOTA = 400 "AclNumberOverLimit" "The number of Acls exceeds the quota.";
    ACL_LISTENER_QUOTA = 400 "AclListenerOverLimit" "The number of listeners of the Acl exceeds the quota.";
    ACL_ATTACHED_QUOTA = 400 "QuotaLimitExceeds.AclAttachedToListener"
        "The number of Acls attached to the listener exceeds the quota.";
    SERVER_CERTIFICATE_NOT_FOUND = 404 "ServerCertificateId.NotFound"
        "The specified ServerCertificateId does not exist.";
    CA_CERTIFICATE_NOT_FOUND = 404 "CACertificateId.NotFound" "The specified CACertificateId does not exist.";
    CERTIFICATE_IN_USE = 400 "CertificateAndPrivateKeyIsRefered" "Certificate and PrivateKey Is Refered.";
    CERTIFICATE_FORMAT = 400 "CertificateNotMatchPrivateKey"
        "The specified certificate or private key is not valid.";
    DOMAIN_EXISTS = 400 "InvalidParameter.Domain" "The specified Domain exists.";
    DOMAIN_CERTIFICATE_MISSING = 400 "MissingParameter.CertificateId"
        "The parameter ServerCertificateId is required.";
    DOMAIN_CERTIFICATE = 400 "InvalidParameter.ServerCertificateId"
        "The specified ServerCertificateId does not exist.";
    DOMAIN_EXTENSION_QUOTA = 400 "DomainExtensionNumberOverLimit"
        "The number of domainExtension has reached to the quota limit of this listener.";
    DOMAIN_EXTENSION_ID = 400 "InvalidParameter.DomainExtensionId"
        "The specified DomainExtensionId does not exist.";
    DOMAIN_EXTENSION_NOT_FOUND = 404 "DomainExtensionNotFound"
        "The specified DomainExtensionId does not exist.";
}
