//! Extension domains of HTTPS listeners: added, given another certificate, removed.

use clb_cloud_client::{Action as _, CreateDomainExtension, DeleteDomainExtension, SetDomainExtension};
use clb_model::cloud::{DomainExtension, ListenerKey, ListenerProtocol};
use clb_model::operation::{Operation, Outcome};

use super::run::Run;
use super::turn::Attempts;
use crate::mirror::{PartKey, Wanted};

impl Run {
    pub(super) async fn change_domain_extension(
        &mut self,
        operation: &Operation,
        port: u16,
        domain: &str,
        certificate_id: Option<&str>,
    ) -> Result<Outcome, Outcome> {
        let key = ListenerKey {
            port,
            protocol: ListenerProtocol::Https,
        };
        let part = PartKey::Listener(key);
        let mut attempts = Attempts::new();
        loop {
            let (id, current) = self.current()?;
            let Some(listener) = current.listeners.get(&key) else {
                return Err(Outcome::Stale {
                    part: format!("listener {key}, which is no longer there"),
                });
            };
            let known = listener.domain_extensions.get(domain);
            if known.map(|known| known.certificate_id.as_str()) == certificate_id {
                return Ok(attempts.already(None));
            }
            let name = match (known, certificate_id) {
                (Some(_), Some(_)) => "SetDomainExtensionAttribute",
                (Some(_), None) => "DeleteDomainExtension",
                (None, _) => "CreateDomainExtension",
            };
            let mut turn = self.turn(name).await?;
            let (_, now) = self.current()?;
            self.check_fresh(operation, &part, &now)?;
            if now
                .listeners
                .get(&key)
                .map(|listener| &listener.domain_extensions)
                != Some(&listener.domain_extensions)
            {
                continue;
            }
            let sent = match (known, certificate_id) {
                (Some(known), Some(certificate_id)) => {
                    let action = SetDomainExtension {
                        extension_id: &known.id,
                        certificate_id,
                    };
                    debug_assert_eq!(action.name(), name);
                    self.send(&mut turn, &action)
                        .await
                        .map(|()| Some(known.id.clone()))
                }
                (Some(known), None) => {
                    let action = DeleteDomainExtension {
                        extension_id: &known.id,
                    };
                    match self.send(&mut turn, &action).await {
                        Err(error) if error.is_gone() => Ok(None),
                        sent => sent.map(|()| None),
                    }
                }
                (None, certificate_id) => {
                    let action = CreateDomainExtension {
                        id: &id,
                        port,
                        domain,
                        certificate_id: certificate_id.unwrap_or_default(),
                    };
                    self.send(&mut turn, &action).await.map(Some)
                }
            };
            match sent {
                Ok(extension_id) => {
                    self.edit(&part, |load_balancer| {
                        let Some(listener) = load_balancer.listeners.get_mut(&key) else {
                            return;
                        };
                        match (extension_id, certificate_id) {
                            (Some(id), Some(certificate_id)) => {
                                let certificate_id = certificate_id.to_owned();
                                let extension = DomainExtension { id, certificate_id };
                                listener.domain_extensions.insert(domain.to_owned(), extension);
                            }
                            _ => {
                                listener.domain_extensions.remove(domain);
                            }
                        }
                    });
                    return Ok(Outcome::Applied { created: None });
                }
                Err(error) => {
                    self.failed(&mut attempts, turn, error, (&part, Wanted::LISTENERS))
                        .await?;
                }
            }
        }
    }
}
