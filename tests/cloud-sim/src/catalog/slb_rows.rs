//! Rows and value types that the tables of SLB share.

use super::{Action, Charset, Effect, Handler, Kind, Parameter, Product};

pub(super) const ON_OFF: Kind = Kind::OneOf(&["on", "off"]);
pub(super) const IP_VERSION: Kind = Kind::OneOf(&["ipv4", "ipv6"]);
pub(super) const NAME: Kind = Kind::Chars {
    min: 1,
    max: 80,
    charset: Charset::Any,
};
pub(super) const PAGE: Kind = Kind::Integer {
    min: 1,
    max: i64::MAX,
};

pub(super) const REGION: Parameter = Parameter::required("RegionId", Kind::Region);
pub(super) const MAYBE_REGION: Parameter = Parameter::optional("RegionId", Kind::Region);
pub(super) const LB: Parameter = Parameter::required("LoadBalancerId", Kind::Text);
pub(super) const TAG: Parameter = Parameter::optional("Tag", Kind::Tags);

pub(super) const fn text(name: &'static str) -> Parameter {
    Parameter::optional(name, Kind::Text)
}

pub(super) const fn page(name: &'static str, max: i64, default: &'static str) -> Parameter {
    Parameter::optional(name, Kind::Integer { min: 1, max }).or(default)
}

pub(super) fn read(name: &'static str, run: Handler, rows: &[&[Parameter]]) -> Action {
    Action::new(Product::Slb, Effect::Read, name, run, rows)
}

pub(super) fn write(name: &'static str, run: Handler, rows: &[&[Parameter]]) -> Action {
    Action::new(Product::Slb, Effect::Write, name, run, rows)
}
