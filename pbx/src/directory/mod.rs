//! The directory: extensions, trunks, services, and which number leads to which of them.

mod extension;
mod party;
mod trunk;

use std::borrow::Borrow;
use std::collections::{BTreeMap, HashSet};
use std::hash::{Hash, Hasher};
use std::net::SocketAddr;
use std::sync::Arc;

use dialplan::plan::Plan;

pub use extension::Extension;
pub use party::Party;
pub use trunk::Trunk;

use crate::feature::Feature;

/// What a number leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target {
    /// The telephones of an extension.
    Extension(String),
    /// A number beyond a trunk.
    Trunk {
        /// The trunk's name.
        trunk: String,
        /// The number to ask it for.
        number: String,
    },
    /// A service of the exchange, by the name given to [`Directory::add_service`].
    Service(String),
}

/// What a dialplan entry leads to; `strip` and `prefix` turn the dialled number into the one that a
/// trunk is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// The telephones of an extension.
    Extension(String),
    /// The telephones of the extension that was dialled itself, nothing where there is none: one entry,
    /// such as `_X!`, leads to all extensions, however many.
    Dialled,
    /// A trunk.
    Trunk {
        /// The trunk's name.
        trunk: String,
        /// Digits taken from the front.
        strip: usize,
        /// Digits then put in front.
        prefix: String,
    },
    /// A service.
    Service(String),
}

/// Makes a feature for one call.
pub type FeatureFactory = Arc<dyn Fn() -> Box<dyn Feature> + Send + Sync>;

/// Extensions, trunks, services and the plan that leads to them.
pub struct Directory {
    extensions: HashSet<ByNumber>,
    trunks: BTreeMap<String, Trunk>,
    services: BTreeMap<String, FeatureFactory>,
    plan: Plan<Route>,
}

impl Directory {
    /// A directory around a dialplan.
    pub fn new(plan: Plan<Route>) -> Self {
        Self {
            extensions: HashSet::new(),
            trunks: BTreeMap::new(),
            services: BTreeMap::new(),
            plan,
        }
    }

    /// Replaces the dialplan.
    pub fn set_plan(&mut self, plan: Plan<Route>) {
        self.plan = plan;
    }

    /// Makes room for so many further extensions at once.
    pub fn reserve(&mut self, extensions: usize) {
        self.extensions.reserve(extensions);
    }

    /// Adds or replaces an extension.
    pub fn add_extension(&mut self, extension: Extension) {
        self.extensions.replace(ByNumber(extension));
    }

    /// Adds or replaces a trunk.
    pub fn add_trunk(&mut self, trunk: Trunk) {
        self.trunks.insert(trunk.name.clone(), trunk);
    }

    /// Adds or replaces a service.
    pub fn add_service(&mut self, name: &str, make: FeatureFactory) {
        self.services.insert(name.to_owned(), make);
    }

    /// The extension with this number.
    pub fn extension(&self, number: &str) -> Option<&Extension> {
        self.extensions.get(number).map(|ByNumber(extension)| extension)
    }

    /// The trunk of this name.
    pub fn trunk(&self, name: &str) -> Option<&Trunk> {
        self.trunks.get(name)
    }

    /// The trunk that calls from this address and port.
    pub fn trunk_at(&self, address: SocketAddr) -> Option<&Trunk> {
        self.trunks.values().find(|trunk| trunk.address == address)
    }

    /// All trunks.
    pub fn trunks(&self) -> impl Iterator<Item = &Trunk> {
        self.trunks.values()
    }

    /// A feature for a call to a service.
    pub fn feature(&self, service: &str) -> Option<Box<dyn Feature>> {
        self.services.get(service).map(|make| make())
    }

    /// The name that others see of a party.
    pub fn display_name<'a>(&'a self, party: &Party) -> &'a str {
        match party {
            Party::Extension(number) => {
                self.extension(number).map_or("", |extension| &extension.name)
            }
            _ => "",
        }
    }

    /// What a number leads to in a context.
    pub fn route(&self, context: &str, number: &str) -> Option<Target> {
        let found = self.plan.lookup(context, number).ok()?;
        Some(match found.target {
            Route::Extension(extension) => Target::Extension(extension.clone()),
            Route::Dialled => Target::Extension(self.extension(number)?.number.clone()),
            Route::Service(service) => Target::Service(service.clone()),
            Route::Trunk { trunk, strip, prefix } => {
                let rest: String = number.chars().skip(*strip).collect();
                Target::Trunk { trunk: trunk.clone(), number: format!("{prefix}{rest}") }
            }
        })
    }
}

/// An extension, found by its number without a second copy of it.
struct ByNumber(Extension);

impl Borrow<str> for ByNumber {
    fn borrow(&self) -> &str {
        &self.0.number
    }
}

impl Hash for ByNumber {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.number.hash(state);
    }
}

impl PartialEq for ByNumber {
    fn eq(&self, other: &Self) -> bool {
        self.0.number == other.0.number
    }
}

impl Eq for ByNumber {}

#[cfg(test)]
mod tests {
    use sip_core::auth::server::Secret;

    use super::*;

    #[test]
    fn a_trunk_route_rewrites_the_number() {
        let mut builder = Plan::builder();
        let route = Route::Trunk { trunk: "city".into(), strip: 1, prefix: "7".into() };
        builder.context("internal").add("_9X.", route).unwrap();
        let directory = Directory::new(builder.build().unwrap());
        assert_eq!(
            directory.route("internal", "9495551234"),
            Some(Target::Trunk { trunk: "city".into(), number: "7495551234".into() })
        );
        assert_eq!(directory.route("internal", "101"), None);
        assert_eq!(directory.route("elsewhere", "9495551234"), None);
    }

    #[test]
    fn one_entry_leads_to_every_extension() {
        let mut builder = Plan::builder();
        builder.context("internal").add("_X!", Route::Dialled).unwrap();
        builder.context("internal").add("600", Route::Service("echo".into())).unwrap();
        let mut directory = Directory::new(builder.build().unwrap());
        for number in ["7", "101"] {
            let secret = Secret::Password("secret".into());
            directory.add_extension(Extension { number: number.into(), name: "".into(), secret });
        }
        for number in ["7", "101"] {
            let found = directory.route("internal", number);
            assert_eq!(found, Some(Target::Extension(number.into())));
        }
        assert_eq!(directory.route("internal", "600"), Some(Target::Service("echo".into())));
        assert_eq!(directory.route("internal", "102"), None);
    }
}
