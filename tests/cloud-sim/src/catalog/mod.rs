//! The catalogue of actions: which parameters each takes, their types, ranges, defaults and error codes.
//!
//! Everything that the documentation says about a parameter by itself is a row in a table of this module's
//! children; `validate` applies the rows before a handler runs, so that handlers see complete, typed input
//! and decide only what depends on the state of the cloud. Parameters that no row names are ignored, as the
//! real gateway ignores them.

mod ecs_vpc;
mod listener_rows;
mod slb_groups;
mod slb_listeners;
mod slb_load_balancers;
mod slb_others;
mod slb_rows;
mod text;
mod validate;

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::errors::{Answer, INVALID_PARAMETER, Refusal};
use crate::scope::Scope;

pub use text::Charset;
pub(crate) use validate::{missing_condition, validate};

/// The product that an action belongs to, known by its version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Product {
    /// Server Load Balancer.
    Slb,
    /// Elastic Compute Service.
    Ecs,
    /// Virtual Private Cloud.
    Vpc,
}

impl Product {
    /// The `Version` that calls of the product carry.
    pub const fn version(self) -> &'static str {
        match self {
            Product::Slb => "2014-05-15",
            Product::Ecs => "2014-05-26",
            Product::Vpc => "2016-04-28",
        }
    }
}

/// Whether an action changes the cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It only reads.
    Read,
    /// It changes something.
    Write,
}

/// When a parameter has to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Always: without it the answer is `MissingParameter`.
    Required,
    /// Never.
    Optional,
    /// When each of these parameters has this value.
    When(&'static [(&'static str, &'static str)]),
}

/// What values a parameter takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// Text of so many characters out of a set.
    Chars {
        /// Fewest characters.
        min: usize,
        /// Most characters.
        max: usize,
        /// Which characters.
        charset: Charset,
    },
    /// A whole number within both bounds.
    Integer {
        /// Lowest value.
        min: i64,
        /// Highest value.
        max: i64,
    },
    /// -1 (no limit of its own) or 1 to this many Mbit/s.
    Bandwidth {
        /// Highest value.
        max: i64,
    },
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A comma list of these words.
    CommaListOf(&'static [&'static str]),
    /// `true` or `false`.
    Boolean,
    /// A cipher policy: a built-in one or the id of a custom one.
    TlsPolicy,
    /// `Name.1`, `Name.2` … at most so many.
    List {
        /// Most items.
        max: usize,
        /// The refusal when there are more.
        too_many: Refusal,
    },
    /// `Name.1.Key`, `Name.1.Value` …
    Tags,
    /// A region that exists.
    Region,
}

/// One row: a parameter of an action.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// Name on the wire, matched exactly.
    pub name: &'static str,
    /// When it has to be there.
    pub presence: Presence,
    /// What values it takes.
    pub kind: Kind,
    /// The value taken when it is absent.
    pub default: Option<&'static str>,
    /// The answer to a bad value.
    pub refusal: Refusal,
    /// The attribute of a listener that it sets, by the name that Describe gives it.
    pub attribute: Option<&'static str>,
}

impl Parameter {
    const fn new(name: &'static str, presence: Presence, kind: Kind) -> Self {
        Parameter {
            name,
            presence,
            kind,
            default: None,
            refusal: INVALID_PARAMETER,
            attribute: None,
        }
    }

    /// A parameter without which the call is refused.
    pub const fn required(name: &'static str, kind: Kind) -> Self {
        Self::new(name, Presence::Required, kind)
    }

    /// A parameter that may be left out.
    pub const fn optional(name: &'static str, kind: Kind) -> Self {
        Self::new(name, Presence::Optional, kind)
    }

    /// A parameter that another one makes necessary.
    pub const fn when(
        name: &'static str,
        conditions: &'static [(&'static str, &'static str)],
        kind: Kind,
    ) -> Self {
        Self::new(name, Presence::When(conditions), kind)
    }

    /// With a default.
    pub const fn or(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }

    /// With the answer to a bad value.
    pub const fn refuse(mut self, refusal: Refusal) -> Self {
        self.refusal = refusal;
        self
    }

    /// Sets the listener's attribute of the same name.
    pub const fn attribute(mut self) -> Self {
        self.attribute = Some(self.name);
        self
    }

    /// Sets a listener's attribute that Describe calls otherwise.
    pub const fn describes_as(mut self, name: &'static str) -> Self {
        self.attribute = Some(name);
        self
    }
}

/// Runs an action on the state of one account.
pub type Handler = fn(&mut Scope<'_>) -> Answer;

/// One action.
pub struct Action {
    /// Value of `Action`.
    pub name: &'static str,
    /// The product it belongs to.
    pub product: Product,
    /// Whether it writes.
    pub effect: Effect,
    /// Its rows.
    pub parameters: Vec<Parameter>,
    pub(crate) run: Handler,
}

impl Action {
    pub(crate) fn new(
        product: Product,
        effect: Effect,
        name: &'static str,
        run: Handler,
        parameters: &[&[Parameter]],
    ) -> Self {
        Action {
            name,
            product,
            effect,
            parameters: parameters.concat(),
            run,
        }
    }
}

static ACTIONS: LazyLock<HashMap<&'static str, Action>> = LazyLock::new(|| {
    let tables = [
        slb_load_balancers::actions(),
        slb_listeners::actions(),
        slb_groups::actions(),
        slb_others::actions(),
        ecs_vpc::actions(),
    ];
    let all = tables.into_iter().flatten();
    all.map(|action| (action.name, action)).collect()
});

/// The action of that name.
pub fn find(name: &str) -> Option<&'static Action> {
    ACTIONS.get(name)
}

/// All actions, in no particular order.
pub fn all() -> impl Iterator<Item = &'static Action> {
    ACTIONS.values()
}
