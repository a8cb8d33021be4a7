//! What kind of refusal an answer is: by its code, and where the code alone does not tell, by message and HTTP status.
//!
//! The rows are from the common error table of the SLB documentation and the error lists of its actions.

/// Kinds of refusals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Another change is going on: the same call again once it is done.
    Busy,
    /// Too many calls of this action: all of them must become slower.
    Throttled,
    /// A fault of the service: nobody knows whether the call took effect.
    Transient,
    /// A quota is used up.
    Quota,
    /// The account cannot pay.
    Billing,
    /// What the call is about does not exist.
    Gone,
    /// The key, token or signature is not accepted: no call works until that is mended.
    Credentials,
    /// The credentials lack a permission.
    Denied,
    /// The request is wrong: a person must change something.
    Invalid,
}

impl Class {
    /// For metrics and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Throttled => "throttled",
            Self::Transient => "transient",
            Self::Quota => "quota",
            Self::Billing => "billing",
            Self::Gone => "gone",
            Self::Credentials => "credentials",
            Self::Denied => "denied",
            Self::Invalid => "invalid",
        }
    }
}

/// How a row matches codes.
enum Code {
    Is(&'static str),
    StartsWith(&'static str),
    EndsWith(&'static str),
    Contains(&'static str),
}

impl Code {
    fn matches(&self, code: &str) -> bool {
        match self {
            Self::Is(text) => code == *text,
            Self::StartsWith(text) => code.starts_with(text),
            Self::EndsWith(text) => code.ends_with(text),
            Self::Contains(text) => code.contains(text),
        }
    }
}

/// A row: the code, a part of the message or an HTTP status where they decide too, and the class.
struct Row {
    code: Code,
    message: Option<&'static str>,
    status: Option<u16>,
    class: Class,
}

const fn row(code: Code, class: Class) -> Row {
    Row {
        code,
        message: None,
        status: None,
        class,
    }
}

const fn by_message(code: Code, message: &'static str, class: Class) -> Row {
    Row {
        message: Some(message),
        ..row(code, class)
    }
}

const fn by_status(code: Code, status: u16, class: Class) -> Row {
    Row {
        status: Some(status),
        ..row(code, class)
    }
}

use Class::{Billing, Busy, Credentials, Denied, Gone, Invalid, Quota, Throttled, Transient};
use Code::{Contains, EndsWith, Is, StartsWith};

/// The first row that matches decides.
const ROWS: &[Row] = &[
    // Too many calls.
    row(StartsWith("Throttling"), Throttled),
    row(Is("Rejected.Throttling"), Throttled),
    row(EndsWith(".Throttling"), Throttled),
    // Another change is going on.
    row(Is("ServiceIsConfiguring"), Busy),
    row(Is("BackendServer.configuring"), Busy),
    row(Is("VServerGroupProcessing"), Busy),
    row(Is("OperationFailed.ServiceGroupProcessing"), Busy),
    row(Is("ListenerProcessing"), Busy),
    row(Is("Operation.Deny"), Busy),
    row(Is("OperationBusy"), Busy),
    row(Is("ServiceIsStopping"), Busy),
    row(Is("SystemBusy"), Busy),
    row(Is("VpcSystemBusy"), Busy),
    row(Is("OperationFailed.ListenerStatusNotSupport"), Busy),
    row(Is("DomainExtensionProcessing"), Busy),
    row(Is("IncorrectStatus.DomainExtension"), Busy),
    row(Is("ProcessingSameRequest"), Busy),
    row(Is("OperationFailed.TokenIsProcessing"), Busy),
    row(Is("RspoolVipExist"), Busy),
    // A nonce that was seen: the attempt did nothing, the next one bears another.
    row(Is("SignatureNonceUsed"), Busy),
    // Faults that are none: they come back however often the call is repeated.
    by_message(Is("ServiceUnavailable"), "name has been used", Invalid),
    by_message(Is("ServiceUnavailable"), "not support VPC", Invalid),
    by_message(Is("ServiceUnavailable"), "does not support VPC", Invalid),
    by_message(Is("ServiceUnavailable"), "subnet is not exist", Invalid),
    by_message(Is("ServiceUnavailable"), "instance id is inva", Invalid),
    // The one InvalidParameter that is a fault.
    by_status(Is("InvalidParameter"), 503, Transient),
    row(Is("ServiceUnavailable"), Transient),
    row(StartsWith("ServiceUnavailable"), Transient),
    row(StartsWith("InternalError"), Transient),
    row(Is("InternalInvokeError"), Transient),
    row(Is("InternalFailure"), Transient),
    row(Is("UnknownError"), Transient),
    // Quotas.
    row(Is("OverQuota"), Quota),
    row(Is("ORDER.QUANTITY_INVALID"), Quota),
    row(Is("ORDER.QUOTA_EXCEEDED"), Quota),
    row(Is("ListenerNumberOverLimit"), Quota),
    row(Is("VipTooManyListeners"), Quota),
    row(Is("TooManyBackendServers"), Quota),
    row(Is("TagCountLimit"), Quota),
    row(Is("TagCreateCountLimit"), Quota),
    row(Is("InsufficientCapacity"), Quota),
    row(Is("InstanceBackendServerNumberOverLimit"), Quota),
    row(Is("DomainExtensionNumberOverLimit"), Quota),
    row(Is("AclListenerOverLimit"), Quota),
    row(Is("AclEntryOverLimit"), Quota),
    row(Is("AclNumberOverLimit"), Quota),
    row(StartsWith("QuotaLimitExceeds"), Quota),
    row(StartsWith("QuotaExceed"), Quota),
    // Money.
    row(Contains("ARREARAGE"), Billing),
    row(Is("AccountHasArrearage"), Billing),
    row(Contains("INSUFFICIENT_BALANCE"), Billing),
    row(StartsWith("PAY."), Billing),
    row(Contains("NO_REAL_NAME_AUTHENTICATION"), Billing),
    row(Is("NoNameAuthentication"), Billing),
    row(StartsWith("RISK."), Billing),
    row(Contains("UNSETTLED_BILLS"), Billing),
    row(Contains("UNPAID_ORDER"), Billing),
    row(Is("NOCARD"), Billing),
    // What the call is about is not there.
    row(Is("InvalidLoadBalancerId.NotFound"), Gone),
    row(Is("InvalidLoadBalancerId.NotExist"), Gone),
    row(Is("LoadBalancerNotFound"), Gone),
    row(Is("ListenerNotFound"), Gone),
    row(Is("ResourceNotFound.Listener"), Gone),
    row(Is("ResourceNotFound.VServerGroup"), Gone),
    row(Is("InvalidParam.VServerGroupId"), Gone),
    by_status(Is("InvalidParameter"), 404, Gone),
    by_message(Is("InvalidParameter"), "VServerGroupId does not exist", Gone),
    row(Is("DomainExtensionNotFound"), Gone),
    row(Is("InvalidParameter.DomainExtensionId"), Gone),
    // Keys, tokens, signatures.
    row(StartsWith("InvalidAccessKeyId"), Credentials),
    row(Is("InvalidAccessKeySecret"), Credentials),
    row(StartsWith("InvalidSecurityToken"), Credentials),
    row(Is("SecurityTokenExpired"), Credentials),
    row(Is("SecurityTokenMalformed"), Credentials),
    row(StartsWith("MissingSecurityToken"), Credentials),
    row(Is("SignatureDoesNotMatch"), Credentials),
    row(Is("IncompleteSignature"), Credentials),
    row(Is("MissingAccessKeyId"), Credentials),
    row(StartsWith("InvalidTimeStamp"), Credentials),
    row(Is("InvalidCredentials"), Credentials),
    // Permissions.
    row(StartsWith("Forbidden"), Denied),
    row(StartsWith("Forbbiden"), Denied),
    row(StartsWith("NoPermission"), Denied),
    row(Is("UserNotAllowed"), Denied),
    row(Is("AUTH.RAM_AUTH_FAILED"), Denied),
    row(Is("InvalidAuthorization"), Denied),
    row(Is("InvalidIdentity"), Denied),
];

/// The class of a refusal.
#[must_use]
pub fn classify(code: &str, message: &str, status: u16) -> Class {
    let by_row = ROWS.iter().find(|row| {
        row.code.matches(code)
            && row.message.is_none_or(|part| message.contains(part))
            && row.status.is_none_or(|wanted| wanted == status)
    });
    if let Some(row) = by_row {
        return row.class;
    }
    match status {
        429 => Throttled,
        449 => Busy,
        500..=599 => Transient,
        _ => Invalid,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documented_errors_have_their_class() {
        let table: &[(&str, &str, u16, Class)] = &[
            (
                "ServiceIsConfiguring",
                "A previous configuration is pending",
                400,
                Busy,
            ),
            ("BackendServer.configuring", "", 409, Busy),
            ("VServerGroupProcessing", "", 400, Busy),
            ("OperationBusy", "", 400, Busy),
            ("ServiceIsStopping", "", 409, Busy),
            ("SystemBusy", "The system is busy.", 400, Busy),
            ("SystemBusy", "The system is busy.", 449, Busy),
            ("OperationFailed.ListenerStatusNotSupport", "", 400, Busy),
            ("DomainExtensionProcessing", "", 400, Busy),
            ("ProcessingSameRequest", "", 400, Busy),
            ("OperationFailed.TokenIsProcessing", "", 400, Busy),
            ("RspoolVipExist", "there are vips associating", 400, Busy),
            ("SomethingNew", "", 449, Busy),
            ("Throttling", "", 400, Throttled),
            ("Throttling.User", "", 400, Throttled),
            ("Throttling.Api", "", 503, Throttled),
            ("Rejected.Throttling", "", 400, Throttled),
            ("SomethingNew", "", 429, Throttled),
            (
                "ServiceUnavailable",
                "temporary failure of the server now",
                503,
                Transient,
            ),
            (
                "ServiceUnavailable",
                "The specified loadbalancer name has been used.",
                503,
                Invalid,
            ),
            (
                "ServiceUnavailable",
                "The specified region not support VPC.",
                503,
                Invalid,
            ),
            ("InternalError", "", 500, Transient),
            (
                "InvalidParameter",
                "temporary failure of the server.",
                503,
                Transient,
            ),
            ("SomethingNew", "", 502, Transient),
            ("OverQuota", "", 400, Quota),
            ("ORDER.QUANTITY_INVALID", "", 400, Quota),
            ("ORDER.QUOTA_EXCEEDED", "", 400, Quota),
            ("ListenerNumberOverLimit", "", 400, Quota),
            ("VipTooManyListeners", "", 400, Quota),
            ("TooManyBackendServers", "", 400, Quota),
            ("TagCountLimit", "", 400, Quota),
            ("InsufficientCapacity", "", 400, Quota),
            ("InstanceBackendServerNumberOverLimit", "", 400, Quota),
            ("ARREARAGE", "", 400, Billing),
            ("ORDER.ARREARAGE", "", 400, Billing),
            ("INSUFFICIENT_BALANCE", "", 400, Billing),
            ("PAY.USER_DECLINED", "", 400, Billing),
            ("NO_REAL_NAME_AUTHENTICATION", "", 400, Billing),
            ("RISK.RISK_CONTROL_REJECTION", "", 400, Billing),
            ("InvalidLoadBalancerId.NotFound", "", 404, Gone),
            ("ListenerNotFound", "", 404, Gone),
            ("ResourceNotFound.Listener", "", 404, Gone),
            (
                "InvalidParameter",
                "The specified VServerGroupId does not exist.",
                404,
                Gone,
            ),
            (
                "InvalidParameter",
                "The specified parameter is not valid.",
                400,
                Invalid,
            ),
            ("InvalidAccessKeyId.NotFound", "", 404, Credentials),
            ("SignatureDoesNotMatch", "", 400, Credentials),
            ("InvalidSecurityToken.Expired", "", 400, Credentials),
            ("Forbidden.RAM", "", 403, Denied),
            ("NoPermission", "", 403, Denied),
            ("VSwitchAvailableIpNotExist", "", 400, Invalid),
            ("CertificateNotExist", "", 400, Invalid),
            ("RspoolRuleExist", "", 400, Invalid),
        ];
        for (code, message, status, class) in table {
            assert_eq!(
                classify(code, message, *status),
                *class,
                "{code} {message} {status}"
            );
        }
    }
}
