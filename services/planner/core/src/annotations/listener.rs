//! The table's rows for listeners, their health checks apart.

use super::list::{DomainCertificates, ForwardPorts, ProtocolPorts};
use super::row::{LAYER_4, LAYER_7, LISTENERS, Scope, annotations};
use super::text::{AclId, CertificateId, Cookie};
use super::value::{AclType, Number, Scheduler, StickySessionType, Switch, TlsCipherPolicy};

const TCP: &[Scope] = &[Scope::Tcp];
const HTTP: &[Scope] = &[Scope::Http];
const HTTPS: &[Scope] = &[Scope::Https];

annotations! {
    /// The values of annotations for listeners.
    ListenerAnnotations;

    PROTOCOL_PORT protocol_port: ProtocolPorts = "loadbalancer-protocol-port",
    "The protocols of the listeners of ports." {
        default: "TCP or UDP, as the Service's port says",
        example: "https:443,http:80",
        applies: LISTENERS,
        since: "v1.9.3",
    }
    SCHEDULER scheduler: Scheduler = "loadbalancer-scheduler",
    "How connections are spread over the backends; sch and tch are for TCP and UDP. Between rr or wrr, sch \
     and tch the listener is created anew." {
        default: "rr",
        example: "wrr",
        applies: LISTENERS,
        since: "v1.9.3",
    }
    ACL_STATUS acl_status: Switch = "loadbalancer-acl-status",
    "Whether an access control list is in force; on needs acl-id and acl-type." {
        default: "off",
        example: "on",
        applies: LISTENERS,
        since: "v1.9.3.164-g2105d2e-aliyun",
    }
    ACL_ID acl_id: AclId = "loadbalancer-acl-id",
    "The access control list, with acl-status on." {
        example: "acl-bp1l0kk4gxce43kze0abc",
        applies: LISTENERS,
        since: "v1.9.3.164-g2105d2e-aliyun",
    }
    ACL_TYPE acl_type: AclType = "loadbalancer-acl-type",
    "Whether only the addresses of the access control list may connect, or all others." {
        example: "white",
        applies: LISTENERS,
        since: "v1.9.3.164-g2105d2e-aliyun",
    }
    PERSISTENCE_TIMEOUT persistence_timeout: Number<0, 3600> = "loadbalancer-persistence-timeout",
    "For how many seconds a client stays with its backend; 0 for not at all." {
        default: "0",
        example: "1800",
        applies: TCP,
        since: "v1.9.3",
        instead: Some("loadbalancer-sticky-session"),
    }
    STICKY_SESSION sticky_session: Switch = "loadbalancer-sticky-session",
    "Whether a cookie keeps a client with its backend; on needs sticky-session-type." {
        default: "off",
        example: "on",
        applies: LAYER_7,
        since: "v1.9.3",
        instead: Some("loadbalancer-persistence-timeout"),
    }
    STICKY_SESSION_TYPE sticky_session_type: StickySessionType = "loadbalancer-sticky-session-type",
    "Whether the CLB inserts a cookie (needs cookie-timeout) or rewrites the server's (needs cookie)." {
        example: "insert",
        applies: LAYER_7,
        since: "v1.9.3",
    }
    COOKIE_TIMEOUT cookie_timeout: Number<1, 86400> = "loadbalancer-cookie-timeout",
    "How many seconds an inserted cookie lives." {
        example: "1800",
        applies: LAYER_7,
        since: "v1.9.3",
    }
    COOKIE cookie: Cookie = "loadbalancer-cookie",
    "The name of the server's cookie." {
        example: "my-cookie",
        applies: LAYER_7,
        since: "v1.9.3",
    }
    FORWARD_PORT forward_port: ForwardPorts = "loadbalancer-forward-port",
    "HTTP ports that redirect to HTTPS ports of the same Service." {
        example: "80:443",
        applies: HTTP,
        since: "v1.9.3.164-g2105d2e-aliyun",
    }
    CERT_ID cert_id: CertificateId = "loadbalancer-cert-id",
    "The server certificate of HTTPS listeners." {
        example: "1234567890123456_16c2f1ab3cd_12345678_87654321",
        applies: HTTPS,
        since: "v1.9.3.164-g2105d2e-aliyun",
    }
    DOMAIN_EXTENSIONS domain_extensions: DomainCertificates = "loadbalancer-domain-extensions",
    "Certificates for further domains of HTTPS listeners." {
        example: "example.com:cert-id-1,api.example.com:cert-id-2",
        applies: HTTPS,
        since: "v2.13.0",
    }
    TLS_CIPHER_POLICY tls_cipher_policy: TlsCipherPolicy = "loadbalancer-tls-cipher-policy",
    "The TLS versions and ciphers of HTTPS listeners." {
        default: "tls_cipher_policy_1_0",
        example: "tls_cipher_policy_1_2",
        applies: HTTPS,
        since: "v2.4.0",
    }
    PROXY_PROTOCOL proxy_protocol: Switch = "loadbalancer-proxy-protocol",
    "Whether the client's address is passed on by PROXY protocol. A change interrupts the traffic." {
        default: "off",
        example: "on",
        applies: LAYER_4,
        since: "v2.6.0",
    }
    CONNECTION_DRAIN connection_drain: Switch = "loadbalancer-connection-drain",
    "Whether connections to a removed backend may end in peace; on needs connection-drain-timeout." {
        default: "off",
        example: "on",
        applies: LAYER_4,
        since: "v2.0.1",
    }
    CONNECTION_DRAIN_TIMEOUT connection_drain_timeout: Number<10, 900> =
        "loadbalancer-connection-drain-timeout",
    "How many seconds such connections have." {
        example: "30",
        applies: LAYER_4,
        since: "v2.0.1",
    }
    XFORWARDEDFOR_PROTO xforwardedfor_proto: Switch = "loadbalancer-xforwardedfor-proto",
    "Whether the listener's protocol is passed on in X-Forwarded-Proto." {
        default: "off",
        example: "on",
        applies: LAYER_7,
        since: "v2.1.0",
    }
    XFORWARDEDFOR_SLBPORT xforwardedfor_slbport: Switch = "loadbalancer-xforwardedfor-slbport",
    "Whether the listener's port is passed on in XForwardedFor_SLBPORT." {
        default: "off",
        example: "on",
        applies: LAYER_7,
        since: "v2.9.1",
    }
    XFORWARDEDFOR_CLIENTSRCPORT xforwardedfor_clientsrcport: Switch =
        "loadbalancer-xforwardedfor-clientsrcport",
    "Whether the client's port is passed on in XForwardedFor_ClientSrcPort." {
        default: "off",
        example: "on",
        applies: LAYER_7,
        since: "v2.9.1",
    }
    IDLE_TIMEOUT idle_timeout: Number<1, 60> = "loadbalancer-idle-timeout",
    "After how many seconds an idle connection ends." {
        default: "15",
        example: "30",
        applies: LAYER_7,
        since: "v2.1.0",
        instead: Some("loadbalancer-established-timeout"),
    }
    REQUEST_TIMEOUT request_timeout: Number<1, 180> = "loadbalancer-request-timeout",
    "How many seconds a backend has to answer before the client gets a 504." {
        default: "60",
        example: "60",
        applies: LAYER_7,
        since: "v2.3.0",
    }
    ESTABLISHED_TIMEOUT established_timeout: Number<10, 900> = "loadbalancer-established-timeout",
    "After how many seconds an idle connection ends." {
        default: "900",
        example: "60",
        applies: TCP,
        since: "v2.3.0",
        instead: Some("loadbalancer-idle-timeout"),
    }
    HTTP2_ENABLED http2_enabled: Switch = "loadbalancer-http2-enabled",
    "Whether HTTPS listeners speak HTTP/2." {
        default: "on",
        example: "off",
        applies: HTTPS,
        since: "v2.1.0",
    }
}
