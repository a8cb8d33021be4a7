//! The journal beside the state: a change and its call are seen together.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::client::Lab;

/// Who has seen a change finds its call in the journal; else a test that notes the last call's number would take the change for a later
/// one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_sees_a_change_finds_its_call() {
    let lab = Lab::start().await;
    let id = lab.load_balancer(&[]).await;
    let (account, cloud) = (lab.account.clone(), lab.sim.cloud().clone());
    let stop = Arc::new(AtomicBool::new(false));
    let (stopped, of) = (Arc::clone(&stop), id.clone());
    let looking = std::thread::spawn(move || {
        let mut seen = 0;
        loop {
            let last = stopped.load(Ordering::Relaxed);
            let name = account.load_balancer(&of).unwrap()["LoadBalancerName"].clone();
            let number = name
                .as_str()
                .and_then(|name| name.strip_prefix("name-")?.parse().ok());
            let calls = cloud.counters().by_action;
            let calls = calls.get("SetLoadBalancerName").copied().unwrap_or_default();
            seen = number.unwrap_or(seen);
            assert!(seen <= calls, "name {seen} after {calls} calls");
            if last {
                return seen;
            }
        }
    });
    for number in 1..=200 {
        let name = format!("name-{number}");
        let parameters = [("LoadBalancerId", id.as_str()), ("LoadBalancerName", &name)];
        lab.call("SetLoadBalancerName", &parameters).await.unwrap();
    }
    stop.store(true, Ordering::Relaxed);
    assert_eq!(looking.join().unwrap(), 200);
}
