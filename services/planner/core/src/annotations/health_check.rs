//! The table's rows for health checks.

use super::list::HttpCodes;
use super::row::{LAYER_4, LAYER_7, LISTENERS, Scope, annotations};
use super::text::{HealthCheckDomain, HealthCheckUri};
use super::value::{HealthCheckMethod, HealthCheckType, Number, Switch};

const TCP: &[Scope] = &[Scope::Tcp];
/// Listeners that can check by an HTTP request.
const HTTP_CHECKS: &[Scope] = &[Scope::Tcp, Scope::Http, Scope::Https];

annotations! {
    /// The values of annotations for health checks.
    HealthCheckAnnotations;

    SWITCH switch: Switch = "loadbalancer-health-check-switch",
    "Whether TCP and UDP listeners check their backends." {
        default: "on",
        example: "off",
        applies: LAYER_4,
        since: "v2.6.0",
        instead: Some("loadbalancer-health-check-flag"),
    }
    FLAG flag: Switch = "loadbalancer-health-check-flag",
    "Whether HTTP and HTTPS listeners check their backends." {
        default: "off",
        example: "on",
        applies: LAYER_7,
        since: "v1.9.3",
        instead: Some("loadbalancer-health-check-switch"),
    }
    TYPE check_type: HealthCheckType = "loadbalancer-health-check-type",
    "Whether TCP listeners check by connecting or by an HTTP request. HTTP and HTTPS listeners always do \
     the latter." {
        default: "tcp",
        example: "http",
        applies: TCP,
        since: "v1.9.3",
    }
    URI uri: HealthCheckUri = "loadbalancer-health-check-uri",
    "The path of an HTTP check." {
        default: "/",
        example: "/test/index.html",
        applies: HTTP_CHECKS,
        since: "v1.9.3",
    }
    HTTP_CODE http_code: HttpCodes = "loadbalancer-health-check-httpcode",
    "The answers to an HTTP check that a healthy backend gives." {
        default: "http_2xx",
        example: "http_2xx,http_3xx",
        applies: HTTP_CHECKS,
        since: "v1.9.3",
    }
    DOMAIN domain: HealthCheckDomain = "loadbalancer-health-check-domain",
    "The Host header of an HTTP check." {
        default: "the backend's own address",
        example: "www.example.com",
        applies: HTTP_CHECKS,
        since: "v1.9.3",
    }
    CONNECT_TIMEOUT connect_timeout: Number<1, 300> = "loadbalancer-health-check-connect-timeout",
    "How many seconds a TCP or UDP check waits; below the interval, the interval counts." {
        default: "5",
        example: "8",
        applies: LAYER_4,
        since: "v1.9.3",
        instead: Some("loadbalancer-health-check-timeout"),
    }
    TIMEOUT timeout: Number<1, 300> = "loadbalancer-health-check-timeout",
    "How many seconds the check of an HTTP or HTTPS listener waits; below the interval, the interval \
     counts." {
        default: "5",
        example: "10",
        applies: LAYER_7,
        since: "v1.9.3",
        instead: Some("loadbalancer-health-check-connect-timeout"),
    }
    CONNECT_PORT connect_port: Number<1, 65535> = "loadbalancer-health-check-connect-port",
    "The port that is checked." {
        default: "the backend's own",
        example: "8080",
        applies: LISTENERS,
    }
    HEALTHY_THRESHOLD healthy_threshold: Number<2, 10> = "loadbalancer-healthy-threshold",
    "After how many successes in a row a backend is healthy." {
        default: "3",
        example: "4",
        applies: LISTENERS,
        since: "v1.9.3",
    }
    UNHEALTHY_THRESHOLD unhealthy_threshold: Number<2, 10> = "loadbalancer-unhealthy-threshold",
    "After how many failures in a row a backend is unhealthy." {
        default: "3",
        example: "4",
        applies: LISTENERS,
        since: "v1.9.3",
    }
    INTERVAL interval: Number<1, 50> = "loadbalancer-health-check-interval",
    "The seconds between checks." {
        default: "2",
        example: "3",
        applies: LISTENERS,
        since: "v1.9.3",
    }
    METHOD method: HealthCheckMethod = "loadbalancer-health-check-method",
    "The method with which HTTP and HTTPS listeners check." {
        default: "head",
        example: "get",
        applies: LAYER_7,
        since: "v2.3.0",
    }
}
