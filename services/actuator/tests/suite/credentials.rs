//! Wrong credentials: said once, shown, retried, mended; never told.

use std::io::Write;
use std::sync::{Arc, Mutex};

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
    batch.deadline = std::time::Duration::from_secs(5);
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

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_log_line_of_any_level_and_any_library_holds_them() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
        .with_writer(move || writer.clone())
        .finish();
    // All tasks of this test run on its thread.
    let _guard = tracing::subscriber::set_default(subscriber);
    let lab = with_wrong_credentials().await;
    let mut batch = lab.batch("uid-1", creation("uid-1"));
    batch.deadline = std::time::Duration::from_secs(5);
    lab.execute(&batch).await;
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let ours: String = text
        .lines()
        // The simulator's own lines are not ours; it knows the key's id from the call.
        .filter(|line| !line.contains("cloud_sim"))
        .collect();
    assert!(ours.contains("InvalidAccessKeyId"), "{ours}");
    for secret in [KEY, SECRET, "Signature="] {
        assert!(!ours.contains(secret), "{secret} in {ours}");
    }
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
