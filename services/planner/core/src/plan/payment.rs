//! How a CLB is paid: charge types, specification and bandwidth, which depend on each other. Called for a CLB that is there.

use clb_model::cloud::{AddressType, InstanceChargeType, InternetChargeType, LoadBalancer};
use clb_model::events::reason::ANNOTATION_CHANGED;
use clb_model::operation::{Change, LoadBalancerChange};

use super::PlanContext;
use super::draft::{Draft, Proposal};
use super::instance::{asks, cannot_change};
use crate::annotations::instance as clb;
use crate::desired::{Desired, NamedAttributes};

/// Plans the changes of what annotations name of the payment, and says what does not come.
pub(super) fn plan(draft: &mut Draft, context: PlanContext<'_>, desired: &Desired, observed: &LoadBalancer) {
    let paying = Paying {
        context,
        desired,
        observed,
    };
    let by_use = paying.plan_instance_charge_type(draft);
    paying.plan_spec(draft, by_use);
    if observed.address_type == AddressType::Internet {
        paying.plan_traffic(draft, by_use);
    } else {
        paying.say_nothing_to_pay(draft);
    }
}

#[derive(Clone, Copy)]
struct Paying<'a> {
    context: PlanContext<'a>,
    desired: &'a Desired,
    observed: &'a LoadBalancer,
}

impl Paying<'_> {
    fn named(&self) -> &NamedAttributes {
        &self.desired.named
    }

    /// What the Internet charge type is, or will be at midnight.
    fn coming(&self) -> InternetChargeType {
        let told = self.context.coming_charge_type;
        told.unwrap_or(self.observed.internet_charge_type)
    }

    fn change(&self, draft: &mut Draft, change: LoadBalancerChange, reason: String) {
        let proposal = Proposal::new(Change::ChangeLoadBalancer(change), reason);
        draft.add_harmless(proposal.based_on(self.observed.version));
    }

    /// Whether the CLB is paid by use, or will be once this plan is carried out.
    fn plan_instance_charge_type(&self, draft: &mut Draft) -> bool {
        let by_use = self.observed.instance_charge_type == InstanceChargeType::PayByClcu;
        match self.named().instance_charge_type {
            Some(InstanceChargeType::PayByClcu) if !by_use => self.plan_payment_by_use(draft),
            Some(InstanceChargeType::PayBySpec) if by_use => {
                cannot_change(
                    draft,
                    self.context,
                    self.observed,
                    &clb::INSTANCE_CHARGE_TYPE,
                    "PayBySpec",
                    "PayByCLCU",
                );
                by_use
            }
            _ => by_use,
        }
    }

    /// The cloud refuses it while traffic is paid by bandwidth. Where an annotation asks for `paybytraffic` too, that goes first and
    /// alone: it may come only at midnight, and the payment by use is planned once the CLB shows it.
    fn plan_payment_by_use(&self, draft: &mut Draft) -> bool {
        let shown = self.observed.internet_charge_type;
        let by_traffic = [shown, self.coming()] == [InternetChargeType::PayByTraffic; 2];
        if by_traffic || self.observed.address_type != AddressType::Internet {
            let reason = asks(self.context, &clb::INSTANCE_CHARGE_TYPE, "PayByCLCU", "PayBySpec");
            self.change(draft, LoadBalancerChange::PayByClcu, reason);
            return true;
        }
        let name = self.context.name_of(&clb::INSTANCE_CHARGE_TYPE);
        let id = &self.observed.id;
        if self.coming() == InternetChargeType::PayByTraffic {
            draft.notice(
                false,
                ANNOTATION_CHANGED,
                format!(
                    "annotation {name} asks for PayByCLCU, which waits: CLB {id} has been told paybytraffic and still has \
                     paybybandwidth, which the cloud may change at midnight only"
                ),
            );
        } else if self.named().internet_charge_type != Some(InternetChargeType::PayByTraffic) {
            draft.notice(
                true,
                ANNOTATION_CHANGED,
                format!(
                    "annotation {name} asks for PayByCLCU, which CLB {id} cannot have while it has paybybandwidth, so it stays \
                     PayBySpec: set {}: \"paybytraffic\" too",
                    self.context.name_of(&clb::CHARGE_TYPE)
                ),
            );
        }
        false
    }

    fn plan_spec(&self, draft: &mut Draft, by_use: bool) {
        let Some(spec) = self
            .named()
            .spec
            .as_ref()
            .filter(|spec| **spec != self.observed.spec)
        else {
            return;
        };
        if by_use {
            draft.notice(
                true,
                ANNOTATION_CHANGED,
                format!(
                    "annotation {}: {spec} has no effect: CLB {} is paid by use (PayByCLCU), which knows no specification",
                    self.context.name_of(&clb::SPEC),
                    self.observed.id
                ),
            );
        } else {
            let reason = asks(self.context, &clb::SPEC, spec, &self.observed.spec);
            self.change(draft, LoadBalancerChange::Spec(spec.clone()), reason);
        }
    }

    /// How the traffic of an Internet-facing CLB is paid.
    fn plan_traffic(&self, draft: &mut Draft, by_use: bool) {
        let named = self.named();
        let present = self.coming();
        let charge_type = named.internet_charge_type.filter(|wanted| *wanted != present);
        if by_use {
            if let Some(wanted) = charge_type {
                cannot_change(
                    draft,
                    self.context,
                    self.observed,
                    &clb::CHARGE_TYPE,
                    wanted.as_str(),
                    "paybytraffic, the only charge type with PayByCLCU",
                );
            }
            return;
        }
        let bandwidth = if named.internet_charge_type != Some(InternetChargeType::PayByBandwidth) {
            None
        } else if charge_type.is_some() {
            // The cloud wants a bandwidth with the new charge type, also where no annotation names one.
            named.bandwidth.or(self.desired.creation.bandwidth)
        } else {
            named
                .bandwidth
                .filter(|wanted| i64::from(*wanted) != i64::from(self.observed.bandwidth))
        };
        let reason = match (charge_type, bandwidth) {
            (Some(wanted), _) => asks(self.context, &clb::CHARGE_TYPE, wanted.as_str(), present.as_str()),
            (None, Some(wanted)) => asks(self.context, &clb::BANDWIDTH, wanted, self.observed.bandwidth),
            (None, None) => return,
        };
        // A bandwidth alone would be that of the charge type which the CLB still has.
        let not_shown = |wanted: &InternetChargeType| *wanted != self.observed.internet_charge_type;
        let change = LoadBalancerChange::InternetSpec {
            charge_type: charge_type.or(named.internet_charge_type.filter(not_shown)),
            bandwidth,
        };
        self.change(draft, change, reason);
    }

    /// The annotations count for an Internet-facing CLB, which the Service asks for and does not have.
    fn say_nothing_to_pay(&self, draft: &mut Draft) {
        let named = self.named();
        let charge_type = named.internet_charge_type.map(|wanted| wanted.to_string());
        let bandwidth = named.bandwidth.map(|wanted| wanted.to_string());
        for (annotation, wanted) in [(&clb::CHARGE_TYPE, charge_type), (&clb::BANDWIDTH, bandwidth)] {
            let Some(wanted) = wanted else { continue };
            draft.notice(
                true,
                ANNOTATION_CHANGED,
                format!(
                    "annotation {}: {wanted} has no effect: CLB {} is internal, which cannot be changed, and has no Internet \
                     traffic to be paid",
                    self.context.name_of(annotation),
                    self.observed.id
                ),
            );
        }
    }
}
