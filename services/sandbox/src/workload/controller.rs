//! Watches Services and keeps their EndpointSlices.

use std::sync::Arc;

use futures::StreamExt as _;
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::ResourceExt as _;
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, Event};
use tokio_util::sync::CancellationToken;

use super::slices::{slice, slice_name};
use super::{During as _, Interfaces, PodNetwork, WorkloadError};

/// How many slices are written at once.
const CONCURRENCY: usize = 16;

/// Makes pods and EndpointSlices for the Services of one cluster.
pub struct Workload {
    client: kube::Client,
    network: PodNetwork,
    interfaces: Arc<dyn Interfaces>,
}

impl Workload {
    /// For one cluster.
    #[must_use]
    pub fn new(client: kube::Client, network: PodNetwork, interfaces: Arc<dyn Interfaces>) -> Self {
        Self {
            client,
            network,
            interfaces,
        }
    }

    /// Works until it is cancelled.
    pub async fn run(self, cancelled: CancellationToken) {
        let services: Api<Service> = Api::all(self.client.clone());
        let changes = watcher::watcher(services, watcher::Config::default()).default_backoff();
        let work = changes.for_each_concurrent(CONCURRENCY, |change| async {
            let done = match change {
                Ok(Event::Apply(service) | Event::InitApply(service)) => self.follow(&service).await,
                Ok(Event::Delete(service)) => self.forget(&service).await,
                Ok(Event::Init | Event::InitDone) => Ok(()),
                Err(error) => {
                    tracing::warn!(%error, "watching Services for the lab's pods failed; trying again");
                    Ok(())
                }
            };
            if let Err(error) = done {
                tracing::warn!(%error, "the lab could not keep an EndpointSlice");
            }
        });
        tokio::select! {
            () = work => {}
            () = cancelled.cancelled() => {}
        }
    }

    async fn follow(&self, service: &Service) -> Result<(), WorkloadError> {
        let Some(selector) = service.spec.as_ref().and_then(|spec| spec.selector.as_ref()) else {
            return Ok(());
        };
        if service.metadata.deletion_timestamp.is_some() {
            return Ok(());
        }
        let namespace = service.namespace().unwrap_or_default();
        let (pods, new) = self.network.pods(&namespace, selector);
        if new {
            for pod in &pods {
                self.interfaces.attach(&pod.eni, pod.address);
            }
        }
        let api: Api<EndpointSlice> = Api::namespaced(self.client.clone(), &namespace);
        let name = slice_name(&service.name_any());
        let params = PatchParams::apply("clb-sandbox").force();
        api.patch(&name, &params, &Patch::Apply(slice(service, &pods)))
            .await
            .during(|| format!("writing EndpointSlice {namespace}/{name}"))?;
        Ok(())
    }

    async fn forget(&self, service: &Service) -> Result<(), WorkloadError> {
        let namespace = service.namespace().unwrap_or_default();
        let api: Api<EndpointSlice> = Api::namespaced(self.client.clone(), &namespace);
        let name = slice_name(&service.name_any());
        match api.delete(&name, &DeleteParams::default()).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            Err(error) => Err(error).during(|| format!("deleting EndpointSlice {namespace}/{name}")),
        }
    }
}
