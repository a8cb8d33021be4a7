//! A planner that takes streams and leaves the rest to the test.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use clb_model::directive::{Directive, DirectiveResult};
use clb_proto::snapshot::v1;
use clb_proto::snapshot::v1::snapshot_service_server::{SnapshotService, SnapshotServiceServer};
use clb_proto::snapshot::v1::sync_request::Message as Up;
use clb_proto::snapshot::v1::sync_response::Message as Down;
use clb_telemetry::TraceContext;
use clb_wire::digest::{ObjectDigest, SetDigest};
use clb_wire::records::{Object, ObjectKey, decode};
use clb_wire::snapshot::{directive_result_from_proto, directive_to_proto};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::{Request, Response, Status, Streaming};

/// Longer than anything here takes: a test that waits for what never comes fails instead of hanging.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for what has to come.
pub(crate) async fn soon<T>(what: &str, coming: impl Future<Output = T>) -> T {
    timeout(PATIENCE, coming)
        .await
        .unwrap_or_else(|_| panic!("{what} has not come"))
}

/// The server. Stops when it is dropped.
pub(crate) struct FakePlanner {
    pub(crate) address: SocketAddr,
    streams: mpsc::Receiver<Conversation>,
    _stop: DropGuard,
}

impl FakePlanner {
    pub(crate) async fn start() -> Self {
        Self::serve(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    pub(crate) fn serve(listener: TcpListener) -> Self {
        let address = listener.local_addr().unwrap();
        let (streams, taken) = mpsc::channel(8);
        let stop = CancellationToken::new();
        let serving = tonic::transport::Server::builder()
            .add_service(SnapshotServiceServer::new(Service { streams }))
            .serve_with_incoming_shutdown(TcpListenerStream::new(listener), stop.clone().cancelled_owned());
        tokio::spawn(serving);
        Self {
            address,
            streams: taken,
            _stop: stop.drop_guard(),
        }
    }

    /// The next stream that a watcher opens.
    pub(crate) async fn accept(&mut self) -> Conversation {
        soon("a stream", self.streams.recv()).await.unwrap()
    }

    /// The next stream, going on from `sequence`, which is what the watcher's Hello has to ask for.
    pub(crate) async fn resume(&mut self, before: &Conversation) -> Conversation {
        let mut stream = self.accept().await;
        let Up::Hello(hello) = stream.hear().await else {
            panic!("the first message is no Hello")
        };
        let point = hello.resume.expect("a resume point");
        assert_eq!(point.epoch, hello.epoch);
        stream.sequence = point.sequence;
        stream.objects = before.objects.clone();
        stream.digest = before.digest;
        stream
            .say(Down::Welcome(v1::Welcome {
                protocol: 1,
                full_snapshot: false,
                sequence: point.sequence,
            }))
            .await;
        stream
    }

    /// The next stream, with Hello heard and Welcome said.
    pub(crate) async fn welcome(&mut self) -> Conversation {
        let mut stream = self.accept().await;
        let Up::Hello(_) = stream.hear().await else {
            panic!("the first message is no Hello")
        };
        stream.say_welcome().await;
        stream
    }

    /// The next stream, with its full snapshot acknowledged.
    pub(crate) async fn live(&mut self) -> Conversation {
        let mut stream = self.welcome().await;
        stream.snapshot().await;
        stream
    }

    /// A stream that has been opened by now, if there is one.
    pub(crate) fn opened(&mut self) -> bool {
        self.streams.try_recv().is_ok()
    }
}

struct Service {
    streams: mpsc::Sender<Conversation>,
}

#[tonic::async_trait]
impl SnapshotService for Service {
    type SyncStream = ReceiverStream<Result<v1::SyncResponse, Status>>;

    async fn sync(
        &self,
        request: Request<Streaming<v1::SyncRequest>>,
    ) -> Result<Response<Self::SyncStream>, Status> {
        let cluster = request
            .metadata()
            .get("clb-cluster-id")
            .map(|id| id.to_str().unwrap().to_owned());
        let (down, responses) = mpsc::channel(16);
        let conversation = Conversation {
            cluster,
            up: request.into_inner(),
            down,
            sequence: 0,
            objects: BTreeMap::new(),
            digest: SetDigest::default(),
            early: None,
        };
        self.streams
            .send(conversation)
            .await
            .map_err(|_| Status::unavailable("the test is over"))?;
        Ok(Response::new(ReceiverStream::new(responses)))
    }
}

/// One stream, with what a planner would know from it. Counts, digests and numbers are checked as they come.
pub(crate) struct Conversation {
    /// The metadata `clb-cluster-id`.
    pub(crate) cluster: Option<String>,
    up: Streaming<v1::SyncRequest>,
    down: mpsc::Sender<Result<v1::SyncResponse, Status>>,
    pub(crate) sequence: u64,
    pub(crate) objects: BTreeMap<ObjectKey, Object>,
    digest: SetDigest,
    /// A delta that came before the result that was waited for. It is acknowledged when it is read, so that there is never another.
    early: Option<v1::Delta>,
}

/// A delta, read.
#[derive(Debug)]
pub(crate) struct Changes {
    pub(crate) upserts: Vec<(Object, TraceContext)>,
    pub(crate) deletions: Vec<v1::ObjectDeletion>,
}

impl Conversation {
    /// The next message, heartbeats too.
    pub(crate) async fn hear(&mut self) -> Up {
        let message = soon("a message", self.up.message()).await.unwrap();
        message.expect("the stream has ended").message.expect("a message")
    }

    /// The next message that is no heartbeat.
    pub(crate) async fn hear_news(&mut self) -> Up {
        let news = async {
            loop {
                match self.hear().await {
                    Up::Heartbeat(_) => {}
                    message => return message,
                }
            }
        };
        soon("a message that is no heartbeat", news).await
    }

    /// Whether the watcher ends its side without an error.
    pub(crate) async fn ends_cleanly(&mut self) -> bool {
        loop {
            match soon("the end", self.up.message()).await {
                Ok(None) => return true,
                Ok(Some(_)) => {}
                Err(_) => return false,
            }
        }
    }

    pub(crate) async fn say(&self, message: Down) {
        self.down
            .send(Ok(v1::SyncResponse {
                message: Some(message),
            }))
            .await
            .unwrap();
    }

    pub(crate) async fn say_welcome(&self) {
        self.say(Down::Welcome(v1::Welcome {
            protocol: 1,
            full_snapshot: true,
            sequence: 0,
        }))
        .await;
    }

    pub(crate) async fn acknowledge(&self) {
        self.say(Down::Acknowledge(v1::Acknowledge {
            sequence: self.sequence,
        }))
        .await;
    }

    /// Ends the stream with an error.
    pub(crate) async fn break_off(&self, status: Status) {
        self.down.send(Err(status)).await.unwrap();
    }

    /// Reads a full snapshot and acknowledges it. Returns the sizes of its chunks in objects.
    pub(crate) async fn snapshot(&mut self) -> Vec<usize> {
        let Up::Begin(begin) = self.hear_news().await else {
            panic!("no Begin")
        };
        self.sequence = begin.sequence;
        self.objects.clear();
        self.digest = SetDigest::default();
        let mut chunks = Vec::new();
        loop {
            match self.hear_news().await {
                Up::Chunk(chunk) => {
                    chunks.push(chunk.objects.len());
                    for record in &chunk.objects {
                        assert_eq!(record.trace, None, "a snapshot is no change");
                        self.digest.add(ObjectDigest::of(record));
                        let object = decode(record).unwrap();
                        assert!(self.objects.insert(object.key(), object).is_none(), "sent twice");
                    }
                }
                Up::Commit(commit) => {
                    assert_eq!(commit.count, self.objects.len() as u64);
                    assert!(self.digest.matches(&commit.digest));
                    break;
                }
                other => panic!("{other:?} amid a snapshot"),
            }
        }
        self.acknowledge().await;
        chunks
    }

    /// Reads a delta and acknowledges it.
    pub(crate) async fn delta(&mut self) -> Changes {
        let changes = self.unacknowledged_delta().await;
        self.acknowledge().await;
        changes
    }

    /// Reads a delta.
    pub(crate) async fn unacknowledged_delta(&mut self) -> Changes {
        let news = match self.early.take() {
            Some(delta) => Up::Delta(delta),
            None => self.hear_news().await,
        };
        let Up::Delta(delta) = news else {
            panic!("{news:?} where a delta was expected")
        };
        assert_eq!(delta.sequence, self.sequence + 1, "deltas are contiguous");
        self.sequence = delta.sequence;
        for deletion in &delta.deletions {
            let key = ObjectKey::from_proto("ObjectDeletion", deletion.kind, &deletion.key).unwrap();
            let gone = self.objects.remove(&key).expect("what is deleted was there");
            self.digest.remove(digest_of(&gone));
        }
        let mut upserts = Vec::new();
        for record in &delta.upserts {
            let object = decode(record).unwrap();
            self.digest.add(ObjectDigest::of(record));
            if let Some(before) = self.objects.insert(object.key(), object.clone()) {
                self.digest.remove(digest_of(&before));
            }
            let trace = record.trace.clone().unwrap_or_default();
            upserts.push((object, TraceContext::new(trace.traceparent, trace.tracestate)));
        }
        assert!(
            self.digest.matches(&delta.digest),
            "the digest after delta {}",
            delta.sequence
        );
        Changes {
            upserts,
            deletions: delta.deletions,
        }
    }

    /// Sends a directive and waits for its result.
    pub(crate) async fn direct(&mut self, directive: &Directive, trace: &TraceContext) -> DirectiveResult {
        self.send_directive(directive, trace).await;
        self.result().await
    }

    pub(crate) async fn send_directive(&self, directive: &Directive, trace: &TraceContext) {
        let trace = v1::TraceContext {
            traceparent: trace.traceparent.clone(),
            tracestate: trace.tracestate.clone(),
        };
        self.say(Down::Directive(directive_to_proto(directive, Some(trace))))
            .await;
    }

    /// The next result of a directive; a delta on the way is there to be read after it.
    pub(crate) async fn result(&mut self) -> DirectiveResult {
        loop {
            match self.hear_news().await {
                Up::DirectiveResult(result) => return directive_result_from_proto(result).unwrap(),
                Up::Delta(delta) => {
                    assert_eq!(self.early.replace(delta), None, "one was not acknowledged");
                }
                other => panic!("{other:?} where a result was expected"),
            }
        }
    }
}

/// The same object gives the same bytes, so what was received can be hashed again.
fn digest_of(object: &Object) -> ObjectDigest {
    ObjectDigest::of(&match object {
        Object::Service(service) => clb_wire::records::service_record(service),
        Object::Node(node) => clb_wire::records::node_record(node),
    })
}
