//! The simulated cloud: its accounts, keys, limits, faults and journal, shared by the HTTP server and the
//! library's users.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::account::{AccountState, Owner};
use crate::catalog::{Action, Effect};
use crate::errors::Answer;
use crate::faults::{Fault, FaultKind, FaultPlan};
use crate::input::Input;
use crate::journal::{Call, Counters, Journal};
use crate::limits::{Limits, Windows};
use crate::options::{AccessKey, Circumstances, Options};
use crate::scope::Scope;
use crate::seed::Account;
use crate::signature::Nonces;

/// The simulated cloud. Cheap to clone; all clones are the same cloud.
#[derive(Clone)]
pub struct Cloud(Arc<Inner>);

struct Inner {
    accounts: RwLock<HashMap<String, Arc<Mutex<AccountState>>>>,
    keys: RwLock<HashMap<String, AccessKey>>,
    nonces: Mutex<Nonces>,
    limits: RwLock<Option<Limits>>,
    windows: Mutex<Windows>,
    faults: Mutex<FaultPlan>,
    /// Told when the faults are cleared.
    cleared: watch::Sender<()>,
    journal: Mutex<Journal>,
    last_call: watch::Sender<u64>,
    circumstances: RwLock<Arc<Circumstances>>,
    /// Calls in flight and changes still to come; they end with the cloud.
    tasks: TaskTracker,
    stopping: CancellationToken,
}

impl Cloud {
    /// A cloud without a server: what `CloudSim::start` serves.
    pub fn new(options: &Options) -> Self {
        let cloud = Cloud(Arc::new(Inner {
            accounts: RwLock::default(),
            keys: RwLock::default(),
            nonces: Mutex::default(),
            limits: RwLock::new(options.limits.clone()),
            windows: Mutex::default(),
            faults: Mutex::default(),
            cleared: watch::Sender::default(),
            journal: Mutex::new(Journal::new(options.journal_size)),
            last_call: watch::Sender::new(0),
            circumstances: RwLock::new(Arc::new(options.circumstances.clone())),
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
        }));
        for key in &options.access_keys {
            cloud.add_access_key(key.clone());
        }
        cloud
    }

    /// The account with that id, made if it is not there.
    pub fn account(&self, id: &str) -> Account {
        Account::new(self.clone(), id)
    }

    pub(crate) fn state_of(&self, account: &str) -> Arc<Mutex<AccountState>> {
        if let Some(state) = self.0.accounts.read().get(account) {
            return Arc::clone(state);
        }
        Arc::clone(self.0.accounts.write().entry(account.to_owned()).or_default())
    }

    /// The ids of all accounts, in order.
    pub fn account_ids(&self) -> Vec<String> {
        let mut ids: Vec<String> = self.0.accounts.read().keys().cloned().collect();
        ids.sort();
        ids
    }

    /// Makes a key known, or replaces the one with its id.
    pub fn add_access_key(&self, key: AccessKey) {
        self.state_of(&key.account);
        self.0.keys.write().insert(key.id.clone(), key);
    }

    /// Makes a key unknown.
    pub fn remove_access_key(&self, id: &str) {
        self.0.keys.write().remove(id);
    }

    /// Switches request limits on, to other figures, or off. What was counted stays counted.
    pub fn set_limits(&self, limits: Option<Limits>) {
        *self.0.limits.write() = limits;
    }

    /// Changes how the cloud behaves from now on.
    pub fn change_circumstances(&self, change: impl FnOnce(&mut Circumstances)) {
        let mut current = self.0.circumstances.write();
        let mut changed = Circumstances::clone(&current);
        change(&mut changed);
        *current = Arc::new(changed);
    }

    pub(crate) fn circumstances(&self) -> Arc<Circumstances> {
        Arc::clone(&self.0.circumstances.read())
    }

    /// Orders a fault.
    pub fn order_fault(&self, fault: Fault) {
        self.0.faults.lock().order(fault);
    }

    /// Takes back every fault that has not come yet, and lets go the calls that are held.
    pub fn clear_faults(&self) {
        let mut faults = self.0.faults.lock();
        faults.clear();
        self.0.cleared.send_replace(());
    }

    /// The faults that are still to come.
    pub fn pending_faults(&self) -> Vec<Fault> {
        self.0.faults.lock().pending()
    }

    /// Every call, oldest first.
    pub fn calls(&self) -> Vec<Call> {
        self.calls_since(0)
    }

    /// The calls with a higher number than `after`.
    pub fn calls_since(&self, after: u64) -> Vec<Call> {
        self.0.journal.lock().since(after)
    }

    /// Calls that changed something, oldest first.
    pub fn writes(&self) -> Vec<Call> {
        self.calls().into_iter().filter(|call| call.applied).collect()
    }

    /// How many calls there were.
    pub fn counters(&self) -> Counters {
        self.0.journal.lock().counters()
    }

    /// Forgets the calls and the counts; the numbers of calls go on.
    pub fn clear_journal(&self) {
        self.0.journal.lock().clear();
    }

    /// The number of the last call, to wait for further ones without polling.
    pub fn last_call(&self) -> watch::Receiver<u64> {
        self.0.last_call.subscribe()
    }

    pub(crate) fn write_journal(&self, call: Call) {
        let mut journal = self.0.journal.lock();
        journal.push(call);
        // Before anybody sees the entry: who has seen a call finds no lower number as the last one.
        self.0.last_call.send_modify(|number| *number += 1);
    }

    /// The fault of this call, if it has one, and what tells when the faults are cleared after that.
    pub(crate) fn take_fault(
        &self,
        account: &str,
        action: &str,
        input: &Input,
    ) -> (Option<FaultKind>, watch::Receiver<()>) {
        let mut faults = self.0.faults.lock();
        (faults.take(account, action, input), self.0.cleared.subscribe())
    }

    /// The key that signed a request.
    pub(crate) fn verify(
        &self,
        request: &crate::request::Request,
        circumstances: &Circumstances,
    ) -> Result<AccessKey, crate::errors::ApiError> {
        let keys = self.0.keys.read();
        crate::signature::verify(request, &keys, &mut self.0.nonces.lock(), circumstances)
    }

    /// Counts a call against its limit; says whether there was room.
    pub(crate) fn admit(&self, account: &str, region: &str, action: &'static Action) -> bool {
        let limits = self.0.limits.read();
        let Some(limits) = limits.as_ref() else {
            return true;
        };
        let now = tokio::time::Instant::now();
        self.0.windows.lock().admit(limits, account, region, action, now)
    }

    pub(crate) fn tasks(&self) -> &TaskTracker {
        &self.0.tasks
    }

    pub(crate) fn stopping(&self) -> &CancellationToken {
        &self.0.stopping
    }

    /// Lets calls in flight end and stops everything else.
    pub(crate) async fn stop(&self, grace: Duration) {
        self.0.stopping.cancel();
        self.0.tasks.close();
        // Calls that are stalled on order may take longer than anybody wants to wait; they end with the
        // runtime.
        if tokio::time::timeout(grace, self.0.tasks.wait()).await.is_err() {
            tracing::debug!("calls were still in flight when the simulated cloud stopped");
        }
    }
}

/// Carries out an action on the state of an account.
pub(crate) fn execute(
    state: &mut AccountState,
    action: &'static Action,
    input: &Input,
    circumstances: &Circumstances,
    owner: Owner,
    request_id: &str,
) -> Answer {
    let mut scope = Scope::new(state, action, input, circumstances, owner, request_id);
    let answer = (action.run)(&mut scope)?;
    let (changed, now) = (scope.changes.take(), scope.now);
    if owner == Owner::Api && action.effect == Effect::Write {
        let answered = now + circumstances.write_time;
        if let Some(lb) = changed.and_then(|id| state.load_balancers.get_mut(&id)) {
            lb.configuring_until = Some(answered + circumstances.settle_time);
        }
        state.client_tokens.busy_until(input, answered);
    }
    Ok(answer)
}
