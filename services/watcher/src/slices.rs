//! The EndpointSlices of a cluster, for [`crate::stores`]: those of Services that travel as they are used, all others packed.
//!
//! The others cannot be forgotten, because a Service may become ours long after its slices came. Packed, 200,000 endpoints take some
//! 14 MiB instead of 57.

use std::collections::{BTreeSet, HashMap};
use std::io::{Read as _, Write as _};
use std::sync::Arc;

use clb_model::ServiceKey;
use clb_model::cluster::EndpointSet;
use clb_proto::snapshot::v1;
use clb_wire::snapshot::{endpoint_set_from_proto, endpoint_set_to_proto};
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use prost::Message as _;

use crate::normalize::Slice;
use crate::stores::ObjectName;

/// By namespace and name.
#[derive(Debug, Default)]
pub(crate) struct Slices {
    all: HashMap<ObjectName, Kept>,
    of: HashMap<ServiceKey, BTreeSet<ObjectName>>,
}

#[derive(Debug, PartialEq)]
enum Kept {
    Open(Arc<Slice>),
    Packed(ServiceKey, Box<[u8]>),
}

impl Slices {
    /// Takes in a slice as it is now, none when it is gone or no Service's. `is_used` says of a Service whether its slices stay open.
    /// Returns the Services to which that matters.
    pub(crate) fn put(
        &mut self,
        name: ObjectName,
        slice: Option<Slice>,
        is_used: impl Fn(&ServiceKey) -> bool,
    ) -> BTreeSet<ServiceKey> {
        let kept = slice.map(|slice| {
            if is_used(&slice.service) {
                Kept::Open(Arc::new(slice))
            } else {
                Kept::pack(&slice)
            }
        });
        if self.all.get(&name) == kept.as_ref() {
            return BTreeSet::new();
        }
        let mut touched: BTreeSet<ServiceKey> = self.remove(&name).into_iter().collect();
        if let Some(kept) = kept {
            let service = kept.service().clone();
            self.of.entry(service.clone()).or_default().insert(name.clone());
            self.all.insert(name, kept);
            touched.insert(service);
        }
        touched
    }

    /// Returns the Service that it belonged to.
    fn remove(&mut self, name: &ObjectName) -> Option<ServiceKey> {
        let service = self.all.remove(name)?.service().clone();
        if let Some(names) = self.of.get_mut(&service) {
            names.remove(name);
            if names.is_empty() {
                self.of.remove(&service);
            }
        }
        Some(service)
    }

    /// The slices of a Service.
    pub(crate) fn of(&self, service: &ServiceKey) -> Vec<Arc<Slice>> {
        let names = self.of.get(service).into_iter().flatten();
        names
            .filter_map(|name| self.all.get(name))
            .map(Kept::open)
            .collect()
    }

    /// A Service has begun to travel, or does so no more.
    pub(crate) fn keep_open(&mut self, service: &ServiceKey, open: bool) {
        for name in self.of.get(service).into_iter().flatten() {
            if let Some(kept) = self.all.get_mut(name) {
                let slice = kept.open();
                *kept = if open {
                    Kept::Open(slice)
                } else {
                    Kept::pack(&slice)
                };
            }
        }
    }

    /// All names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &ObjectName> {
        self.all.keys()
    }
}

impl Kept {
    fn service(&self) -> &ServiceKey {
        match self {
            Self::Open(slice) => &slice.service,
            Self::Packed(service, _) => service,
        }
    }

    fn pack(slice: &Slice) -> Self {
        let set = EndpointSet {
            ports: slice.ports.clone(),
            endpoints: slice.endpoints.clone(),
            host_names: slice.host_names,
        };
        Self::Packed(
            slice.service.clone(),
            deflate(&endpoint_set_to_proto(&set).encode_to_vec()).into(),
        )
    }

    fn open(&self) -> Arc<Slice> {
        let (service, packed) = match self {
            Self::Open(slice) => return slice.clone(),
            Self::Packed(service, packed) => (service, packed),
        };
        let set = unpack(packed);
        Arc::new(Slice {
            service: service.clone(),
            ports: set.ports,
            endpoints: set.endpoints,
            host_names: set.host_names,
        })
    }
}

#[expect(clippy::expect_used, reason = "writing to a Vec does not fail")]
fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("a Vec takes everything");
    encoder.finish().expect("a Vec takes everything")
}

#[expect(clippy::expect_used, reason = "only what `Kept::pack` made is unpacked")]
fn unpack(packed: &[u8]) -> EndpointSet {
    let mut bytes = Vec::new();
    DeflateDecoder::new(packed)
        .read_to_end(&mut bytes)
        .expect("deflated by pack()");
    let message = v1::EndpointSet::decode(bytes.as_slice()).expect("encoded by pack()");
    endpoint_set_from_proto(message).expect("made by pack() of a valid set")
}

#[cfg(test)]
mod tests {
    use clb_model::cluster::{Endpoint, EndpointPort, PodRef, Transport};

    use super::*;

    fn key(name: &str) -> ServiceKey {
        ServiceKey::new("default", name)
    }

    fn name(name: &str) -> ObjectName {
        ("default".to_owned(), name.to_owned())
    }

    /// A slice of so many endpoints, each with everything that there is to be kept.
    fn slice(service: &str, count: u8) -> Slice {
        let endpoint = |last: u8| Endpoint {
            address: [10, 0, 0, last].into(),
            node_name: Some("n1".to_owned()),
            ready: last.is_multiple_of(2),
            serving: true,
            terminating: last.is_multiple_of(3),
            pod: Some(PodRef {
                name: format!("pod-{last}"),
                uid: format!("uid-{last}"),
            }),
            awaits_readiness_gate: false,
        };
        Slice {
            service: key(service),
            ports: vec![EndpointPort {
                name: "http".to_owned(),
                transport: Transport::Tcp,
                port: 8080,
            }],
            endpoints: (0..count).map(endpoint).collect(),
            host_names: count.into(),
        }
    }

    fn held(slices: &Slices, service: &str) -> Vec<Slice> {
        let found = slices.of(&key(service));
        found.iter().map(|slice| Slice::clone(slice)).collect()
    }

    #[test]
    fn a_slice_is_the_same_open_and_packed() {
        for is_used in [true, false] {
            let mut slices = Slices::default();
            let touched = slices.put(name("a"), Some(slice("web", 100)), |_| is_used);
            assert_eq!(touched, [key("web")].into());
            assert_eq!(held(&slices, "web"), [slice("web", 100)]);
            for open in [true, false, false, true] {
                slices.keep_open(&key("web"), open);
                assert_eq!(held(&slices, "web"), [slice("web", 100)]);
                let again = slices.put(name("a"), Some(slice("web", 100)), |_| open);
                assert_eq!(again, [].into(), "it is as it was");
            }
        }
    }

    #[test]
    fn a_slice_that_changes_goes_or_becomes_another_services_touches_whom_it_concerns() {
        let mut slices = Slices::default();
        for is_used in [true, false] {
            let used = |_: &ServiceKey| is_used;
            slices.put(name("a"), Some(slice("web", 2)), used);
            assert_eq!(
                slices.put(name("a"), Some(slice("web", 3)), used),
                [key("web")].into()
            );
            assert_eq!(
                slices.put(name("a"), Some(slice("shop", 3)), used),
                [key("web"), key("shop")].into()
            );
            assert_eq!((held(&slices, "web").len(), held(&slices, "shop").len()), (0, 1));
            assert_eq!(slices.put(name("a"), None, used), [key("shop")].into());
            assert_eq!(slices.put(name("a"), None, used), [].into());
            assert!(slices.all.is_empty() && slices.of.is_empty());
        }
    }

    #[test]
    fn what_nobody_uses_takes_little() {
        let Kept::Packed(_, bytes) = Kept::pack(&slice("web", 100)) else {
            panic!("not packed")
        };
        assert!(bytes.len() < 2_000, "{} bytes for 100 endpoints", bytes.len());
    }
}
