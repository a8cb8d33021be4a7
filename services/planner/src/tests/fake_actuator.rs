//! An actuator in memory: CLBs that a test puts in, batches that a test answers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use clb_model::ServiceUid;
use clb_model::cloud::LoadBalancer;
use clb_model::operation::{Batch, Change, LoadBalancerChange, OperationResult, Outcome};
use clb_model::version::PartVersion;
use clb_model::{LoadBalancerId, marks};
use clb_proto::actuator::v1;
use clb_proto::actuator::v1::actuator_service_server::ActuatorService;
use clb_proto::actuator::v1::watch_request::Message;
use clb_wire::actuator::{
    Interest, MirrorUpdate, batch_from_proto, interest_from_proto, mirror_update_to_proto,
    operation_result_to_proto,
};
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

type Updates = mpsc::Sender<Result<v1::WatchResponse, Status>>;

/// Shared by the server and the test.
#[derive(Debug, Clone)]
pub(super) struct FakeActuator {
    cloud: Arc<Mutex<Cloud>>,
    batches: mpsc::Sender<Execution>,
}

#[derive(Debug, Default)]
struct Cloud {
    load_balancers: BTreeMap<LoadBalancerId, LoadBalancer>,
    interests: BTreeMap<ServiceUid, Interest>,
    streams: Vec<Updates>,
    opened: usize,
    certificates: BTreeSet<String>,
    inspections: usize,
    looks: Vec<LoadBalancerId>,
    silent: bool,
    created: u64,
}

/// A batch that waits for the test's answer. Dropped without one, its stream ends without results.
#[derive(Debug)]
pub(super) struct Execution {
    /// What is to be done.
    pub(super) batch: Batch,
    /// The trace that the call came in.
    pub(super) traceparent: String,
    answers: mpsc::Sender<Result<v1::ExecuteResponse, Status>>,
    actuator: FakeActuator,
}

impl FakeActuator {
    /// An empty cloud, and where its batches are answered.
    pub(super) fn new() -> (Self, mpsc::Receiver<Execution>) {
        let (batches, answered) = mpsc::channel(64);
        let cloud = Arc::default();
        (Self { cloud, batches }, answered)
    }

    /// A CLB appears or changes.
    pub(super) fn put(&self, load_balancer: LoadBalancer) {
        let mut cloud = self.cloud.lock();
        let update = MirrorUpdate::LoadBalancer(Box::new(load_balancer.clone()));
        cloud
            .load_balancers
            .insert(load_balancer.id.clone(), load_balancer);
        cloud.send(&update);
    }

    /// A CLB disappears.
    pub(super) fn remove(&self, id: &LoadBalancerId) {
        let mut cloud = self.cloud.lock();
        cloud.load_balancers.remove(id);
        cloud.send(&MirrorUpdate::Gone(id.clone()));
    }

    /// A certificate that exists.
    pub(super) fn put_certificate(&self, id: &str) {
        self.cloud.lock().certificates.insert(id.to_owned());
    }

    /// How often it was asked about certificates and the like.
    pub(super) fn inspections(&self) -> usize {
        self.cloud.lock().inspections
    }

    /// The CLBs that it was to look at again.
    pub(super) fn looks(&self) -> usize {
        self.cloud.lock().looks.len()
    }

    /// Says that it has looked at all of them.
    pub(super) fn looked(&self) {
        let mut cloud = self.cloud.lock();
        for id in cloud.looks.clone() {
            cloud.send(&MirrorUpdate::Looked(id));
        }
    }

    /// How many Watch streams were opened.
    pub(super) fn watch_streams(&self) -> usize {
        self.cloud.lock().opened
    }

    /// Services of interest.
    pub(super) fn interests(&self) -> Vec<String> {
        self.cloud
            .lock()
            .interests
            .keys()
            .map(ToString::to_string)
            .collect()
    }

    /// From now on updates are not shown, as when the stream lags.
    pub(super) fn be_silent(&self, silent: bool) {
        let mut cloud = self.cloud.lock();
        cloud.silent = silent;
        if !silent {
            let all: Vec<_> = cloud.load_balancers.values().cloned().collect();
            for load_balancer in all {
                cloud.send(&MirrorUpdate::LoadBalancer(Box::new(load_balancer)));
            }
        }
    }

    /// Ends all Watch streams.
    pub(super) fn break_streams(&self) {
        for stream in self.cloud.lock().streams.drain(..) {
            drop(stream.try_send(Err(Status::unavailable("the test broke the stream"))));
        }
    }

    fn carry_out(&self, batch: &Batch) -> Vec<OperationResult> {
        let mut cloud = self.cloud.lock();
        batch
            .operations
            .iter()
            .map(|operation| OperationResult {
                operation: operation.id,
                outcome: Outcome::Applied {
                    created: cloud.change(batch, &operation.change),
                },
                left_out: Vec::new(),
            })
            .collect()
    }
}

impl Cloud {
    fn send(&mut self, update: &MirrorUpdate) {
        if !self.silent {
            self.streams
                .retain(|stream| stream.try_send(Ok(mirror_update_to_proto(update))).is_ok());
        }
    }

    fn change(&mut self, batch: &Batch, change: &Change) -> Option<String> {
        match change {
            Change::CreateLoadBalancer(new) => {
                self.created += 1;
                let created = load_balancer(&format!("lb-{}", self.created), &new.name, &new.name);
                let id = created.id.clone();
                self.load_balancers.insert(id.clone(), created.clone());
                self.send(&MirrorUpdate::LoadBalancer(Box::new(created)));
                Some(id.to_string())
            }
            Change::ChangeLoadBalancer(LoadBalancerChange::Name(name)) => {
                let id = batch.load_balancer.as_ref().unwrap();
                let found = self.load_balancers.get_mut(id).unwrap();
                found.name.clone_from(name);
                found.version.number += 1;
                let changed = found.clone();
                self.send(&MirrorUpdate::LoadBalancer(Box::new(changed)));
                None
            }
            Change::DeleteLoadBalancer => {
                let id = batch.load_balancer.clone().unwrap();
                self.load_balancers.remove(&id);
                self.send(&MirrorUpdate::Gone(id));
                None
            }
            other => panic!("the fake core plans no {other:?}"),
        }
    }

    /// Shows what matches, then says that it was all.
    fn resolve(&mut self, interest: &Interest) {
        let matching: Vec<LoadBalancer> = self
            .load_balancers
            .values()
            .filter(|found| {
                found.tags.get(marks::OWNER_TAG) == Some(&interest.default_name)
                    || interest.load_balancer.as_ref() == Some(&found.id)
            })
            .cloned()
            .collect();
        let ids = matching.iter().map(|found| found.id.clone()).collect();
        for found in matching {
            self.send(&MirrorUpdate::LoadBalancer(Box::new(found)));
        }
        self.send(&MirrorUpdate::Resolved {
            service: interest.service.clone(),
            load_balancers: ids,
        });
    }
}

impl Execution {
    /// Does everything and says so.
    pub(super) async fn succeed(self) {
        let results = self.actuator.carry_out(&self.batch);
        self.answer(results).await;
    }

    /// Gives every operation this outcome.
    pub(super) async fn end_with(self, outcome: Outcome) {
        let results = self
            .batch
            .operations
            .iter()
            .map(|operation| OperationResult {
                operation: operation.id,
                outcome: outcome.clone(),
                left_out: Vec::new(),
            })
            .collect();
        self.answer(results).await;
    }

    /// Does everything, and breaks before it says so.
    pub(super) async fn succeed_in_silence(self) {
        self.actuator.carry_out(&self.batch);
        self.answers
            .send(Err(Status::unavailable("the test broke the stream")))
            .await
            .unwrap();
    }

    async fn answer(self, results: Vec<OperationResult>) {
        for result in &results {
            let response = v1::ExecuteResponse {
                result: Some(operation_result_to_proto(result)),
            };
            self.answers.send(Ok(response)).await.unwrap();
        }
    }
}

#[tonic::async_trait]
impl ActuatorService for FakeActuator {
    type WatchStream = ReceiverStream<Result<v1::WatchResponse, Status>>;
    type ExecuteStream = ReceiverStream<Result<v1::ExecuteResponse, Status>>;

    async fn watch(
        &self,
        request: Request<Streaming<v1::WatchRequest>>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let mut requests = request.into_inner();
        let (updates, stream) = mpsc::channel(1024);
        let cloud = self.cloud.clone();
        {
            let mut cloud = cloud.lock();
            cloud.opened += 1;
            cloud.streams = vec![updates];
            cloud.interests.clear();
            cloud.send(&MirrorUpdate::Synced);
        }
        tokio::spawn(async move {
            while let Ok(Some(request)) = requests.message().await {
                if let Some(Message::Interests(message)) = request.message {
                    let mut cloud = cloud.lock();
                    for upsert in message.upserts {
                        let interest = interest_from_proto(upsert).unwrap();
                        cloud.resolve(&interest);
                        cloud.interests.insert(interest.service.clone(), interest);
                    }
                    let looks = message.look_again.iter().map(|id| id.parse().unwrap());
                    cloud.looks.extend(looks);
                    for removal in message.removals {
                        cloud.interests.remove(&ServiceUid::new(removal).unwrap());
                    }
                }
            }
        });
        Ok(Response::new(ReceiverStream::new(stream)))
    }

    async fn execute(
        &self,
        request: Request<v1::ExecuteRequest>,
    ) -> Result<Response<Self::ExecuteStream>, Status> {
        let traceparent = request.metadata().get("traceparent");
        let traceparent = traceparent.map(|value| value.to_str().unwrap().to_owned());
        let batch = batch_from_proto(request.into_inner().batch.unwrap()).unwrap();
        let (answers, stream) = mpsc::channel(64);
        let execution = Execution {
            batch,
            traceparent: traceparent.unwrap_or_default(),
            answers,
            actuator: self.clone(),
        };
        self.batches.send(execution).await.unwrap();
        Ok(Response::new(ReceiverStream::new(stream)))
    }

    async fn inspect(
        &self,
        request: Request<v1::InspectRequest>,
    ) -> Result<Response<v1::InspectResponse>, Status> {
        let asked = request.into_inner();
        let mut cloud = self.cloud.lock();
        cloud.inspections += 1;
        let certificates = asked
            .certificate_ids
            .into_iter()
            .filter(|id| cloud.certificates.contains(id))
            .map(|id| v1::CertificateFact { id, expires_ms: 0 })
            .collect();
        Ok(Response::new(v1::InspectResponse {
            certificates,
            ..v1::InspectResponse::default()
        }))
    }
}

/// A CLB.
pub(crate) fn load_balancer(id: &str, name: &str, owner: &str) -> LoadBalancer {
    use clb_model::cloud::{AddressType, InstanceChargeType, InternetChargeType, IpVersion};
    LoadBalancer {
        id: LoadBalancerId::new(id).unwrap(),
        version: PartVersion { term: 1, number: 1 },
        name: name.to_owned(),
        address: "203.0.113.7".to_owned(),
        address_type: AddressType::Internet,
        ip_version: IpVersion::V4,
        status: "active".to_owned(),
        spec: String::new(),
        instance_charge_type: InstanceChargeType::PayByClcu,
        internet_charge_type: InternetChargeType::PayByTraffic,
        bandwidth: -1,
        delete_protection: true,
        modification_protection: true,
        resource_group_id: String::new(),
        vpc_id: String::new(),
        vswitch_id: String::new(),
        master_zone_id: String::new(),
        slave_zone_id: String::new(),
        tags: [(marks::OWNER_TAG.to_owned(), owner.to_owned())].into(),
        access_lists: BTreeMap::new(),
        eip_address: None,
        listeners: BTreeMap::new(),
        vgroups: BTreeMap::new(),
    }
}
