//! The client against a bare HTTP server: what it sends, what it makes of failures, and what it never tells.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use clb_cloud_client::{
    Class, Client, ClientSetup, DescribeLoadBalancers, Endpoints, Failure, FixedCredentials,
    LoadBalancerFilter, Network,
};
use serde_json::json;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

const KEY_ID: &str = "LTAI5tTheKeyId";
const SECRET: &str = "the-very-secret";
const PATIENCE: Duration = Duration::from_secs(5);

fn client(endpoint: &str) -> Client {
    Client::new(ClientSetup {
        region: "cn-test".to_owned(),
        endpoints: Endpoints::new("cn-test", Network::Public, |_| Some(endpoint.to_owned())).unwrap(),
        credentials: Arc::new(FixedCredentials::new(KEY_ID, SECRET)),
    })
    .unwrap()
}

fn all() -> DescribeLoadBalancers {
    DescribeLoadBalancers {
        filter: LoadBalancerFilter::All,
        page: 1,
    }
}

async fn answering(response: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(response).mount(&server).await;
    server
}

#[tokio::test]
async fn each_attempt_is_signed_anew_and_shows_its_secrets_in_no_url() {
    let server = answering(ResponseTemplate::new(200).set_body_json(json!({"TotalCount": 0}))).await;
    let client = client(&server.uri());
    for _ in 0..2 {
        client.send(&all(), PATIENCE).await.unwrap();
    }
    let requests = server.received_requests().await.unwrap();
    let header = |name: &str| -> BTreeSet<String> {
        requests
            .iter()
            .map(|request| request.headers[name].to_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(header("x-acs-signature-nonce").len(), 2);
    assert_eq!(header("authorization").len(), 2);
    assert_eq!(
        header("x-acs-action"),
        BTreeSet::from(["DescribeLoadBalancers".to_owned()])
    );
    assert_eq!(header("x-acs-version"), BTreeSet::from(["2014-05-15".to_owned()]));
    assert!(
        requests
            .iter()
            .all(|request| !request.url.as_str().contains("LTAI"))
    );
}

#[tokio::test]
async fn an_echoed_signature_is_in_no_error() {
    let message = format!(
        "Specified signature is not matched with our calculation. server string to sign is:{KEY_ID}&{}",
        "ab".repeat(32)
    );
    let body = json!({"Code": "SignatureDoesNotMatch", "Message": message, "RequestId": "r-1"});
    let server = answering(ResponseTemplate::new(400).set_body_json(body)).await;
    let error = client(&server.uri()).send(&all(), PATIENCE).await.unwrap_err();
    assert_eq!(error.class(), Some(Class::Credentials));
    for shown in [error.to_string(), format!("{error:?}")] {
        assert!(
            shown.contains("SignatureDoesNotMatch") && shown.contains("r-1"),
            "{shown}"
        );
        for secret in [KEY_ID, SECRET, "abab"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}

#[tokio::test]
async fn a_stalled_answer_is_unknown_and_an_absent_server_was_not_sent_to() {
    let stalled = answering(ResponseTemplate::new(200).set_delay(Duration::from_secs(30))).await;
    let error = client(&stalled.uri())
        .send(&all(), Duration::from_millis(50))
        .await
        .unwrap_err();
    assert!(error.outcome_unknown(), "{error}");

    let absent = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let error = client(&absent).send(&all(), PATIENCE).await.unwrap_err();
    assert!(matches!(error.failure, Failure::NotSent(_)), "{error}");
    assert!(!error.to_string().contains("RegionId"), "{error}");
}

#[tokio::test]
async fn an_answer_that_is_no_json_is_unknown() {
    let server = answering(ResponseTemplate::new(502).set_body_string("<html>bad gateway</html>")).await;
    let error = client(&server.uri()).send(&all(), PATIENCE).await.unwrap_err();
    assert!(error.outcome_unknown(), "{error}");
}

#[tokio::test]
async fn a_key_id_or_token_that_no_header_can_hold_is_named_and_nothing_is_sent() {
    let server = answering(ResponseTemplate::new(200).set_body_json(json!({"TotalCount": 0}))).await;
    let with = |key_id: &str, token: Option<&str>| {
        let mut credentials = FixedCredentials::new(key_id, SECRET);
        credentials.0.token = token.map(Into::into);
        Client::new(ClientSetup {
            region: "cn-test".to_owned(),
            endpoints: Endpoints::new("cn-test", Network::Public, |_| Some(server.uri())).unwrap(),
            credentials: Arc::new(credentials),
        })
        .unwrap()
    };
    let cases = [
        (with("LTAI5tThe\nKeyId", None), "ALIBABA_CLOUD_ACCESS_KEY_ID"),
        (with(KEY_ID, Some("to\nken")), "ALIBABA_CLOUD_SECURITY_TOKEN"),
    ];
    for (client, variable) in cases {
        let error = client.send(&all(), PATIENCE).await.unwrap_err();
        assert!(matches!(error.failure, Failure::NoCredentials(_)), "{error}");
        let shown = error.to_string();
        assert!(
            shown.contains(variable) && !shown.contains("LTAI") && !shown.contains("ken"),
            "{shown}"
        );
    }
    assert!(server.received_requests().await.unwrap().is_empty());
}
