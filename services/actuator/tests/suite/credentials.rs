//! Wrong credentials: said once, shown, retried, mended; never told.

use clb_cloud_client::FixedCredentials;
use clb_model::operation::Outcome;
use cloud_sim::{AccessKey, CloudSim, Options};

use crate::lab::{Lab, creation};

const KEY: &str = "LTAI-wrong-key";
const SECRET: &str = "wrong-secret";

async fn with_wrong_credentials() -> Lab {
    let sim = CloudSim::start(Options::default()).await.unwrap();
    cloud_sim::lab::build(&sim.cloud().account(cloud_sim::DEFAULT_ACCOUNT)).unwrap();
    Lab::before(sim, "", FixedCredentials::new(KEY, SECRET)).await
}

#[tokio::test]
async fn they_fail_a_batch_in_the_end_and_are_in_no_message() {
    let lab = with_wrong_credentials().await;
    let mut batch = lab.batch("uid-1", creation("uid-1"));
    batch.deadline = std::time::Duration::from_secs(1);
    let results = lab.execute(&batch).await;
    let Outcome::Rejected(error) = &results[0].outcome else {
        panic!("{results:?}");
    };
    assert_eq!(error.class, clb_model::operation::ErrorClass::Denied, "{error:?}");
    let report = lab.health.report();
    assert!(report.contains("cloud/cn-hangzhou"), "{report}");
    assert!(report.contains("InvalidAccessKeyId"), "{report}");
    for shown in [format!("{results:?}"), report, lab.metrics.render().unwrap()] {
        assert!(!shown.contains(KEY) && !shown.contains(SECRET), "{shown}");
    }
    assert!(lab.health.is_ready(), "a broken downstream is no unreadiness");
}

#[tokio::test]
async fn a_batch_waits_for_credentials_that_are_mended_in_time() {
    let lab = with_wrong_credentials().await;
    let batch = lab.batch("uid-1", creation("uid-1"));
    let mend = async {
        let mut calls = lab.sim.cloud().last_call();
        calls.changed().await.unwrap();
        lab.sim
            .cloud()
            .add_access_key(AccessKey::new(KEY, SECRET, cloud_sim::DEFAULT_ACCOUNT));
    };
    let (results, ()) = tokio::join!(lab.execute(&batch), mend);
    crate::lab::assert_succeeded(&results);
}
