//! An office telephone exchange that runs without configuration.
//!
//! `main` reads the command line and joins the parts: [`config`] (what the file says), [`accounts`]
//! (passwords of the data folder), [`office`] (numbers and services), [`log`] (what happens),
//! [`watch`] (metrics, bans and captures over HTTP), [`memory`] (what is not needed any more).
// One module, `memory`, calls one function of the C library.
#![deny(unsafe_code)]

mod accounts;
mod config;
mod log;
mod memory;
mod office;
mod watch;

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser;
use pbx::exchange::Settings as ExchangeSettings;
use pbx::server::{MediaBackend, Server, Settings, SipTrace};
use pbx::store::SqliteStore;
use sip_core::Transport;

use config::{Config, REFERENCE};

/// An office telephone exchange: extensions, an echo test, a voice menu and trunks.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Arguments {
    /// Configuration; without it four extensions are served on 127.0.0.1:5060.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where passwords, registrations and call records are kept.
    #[arg(long, value_name = "DIR", default_value = "office-pbx-data")]
    data: PathBuf,
    /// Prints every key of the configuration with its meaning, and ends.
    #[arg(long)]
    print_config: bool,
    /// Prints every SIP message to standard error.
    #[arg(long)]
    sip_trace: bool,
    /// How RTP is received and sent: auto takes the best that this system offers.
    #[arg(long, value_name = "NAME", default_value = "auto",
        value_parser = ["auto", "std", "mmsg", "io_uring"])]
    media_io: String,
    /// What to log: error, warn, info, debug, trace, or a filter such as `warn,pbx=debug`.
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    log: String,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.print_config {
        print!("{REFERENCE}");
        return ExitCode::SUCCESS;
    }
    memory::set_up();
    let outcome = log::start(&arguments.log).and_then(|()| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        // As a task of its own: waking what `block_on` runs costs a system call each time.
        runtime.block_on(async { tokio::spawn(serve(arguments)).await? })
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("office-pbx: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(arguments: Arguments) -> anyhow::Result<()> {
    let mut config = match &arguments.config {
        Some(path) => Config::load(path)?,
        None => Config::built_in(),
    };
    let first = config.listen_udp.first().or(config.listen_tcp.first()).copied();
    let server = reachable(first.context("no address to listen on")?);
    accounts::complete(&arguments.data, &mut config, &server.to_string())?;
    let store = SqliteStore::open(&arguments.data.join("office-pbx.sqlite"))
        .with_context(|| format!("the store in {} cannot be used", arguments.data.display()))?;
    let welcome = Welcome::new(&config, &arguments);
    let directory = office::directory(&mut config)?;
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| {
        anyhow::anyhow!("the operating system gives no random numbers: {error}")
    })?;
    allow_descriptors();
    let watch = match config.http {
        Some(address) => Some(watch::bind(address).await?),
        None => None,
    };
    let mut server = Server::start(
        server_settings(&config, &arguments),
        exchange_settings(&config),
        directory,
        Box::new(store),
        seed,
    )
    .await?;
    if let Some(watch) = watch {
        say(format_args!("metrics at http://{}/metrics", watch.address()));
        tokio::spawn(watch.serve(server.control()));
    }
    welcome.print(&server);
    drop((welcome, config));
    memory::give_back();
    let mut log = log::Log::default();
    let mut interrupted = Signals::new()?;
    loop {
        tokio::select! {
            event = server.event() => match event {
                Some(event) => log.event(&event),
                None => anyhow::bail!("the server has ended by itself; see the log"),
            },
            signal = interrupted.next() => {
                say(format_args!("{signal}: no new calls; saying goodbye to the rest"));
                break;
            }
        }
    }
    let progress = server.stop().await;
    say(format_args!("stopped; {} entries are durable", progress.durable));
    anyhow::ensure!(progress.lost == 0, "{} entries could not be written", progress.lost);
    Ok(())
}

/// Prints a line. Calls go on when nobody reads it any more.
fn say(line: std::fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Every call takes descriptors: as many are asked for as this user may have.
fn allow_descriptors() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let limits = getrlimit(Resource::Nofile);
    // Without more there are fewer calls at a time; that is no reason not to start.
    let _ =
        setrlimit(Resource::Nofile, rustix::process::Rlimit { current: limits.maximum, ..limits });
}

fn server_settings(config: &Config, arguments: &Arguments) -> Settings {
    let udp = config.listen_udp.iter().map(|address| (Transport::Udp, *address));
    let tcp = config.listen_tcp.iter().map(|address| (Transport::Tcp, *address));
    Settings {
        listen: udp.chain(tcp).collect(),
        rtp_address: config.rtp_address,
        rtp_ports: config.rtp_ports.clone(),
        media_backends: match arguments.media_io.as_str() {
            "std" => vec![MediaBackend::Std],
            "mmsg" => vec![MediaBackend::Mmsg],
            "io_uring" => vec![MediaBackend::IoUring],
            _ => Settings::default().media_backends,
        },
        sip_trace: arguments.sip_trace.then(|| SipTrace::new(std::io::stderr())),
        front: config.front.clone(),
        hep: config.hep,
        kept_messages: config.kept_messages,
        when_calm: Some(memory::give_back),
        ..Settings::default()
    }
}

fn exchange_settings(config: &Config) -> ExchangeSettings {
    ExchangeSettings {
        realm: config.realm.clone(),
        extension_context: office::extension_context(),
        ring_time: config.ring_time,
        silence_limit: config.silence_limit,
        media_networks: config.media_networks.clone(),
        max_calls: config.max_calls,
        emergency: config.emergency.clone(),
        external_address: config.external_address,
        ..ExchangeSettings::default()
    }
}

/// So many extensions are named.
const SHOWN: usize = 20;

/// What runs, and what to do next.
struct Welcome(String);

impl Welcome {
    fn new(config: &Config, arguments: &Arguments) -> Self {
        let all = config.extensions.len();
        let shown = config.extensions.iter().take(SHOWN).map(|extension| &*extension.number);
        let mut numbers = shown.collect::<Vec<&str>>().join(", ");
        if all > SHOWN {
            numbers += &format!(" and {} more", all - SHOWN);
        }
        let accounts = arguments.data.join("accounts.toml");
        let mut text =
            format!("extensions {numbers}; their passwords are in {}\n", accounts.display());
        for service in &config.services {
            text += &format!("dial {} for {}\n", service.number, service.kind);
        }
        for trunk in &config.trunks {
            text += &format!("trunk {} at {}\n", trunk.name, trunk.address);
        }
        Self(text)
    }

    fn print(&self, server: &Server) {
        let at = |wanted: Transport| {
            let addresses = server.addresses().iter().filter(|(transport, _)| *transport == wanted);
            addresses.map(|(_, address)| address.to_string()).collect::<Vec<_>>().join(", ")
        };
        say(format_args!("office-pbx {} listens on", env!("CARGO_PKG_VERSION")));
        for (name, transport) in [("UDP", Transport::Udp), ("TCP", Transport::Tcp)] {
            say(format_args!("  {name}  {}", at(transport)));
        }
        say(format_args!(
            "{}try it from the same folder: cargo run --release -p softphone -- call 600\nCtrl-C stops it",
            self.0
        ));
    }
}

/// The address to give to telephones on this machine when every address is listened on.
fn reachable(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => ([127, 0, 0, 1], v4.port()).into(),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => {
            (std::net::Ipv6Addr::LOCALHOST, v6.port()).into()
        }
        other => other,
    }
}

/// SIGINT and SIGTERM.
struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    #[cfg(unix)]
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    #[cfg(not(unix))]
    fn new() -> std::io::Result<Self> {
        Ok(Self {})
    }

    #[cfg(unix)]
    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }

    #[cfg(not(unix))]
    async fn next(&mut self) -> &'static str {
        let _ = tokio::signal::ctrl_c().await;
        "Ctrl-C"
    }
}
