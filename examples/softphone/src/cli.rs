//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use sip_core::HostPort;

use crate::account::Given;
use crate::destination::Destination;
use crate::dial_string::DialString;
use crate::impair::Network;

/// A command-line telephone.
///
/// With an office-pbx started in the same folder, `softphone call 600` calls its echo test: server and
/// password come from office-pbx-data. Everywhere else give --server, --user and --password.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Exit status: 0 when it went well, 1 when registration or call failed, \
2 for a wrong command line, 130 when interrupted before there was a call."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Who we are and where we belong.
    #[command(flatten)]
    pub account: AccountOptions,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Register, to see that it works; the registration stays for its time.
    Register {
        /// Stay registered until Ctrl-C, then take the registration back.
        #[arg(long, conflicts_with = "remove")]
        keep: bool,
        /// Take every registration of the account back instead.
        #[arg(long)]
        remove: bool,
        /// Seconds to be registered for.
        #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..))]
        expires: u32,
    },
    /// Call a number of the server, or a URI anywhere.
    Call {
        /// A number such as 600, or a URI such as sip:bob@192.0.2.7:5070. A URI is called at its own
        /// host, unless --server is given.
        destination: Destination,
        /// Seconds after which nobody is expected to answer any more.
        #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
        ring_seconds: Duration,
        /// What to say and hear.
        #[command(flatten)]
        sound: SoundOptions,
    },
    /// Register, wait for a call, and answer it.
    Answer {
        /// Seconds to ring before answering.
        #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
        ring_seconds: Duration,
        /// Answer one call after the other until Ctrl-C, instead of one.
        #[arg(long, conflicts_with = "record")]
        keep: bool,
        /// Do not register: callers know the address of --listen (127.0.0.1:5070 when not given).
        #[arg(long)]
        no_register: bool,
        /// Send back what the caller says, instead of playing.
        #[arg(long, conflicts_with = "play")]
        echo: bool,
        /// Seconds to be registered for at a time.
        #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..))]
        expires: u32,
        /// What to say and hear.
        #[command(flatten)]
        sound: SoundOptions,
    },
}

/// Who we are and where we belong.
#[derive(Debug, Args)]
pub struct AccountOptions {
    /// The account of office-pbx-data/accounts.toml to use [default: 101].
    #[arg(long, global = true, value_name = "NUMBER")]
    account: Option<String>,
    /// The data folder of office-pbx.
    #[arg(long, global = true, value_name = "DIR", default_value = "office-pbx-data")]
    data: PathBuf,
    /// The server, with its port unless that is 5060.
    #[arg(long, global = true, value_name = "HOST[:PORT]")]
    pub server: Option<HostPort>,
    /// The user name, which is the number as well.
    #[arg(long, global = true, value_name = "NAME")]
    pub user: Option<String>,
    /// The password. Others on this machine may see it in the list of processes; the environment
    /// variable SOFTPHONE_PASSWORD keeps it from them.
    #[arg(long, global = true, value_name = "TEXT")]
    pub password: Option<String>,
    /// Use TCP for signalling.
    #[arg(long, global = true)]
    pub tcp: bool,
    /// Our own address for signalling; by default the one that leads to the server, at any free port.
    #[arg(long, global = true, value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
}

/// What to say and hear in a call.
#[derive(Debug, Args)]
pub struct SoundOptions {
    /// Play this WAV file (8 kHz, mono, 16 bits) once; silence after it, and without it.
    #[arg(long, value_name = "FILE")]
    pub play: Option<PathBuf>,
    /// Record what is heard into this WAV file.
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Let what comes through a bad network, to hear (`--record`) what becomes of it.
    #[arg(long, value_enum, value_name = "NETWORK")]
    pub impair: Option<Network>,
    /// Press these keys: 0-9, *, #, A-D, and ',' for a pause of one second.
    #[arg(long, value_name = "KEYS", default_value = "", hide_default_value = true)]
    pub dtmf: DialString,
    /// Seconds from the answer to the first key.
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    pub dtmf_delay: Duration,
    /// Seconds that each key is held.
    #[arg(long, value_name = "SECONDS", default_value = "0.1", value_parser = held)]
    pub dtmf_length: Duration,
    /// Seconds between two keys.
    #[arg(long, value_name = "SECONDS", default_value = "0.1", value_parser = seconds)]
    pub dtmf_gap: Duration,
    /// Hang up so many seconds after the answer; without it the call lasts until the other side hangs
    /// up, or Ctrl-C.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub seconds: Option<Duration>,
    /// Codecs, the preferred one first.
    #[arg(long, value_name = "CODECS", value_delimiter = ',', default_value = "pcma,pcmu")]
    pub codec: Vec<CodecName>,
    /// Milliseconds of sound that we would like to get in each packet, 10 to 60.
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u32).range(10..=60))]
    pub ptime: Option<u32>,
}

/// A codec by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CodecName {
    /// G.711 A-law.
    Pcma,
    /// G.711 mu-law.
    Pcmu,
}

impl AccountOptions {
    /// What was given, the environment's password included.
    pub fn given(&self) -> Given {
        Given {
            account: self.account.clone(),
            data: self.data.clone(),
            server: self.server.clone(),
            user: self.user.clone(),
            password: self.own_password(),
        }
    }

    /// The password given for this run.
    pub fn own_password(&self) -> Option<String> {
        self.password.clone().or_else(|| std::env::var("SOFTPHONE_PASSWORD").ok())
    }

    /// The name given for this run.
    pub fn own_name(&self) -> Option<&str> {
        self.user.as_deref().or(self.account.as_deref())
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let number: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(number)
        .ok()
        .filter(|duration| *duration <= Duration::from_secs(7 * 86_400))
        .ok_or_else(|| "seconds are 0 to 604800".to_owned())
}

fn held(text: &str) -> Result<Duration, String> {
    let length = seconds(text)?;
    let fits = Duration::from_millis(40)..=Duration::from_secs(5);
    fits.contains(&length).then_some(length).ok_or_else(|| "keys are held 0.04 to 5 s".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(std::iter::once("softphone").chain(line.split(' ')))
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn account_options_stand_on_either_side_of_the_command() {
        for line in ["--account 102 call 600", "call 600 --account 102", "call --account 102 600"] {
            let cli = parse(line).unwrap();
            assert_eq!(cli.account.own_name(), Some("102"), "{line}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for line in [
            "call",
            "call 6 --dtmf 12x",
            "call 6 --seconds -1",
            "call 6 --ptime 5",
            "call 6 --codec opus",
            "call sips:a@b",
            "answer --keep --record a.wav",
            "answer --echo --play a.wav",
            "register --keep --remove",
            "register --server [::1",
            "call 6 --dtmf-length 0",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
