use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use toml::Spanned;

use super::FileError;
use super::lines::Lines;
use super::shape::{
    BlockData, CallerIdData, ChoiceData, ContextData, EmergencyData, ForwardingData, IncludeData,
    PlanData, PolicyData, ProfileData, RouteData, SpendingData, TargetData, TrunkData,
};
use crate::caller_id::{CallerIdRules, Forwarding};
use crate::dialplan::{Dialplan, Places, Target};
use crate::finding::{Fault, Finding};
use crate::number::{Digits, Number, Profile, Template};
use crate::plan::{Origin, Plan, Step};
use crate::rate::{Micros, Tariff};
use crate::route::{Choice, Emergency, Guard, Policy, Route, Router, SpendingLimit, Trunk};

/// Understands what is written, and notes what it cannot.
pub(super) struct Reader<'r> {
    pub(super) file: &'r str,
    pub(super) lines: Lines,
    pub(super) fetch: &'r mut dyn FnMut(&str) -> Result<Vec<u8>, String>,
    pub(super) faults: Vec<Finding>,
    pub(super) places: Places,
}

impl Reader<'_> {
    fn line<T>(&self, value: &Spanned<T>) -> u32 {
        self.lines.of(value.span().start)
    }

    fn fault(&mut self, kind: Fault, line: u32, text: impl Into<Box<str>>) {
        self.faults.push(Finding { file: self.file.into(), line, kind, text: text.into() });
    }

    /// A value made from text; a fault when it cannot be.
    fn parse<T: core::str::FromStr<Err: core::fmt::Display>>(
        &mut self,
        what: &str,
        text: &str,
        line: u32,
    ) -> Option<T> {
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.fault(Fault::BadValue, line, format!("{what} `{text}`: {error}"));
                None
            }
        }
    }

    fn spanned<T: core::str::FromStr<Err: core::fmt::Display>>(
        &mut self,
        what: &str,
        text: &Spanned<String>,
    ) -> Option<T> {
        let line = self.line(text);
        self.parse(what, text.get_ref(), line)
    }

    fn digits(&mut self, what: &str, text: &str, line: u32) -> Option<Digits> {
        let digits: Digits = self.parse(what, text.strip_prefix('+').unwrap_or(text), line)?;
        if !digits.is_numeric() {
            self.fault(Fault::BadValue, line, format!("{what} `{text}`: only digits, please"));
            return None;
        }
        Some(digits)
    }

    pub(super) fn dialplan(&mut self, data: PlanData) -> Result<Dialplan, FileError> {
        self.places.file = self.file.into();
        let profile = self.profile(data.profile);
        let tariff = data.tariff.and_then(|file| self.tariff(&file));
        let plan = self.plan(data.context)?;
        for start in &data.start {
            if plan.context(start.get_ref()).is_none() {
                let line = self.line(start);
                let text = format!("calls begin in `{}`, which does not exist", start.get_ref());
                self.fault(Fault::UnknownContext, line, text);
            }
        }
        let router = self.router(data.trunk, data.route, data.emergency);
        let caller_id = self.caller_id(data.caller_id);
        let guard = self.guard(data.block, data.spending);
        Ok(Dialplan {
            profile,
            plan,
            router,
            guard,
            caller_id,
            tariff,
            starts: data.start.into_iter().map(|start| start.into_inner().into()).collect(),
            schedules: data.schedules.map(|all| all.into_iter().map(Into::into).collect()),
            faults: core::mem::take(&mut self.faults),
            places: core::mem::take(&mut self.places),
        })
    }

    fn profile(&mut self, data: Option<Spanned<ProfileData>>) -> Profile {
        let Some(data) = data else { return Profile::russia() };
        self.places.profile = self.line(&data);
        let data = data.into_inner();
        let line = self.line(&data.country);
        let country = data.country.get_ref();
        let mut profile = match country.to_ascii_lowercase().as_str() {
            "russia" | "ru" => Profile::russia(),
            _ => match Profile::new(data.name.as_deref().unwrap_or(country), country) {
                Ok(profile) => profile,
                Err(error) => {
                    let text = format!(
                        "country `{country}` is neither built in nor a country code: {error}"
                    );
                    self.fault(Fault::BadValue, line, text);
                    return Profile::russia();
                }
            },
        };
        let digits = |reader: &mut Self, what, text: &Option<Spanned<String>>| {
            let text = text.as_ref()?;
            let line = reader.line(text);
            reader.digits(what, text.get_ref(), line).map(|digits| digits.to_string())
        };
        let set =
            |profile: &mut Profile,
             change: &dyn Fn(Profile) -> Result<Profile, crate::number::NumberError>| {
                if let Ok(changed) = change(profile.clone()) {
                    *profile = changed;
                }
            };
        if let Some(prefix) = digits(self, "international prefix", &data.international_prefix) {
            set(&mut profile, &|p| p.international_prefix(&prefix));
        }
        if let Some(prefix) = digits(self, "trunk prefix", &data.trunk_prefix) {
            set(&mut profile, &|p| p.trunk_prefix(&prefix));
        }
        if let Some(first) = digits(self, "first digits", &data.national_first) {
            set(&mut profile, &|p| p.national_first(&first));
        }
        if let Some(area) = digits(self, "area code", &data.area) {
            set(&mut profile, &|p| p.area(&area));
        }
        if let Some([from, to]) = data.national_lengths {
            profile = profile.national_lengths(from..=to);
        }
        if let Some(length) = data.local_length {
            profile = profile.local_length(length);
        }
        if data.bare_national.is_some() || data.bare_country_code.is_some() {
            let national = data.bare_national.unwrap_or(false);
            profile = profile.bare(national, data.bare_country_code.unwrap_or(false));
        }
        if let Some(numbers) = data.emergency {
            profile = profile.without_emergency();
            for number in numbers {
                if let Some(number) = digits(self, "emergency number", &Some(number)) {
                    set(&mut profile, &|p| p.emergency(&number));
                }
            }
        }
        for short in data.short {
            if let Some(starts) = digits(self, "short numbers", &Some(short.starts)) {
                set(&mut profile, &|p| p.short(&starts, short.length));
            }
        }
        profile
    }

    fn tariff(&mut self, file: &Spanned<String>) -> Option<Tariff> {
        let line = self.line(file);
        let name = file.get_ref();
        let table = match (self.fetch)(name) {
            Ok(table) => table,
            Err(why) => {
                self.fault(Fault::BadValue, line, format!("tariff `{name}` cannot be read: {why}"));
                return None;
            }
        };
        match Tariff::from_csv(&table) {
            Ok(tariff) => Some(tariff),
            Err(error) => {
                self.fault(Fault::BadValue, line, format!("tariff `{name}`, {error}"));
                None
            }
        }
    }

    fn plan(
        &mut self,
        contexts: BTreeMap<String, Spanned<ContextData>>,
    ) -> Result<Plan<Target>, FileError> {
        let mut builder = Plan::builder();
        let file = self.file;
        for (name, context) in contexts {
            let line = self.line(&context);
            builder.context(&name).written_at(Origin { file, line });
            let ContextData { include, extensions } = context.into_inner();
            for include in include {
                let line = self.line(&include);
                let (context, when) = match include.into_inner() {
                    IncludeData::Name(name) => (name, None),
                    IncludeData::When(when) => (when.context, when.when),
                };
                let origin = Some(Origin { file, line });
                builder.context(&name).include_when(&context, when.as_deref(), origin);
            }
            // By line, so that of equal extensions the one written first counts.
            let mut extensions: Vec<_> =
                extensions.into_iter().map(|(e, target)| (self.line(&target), e, target)).collect();
            extensions.sort_by_key(|(line, _, _)| *line);
            for (line, extension, target) in extensions {
                let target = match target.into_inner() {
                    TargetData::Local(name) => Target::Local(name.into()),
                    TargetData::External(external) => Target::External(external.external.into()),
                };
                let origin = Some(Origin { file, line });
                let step = Step { priority: 1, label: None, origin, target };
                if let Err(error) = builder.context(&name).add_step(&extension, step).map(|_| ()) {
                    self.fault(
                        Fault::BadExtension,
                        line,
                        format!("extension `{extension}`: {error}"),
                    );
                }
            }
        }
        Ok(builder.build()?)
    }

    fn router(
        &mut self,
        trunks: BTreeMap<String, Spanned<TrunkData>>,
        routes: BTreeMap<String, Spanned<RouteData>>,
        emergency: Option<Spanned<EmergencyData>>,
    ) -> Router {
        let trunks = trunks.into_iter().map(|(name, trunk)| self.trunk(&name, trunk)).collect();
        let mut taken: BTreeMap<Digits, (Box<str>, u32)> = BTreeMap::new();
        let mut sorted: Vec<_> =
            routes.into_iter().map(|(name, route)| (self.line(&route), name, route)).collect();
        sorted.sort_by_key(|(line, _, _)| *line);
        let routes = sorted
            .into_iter()
            .map(|(line, name, route)| self.route(line, &name, route.into_inner(), &mut taken))
            .collect();
        let emergency = match emergency {
            None => Emergency::default(),
            Some(data) => {
                self.places.emergency = self.line(&data);
                let data = data.into_inner();
                let number = data.urn_number.as_ref().and_then(|n| self.spanned("number", n));
                Emergency {
                    trunks: data.trunks.into_iter().map(Into::into).collect(),
                    urn_number: number.unwrap_or(Emergency::default().urn_number),
                }
            }
        };
        // Names are keys of the file and prefixes were looked at, so nothing is there twice.
        Router::new(trunks, routes, emergency).unwrap_or_else(|error| {
            self.fault(Fault::BadValue, 1, format!("{error}"));
            Router::empty()
        })
    }

    fn trunk(&mut self, name: &str, data: Spanned<TrunkData>) -> Trunk {
        self.places.trunks.push((name.into(), self.line(&data)));
        let data = data.into_inner();
        let mut trunk = Trunk::new(name);
        if let Some(number) = data.number {
            let line = self.line(&number);
            match Template::parse(number.get_ref()) {
                Ok(template) => trunk.number = template,
                Err(error) => {
                    let text = format!("number `{}` of trunk `{name}`: {error}", number.get_ref());
                    self.fault(Fault::BadValue, line, text);
                }
            }
        }
        trunk.capacity = data.capacity;
        trunk.schedule = data.schedule.map(Into::into);
        if let Some(statuses) = data.failover {
            trunk.failover.statuses = statuses;
        }
        if let Some(timeout) = data.timeout {
            trunk.failover.timeout = Duration::from_secs(timeout);
        }
        trunk.tariff = data.tariff.and_then(|file| self.tariff(&file));
        trunk
    }

    fn route(
        &mut self,
        line: u32,
        name: &str,
        data: RouteData,
        taken: &mut BTreeMap<Digits, (Box<str>, u32)>,
    ) -> Route {
        self.places.routes.push((name.into(), line));
        let mut prefixes = Vec::new();
        for prefix in &data.prefixes {
            let line = self.line(prefix);
            let Some(digits) = self.digits("prefix", prefix.get_ref(), line) else { continue };
            match taken.get(&digits) {
                None => {
                    taken.insert(digits, (name.into(), line));
                    prefixes.push(digits);
                }
                Some((other, first)) => {
                    let text = format!(
                        "prefix `{digits}` of route `{name}` is taken by route `{other}` in line {first} already"
                    );
                    self.fault(Fault::AmbiguousPrefix, line, text);
                }
            }
        }
        let mut choices = Vec::new();
        for choice in data.trunks {
            let line = self.line(&choice);
            self.places.choices.push((name.into(), choices.len(), line));
            choices.push(match choice.into_inner() {
                ChoiceData::Name(name) => Choice::new(&name),
                ChoiceData::Table(table) => Choice {
                    trunk: table.trunk.into(),
                    priority: table.priority.unwrap_or(1),
                    weight: table.weight.unwrap_or(1),
                    prefix: table.prefix.and_then(|prefix| self.digits("prefix", &prefix, line)),
                    schedule: table.schedule.map(Into::into),
                    cost: table.cost.and_then(|cost| self.parse("cost", &cost, line)),
                },
            });
        }
        let policy = match data.policy {
            None | Some(PolicyData::InOrder) => Policy::InOrder,
            Some(PolicyData::LeastCost) => Policy::LeastCost,
            Some(PolicyData::Weighted) => Policy::Weighted,
            Some(PolicyData::Percentage) => Policy::Percentage,
            Some(PolicyData::RoundRobin) => Policy::RoundRobin,
        };
        Route { name: name.into(), prefixes, policy, choices }
    }

    fn caller_id(&mut self, data: CallerIdData) -> CallerIdRules {
        let number = |reader: &mut Self, text: &Spanned<String>| -> Option<Number> {
            reader.spanned("number", text)
        };
        let company = data.company.as_ref().and_then(|text| number(self, text));
        let mut devices = BTreeMap::new();
        for (device, text) in &data.devices {
            if let Some(number) = number(self, text) {
                devices.insert(device.as_str().into(), number);
            }
        }
        let mut directions = BTreeMap::new();
        for (prefix, text) in &data.directions {
            let line = self.line(text);
            if let (Some(prefix), Some(number)) =
                (self.digits("direction", prefix, line), number(self, text))
            {
                self.once(&mut directions, prefix, number, line);
            }
        }
        let forwarding = match data.forwarding {
            None | Some(ForwardingData::Own) => Forwarding::Own,
            Some(ForwardingData::Caller) => Forwarding::Caller,
        };
        let directions = directions.into_iter().collect();
        CallerIdRules::new(forwarding, devices, directions, company).unwrap_or_else(|error| {
            self.fault(Fault::BadValue, 1, format!("{error}"));
            CallerIdRules::default()
        })
    }

    fn guard(&mut self, block: BlockData, spending: Vec<Spanned<SpendingData>>) -> Guard {
        let mut seen = BTreeMap::new();
        let mut blocked = Vec::new();
        for (prefix, reason) in &block.prefixes {
            let line = self.line(reason);
            let Some(digits) = self.digits("blocked prefix", prefix, line) else { continue };
            if self.once(&mut seen, digits, (), line) {
                blocked.push((digits, reason.get_ref().as_str().into()));
            }
        }
        let mut allowed = Vec::new();
        for prefix in &block.allow {
            let line = self.line(prefix);
            let Some(digits) = self.digits("allowed prefix", prefix.get_ref(), line) else {
                continue;
            };
            if self.once(&mut seen, digits, (), line) {
                allowed.push(digits);
            }
        }
        let mut limits = Vec::new();
        for limit in spending {
            let line = self.line(&limit);
            let limit = limit.into_inner();
            let amount: Option<Micros> = self.spanned("amount", &limit.amount);
            if limit.window == 0 {
                self.fault(Fault::BadValue, line, "a window of 0 s");
            } else if let Some(amount) = amount {
                limits.push(SpendingLimit { window: Duration::from_secs(limit.window), amount });
            }
        }
        Guard::new(blocked, allowed, limits).unwrap_or_else(|error| {
            self.fault(Fault::BadValue, 1, format!("{error}"));
            Guard::default()
        })
    }

    /// Keeps the first value of a prefix; a second one is a fault.
    fn once<V>(
        &mut self,
        all: &mut BTreeMap<Digits, V>,
        prefix: Digits,
        value: V,
        line: u32,
    ) -> bool {
        if all.contains_key(&prefix) {
            self.fault(Fault::AmbiguousPrefix, line, format!("prefix `{prefix}` is there twice"));
            return false;
        }
        all.insert(prefix, value);
        true
    }
}
