//! The form of the table's rows. The rows themselves stand in [`super::instance`], [`super::listener`],
//! [`super::health_check`] and [`super::backend`], each once; reading, explaining and the reference page are
//! made from them.

use std::collections::BTreeMap;

use clb_model::cloud::ListenerProtocol;
use clb_model::marks;

use super::value::Value;

/// What an annotation acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// A CLB that the Service has for itself.
    Instance,
    /// A user's CLB that the Service uses.
    ReusedInstance,
    /// TCP listeners.
    Tcp,
    /// UDP listeners.
    Udp,
    /// HTTP listeners.
    Http,
    /// HTTPS listeners.
    Https,
    /// Backends that are Nodes.
    Ecs,
    /// Backends that are pods.
    Eni,
    /// A user's vServer group that the Service uses.
    ReusedGroup,
    /// The Service's status.
    Status,
}

impl Scope {
    /// The scope that is a listener's.
    #[must_use]
    pub fn of_listener(protocol: ListenerProtocol) -> Self {
        match protocol {
            ListenerProtocol::Tcp => Self::Tcp,
            ListenerProtocol::Udp => Self::Udp,
            ListenerProtocol::Http => Self::Http,
            ListenerProtocol::Https => Self::Https,
        }
    }

    /// Whether it is one of listeners.
    #[must_use]
    pub fn is_listener(self) -> bool {
        matches!(self, Self::Tcp | Self::Udp | Self::Http | Self::Https)
    }

    /// For people.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::Instance => "the Service's own CLB",
            Self::ReusedInstance => "a reused CLB",
            Self::Tcp => "TCP listeners",
            Self::Udp => "UDP listeners",
            Self::Http => "HTTP listeners",
            Self::Https => "HTTPS listeners",
            Self::Ecs => "ECS backends",
            Self::Eni => "ENI backends",
            Self::ReusedGroup => "a reused vServer group",
            Self::Status => "the Service's status",
        }
    }
}

/// All kinds of listeners.
pub(super) const LISTENERS: &[Scope] = &[Scope::Tcp, Scope::Udp, Scope::Http, Scope::Https];
/// HTTP and HTTPS listeners.
pub(super) const LAYER_7: &[Scope] = &[Scope::Http, Scope::Https];
/// TCP and UDP listeners.
pub(super) const LAYER_4: &[Scope] = &[Scope::Tcp, Scope::Udp];

/// One annotation.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// What follows the prefix in its name.
    pub suffix: &'static str,
    /// In a line.
    pub description: &'static str,
    /// What kind of value it has.
    pub kind: &'static str,
    /// What values are allowed.
    pub allowed: fn() -> String,
    /// Whether a text is one of them.
    pub accepts: fn(&str) -> bool,
    /// What holds without it; empty when nothing in particular does.
    pub default: &'static str,
    /// A value that is right.
    pub example: &'static str,
    /// What it acts on.
    pub applies: &'static [Scope],
    /// Whether a change has no effect on what is there already.
    pub immutable: bool,
    /// The version of Alibaba's controller that has it first; empty when it is not published.
    pub since: &'static str,
    /// The annotation that does the same for the kinds of listeners that this one is not for.
    pub instead: Option<&'static str>,
    /// Whether the reference lists an empty value, which means the same as none.
    pub may_be_empty: bool,
    /// Whether the name has the plain domain before it, and no other form.
    pub plain: bool,
}

impl Row {
    /// A row with nothing filled in but what the type of its value says.
    pub(super) const fn of<T: Value>() -> Self {
        fn accepts<T: Value>(text: &str) -> bool {
            T::parse(text).is_some()
        }
        Self {
            suffix: "",
            description: "",
            kind: T::KIND,
            allowed: T::allowed,
            accepts: accepts::<T>,
            default: "",
            example: "",
            applies: &[],
            immutable: false,
            since: "",
            instead: None,
            may_be_empty: false,
            plain: false,
        }
    }

    /// Its whole name.
    #[must_use]
    pub fn name(&self) -> String {
        let prefix = if self.plain {
            marks::ANNOTATION_DOMAIN
        } else {
            marks::ANNOTATION_PREFIX
        };
        format!("{prefix}{}", self.suffix)
    }

    /// Its whole names in the order in which they count: the newer one, then the older one.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let mut names = vec![self.name()];
        if !self.plain {
            names.push(format!("{}{}", marks::LEGACY_ANNOTATION_PREFIX, self.suffix));
        }
        names
    }

    /// The name by which a Service's annotations have it; none where they do not.
    #[must_use]
    pub fn written_in(&self, annotations: &BTreeMap<String, String>) -> Option<String> {
        self.names()
            .into_iter()
            .find(|name| annotations.contains_key(name))
    }

    /// Its name for what is said of a Service: as its annotations have it, else the newer one.
    #[must_use]
    pub fn name_in(&self, annotations: &BTreeMap<String, String>) -> String {
        self.written_in(annotations).unwrap_or_else(|| self.name())
    }

    /// The one of its names that is most like one which a person wrote: the older one for the older prefix.
    #[must_use]
    pub fn name_like(&self, written: &str) -> String {
        let end = written.rsplit('/').next().unwrap_or(written);
        let is_older = end.starts_with("alicloud-");
        let older = self.names().into_iter().nth(1).filter(|_| is_older);
        older.unwrap_or_else(|| self.name())
    }
}

/// Makes of one list: a static row each, the struct that holds their values, and how it is read.
macro_rules! annotations {
    (
        $(#[$doc:meta])* $name:ident;
        $($constant:ident $field:ident: $type:ty = $suffix:literal, $description:literal { $($rest:tt)* })+
    ) => {
        $(
            #[doc = $description]
            pub static $constant: $crate::annotations::row::Row = $crate::annotations::row::Row {
                suffix: $suffix,
                description: $description,
                $($rest)*
                ..$crate::annotations::row::Row::of::<$type>()
            };
        )+

        /// The rows of this part of the table.
        pub(super) static ROWS: &[&$crate::annotations::row::Row] = &[$(&$constant),+];

        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Default)]
        pub struct $name {
            $(
                #[doc = $description]
                pub $field: Option<$crate::annotations::reading::Written<$type>>,
            )+
        }

        impl $name {
            pub(super) fn read(reading: &mut $crate::annotations::reading::Reading<'_>) -> Self {
                Self { $($field: reading.take(&$constant),)+ }
            }
        }
    };
}

pub(super) use annotations;
