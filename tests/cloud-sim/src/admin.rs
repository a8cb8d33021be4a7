//! What tests and people ask of the simulator itself, under `/_sim`.
//!
//! - `GET /_sim/state?account=…`: everything an account has
//! - `GET /_sim/calls?after=N`: the journal; `DELETE` forgets it
//! - `GET /_sim/counters`: how many calls there were
//! - `GET`, `POST`, `DELETE /_sim/faults`: the faults to come
//! - `GET /_sim/healthz`: 200

use axum::Router;
use axum::extract::{Json, Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::cloud::Cloud;
use crate::faults::Fault;
use crate::journal::{Call, Counters};

/// The routes under `/_sim`.
pub(crate) fn router() -> Router<Cloud> {
    Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/state", get(state))
        .route("/calls", get(calls).delete(forget_calls))
        .route("/counters", get(counters))
        .route("/faults", get(faults).post(order_fault).delete(clear_faults))
}

#[derive(Deserialize)]
struct Which {
    account: Option<String>,
}

/// One account's state, or that of all by account.
async fn state(State(cloud): State<Cloud>, Query(which): Query<Which>) -> Json<Value> {
    Json(match which.account {
        Some(account) => cloud.account(&account).state(),
        None => {
            let all = cloud.account_ids().into_iter();
            let states = all.map(|id| (id.clone(), cloud.account(&id).state()));
            Value::Object(states.collect::<Map<String, Value>>())
        }
    })
}

#[derive(Deserialize)]
struct From {
    #[serde(default)]
    after: u64,
}

async fn calls(State(cloud): State<Cloud>, Query(from): Query<From>) -> Json<Vec<Call>> {
    Json(cloud.calls_since(from.after))
}

async fn forget_calls(State(cloud): State<Cloud>) -> StatusCode {
    cloud.clear_journal();
    StatusCode::NO_CONTENT
}

async fn counters(State(cloud): State<Cloud>) -> Json<Counters> {
    Json(cloud.counters())
}

async fn faults(State(cloud): State<Cloud>) -> Json<Vec<Fault>> {
    Json(cloud.pending_faults())
}

async fn order_fault(State(cloud): State<Cloud>, Json(fault): Json<Fault>) -> StatusCode {
    cloud.order_fault(fault);
    StatusCode::CREATED
}

async fn clear_faults(State(cloud): State<Cloud>) -> StatusCode {
    cloud.clear_faults();
    StatusCode::NO_CONTENT
}
