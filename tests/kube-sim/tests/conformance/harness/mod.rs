//! The two APIs, and how a scenario runs against each.

mod api;
mod transcript;
mod watch;

use clb_envtest::ControlPlane;
use kube_sim::{KubeSim, Options};
use tokio::sync::OnceCell;

pub(crate) use api::{Api, Kind};

/// Makes a test per API from each scenario function of a module.
macro_rules! conforms {
    ($($scenario:ident),+ $(,)?) => {
        $(mod $scenario {
            #[tokio::test]
            async fn simulated() {
                crate::harness::against_simulation(stringify!($scenario), super::$scenario).await;
            }

            #[tokio::test]
            async fn real() {
                crate::harness::against_real(stringify!($scenario), super::$scenario).await;
            }
        })+
    };
}
pub(crate) use conforms;

/// One control plane for the whole test process.
static REAL: OnceCell<Option<ControlPlane>> = OnceCell::const_new();

pub(crate) async fn real() -> Option<&'static ControlPlane> {
    REAL.get_or_init(|| async {
        ControlPlane::start()
            .await
            .expect("the real control plane starts")
    })
    .await
    .as_ref()
}

pub(crate) async fn against_simulation(name: &str, scenario: impl AsyncFn(&Api)) {
    let sim = KubeSim::start(Options::default()).await.expect("kube-sim starts");
    let api = Api::new(
        &sim.endpoint(),
        sim.ca_pem().expect("TLS"),
        sim.token().expect("TLS"),
        &sim.kubeconfig(),
    )
    .await;
    run(name, &api, scenario).await;
    sim.shutdown().await;
}

pub(crate) async fn against_real(name: &str, scenario: impl AsyncFn(&Api)) {
    if let Some(real) = real().await {
        let api = Api::new(real.endpoint(), real.ca_pem(), real.token(), &real.kubeconfig()).await;
        run(name, &api, scenario).await;
    }
}

async fn run(name: &str, api: &Api, scenario: impl AsyncFn(&Api)) {
    scenario(api).await;
    let transcript = api.transcript();
    if transcript.is_empty() {
        return;
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, transcript));
}
