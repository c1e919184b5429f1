//! The router: numbers to routes, routes to trunks.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use jiff::civil::DateTime;
use rand_core::Rng;

use crate::number::{Digits, Number, Profile, Reading};
use crate::prefix::{PrefixError, PrefixTable};
use crate::rate::Micros;
use crate::schedule::Schedules;

use super::policy::{Contestant, Memory};
use super::{Attempt, Emergency, Policy, Selection, Skipped, Trunk, TrunkId, Why};

/// A set of numbers and the trunks for them.
#[derive(Clone, Debug)]
pub struct Route {
    /// Its name.
    pub name: Box<str>,
    /// The first digits of its numbers, country code first. The longest prefix of all routes counts.
    pub prefixes: Vec<Digits>,
    /// How trunks of one priority share the calls.
    pub policy: Policy,
    /// The trunks.
    pub choices: Vec<Choice>,
}

/// A trunk in a route.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The trunk's name.
    pub trunk: Box<str>,
    /// Lower ones are tried first.
    pub priority: u32,
    /// The share among those of the same priority.
    pub weight: u32,
    /// Only for numbers that begin so.
    pub prefix: Option<Digits>,
    /// The schedule outside which it is not used in this route.
    pub schedule: Option<Box<str>>,
    /// The price of a minute, instead of the trunk's tariff.
    pub cost: Option<Micros>,
}

impl Choice {
    /// A trunk with priority 1 and weight 1.
    pub fn new(trunk: &str) -> Choice {
        let trunk = trunk.into();
        Choice { trunk, priority: 1, weight: 1, prefix: None, schedule: None, cost: None }
    }
}

/// Trunks and routes, ready to be asked.
#[derive(Clone, Debug)]
pub struct Router {
    trunks: Vec<Trunk>,
    names: BTreeMap<Box<str>, TrunkId>,
    routes: Vec<Route>,
    prefixes: PrefixTable<u32>,
    emergency: Emergency,
}

/// What changes from call to call: calls on trunks, turns and shares.
#[derive(Clone, Debug, Default)]
pub struct Usage {
    calls: Vec<u32>,
    memories: Vec<Memory>,
}

/// What a route is asked for.
#[derive(Clone, Copy)]
pub struct RouteRequest<'a> {
    /// The number called.
    pub number: Number,
    /// The dialling rules by which numbers are written for trunks.
    pub profile: &'a Profile,
    /// Answers for the schedules of trunks.
    pub schedules: &'a dyn Schedules,
    /// The civil time by which tariffs count.
    pub at: Option<DateTime>,
}

/// Why a router could not be made. The writer of the plan has to mend it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RouterError {
    /// Two trunks have one name.
    #[error("there are two trunks called `{name}`")]
    TwoTrunks {
        /// The name.
        name: Box<str>,
    },
    /// Two routes have one prefix, or a prefix is not digits.
    #[error(transparent)]
    Prefix(#[from] PrefixError),
}

impl Router {
    /// Makes a router. A route may name a trunk that does not exist; it is passed over, and a check
    /// of the plan tells.
    ///
    /// # Errors
    ///
    /// When names or prefixes are there twice.
    pub fn new(
        trunks: Vec<Trunk>,
        routes: Vec<Route>,
        emergency: Emergency,
    ) -> Result<Router, RouterError> {
        let mut names = BTreeMap::new();
        for (id, trunk) in (0..).zip(&trunks) {
            if names.insert(trunk.name.clone(), TrunkId(id)).is_some() {
                return Err(RouterError::TwoTrunks { name: trunk.name.clone() });
            }
        }
        let prefixes = (0..)
            .zip(&routes)
            .flat_map(|(route, r): (u32, &Route)| r.prefixes.iter().map(move |p| (*p, route)))
            .collect();
        let prefixes = PrefixTable::build(prefixes)?;
        Ok(Router { trunks, names, routes, prefixes, emergency })
    }

    /// A router without trunks.
    pub fn empty() -> Router {
        Router {
            trunks: Vec::new(),
            names: BTreeMap::new(),
            routes: Vec::new(),
            prefixes: PrefixTable::default(),
            emergency: Emergency::default(),
        }
    }

    /// The trunks for a number, in the order in which they are tried.
    pub fn select<'r>(
        &'r self,
        request: &RouteRequest<'_>,
        usage: &mut Usage,
        random: &mut impl Rng,
    ) -> Selection<'r> {
        let Some((_, &route_index)) = self.prefixes.lookup(request.number.digits()) else {
            return Selection::default();
        };
        let Some(route) = self.routes.get(route_index as usize) else {
            return Selection::default();
        };
        let mut selection = Selection { route: Some(&route.name), ..Selection::default() };
        let mut by_priority: BTreeMap<u32, Vec<Contestant>> = BTreeMap::new();
        for (choice, chosen) in route.choices.iter().enumerate() {
            match self.usable(chosen, request, usage) {
                Err(why) => selection.skipped.push(Skipped { name: &chosen.trunk, why }),
                Ok(trunk) => {
                    let cost = chosen.cost.or_else(|| trunk.cost(request.number, request.at));
                    let contestant = Contestant { choice, weight: chosen.weight, cost };
                    by_priority.entry(chosen.priority).or_default().push(contestant);
                }
            }
        }
        if usage.memories.len() <= route_index as usize {
            usage.memories.resize_with(self.routes.len(), Memory::default);
        }
        for mut contestants in by_priority.into_values() {
            if let Some(memory) = usage.memories.get_mut(route_index as usize) {
                route.policy.order(&mut contestants, memory, random);
            }
            for contestant in contestants {
                let chosen = route.choices.get(contestant.choice);
                let Some((id, trunk)) = chosen.and_then(|chosen| self.trunk(&chosen.trunk)) else {
                    continue;
                };
                match trunk.number.write(request.number, request.profile) {
                    None => {
                        selection.skipped.push(Skipped { name: &trunk.name, why: Why::Unwritable });
                    }
                    Some(number) => selection.attempts.push(Attempt {
                        trunk: id,
                        name: &trunk.name,
                        number,
                        cost: contestant.cost,
                        failover: &trunk.failover,
                    }),
                }
            }
        }
        selection
    }

    /// The trunks for an emergency call, if `dialled` is one: an emergency number of the profile or
    /// `urn:service:sos`. No schedule, capacity or spending limit stands in its way; full trunks
    /// are tried last.
    pub fn select_emergency<'r>(
        &'r self,
        dialled: &str,
        profile: &Profile,
        usage: &Usage,
    ) -> Option<Selection<'r>> {
        let number = match profile.normalise(dialled).map(|dialled| dialled.reading) {
            Ok(Reading::Emergency(digits)) => digits.to_string(),
            _ if profile.is_emergency(dialled) => self.emergency.urn_number.to_string(),
            _ => return None,
        };
        let preferred = self.emergency.trunks.iter().filter_map(|name| self.trunk(name));
        let others = (0..).zip(&self.trunks).map(|(id, trunk)| (TrunkId(id), trunk));
        let others = others.filter(|(_, trunk)| !self.emergency.trunks.contains(&trunk.name));
        let mut attempts: Vec<Attempt<'_>> = preferred
            .chain(others)
            .map(|(id, trunk)| Attempt {
                trunk: id,
                name: &trunk.name,
                number: number.clone(),
                cost: None,
                failover: &trunk.failover,
            })
            .collect();
        attempts.sort_by_key(|attempt| self.is_full(attempt.trunk, usage));
        Some(Selection { route: None, attempts, skipped: Vec::new(), is_emergency: true })
    }

    /// The trunk of this name.
    pub fn trunk(&self, name: &str) -> Option<(TrunkId, &Trunk)> {
        let id = *self.names.get(name)?;
        Some((id, self.trunks.get(id.0 as usize)?))
    }

    /// All trunks.
    pub fn trunks(&self) -> impl Iterator<Item = &Trunk> {
        self.trunks.iter()
    }

    /// All routes.
    pub fn routes(&self) -> impl Iterator<Item = &Route> {
        self.routes.iter()
    }

    /// The route for a number and the prefix that decided.
    pub fn route(&self, number: Number) -> Option<(Digits, &Route)> {
        let (prefix, route) = self.prefixes.lookup(number.digits())?;
        Some((prefix, self.routes.get(*route as usize)?))
    }

    /// How emergency calls go out.
    pub fn emergency(&self) -> &Emergency {
        &self.emergency
    }

    fn usable(
        &self,
        choice: &Choice,
        request: &RouteRequest<'_>,
        usage: &Usage,
    ) -> Result<&Trunk, Why> {
        let (id, trunk) = self.trunk(&choice.trunk).ok_or(Why::NoSuchTrunk)?;
        if choice.prefix.is_some_and(|prefix| !request.number.digits().starts_with(prefix)) {
            return Err(Why::OtherPrefix);
        }
        for schedule in [&trunk.schedule, &choice.schedule].into_iter().flatten() {
            match request.schedules.is_open(schedule) {
                Some(true) => {}
                Some(false) => return Err(Why::Closed(schedule.clone())),
                None => return Err(Why::UnknownSchedule(schedule.clone())),
            }
        }
        if self.is_full(id, usage) {
            return Err(Why::Full(trunk.capacity.unwrap_or(0)));
        }
        Ok(trunk)
    }

    fn is_full(&self, id: TrunkId, usage: &Usage) -> bool {
        let capacity = self.trunks.get(id.0 as usize).and_then(|trunk| trunk.capacity);
        capacity.is_some_and(|capacity| usage.calls(id) >= capacity)
    }
}

impl Usage {
    /// A call goes over a trunk.
    pub fn begin(&mut self, trunk: TrunkId) {
        let index = trunk.0 as usize;
        if self.calls.len() <= index {
            self.calls.resize(index + 1, 0);
        }
        if let Some(calls) = self.calls.get_mut(index) {
            *calls = calls.saturating_add(1);
        }
    }

    /// A call over a trunk has ended.
    pub fn end(&mut self, trunk: TrunkId) {
        if let Some(calls) = self.calls.get_mut(trunk.0 as usize) {
            *calls = calls.saturating_sub(1);
        }
    }

    /// How many calls a trunk carries.
    pub fn calls(&self, trunk: TrunkId) -> u32 {
        self.calls.get(trunk.0 as usize).copied().unwrap_or(0)
    }
}

impl core::fmt::Debug for RouteRequest<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("RouteRequest").field("at", &self.at).finish_non_exhaustive()
    }
}

/// Written by hand, since routes are read by people: `least-cost over a, b`.
impl core::fmt::Display for Route {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let names: Vec<&str> = self.choices.iter().map(|choice| &*choice.trunk).collect();
        let names: String = names.join(", ");
        write!(f, "{} over {names}", self.policy)
    }
}
