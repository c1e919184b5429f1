//! The configuration file.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use calendar::{
    Calendar,
    arithmetic::DayLength,
    production::{Fallback, country},
};
use jiff::{Timestamp, tz::TimeZone};
use serde::Deserialize;

use crate::letter::{Letter, Person, default_letters};

/// What the program is told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The database.
    #[serde(default = "default_database")]
    pub database: PathBuf,
    /// The zone whose days and clock count.
    #[serde(default = "default_zone")]
    pub zone: String,
    /// The production calendar: a country's code, or a file.
    #[serde(default = "default_calendar")]
    pub calendar: String,
    /// Whether years without data go by the weekend; else their processes end with an error.
    #[serde(default)]
    pub weekends_without_data: bool,
    /// How many working days before each letter.
    #[serde(default = "default_wait")]
    pub wait_working_days: u16,
    /// To try the process out: so many seconds instead of working days.
    #[serde(default)]
    pub wait_seconds: Option<u32>,
    /// How many letters at most.
    #[serde(default = "default_letters_at_most")]
    pub letters: u16,
    /// The status that a lead gets when it calls or writes.
    #[serde(default = "default_answered")]
    pub status_after_contact: String,
    /// Where events and leads come in.
    #[serde(default = "default_http")]
    pub http: SocketAddr,
    /// What requests must carry as `Authorization: Bearer …`; needed unless `http` is loopback.
    #[serde(default)]
    pub token: Option<String>,
    /// The mail server.
    #[serde(default)]
    pub smtp: Option<Smtp>,
    /// Or a folder that letters are written to.
    #[serde(default)]
    pub files: Option<PathBuf>,
    /// Who is responsible for leads.
    #[serde(default, rename = "person")]
    pub people: Vec<Person>,
    /// The letters, the first for the first time and so on; the last serves for all after it.
    #[serde(default = "default_letters", rename = "letter")]
    pub texts: Vec<Letter>,
}

/// A mail server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Smtp {
    /// Its name or address.
    pub host: String,
    /// 587 for `starttls`, 465 for `tls`, 25 for `none`, unless given.
    pub port: Option<u16>,
    /// How the connection is protected.
    #[serde(default)]
    pub security: Security,
    /// Who logs in.
    pub user: Option<String>,
    /// With what.
    pub password: Option<String>,
    /// How long to wait for the server.
    #[serde(default = "default_timeout")]
    pub timeout_seconds: u64,
}

/// How a connection to a mail server is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    /// TLS after STARTTLS.
    #[default]
    Starttls,
    /// TLS from the first byte.
    Tls,
    /// Not at all.
    None,
}

impl Config {
    /// Reads and checks a configuration; relative paths in it are beside it.
    pub fn load(path: &Path) -> Result<Self> {
        let name = path.display();
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
        let mut config: Self = toml::from_str(&text).with_context(|| name.to_string())?;
        let folder = path.parent().unwrap_or(Path::new(""));
        config.database = folder.join(&config.database);
        config.files = config.files.map(|files| folder.join(files));
        if config.calendar.contains('.') {
            config.calendar = folder.join(&config.calendar).display().to_string();
        }
        // What other files and databases say is checked here, and told with its line.
        calendar::zone(&config.zone).with_context(|| place(&name.to_string(), &text, "zone"))?;
        config.load_calendar().with_context(|| place(&name.to_string(), &text, "calendar"))?;
        config.check().with_context(|| name.to_string())?;
        Ok(config)
    }

    fn check(&self) -> Result<()> {
        match (&self.smtp, &self.files) {
            (Some(_), Some(_)) => bail!("smtp and files: letters go to one of the two; remove one"),
            (None, None) => bail!("letters have nowhere to go; add [smtp], or files = \"outbox\""),
            (Some(smtp), None) if smtp.user.is_some() != smtp.password.is_some() => {
                bail!("smtp: user and password go together")
            }
            (Some(smtp), None) if smtp.user.is_some() && smtp.security == Security::None => {
                bail!("smtp: a password is not sent without TLS; set security = \"starttls\"")
            }
            _ => {}
        }
        if self.token.is_none() && !self.http.ip().is_loopback() {
            bail!("http = \"{}\" is open to others; set a token", self.http);
        }
        if self.letters == 0 || self.texts.is_empty() {
            bail!("letters: at least one is needed");
        }
        if self.people.is_empty() {
            bail!(
                "person: name at least one responsible, as [[person]] with id, name, email, signature"
            );
        }
        for (index, person) in self.people.iter().enumerate() {
            let same = |other: &Person| other.id == person.id;
            if self.people.iter().take(index).any(same) {
                bail!("person: the id {:?} is given twice", person.id);
            }
            person.mailbox().with_context(|| format!("person {:?}", person.id))?;
        }
        Ok(())
    }

    /// The rules by which the process waits.
    pub fn waits(&self) -> Result<Waits> {
        Ok(Waits {
            calendar: self.load_calendar()?,
            zone: calendar::zone(&self.zone)?,
            working_days: i32::from(self.wait_working_days),
            instead: self.wait_seconds.map(|seconds| Duration::from_secs(seconds.into())),
        })
    }

    fn load_calendar(&self) -> Result<Calendar> {
        let name = &self.calendar;
        let calendar = if name.contains('.') {
            let text = std::fs::read_to_string(name)
                .with_context(|| format!("calendar: cannot read {name}"))?;
            Calendar::from_file(&text, name)?
        } else {
            country(name)?
        };
        let weekends = self.weekends_without_data;
        Ok(calendar.with_fallback(if weekends { Fallback::Weekends } else { Fallback::Refuse }))
    }

    /// The responsible person of this `id`.
    pub fn person(&self, id: &str) -> Option<&Person> {
        self.people.iter().find(|person| person.id == id)
    }

    /// The text of the `number`th letter, from 1.
    pub fn letter(&self, number: u32) -> Option<&Letter> {
        let index = usize::try_from(number).unwrap_or(usize::MAX).saturating_sub(1);
        self.texts.get(index.min(self.texts.len().saturating_sub(1)))
    }
}

/// `follow-up.toml:3: zone`, where a key stands.
fn place(file: &str, text: &str, key: &str) -> String {
    let table = toml::de::DeTable::parse(text).ok();
    let span = table.and_then(|table| Some(table.get_ref().get(key)?.span()));
    let line = span.and_then(|span| Some(text.get(..span.start)?.lines().count().max(1)));
    match line {
        Some(line) => format!("{file}:{line}: {key}"),
        None => format!("{file}: {key}"),
    }
}

/// How long the process waits before a letter.
#[derive(Clone, Debug)]
pub struct Waits {
    calendar: Calendar,
    zone: TimeZone,
    working_days: i32,
    instead: Option<Duration>,
}

impl Waits {
    /// When the letter is due that is waited for from `start` on: working days later, at the same
    /// time of day.
    pub fn due(&self, start: Timestamp) -> Result<Timestamp> {
        if let Some(instead) = self.instead {
            return Ok(start.checked_add(instead)?);
        }
        let start = start.to_zoned(self.zone.clone());
        let due = self.calendar.add_working_days_to(&start, self.working_days, DayLength::Civil)?;
        Ok(due.timestamp())
    }

    /// `t` if it lies on a working day, else the same time of the next one: what became due while
    /// the program was not running does not go out on a Sunday.
    pub fn on_working_day(&self, t: Timestamp) -> Result<Timestamp> {
        let at = t.to_zoned(self.zone.clone());
        if self.instead.is_some() || self.calendar.is_working(at.date())? {
            return Ok(t);
        }
        let next = self.calendar.add_working_days_to(&at, 1, DayLength::Civil)?;
        Ok(next.timestamp())
    }

    /// The zone whose days and clock count.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }
}

fn default_database() -> PathBuf {
    "follow-up.sqlite".into()
}

fn default_zone() -> String {
    "Europe/Moscow".into()
}

fn default_calendar() -> String {
    "RU".into()
}

fn default_wait() -> u16 {
    3
}

fn default_letters_at_most() -> u16 {
    6
}

fn default_answered() -> String {
    "answered".into()
}

fn default_http() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8085))
}

fn default_timeout() -> u64 {
    20
}
