//! What tests and people ask of the simulator itself, under `/_sim`.
//!
//! - `GET /_sim/state?account=…`: everything an account has; `POST` adds what a document of that form holds
//! - `GET /_sim/calls?after=N`: the journal; `DELETE` forgets it
//! - `GET /_sim/counters`: how many calls there were
//! - `GET`, `POST`, `DELETE /_sim/faults`: the faults to come
//! - `GET /_sim/healthz`: 200

use axum::Router;
use axum::extract::{Json, Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::cloud::Cloud;
use crate::faults::Fault;
use crate::journal::{Call, Counters};
use crate::options::DEFAULT_ACCOUNT;

/// The routes under `/_sim`.
pub(crate) fn router() -> Router<Cloud> {
    Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/state", get(state).post(load_state))
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

/// Loads a document into an account, the default one unless another is named.
async fn load_state(
    State(cloud): State<Cloud>,
    Query(which): Query<Which>,
    Json(document): Json<Value>,
) -> (StatusCode, Json<Value>) {
    let account = cloud.account(which.account.as_deref().unwrap_or(DEFAULT_ACCOUNT));
    match account.load_state(&document, &[]) {
        Ok(ids) => (StatusCode::CREATED, Json(json!({ "load_balancers": ids }))),
        Err(error) => (
            StatusCode::BAD_REQUEST,
            Json(json!({ "error": error.to_string() })),
        ),
    }
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
