//! A watcher that says what a test wants it to say.

use std::collections::BTreeMap;
use std::time::Duration;

use clb_model::ServiceKey;
use clb_model::ServiceUid;
use clb_model::cluster::{Service, ServiceType, TrafficPolicy};
use clb_model::directive::{Directive, DirectiveOutcome, DirectiveResult};
use clb_model::version::Tenure;
use clb_proto::snapshot::v1;
use clb_proto::snapshot::v1::snapshot_service_client::SnapshotServiceClient;
use clb_proto::snapshot::v1::sync_request::Message as Up;
use clb_proto::snapshot::v1::sync_response::Message as Down;
use clb_wire::digest::{ObjectDigest, SetDigest};
use clb_wire::records::service_record;
use clb_wire::snapshot::{
    Hello, directive_from_proto, directive_result_to_proto, heartbeat_to_proto, hello_to_proto,
};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Request, Status, Streaming};

/// How long a test waits for what must come, on the paused clock.
const PATIENCE: Duration = Duration::from_secs(600);

/// One stream.
#[derive(Debug)]
pub(super) struct FakeWatcher {
    up: mpsc::Sender<v1::SyncRequest>,
    down: Streaming<v1::SyncResponse>,
    objects: BTreeMap<String, v1::ObjectRecord>,
    sequence: u64,
}

/// What a stream held at its end.
#[derive(Debug)]
pub(super) struct Held {
    objects: BTreeMap<String, v1::ObjectRecord>,
    sequence: u64,
}

/// What a stream begins with.
pub(super) fn hello(acquisitions: u64) -> Hello {
    Hello {
        cluster_uid: "5cf0".to_owned(),
        instance: "watcher-0".to_owned(),
        epoch: Tenure {
            lease_created_ms: 1,
            acquisitions,
        },
        protocols: 1..=1,
        resume: None,
    }
}

/// A Service without ports, which is all that the fake core looks at.
pub(crate) fn service(name: &str) -> Service {
    Service {
        key: ServiceKey::new("default", name),
        uid: uid(name),
        resource_version: "1".to_owned(),
        annotations: BTreeMap::new(),
        labels: BTreeMap::new(),
        service_type: ServiceType::LoadBalancer,
        load_balancer_class: None,
        deleting: false,
        finalizer: false,
        ports: Vec::new(),
        traffic_policy: TrafficPolicy::Cluster,
        client_ip_affinity_seconds: None,
        source_ranges: Vec::new(),
        health_check_node_port: None,
        ip_families: Vec::new(),
        dual_stack: false,
        node_ports: true,
        publish_not_ready: false,
        selector: true,
        load_balancer_ip: None,
        ingress: Vec::new(),
        conditions: Vec::new(),
        endpoints: Vec::new(),
    }
}

/// The UID of [`service`].
pub(super) fn uid(name: &str) -> ServiceUid {
    ServiceUid::new(format!("uid-{name}")).unwrap()
}

/// The same with our finalizer, as after the first directive.
pub(super) fn with_finalizer(mut service: Service) -> Service {
    service.finalizer = true;
    service.resource_version.push('f');
    service
}

/// The same, being deleted.
pub(super) fn deleting(mut service: Service) -> Service {
    service.deleting = true;
    service.resource_version.push('d');
    service
}

/// The same with an annotation.
pub(super) fn annotated(mut service: Service, name: &str, value: &str) -> Service {
    service.annotations.insert(name.to_owned(), value.to_owned());
    service.resource_version.push('a');
    service
}

impl FakeWatcher {
    /// Opens a stream for a cluster and says Hello; does not wait for the answer.
    pub(super) async fn open(channel: Channel, cluster: &str, hello: &Hello) -> Result<Self, Status> {
        let (up, requests) = mpsc::channel(64);
        let mut request = Request::new(ReceiverStream::new(requests));
        request
            .metadata_mut()
            .insert(clb_tls::CLUSTER_ID_KEY, cluster.parse().unwrap());
        let down = SnapshotServiceClient::new(channel)
            .sync(request)
            .await?
            .into_inner();
        let watcher = Self {
            up,
            down,
            objects: BTreeMap::new(),
            sequence: 0,
        };
        watcher.say(Up::Hello(hello_to_proto(hello))).await;
        Ok(watcher)
    }

    /// Says anything.
    pub(super) async fn say(&self, message: Up) {
        let request = v1::SyncRequest {
            message: Some(message),
        };
        self.up.send(request).await.unwrap();
    }

    /// The next message, whatever it is.
    pub(super) async fn hear(&mut self) -> Result<Option<Down>, Status> {
        let response = timeout(PATIENCE, self.down.message())
            .await
            .expect("the planner says nothing")?;
        Ok(response.and_then(|response| response.message))
    }

    /// The answer to Hello.
    pub(super) async fn welcome(&mut self) -> v1::Welcome {
        match self.hear().await.unwrap() {
            Some(Down::Welcome(welcome)) => welcome,
            other => panic!("{other:?} where a Welcome was expected"),
        }
    }

    /// The next acknowledgement; directives before it are passed over.
    pub(super) async fn acknowledged(&mut self) -> u64 {
        loop {
            match self.hear().await.unwrap() {
                Some(Down::Acknowledge(acknowledge)) => return acknowledge.sequence,
                Some(Down::Directive(_)) => {}
                other => panic!("{other:?} where an Acknowledge was expected"),
            }
        }
    }

    /// The next request for a full snapshot.
    pub(super) async fn resync(&mut self) -> String {
        loop {
            match self.hear().await.unwrap() {
                Some(Down::Resync(resync)) => return resync.reason,
                Some(Down::Directive(_)) => {}
                other => panic!("{other:?} where a ResyncRequest was expected"),
            }
        }
    }

    /// The next directive; acknowledgements before it are passed over.
    pub(super) async fn directive(&mut self) -> Directive {
        loop {
            match self.hear().await.unwrap() {
                Some(Down::Directive(directive)) => return directive_from_proto(directive).unwrap(),
                Some(Down::Acknowledge(_)) => {}
                other => panic!("{other:?} where a Directive was expected"),
            }
        }
    }

    /// Nothing but acknowledgements comes for this long, on the paused clock.
    pub(super) async fn hears_no_directive_for(&mut self, time: Duration) {
        let heard = timeout(time, self.directive()).await;
        assert!(heard.is_err(), "unexpected: {heard:?}");
    }

    /// A result.
    pub(super) async fn answer(&self, directive: &Directive, outcome: DirectiveOutcome) {
        let result = DirectiveResult {
            id: directive.id,
            uid: directive.uid.clone(),
            outcome,
        };
        self.say(Up::DirectiveResult(directive_result_to_proto(&result)))
            .await;
    }

    /// A heartbeat.
    pub(super) async fn heartbeat(&self, stalest_watch: Duration) {
        self.say(Up::Heartbeat(heartbeat_to_proto(stalest_watch, self.sequence)))
            .await;
    }

    /// Begin and chunks, one object each, without the Commit.
    pub(super) async fn stage(&mut self, services: &[Service]) {
        self.sequence += 1;
        let sequence = self.sequence;
        self.say(Up::Begin(v1::SnapshotBegin { sequence })).await;
        self.objects.clear();
        for service in services {
            let record = service_record(service);
            self.objects.insert(record.key.clone(), record.clone());
            self.say(Up::Chunk(v1::SnapshotChunk {
                objects: vec![record],
            }))
            .await;
        }
    }

    /// A Commit of what was staged.
    pub(super) async fn commit(&self) {
        self.say(Up::Commit(v1::SnapshotCommit {
            count: self.objects.len() as u64,
            digest: self.digest().to_bytes(),
        }))
        .await;
    }

    /// A whole snapshot, acknowledged.
    pub(super) async fn snapshot(&mut self, services: &[Service]) {
        self.stage(services).await;
        self.commit().await;
        assert_eq!(self.acknowledged().await, self.sequence);
    }

    /// A delta with one Service's new state, right in every way.
    pub(super) async fn upsert(&mut self, service: &Service) {
        let record = service_record(service);
        self.objects.insert(record.key.clone(), record.clone());
        let delta = self.delta(vec![record], Vec::new());
        self.say(Up::Delta(delta)).await;
    }

    /// A delta with one Service's new state, which came about in this trace.
    pub(super) async fn upsert_in_trace(&mut self, service: &Service, traceparent: &str) {
        let mut record = service_record(service);
        self.objects.insert(record.key.clone(), record.clone());
        record.trace = Some(v1::TraceContext {
            traceparent: traceparent.to_owned(),
            tracestate: String::new(),
        });
        let delta = self.delta(vec![record], Vec::new());
        self.say(Up::Delta(delta)).await;
    }

    /// The trace of the next directive.
    pub(super) async fn directive_trace(&mut self) -> String {
        loop {
            match self.hear().await.unwrap() {
                Some(Down::Directive(directive)) => return directive.traceparent,
                Some(Down::Acknowledge(_)) => {}
                other => panic!("{other:?} where a Directive was expected"),
            }
        }
    }

    /// A delta with one Service's deletion.
    pub(super) async fn delete(&mut self, service: &Service) {
        let key = service.key.to_string();
        self.objects.remove(&key);
        let deletion = v1::ObjectDeletion {
            kind: v1::ObjectKind::Service.into(),
            key,
            uid: service.uid.to_string(),
            trace: None,
        };
        let delta = self.delta(Vec::new(), vec![deletion]);
        self.say(Up::Delta(delta)).await;
    }

    /// The next delta, for a test to spoil.
    pub(super) fn delta(
        &mut self,
        upserts: Vec<v1::ObjectRecord>,
        deletions: Vec<v1::ObjectDeletion>,
    ) -> v1::Delta {
        self.sequence += 1;
        v1::Delta {
            sequence: self.sequence,
            upserts,
            deletions,
            digest: self.digest().to_bytes(),
        }
    }

    /// The place to go on from.
    pub(super) fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Ends the stream and keeps what it held.
    pub(super) fn end(self) -> Held {
        Held {
            objects: self.objects,
            sequence: self.sequence,
        }
    }

    /// Takes over another stream's objects and place.
    pub(super) fn go_on_from(&mut self, held: Held) {
        self.objects = held.objects;
        self.sequence = held.sequence;
    }

    fn digest(&self) -> SetDigest {
        let mut digest = SetDigest::default();
        for record in self.objects.values() {
            digest.add(ObjectDigest::of(record));
        }
        digest
    }
}
