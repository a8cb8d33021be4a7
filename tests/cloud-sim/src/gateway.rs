//! The way of a call: action, signature, limit, fault, parameters, the action itself, journal, answer.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::account::Owner;
use crate::catalog::{self, Action, Effect, validate};
use crate::cloud::{Cloud, execute};
use crate::errors::{self, Answer, ApiError};
use crate::faults::FaultKind;
use crate::ids;
use crate::input::Input;
use crate::journal::{Call, Outcome, without_secrets};
use crate::options::Circumstances;
use crate::request::Request;
use crate::xml;

/// The region that a call without `RegionId` counts for.
const DEFAULT_REGION: &str = "cn-hangzhou";

/// What goes back over the connection.
#[derive(Debug)]
pub(crate) enum Reply {
    /// An answer.
    Answer {
        /// HTTP status.
        status: u16,
        /// JSON or XML.
        content_type: &'static str,
        /// The text.
        body: String,
    },
    /// Nothing: the connection breaks.
    Reset,
}

/// What a call has come to know about itself.
struct Received {
    time: Timestamp,
    request_id: String,
    account: String,
    action_name: String,
    write: bool,
    input: Input,
    made_vgroup: Option<String>,
}

/// Answers a call.
pub(crate) async fn handle(cloud: Cloud, request: Request) -> Reply {
    let mut call = Received {
        time: Timestamp::now(),
        request_id: ids::request_id(),
        account: String::new(),
        action_name: request.action().unwrap_or_default().to_owned(),
        write: false,
        input: request.input(),
        made_vgroup: None,
    };
    let result = answer(&cloud, &request, &mut call).await;
    match result {
        Ok(Some(body)) => reply(&request, &call, 200, &call.action_name, body),
        Ok(None) => Reply::Reset,
        Err(error) => {
            cloud.write_journal(entry(
                &call,
                Outcome::Error {
                    status: error.status,
                    code: error.code.clone(),
                },
                false,
            ));
            refuse(&request, &call, &error)
        }
    }
}

/// The answer's fields; none to break the connection. An answer or a reset is in the journal by then.
async fn answer(cloud: &Cloud, request: &Request, call: &mut Received) -> Result<Option<Value>, ApiError> {
    let circumstances = cloud.circumstances();
    let action = known_action(request)?;
    call.write = action.effect == Effect::Write;
    call.account = cloud.verify(request, &circumstances)?.account;
    let region = call.input.filled("RegionId").unwrap_or(DEFAULT_REGION);
    if !cloud.admit(&call.account, region, action) {
        return Err(errors::THROTTLED.into());
    }
    let (fault, mut cleared) = cloud.take_fault(&call.account, action.name, &call.input);
    match &fault {
        Some(FaultKind::Throttle) => return Err(errors::THROTTLED.into()),
        Some(FaultKind::Error {
            status,
            code,
            message,
        }) => {
            return Err(ApiError {
                status: *status,
                code: code.clone(),
                message: message.clone(),
            });
        }
        Some(FaultKind::ResetBefore) => {
            cloud.write_journal(entry(call, Outcome::Reset { applied: false }, false));
            return Ok(None);
        }
        Some(FaultKind::Stall { milliseconds }) => pause(cloud, FaultKind::duration(*milliseconds)).await,
        Some(FaultKind::Hold) => {
            let _ended = cloud.stopping().run_until_cancelled(cleared.changed()).await;
        }
        _ => {}
    }
    let input = validate(action, call.input.clone())?;
    let body = carry_out(cloud, call, action, input, &circumstances, fault.as_ref())?;
    if fault == Some(FaultKind::ResetAfter) {
        return Ok(None);
    }
    if call.write && !circumstances.write_time.is_zero() {
        tokio::time::sleep(circumstances.write_time).await;
    }
    if let Some(FaultKind::StallAnswer { milliseconds }) = fault {
        pause(cloud, FaultKind::duration(milliseconds)).await;
    }
    Ok(Some(body))
}

fn known_action(request: &Request) -> Result<&'static Action, ApiError> {
    let name = request
        .action()
        .ok_or_else(|| errors::missing_parameter("Action"))?;
    let action = catalog::find(name).ok_or_else(|| ApiError::from(errors::UNKNOWN_ACTION))?;
    match request.version() {
        None => Err(errors::missing_parameter("Version")),
        Some(version) if version == action.product.version() => Ok(action),
        Some(_) => Err(errors::UNKNOWN_VERSION.into()),
    }
}

/// Runs the action on the account, or on a copy of it when the fault says that nothing comes of it (yet), and writes it to the journal
/// before anybody sees the account changed: who has seen a change finds its call, and the journal's order is that of the changes.
fn carry_out(
    cloud: &Cloud,
    call: &mut Received,
    action: &'static Action,
    input: Input,
    circumstances: &Arc<Circumstances>,
    fault: Option<&FaultKind>,
) -> Answer {
    let account = cloud.state_of(&call.account);
    let mut state = account.lock();
    let mut copy = match fault {
        Some(FaultKind::ApplyLate { .. } | FaultKind::ApplyNever) => Some(state.clone()),
        _ => None,
    };
    let changed = copy.as_mut().unwrap_or(&mut *state);
    let body = execute(
        changed,
        action,
        &input,
        circumstances,
        Owner::Api,
        &call.request_id,
    )?;
    let applied = call.write && fault != Some(&FaultKind::ApplyNever);
    if applied && action.name == "CreateVServerGroup" {
        call.made_vgroup = body["VServerGroupId"].as_str().map(str::to_owned);
    }
    let outcome = match fault {
        Some(FaultKind::ResetAfter) => Outcome::Reset { applied: true },
        _ => Outcome::Ok,
    };
    let mut entry = entry(call, outcome, applied);
    let Some(FaultKind::ApplyLate { milliseconds }) = fault else {
        cloud.write_journal(entry);
        return Ok(body);
    };
    drop(state);
    let delay = FaultKind::duration(*milliseconds);
    let (cloud, circumstances) = (cloud.clone(), Arc::clone(circumstances));
    let tracker = cloud.tasks().clone();
    tracker.spawn(async move {
        pause(&cloud, delay).await;
        let mut state = account.lock();
        let late = execute(
            &mut state,
            action,
            &input,
            &circumstances,
            Owner::Api,
            &entry.request_id,
        );
        if let Err(error) = late {
            entry.applied = false;
            tracing::info!(action = action.name, %error, "a change that came late was refused");
        }
        cloud.write_journal(entry);
    });
    Ok(body)
}

/// Waits, but not past the end of the simulator.
async fn pause(cloud: &Cloud, duration: Duration) {
    let _ended = cloud
        .stopping()
        .run_until_cancelled(tokio::time::sleep(duration))
        .await;
}

fn entry(call: &Received, outcome: Outcome, applied: bool) -> Call {
    Call {
        number: 0,
        time: call.time,
        account: call.account.clone(),
        action: call.action_name.clone(),
        parameters: without_secrets(&call.input),
        outcome,
        request_id: call.request_id.clone(),
        write: call.write,
        applied,
        made_vgroup: call.made_vgroup.clone(),
    }
}

fn refuse(request: &Request, call: &Received, error: &ApiError) -> Reply {
    let host = request.header("host").unwrap_or_default();
    let body = json!({
        "HostId": host,
        "Code": error.code,
        "Message": error.message,
        "Recommend": format!("https://api.aliyun.com/troubleshoot?q={}", error.code),
    });
    reply(request, call, error.status, "Error", body)
}

fn reply(request: &Request, call: &Received, status: u16, name: &str, mut body: Value) -> Reply {
    body["RequestId"] = json!(call.request_id);
    if request.wants_xml() {
        let root = if name == "Error" {
            name.to_owned()
        } else {
            format!("{name}Response")
        };
        return Reply::Answer {
            status,
            content_type: "text/xml;charset=utf-8",
            body: xml::document(&root, &body),
        };
    }
    Reply::Answer {
        status,
        content_type: "application/json;charset=utf-8",
        body: body.to_string(),
    }
}
