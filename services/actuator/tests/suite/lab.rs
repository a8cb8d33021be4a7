//! An actuator in front of a simulated cloud, and the means of a planner to talk to it.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clb_actuator::{Actuator, ActuatorError, ActuatorSettings};
use clb_cloud_client::FixedCredentials;
use clb_model::attribute::{ListenerAttribute, ListenerAttributes};
use clb_model::cloud::{
    AddressType, Backend, BackendTarget, InstanceChargeType, InternetChargeType, IpVersion, LoadBalancer,
};
use clb_model::marks::{CLUSTER_TAG, OWNER_TAG, default_name};
use clb_model::operation::{
    Batch, Change, NewListener, NewLoadBalancer, Operation, OperationId, OperationResult, Priority,
    VServerGroupRef,
};
use clb_model::version::{PartVersion, PlanNumber};
use clb_model::{ClusterId, LoadBalancerId, ServiceKey, ServiceUid, VServerGroupId};
use clb_proto::actuator::v1;
use clb_proto::actuator::v1::actuator_service_client::ActuatorServiceClient;
use clb_proto::actuator::v1::watch_request::Message;
use clb_settings::from_yaml;
use clb_telemetry::{Health, Metrics};
use clb_tls::{PeerIdentity, Security};
use clb_wire::actuator::{
    Interest, MirrorUpdate, batch_to_proto, interest_to_proto, mirror_update_from_proto,
    operation_result_from_proto,
};
use cloud_sim::{CloudSim, Instance, NetworkInterface, Options, lab};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;
use tonic::{Request, Status, Streaming};

pub(crate) const CLUSTER: &str = "c-lab";
/// Longer than anything here takes; only a hang reaches it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Limits that slow nothing down.
pub(crate) const UNLIMITED: &str = "limits: [{action: '*', calls: 1000000, burst: 100000}]";

/// The actuator, the cloud, and a channel between a planner and the actuator.
pub(crate) struct Lab {
    pub(crate) sim: CloudSim,
    pub(crate) account: cloud_sim::Account,
    pub(crate) health: Health,
    pub(crate) metrics: Metrics,
    /// What the actuator is configured with.
    pub(crate) settings: String,
    pub(crate) client: ActuatorServiceClient<Channel>,
    stop: CancellationToken,
    running: tokio::sync::Mutex<Option<JoinHandle<Result<(), ActuatorError>>>>,
    plans: AtomicU64,
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Lab {
    /// Limits that slow nothing down, and calls that wait for their answers as long as tests do.
    pub(crate) async fn start() -> Self {
        Self::with(&format!("call_timeout: 1m\n{UNLIMITED}"), |_| {}).await
    }

    /// With more settings, and a cloud that was changed before the actuator begins.
    pub(crate) async fn with(settings: &str, prepare: impl FnOnce(&CloudSim)) -> Self {
        let sim = CloudSim::start(Options::default()).await.unwrap();
        lab::build(&sim.cloud().account(cloud_sim::DEFAULT_ACCOUNT)).unwrap();
        prepare(&sim);
        let credentials = FixedCredentials::new(
            cloud_sim::DEFAULT_ACCESS_KEY_ID,
            cloud_sim::DEFAULT_ACCESS_KEY_SECRET,
        );
        Self::before(sim, settings, credentials).await
    }

    /// In front of a cloud that is there already.
    pub(crate) async fn before(sim: CloudSim, settings: &str, credentials: FixedCredentials) -> Self {
        let endpoint = sim.endpoint();
        let text = format!(
            "insecure: true\nlisten: 127.0.0.1:0\nadmin: {{listen: \"127.0.0.1:0\"}}\n\
             endpoints: {{slb: {endpoint:?}, ecs: {endpoint:?}, vpc: {endpoint:?}}}\n\
             clusters: [{{id: {CLUSTER}, region: {}, vpc_ids: [{}]}}, {{id: c-other, region: {}, vpc_ids: [{}]}}]\n{settings}\n",
            lab::REGION,
            lab::VPC,
            lab::REGION,
            lab::VPC,
        );
        let settings: ActuatorSettings = from_yaml(&text).unwrap();
        let metrics = Metrics::new("actuator");
        let health = Health::new(&metrics).unwrap();
        let actuator = Actuator::bind(
            settings,
            Arc::new(credentials),
            Security::Insecure,
            metrics.clone(),
            health.clone(),
        )
        .await
        .unwrap();
        let channel = Channel::from_shared(format!("http://{}", actuator.address()))
            .unwrap()
            .connect_lazy();
        let stop = CancellationToken::new();
        let running = tokio::spawn(actuator.run(stop.clone()));
        Self {
            account: sim.cloud().account(cloud_sim::DEFAULT_ACCOUNT),
            sim,
            health,
            metrics,
            settings: text,
            client: ActuatorServiceClient::new(channel),
            stop,
            running: tokio::sync::Mutex::new(Some(running)),
            plans: AtomicU64::new(1),
        }
    }

    /// As SIGTERM would.
    pub(crate) fn shut_down(&self) {
        self.stop.cancel();
    }

    /// Waits until the actuator has ended, without an error.
    pub(crate) async fn ended(&self) {
        let running = self.running.lock().await.take().unwrap();
        let ended = tokio::time::timeout(PATIENCE, running).await.expect("it ends");
        ended.unwrap().unwrap();
    }

    /// A batch of the Service `uid` with the next plan number.
    pub(crate) fn batch(&self, uid: &str, changes: Vec<Change>) -> Batch {
        let operations = changes
            .into_iter()
            .zip(1..)
            .map(|(change, id)| Operation {
                id: OperationId(id),
                after: Vec::new(),
                based_on: None,
                good_for: None,
                reason: "a test".to_owned(),
                confirm: false,
                change,
            })
            .collect();
        Batch {
            cluster: ClusterId::new(CLUSTER).unwrap(),
            region: lab::REGION.to_owned(),
            service: ServiceUid::new(uid).unwrap(),
            service_key: ServiceKey::new("default", "nginx"),
            plan: PlanNumber {
                fencing: Default::default(),
                counter: self.plans.fetch_add(1, Ordering::Relaxed),
            },
            load_balancer: None,
            operations,
            priority: Priority::Normal,
            deadline: Duration::from_secs(30),
        }
    }

    /// A batch on a CLB.
    pub(crate) fn batch_on(&self, uid: &str, id: &LoadBalancerId, changes: Vec<Change>) -> Batch {
        Batch {
            load_balancer: Some(id.clone()),
            ..self.batch(uid, changes)
        }
    }

    pub(crate) async fn try_execute(&self, batch: &Batch) -> Result<Vec<OperationResult>, Status> {
        let mut request = Request::new(v1::ExecuteRequest {
            batch: Some(batch_to_proto(batch)),
        });
        clb_tls::present(&PeerIdentity::Planner, request.metadata_mut());
        let mut stream = self.client.clone().execute(request).await?.into_inner();
        let mut results = Vec::new();
        while let Some(response) = stream.message().await? {
            results.push(operation_result_from_proto(response.result.unwrap()).unwrap());
        }
        Ok(results)
    }

    pub(crate) async fn execute(&self, batch: &Batch) -> Vec<OperationResult> {
        tokio::time::timeout(PATIENCE, self.try_execute(batch))
            .await
            .expect("the batch ends")
            .unwrap()
    }

    /// Creates a CLB with one group and one listener; all of it must succeed.
    pub(crate) async fn create(&self, uid: &str) -> (LoadBalancerId, VServerGroupId) {
        let results = self.execute(&self.batch(uid, creation(uid))).await;
        (
            created(&results[0]).parse().unwrap(),
            created(&results[1]).parse().unwrap(),
        )
    }

    /// Asks about things of the lab as somebody.
    pub(crate) async fn inspect_as(
        &self,
        identity: Option<&PeerIdentity>,
    ) -> Result<v1::InspectResponse, Status> {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let mut request = Request::new(v1::InspectRequest {
            cluster_id: CLUSTER.to_owned(),
            region: lab::REGION.to_owned(),
            certificate_ids: texts(&["cert-a", "cert-none"]),
            acl_ids: texts(&["acl-1", "acl-none"]),
            vswitch_ids: texts(&["vsw-k", "vsw-none"]),
            zone_pairs: true,
            static_addresses: Vec::new(),
            in_part: true,
        });
        if let Some(identity) = identity {
            clb_tls::present(identity, request.metadata_mut());
        }
        Ok(self.client.clone().inspect(request).await?.into_inner())
    }

    pub(crate) async fn watch(&self) -> Watch {
        watch_by(self.client.clone()).await
    }

    /// Opens a watch without ever saying for which cluster, and how that ends. `sent` is told when the request is on its way.
    pub(crate) async fn watch_in_silence(&self, sent: Arc<tokio::sync::Notify>) -> Status {
        // A request's stream is not asked for messages before its headers are sent.
        let mut request = Request::new(futures::stream::poll_fn(move |_| {
            sent.notify_one();
            std::task::Poll::Pending
        }));
        clb_tls::present(&PeerIdentity::Planner, request.metadata_mut());
        let ended = tokio::time::timeout(PATIENCE, self.client.clone().watch(request)).await;
        ended.expect("it ends").unwrap_err()
    }

    /// The CLB as the mirror shows it once it satisfies `wanted`.
    pub(crate) async fn seen(
        &self,
        id: &LoadBalancerId,
        wanted: impl Fn(&LoadBalancer) -> bool,
    ) -> LoadBalancer {
        let mut watch = self.watch().await;
        loop {
            match watch.next().await {
                MirrorUpdate::LoadBalancer(seen) if seen.id == *id && wanted(&seen) => return *seen,
                _ => {}
            }
        }
    }

    /// How often the cloud was called so.
    pub(crate) fn calls(&self, action: &str) -> u64 {
        let counters = self.sim.cloud().counters();
        counters.by_action.get(action).copied().unwrap_or_default()
    }

    /// Adds running instances `i-<name>-0` and so on to the lab's VPC and returns backends for them.
    pub(crate) fn instances(&self, name: &str, count: u8) -> Vec<Backend> {
        (0..count)
            .map(|number| {
                let id = format!("i-{name}-{number}");
                let address = IpAddr::from(Ipv4Addr::new(10, 0, 7, number));
                self.account
                    .add_instance(Instance::new(&id, lab::VPC, "vsw-k", "cn-hangzhou-k", address));
                ecs(&id)
            })
            .collect()
    }

    /// Adds an interface with these addresses to the lab's VPC.
    pub(crate) fn interface(&self, id: &str, addresses: &[&str]) {
        let addresses: Vec<IpAddr> = addresses.iter().map(|address| address.parse().unwrap()).collect();
        self.account.add_network_interface(NetworkInterface::new(
            id,
            lab::VPC,
            "vsw-k",
            "cn-hangzhou-k",
            &addresses,
        ));
    }
}

/// Opens a watch on the lab's cluster.
pub(crate) async fn watch_by(mut client: ActuatorServiceClient<Channel>) -> Watch {
    let (requests, receiver) = mpsc::channel(16);
    let open = v1::WatchOpen {
        cluster_id: CLUSTER.to_owned(),
        region: lab::REGION.to_owned(),
    };
    let open = v1::WatchRequest {
        message: Some(Message::Open(open)),
    };
    requests.send(open).await.unwrap();
    let mut request = Request::new(ReceiverStream::new(receiver));
    clb_tls::present(&PeerIdentity::Planner, request.metadata_mut());
    let updates = client.watch(request).await.unwrap().into_inner();
    Watch { requests, updates }
}

/// A Watch stream.
pub(crate) struct Watch {
    requests: mpsc::Sender<v1::WatchRequest>,
    updates: Streaming<v1::WatchResponse>,
}

impl Watch {
    pub(crate) async fn interested_in(&self, uid: &str, id: Option<&str>) {
        let service = ServiceUid::new(uid).unwrap();
        let interest = Interest {
            default_name: default_name(&service),
            service,
            load_balancer: id.map(|id| id.parse().unwrap()),
        };
        let interests = v1::WatchInterests {
            upserts: vec![interest_to_proto(&interest)],
            ..v1::WatchInterests::default()
        };
        self.send(interests).await;
    }

    /// Interests of so many Services with long UIDs, so that the answers are more than the network holds for one that does not read.
    pub(crate) async fn interested_in_many(&self, count: usize) {
        let upserts = (0..count).map(|number| {
            let service = ServiceUid::new(format!("{number:0>60}")).unwrap();
            interest_to_proto(&Interest {
                default_name: default_name(&service),
                service,
                load_balancer: None,
            })
        });
        let interests = v1::WatchInterests {
            upserts: upserts.collect(),
            ..v1::WatchInterests::default()
        };
        self.send(interests).await;
    }

    pub(crate) async fn no_longer_interested_in(&self, uid: &str) {
        let mut interests = v1::WatchInterests::default();
        interests.removals.push(uid.to_owned());
        self.send(interests).await;
    }

    /// Asks for another look at a CLB.
    pub(crate) async fn look_again(&self, id: &str) {
        let mut interests = v1::WatchInterests::default();
        interests.look_again.push(id.to_owned());
        self.send(interests).await;
    }

    async fn send(&self, interests: v1::WatchInterests) {
        let request = v1::WatchRequest {
            message: Some(Message::Interests(interests)),
        };
        self.requests.send(request).await.unwrap();
    }

    pub(crate) async fn next(&mut self) -> MirrorUpdate {
        let message = tokio::time::timeout(PATIENCE, self.updates.message())
            .await
            .expect("the stream goes on");
        mirror_update_from_proto(message.unwrap().expect("the stream goes on")).unwrap()
    }

    /// Reads on until the stream ends, and why it does.
    pub(crate) async fn end(&mut self) -> Status {
        loop {
            match tokio::time::timeout(PATIENCE, self.updates.message())
                .await
                .expect("it ends")
            {
                Ok(Some(_)) => {}
                Ok(None) => return Status::ok(""),
                Err(status) => return status,
            }
        }
    }

    /// What comes until the interest is resolved, and what it found.
    pub(crate) async fn resolved(&mut self) -> (Vec<LoadBalancer>, Vec<LoadBalancerId>) {
        let mut seen = Vec::new();
        loop {
            match self.next().await {
                MirrorUpdate::LoadBalancer(load_balancer) => seen.push(*load_balancer),
                MirrorUpdate::Resolved { load_balancers, .. } => return (seen, load_balancers),
                _ => {}
            }
        }
    }
}

/// A CLB, a group without backends, a TCP listener on port 80.
pub(crate) fn creation(uid: &str) -> Vec<Change> {
    vec![
        Change::CreateLoadBalancer(Box::new(new_load_balancer(uid))),
        group("k8s/30080/nginx/default/c-lab", Vec::new()),
        Change::CreateListener(listener("tcp:80", 2)),
    ]
}

pub(crate) fn group(name: &str, backends: Vec<Backend>) -> Change {
    Change::CreateVServerGroup {
        name: name.to_owned(),
        backends,
    }
}

pub(crate) fn new_load_balancer(uid: &str) -> NewLoadBalancer {
    let name = default_name(&ServiceUid::new(uid).unwrap());
    NewLoadBalancer {
        name: name.clone(),
        address_type: AddressType::Internet,
        ip_version: IpVersion::V4,
        instance_charge_type: InstanceChargeType::PayByClcu,
        spec: None,
        internet_charge_type: InternetChargeType::PayByTraffic,
        bandwidth: None,
        vpc_id: None,
        vswitch_ids: Vec::new(),
        address: None,
        master_zone_id: None,
        slave_zone_id: None,
        resource_group_id: None,
        delete_protection: true,
        modification_protection: true,
        tags: [
            (OWNER_TAG.to_owned(), name),
            (CLUSTER_TAG.to_owned(), CLUSTER.to_owned()),
        ]
        .into(),
        replaces: None,
    }
}

/// A listener on the group that the operation of that number creates.
pub(crate) fn listener(key: &str, group: u32) -> NewListener {
    let key: clb_model::cloud::ListenerKey = key.parse().unwrap();
    NewListener {
        key,
        vgroup: Some(VServerGroupRef::CreatedBy(OperationId(group))),
        attributes: ListenerAttributes::new()
            .with(ListenerAttribute::Scheduler, "rr")
            .with(
                ListenerAttribute::Description,
                format!("k8s/{}/nginx/default/c-lab", key.port),
            ),
    }
}

pub(crate) fn ecs(id: &str) -> Backend {
    Backend {
        target: BackendTarget::Instance(id.to_owned()),
        port: 30080,
        weight: 100,
        description: "k8s/30080/nginx/default/c-lab".to_owned(),
    }
}

pub(crate) fn pod(address: &str) -> Backend {
    Backend {
        target: BackendTarget::Interface {
            address: address.parse().unwrap(),
            eni: None,
            eci: false,
        },
        port: 8080,
        weight: 100,
        description: "k8s/8080/nginx/default/c-lab".to_owned(),
    }
}

pub(crate) fn created(result: &OperationResult) -> String {
    match &result.outcome {
        clb_model::operation::Outcome::Applied { created: Some(id) } => id.clone(),
        other => panic!("nothing was created: {other:?}"),
    }
}

/// That every operation succeeded.
pub(crate) fn assert_succeeded(results: &[OperationResult]) {
    for result in results {
        assert!(result.outcome.succeeded(), "{result:?}");
    }
}

/// Gives the only operation of a batch the version that it was planned from.
pub(crate) fn based_on(mut batch: Batch, version: PartVersion) -> Batch {
    for operation in &mut batch.operations {
        operation.based_on = Some(version);
    }
    batch
}
