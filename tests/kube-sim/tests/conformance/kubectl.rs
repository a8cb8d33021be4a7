//! Sessions with the real kubectl. Asserted on by what every version of it prints, not word for word.

use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;

use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::harness::{Api, conforms};

conforms!(
    kubectl_apply,
    kubectl_get,
    kubectl_change,
    kubectl_describe_and_explain,
    kubectl_create_and_delete,
    kubectl_refusals,
    kubectl_watch
);

const MANIFEST: &str = "
apiVersion: v1
kind: Service
metadata:
  name: web
  annotations: {a: b}
spec:
  type: LoadBalancer
  selector: {app: web}
  ports:
  - {name: http, port: 80, targetPort: 8080}
---
apiVersion: v1
kind: Service
metadata: {name: dns}
spec:
  ports:
  - {name: t, port: 53}
  - {name: u, port: 53, protocol: UDP}
";

const EVENT: &str = "
apiVersion: v1
kind: Event
metadata: {name: e}
reason: Synced
message: all is well
type: Normal
source: {component: c}
involvedObject: {kind: Service, name: web, namespace: NAMESPACE, uid: UID, apiVersion: v1}
";

const SLICE: &str = "
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: web-1
  labels: {kubernetes.io/service-name: web}
addressType: IPv4
ports:
- {name: http, port: 8080}
endpoints:
- addresses: [10.1.2.3]
";

struct Kubectl {
    folder: TempDir,
    namespace: String,
}

struct Said {
    succeeded: bool,
    out: String,
    err: String,
}

impl Said {
    /// Asserts success and some texts in the output.
    fn ok(&self, texts: &[&str]) -> &Self {
        assert!(self.succeeded, "{}{}", self.out, self.err);
        self.has(texts)
    }

    /// Asserts failure and some texts in the error.
    fn refused(&self, texts: &[&str]) {
        assert!(!self.succeeded, "{}", self.out);
        for text in texts {
            assert!(self.err.contains(text), "no \"{text}\" in:\n{}", self.err);
        }
    }

    fn has(&self, texts: &[&str]) -> &Self {
        for text in texts {
            assert!(
                self.out.contains(text),
                "no \"{text}\" in:\n{}{}",
                self.out,
                self.err
            );
        }
        self
    }

    /// Words of the line that begins with a text.
    fn line(&self, start: &str) -> Vec<&str> {
        let line = self.out.lines().find(|line| line.starts_with(start));
        line.unwrap_or_else(|| panic!("no line \"{start}\" in:\n{}", self.out))
            .split_whitespace()
            .collect()
    }
}

impl Kubectl {
    /// `None`, with a line on standard error, where kubectl is not installed.
    async fn find(api: &Api) -> Option<Self> {
        let probe = Command::new("kubectl")
            .args(["version", "--client"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if !probe.await.is_ok_and(|status| status.success()) {
            // Not `eprintln!`: the test harness hides what that prints in a test that passes.
            writeln!(
                std::io::stderr(),
                "kubectl is not installed: its sessions were not run"
            )
            .expect("written");
            return None;
        }
        let folder = tempfile::tempdir().expect("a folder");
        tokio::fs::write(folder.path().join("kubeconfig"), api.kubeconfig())
            .await
            .expect("written");
        Some(Self {
            folder,
            namespace: api.namespace.clone(),
        })
    }

    fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new("kubectl");
        command
            .env("HOME", self.folder.path())
            .env("KUBECONFIG", self.kubeconfig())
            .args(["-n", &self.namespace]);
        command
            .args(arguments.split_whitespace())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.kill_on_drop(true);
        command
    }

    async fn run(&self, arguments: &str) -> Said {
        self.feed(arguments, "").await
    }

    async fn feed(&self, arguments: &str, input: &str) -> Said {
        let mut child = self.command(arguments).spawn().expect("kubectl starts");
        let mut stdin = child.stdin.take().expect("piped");
        stdin.write_all(input.as_bytes()).await.expect("written");
        drop(stdin);
        let output = child.wait_with_output().await.expect("kubectl ends");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Said {
            succeeded: output.status.success(),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }
}

async fn kubectl_apply(api: &Api) {
    let Some(kubectl) = Kubectl::find(api).await else {
        return;
    };
    kubectl
        .feed("apply -f -", MANIFEST)
        .await
        .ok(&["service/web created", "service/dns created"]);
    kubectl
        .feed("apply -f -", MANIFEST)
        .await
        .ok(&["service/web unchanged", "service/dns unchanged"]);
    let changed = MANIFEST.replace("targetPort: 8080", "targetPort: 9090");
    kubectl
        .feed("diff -f -", &changed)
        .await
        .has(&["+    targetPort: 9090"]);
    kubectl
        .feed("apply -f -", &changed)
        .await
        .ok(&["service/web configured", "service/dns unchanged"]);
    kubectl
        .run("get svc web -o jsonpath={.spec.ports[0].targetPort}")
        .await
        .ok(&["9090"]);
    let without = changed.replace("  - {name: u, port: 53, protocol: UDP}\n", "");
    kubectl
        .feed("apply -f -", &without)
        .await
        .ok(&["service/dns configured"]);
    kubectl
        .run("get svc dns -o jsonpath={.spec.ports[*].protocol}")
        .await
        .ok(&["TCP"]);
    kubectl
        .feed("apply --dry-run=server -f -", MANIFEST)
        .await
        .ok(&["service/web configured (server dry run)"]);
    kubectl
        .feed("apply --server-side --force-conflicts -f -", &changed)
        .await
        .ok(&["service/web serverside-applied"]);
    kubectl
        .feed("apply --server-side --force-conflicts -f -", &changed)
        .await
        .ok(&["service/web serverside-applied"]);
    kubectl
        .feed("replace -f -", MANIFEST)
        .await
        .ok(&["service/web replaced"]);
}

async fn kubectl_get(api: &Api) {
    let Some(kubectl) = Kubectl::find(api).await else {
        return;
    };
    kubectl.feed("apply -f -", MANIFEST).await.ok(&[]);
    let table = kubectl.run("get svc").await;
    table.ok(&[]);
    assert_eq!(
        table.line("NAME"),
        ["NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE"]
    );
    let web = table.line("web");
    assert_eq!((web[1], web[3]), ("LoadBalancer", "<pending>"));
    assert!(web[4].starts_with("80:3") && web[4].ends_with("/TCP"), "{web:?}");
    assert_eq!(table.line("dns")[4], "53/TCP,53/UDP");
    let wide = kubectl.run("get svc -o wide").await;
    assert_eq!(wide.line("web").last(), Some(&"app=web"));
    kubectl.run("get svc,configmaps -A").await.ok(&["service/web"]);
    kubectl
        .run("get svc web -o yaml")
        .await
        .ok(&["kind: Service", "allocateLoadBalancerNodePorts: true"]);
    kubectl
        .run("get svc web -o json")
        .await
        .ok(&["\"ipFamilyPolicy\": \"SingleStack\""]);
    kubectl
        .run("get svc -o name")
        .await
        .ok(&["service/dns\nservice/web\n"]);
    kubectl
        .run("get svc --field-selector metadata.name=web -o name")
        .await
        .ok(&["service/web\n"]);
    kubectl.run("get all").await.ok(&["service/web"]);
    kubectl
        .run("get svc --chunk-size=1 -o name")
        .await
        .ok(&["service/dns\nservice/web\n"]);
    kubectl
        .run("get svc missing")
        .await
        .refused(&["services \"missing\" not found"]);
    kubectl
        .run("get nothing")
        .await
        .refused(&["the server doesn't have a resource type"]);
    kubectl.run("get ns").await.ok(&["kube-system", "Active"]);
    kubectl
        .run("api-resources")
        .await
        .ok(&["endpointslices", "leases"]);
}

async fn kubectl_change(api: &Api) {
    let Some(kubectl) = Kubectl::find(api).await else {
        return;
    };
    kubectl
        .feed("create -f -", MANIFEST)
        .await
        .ok(&["service/web created"]);
    kubectl.run("label svc web tier=front").await.ok(&["labeled"]);
    kubectl
        .run("get svc -l tier=front -o name")
        .await
        .ok(&["service/web\n"]);
    kubectl.run("annotate svc web note=x").await.ok(&["annotated"]);
    kubectl.run("annotate svc web note-").await.ok(&["annotated"]);
    kubectl
        .run("patch svc web -p {\"spec\":{\"sessionAffinity\":\"ClientIP\"}}")
        .await
        .ok(&["patched"]);
    kubectl
        .run("patch svc web --type=json -p [{\"op\":\"remove\",\"path\":\"/spec/selector\"}]")
        .await
        .ok(&["patched"]);
    kubectl
        .run("patch svc web --type=merge -p {\"spec\":{\"ports\":[{\"port\":81}]}}")
        .await
        .ok(&["patched"]);
    kubectl.run("patch svc web --subresource=status --type=merge -p {\"status\":{\"loadBalancer\":{\"ingress\":[{\"ip\":\"203.0.113.7\"}]}}}").await.ok(&["patched"]);
    assert_eq!(kubectl.run("get svc web").await.line("web")[3], "203.0.113.7");
    kubectl
        .run("wait svc/web --for=jsonpath={.status.loadBalancer.ingress[0].ip}=203.0.113.7 --timeout=10s")
        .await
        .ok(&["condition met"]);
    kubectl
        .run("set selector svc web app=other")
        .await
        .ok(&["selector updated"]);
    kubectl
        .run("get svc web -o jsonpath={.spec.sessionAffinity}{.spec.selector.app}")
        .await
        .ok(&["ClientIPother"]);
}

async fn kubectl_describe_and_explain(api: &Api) {
    let Some(kubectl) = Kubectl::find(api).await else {
        return;
    };
    kubectl.feed("apply -f -", MANIFEST).await.ok(&[]);
    let uid = kubectl.run("get svc web -o jsonpath={.metadata.uid}").await.out;
    let event = EVENT
        .replace("NAMESPACE", &kubectl.namespace)
        .replace("UID", &uid);
    kubectl.feed("create -f -", &event).await.ok(&["event/e created"]);
    kubectl
        .feed("create -f -", SLICE)
        .await
        .ok(&["endpointslice.discovery.k8s.io/web-1 created"]);
    kubectl.run("describe svc web").await.ok(&[
        "LoadBalancer",
        "app=web",
        "http  80/TCP",
        "8080/TCP",
        "all is well",
        "Synced",
    ]);
    kubectl
        .run("get events")
        .await
        .ok(&["service/web", "all is well"]);
    kubectl
        .run("get endpointslices")
        .await
        .ok(&["web-1", "IPv4", "10.1.2.3"]);
    kubectl
        .run("explain service.spec.externalTrafficPolicy")
        .await
        .ok(&["externalTrafficPolicy", "<string>"]);
    kubectl
        .run("explain endpointslices.endpoints --recursive")
        .await
        .ok(&["addresses", "nodeName"]);
    kubectl.run("version").await.ok(&["Server Version"]);
}

async fn kubectl_create_and_delete(api: &Api) {
    let Some(kubectl) = Kubectl::find(api).await else {
        return;
    };
    let extra = api.unique("extra");
    kubectl
        .run(&format!("create namespace {extra}"))
        .await
        .ok(&["created"]);
    kubectl
        .run("create service loadbalancer lb --tcp=80:8080")
        .await
        .ok(&["service/lb created"]);
    kubectl
        .run("create configmap c --from-literal=a=b")
        .await
        .ok(&["configmap/c created"]);
    kubectl
        .run("get svc lb -o jsonpath={.spec.ports[0].port}/{.spec.ports[0].targetPort}/{.spec.selector.app}")
        .await
        .ok(&["80/8080/lb"]);
    kubectl
        .run("get configmap c -o jsonpath={.data.a}")
        .await
        .ok(&["b"]);
    kubectl
        .run("expose svc lb --name=second --port=99")
        .await
        .ok(&["service/second exposed"]);
    kubectl.run("create lease l").await.refused(&[]);
    kubectl
        .run("delete svc second")
        .await
        .ok(&["service \"second\" deleted"]);
    kubectl
        .run("delete svc --all")
        .await
        .ok(&["service \"lb\" deleted"]);
    kubectl
        .run("delete configmap c missing")
        .await
        .refused(&["configmaps \"missing\" not found"]);
    kubectl
        .run(&format!("delete namespace {extra} --wait=false"))
        .await
        .ok(&["deleted"]);
}

async fn kubectl_refusals(api: &Api) {
    let Some(kubectl) = Kubectl::find(api).await else {
        return;
    };
    let unknown = MANIFEST.replace("  ports:", "  portz:");
    kubectl
        .feed("apply -f -", &unknown)
        .await
        .refused(&["unknown field \"spec.portz\""]);
    let typed = MANIFEST.replace("port: 80,", "port: eighty,");
    kubectl
        .feed("apply -f -", &typed)
        .await
        .refused(&["cannot unmarshal string into Go struct field ServicePort.spec.ports.port of type int32"]);
    let invalid = MANIFEST.replace("port: 80,", "port: 0,");
    kubectl
        .feed("apply -f -", &invalid)
        .await
        .refused(&["spec.ports[0].port: Invalid value: 0"]);
    kubectl.feed("apply -f -", MANIFEST).await.ok(&["service/web"]);
    let lax = kubectl
        .feed(
            "apply --validate=warn -f -",
            &MANIFEST.replace("  selector:", "  chooser:"),
        )
        .await;
    assert!(
        lax.succeeded && lax.err.contains("unknown field \"spec.chooser\""),
        "{}{}",
        lax.out,
        lax.err
    );
    kubectl
        .feed("create -f -", MANIFEST)
        .await
        .refused(&["already exists"]);
    kubectl
        .feed(
            "apply -f -",
            "apiVersion: v1
kind: Nothing
metadata: {name: x}
",
        )
        .await
        .refused(&["no matches for kind"]);
}

async fn kubectl_watch(api: &Api) {
    use tokio::io::{AsyncBufReadExt, BufReader};
    let Some(kubectl) = Kubectl::find(api).await else {
        return;
    };
    kubectl.feed("apply -f -", MANIFEST).await.ok(&[]);
    let mut child = kubectl
        .command("get svc -w --output-watch-events")
        .spawn()
        .expect("kubectl starts");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let mut next = async || lines.next_line().await.expect("read").expect("a line");
    assert!(next().await.starts_with("EVENT"));
    assert!(next().await.contains("dns"));
    assert!(next().await.contains("web"));
    kubectl.run("label svc web x=y").await.ok(&[]);
    let line = next().await;
    assert!(line.starts_with("MODIFIED") && line.contains("web"), "{line}");
    kubectl.run("delete svc dns").await.ok(&[]);
    let line = next().await;
    assert!(line.starts_with("DELETED") && line.contains("dns"), "{line}");
    child.kill().await.expect("stopped");
}
