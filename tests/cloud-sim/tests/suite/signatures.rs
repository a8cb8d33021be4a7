//! Who may call: both signature versions, dates, nonces, tokens; and the forms of answers.

use crate::client::{Client, Lab};
use cloud_sim::{AccessKey, DEFAULT_ACCOUNT};
use jiff::{SignedDuration, Timestamp};

const PROBE: (&str, &[(&str, &str)]) = ("DescribeZones", &[("RegionId", "cn-hangzhou")]);

async fn code(client: &Client) -> String {
    match client.slb(PROBE.0, PROBE.1).await {
        Ok(_) => "ok".to_owned(),
        Err(failed) => failed.code().to_owned(),
    }
}

#[tokio::test]
async fn a_call_is_signed_by_a_known_key() {
    let lab = Lab::start().await;
    let mut client = lab.client.clone();
    assert_eq!(code(&client).await, "ok");
    client.signer.secret = "wrong".to_owned();
    assert_eq!(code(&client).await, "SignatureDoesNotMatch");
    client.signer.key_id = "nobody".to_owned();
    assert_eq!(code(&client).await, "InvalidAccessKeyId.NotFound");
}

#[tokio::test]
async fn a_nonce_is_good_once_and_a_date_for_a_while() {
    let lab = Lab::start().await;
    let mut client = lab.client.clone();
    client.signer.nonce = Some("once".to_owned());
    assert_eq!(code(&client).await, "ok");
    assert_eq!(code(&client).await, "SignatureNonceUsed");
    client.signer.nonce = None;
    client.signer.date = Some("2023-10-26T10:22:32Z".to_owned());
    assert_eq!(code(&client).await, "InvalidTimeStamp.Expired");
    client.signer.date = Some("yesterday".to_owned());
    assert_eq!(code(&client).await, "InvalidTimeStamp.Format");
    client.signer.date = None;
    lab.sim
        .cloud()
        .change_circumstances(|it| it.clock_offset = SignedDuration::from_hours(2));
    assert_eq!(
        code(&client).await,
        "InvalidTimeStamp.Expired",
        "the simulator's clock jumped"
    );
}

#[tokio::test]
async fn a_temporary_key_comes_with_its_token_until_it_ends() {
    let lab = Lab::start().await;
    let in_an_hour = Timestamp::now() + SignedDuration::from_hours(1);
    let key = AccessKey::new("STS.1", "secret", DEFAULT_ACCOUNT).temporary("token", in_an_hour);
    lab.sim.cloud().add_access_key(key);
    let mut client = lab.client.clone();
    client.signer.key_id = "STS.1".to_owned();
    client.signer.secret = "secret".to_owned();
    assert_eq!(code(&client).await, "MissingSecurityToken");
    client.signer.token = Some("another".to_owned());
    assert_eq!(code(&client).await, "InvalidSecurityToken.Malformed");
    client.signer.token = Some("token".to_owned());
    assert_eq!(code(&client).await, "ok");
    let ended = AccessKey::new("STS.1", "secret", DEFAULT_ACCOUNT)
        .temporary("token", Timestamp::now() - SignedDuration::from_secs(1));
    lab.sim.cloud().add_access_key(ended);
    assert_eq!(code(&client).await, "InvalidSecurityToken.Expired");
}

#[tokio::test]
async fn a_v1_answer_is_xml_unless_json_is_asked_for() {
    let lab = Lab::start().await;
    let (status, xml) = lab.client.v1(PROBE.0, PROBE.1).await;
    assert_eq!(status, 200);
    assert!(
        xml.contains("<DescribeZonesResponse>") && xml.contains("<ZoneId>cn-hangzhou-k</ZoneId>"),
        "{xml}"
    );
    let (_, json) = lab
        .client
        .v1(PROBE.0, &[("RegionId", "cn-hangzhou"), ("Format", "JSON")])
        .await;
    assert!(json.starts_with('{'), "{json}");
    let (status, xml) = lab.client.v1("DescribeZones", &[]).await;
    assert_eq!(status, 400);
    assert!(
        xml.contains("<Error>") && xml.contains("<Code>MissingParameter</Code>"),
        "{xml}"
    );
    let mut client = lab.client.clone();
    client.signer.secret = "wrong".to_owned();
    let (status, xml) = client.v1(PROBE.0, PROBE.1).await;
    assert_eq!(status, 400);
    assert!(xml.contains("<Code>SignatureDoesNotMatch</Code>"), "{xml}");
}

#[tokio::test]
async fn action_and_version_have_to_be_known() {
    let lab = Lab::start().await;
    let refused = |version: &'static str, action: &'static str| {
        let client = lab.client.clone();
        async move {
            client
                .call(version, action, PROBE.1)
                .await
                .unwrap_err()
                .code()
                .to_owned()
        }
    };
    assert_eq!(
        refused("2014-05-15", "DescribeEverything").await,
        "InvalidAction.NotFound"
    );
    assert_eq!(refused("2014-05-26", "DescribeZones").await, "InvalidVersion");
    let (action, elsewhere) = ("DescribeZones", [("RegionId", "moon-1")]);
    assert_eq!(
        lab.client.slb(action, &elsewhere).await.unwrap_err().code(),
        "InvalidRegionId.NotFound"
    );
}

#[tokio::test]
async fn each_account_has_a_cloud_of_its_own() {
    let lab = Lab::start().await;
    lab.sim
        .cloud()
        .add_access_key(AccessKey::new("other", "secret", "another-account"));
    let mut other = lab.client.clone();
    other.signer.key_id = "other".to_owned();
    other.signer.secret = "secret".to_owned();
    let region = [("RegionId", "cn-hangzhou")];
    assert_eq!(
        other.slb("DescribeLoadBalancers", &region).await.unwrap()["TotalCount"],
        0
    );
    assert_eq!(
        lab.client.slb("DescribeLoadBalancers", &region).await.unwrap()["TotalCount"],
        4
    );
}

#[tokio::test]
async fn the_journal_keeps_no_secrets() {
    let lab = Lab::start().await;
    let upload = [
        ("PrivateKey", "-----BEGIN PRIVATE KEY-----"),
        ("ServerCertificate", "x"),
    ];
    assert_eq!(
        lab.refused("UploadServerCertificate", &upload).await,
        "CertificateNotMatchPrivateKey"
    );
    let (_, _) = lab.client.v1(PROBE.0, PROBE.1).await;
    let journal = serde_json::to_string(&lab.sim.cloud().calls()).unwrap();
    for secret in [
        "BEGIN PRIVATE KEY",
        "Signature\"",
        "AccessKeyId",
        cloud_sim::DEFAULT_ACCESS_KEY_SECRET,
    ] {
        assert!(!journal.contains(secret), "{secret} is in the journal");
    }
}
