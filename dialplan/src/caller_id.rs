//! Which number the callee sees.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::number::{Digits, Number};
use crate::prefix::{PrefixError, PrefixTable};

/// Rules for the number shown on calls that go out.
///
/// They are tried in this order: forwarding, the device, the direction, the number of the company.
#[derive(Clone, Debug, Default)]
pub struct CallerIdRules {
    forwarding: Forwarding,
    devices: BTreeMap<Box<str>, Number>,
    directions: PrefixTable<Number>,
    company: Option<Number>,
}

/// Whose number is shown when a call from outside is forwarded outside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Forwarding {
    /// The one who forwards: by the rules below, as if he called himself.
    #[default]
    Own,
    /// The one who called.
    Caller,
}

/// The call whose number is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// The device or extension that calls or forwards.
    pub device: &'a str,
    /// The number called.
    pub destination: Number,
    /// The number of the one who called, when the call is forwarded.
    pub forwarded_from: Option<Number>,
}

/// The number to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallerId {
    /// The number; `None` when no rule gives one.
    pub number: Option<Number>,
    /// The rule that decided.
    pub rule: Rule,
}

/// Which rule decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// A forwarded call shows its caller.
    Forwarding,
    /// The device has a number of its own.
    Device,
    /// The direction has one: the prefix that decided.
    Direction(Digits),
    /// The number of the company.
    Company,
    /// None.
    Nothing,
}

impl CallerIdRules {
    /// Rules by device, by direction (the first digits of the number called, the longest counts),
    /// and one number for the rest.
    ///
    /// # Errors
    ///
    /// When a direction is there twice or is not digits.
    pub fn new(
        forwarding: Forwarding,
        devices: BTreeMap<Box<str>, Number>,
        directions: Vec<(Digits, Number)>,
        company: Option<Number>,
    ) -> Result<CallerIdRules, PrefixError> {
        let directions = PrefixTable::build(directions)?;
        Ok(CallerIdRules { forwarding, devices, directions, company })
    }

    /// The number to show on a call.
    pub fn choose(&self, call: &Outgoing<'_>) -> CallerId {
        let some = |number, rule| CallerId { number: Some(number), rule };
        if let (Forwarding::Caller, Some(caller)) = (self.forwarding, call.forwarded_from) {
            return some(caller, Rule::Forwarding);
        }
        if let Some(number) = self.devices.get(call.device) {
            return some(*number, Rule::Device);
        }
        if let Some((prefix, number)) = self.directions.lookup(call.destination.digits()) {
            return some(*number, Rule::Direction(prefix));
        }
        match self.company {
            Some(number) => some(number, Rule::Company),
            None => CallerId { number: None, rule: Rule::Nothing },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        text.parse().unwrap()
    }

    fn rules(forwarding: Forwarding) -> CallerIdRules {
        let devices = [("101".into(), number("+74951230101"))].into();
        let directions = alloc::vec![
            ("7812".parse().unwrap(), number("+78121230000")),
            ("49".parse().unwrap(), number("+4930123456")),
        ];
        CallerIdRules::new(forwarding, devices, directions, Some(number("+74951230000"))).unwrap()
    }

    #[test]
    fn rules_in_their_order() {
        let choose = |forwarding, device, destination, from: Option<&str>| {
            let (destination, forwarded_from) = (number(destination), from.map(number));
            let chosen =
                rules(forwarding).choose(&Outgoing { device, destination, forwarded_from });
            (chosen.number.unwrap(), chosen.rule)
        };
        let own = Forwarding::Own;
        assert_eq!(choose(own, "101", "+4989123", None), (number("+74951230101"), Rule::Device));
        let direction = Rule::Direction("7812".parse().unwrap());
        assert_eq!(choose(own, "102", "+78121234567", None), (number("+78121230000"), direction));
        assert_eq!(choose(own, "102", "+33123", None), (number("+74951230000"), Rule::Company));
        let from = Some("+33987");
        assert_eq!(choose(own, "102", "+33123", from).1, Rule::Company);
        assert_eq!(
            choose(Forwarding::Caller, "101", "+33123", from),
            (number("+33987"), Rule::Forwarding)
        );
        assert_eq!(choose(Forwarding::Caller, "101", "+33123", None).1, Rule::Device);
    }
}
