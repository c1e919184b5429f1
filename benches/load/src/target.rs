//! The server: office-pbx, started for the purpose, or one that runs already.

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use anyhow::{Context as _, bail};
use clap::Args;
use rustix::process::{Pid, Signal, kill_process};

use crate::registrant::Account;

/// Which server.
#[derive(Clone, Debug, Args)]
pub(crate) struct Where {
    /// A server that runs already; without it office-pbx is started with a configuration that fits.
    #[arg(long, value_name = "ADDRESS:PORT")]
    target: Option<SocketAddr>,
    /// Its process, to be measured.
    #[arg(long)]
    pid: Option<u32>,
    /// The port on 127.0.0.1 that we call from; such a server has to let it in.
    #[arg(long, default_value_t = 0)]
    from_port: u16,
    /// The port on 127.0.0.1 that bridged calls have to arrive at.
    #[arg(long, default_value_t = 0)]
    at_port: u16,
    /// What to dial for a call that the server answers.
    #[arg(long, default_value = "600")]
    answered: String,
    /// What to dial for a call to our telephone.
    #[arg(long, default_value = "9123")]
    bridged: String,
    /// The first of the users that register; their numbers count up.
    #[arg(long, default_value_t = 1_000)]
    first_user: u32,
    /// How many users there are.
    #[arg(long, default_value_t = 100)]
    users: u32,
    /// The password of each; `%` in it stands for the user.
    #[arg(long, default_value = "load-%-password")]
    password: String,
    /// Confines office-pbx to this share of a core, by cgroup, or else by stopping it in turn.
    #[arg(long, value_name = "SHARE")]
    quota: Option<f64>,
    /// Another office-pbx than the one beside this program.
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// A further argument for office-pbx, such as `--argument=--media-io=mmsg`.
    #[arg(long, value_name = "ARGUMENT", allow_hyphen_values = true)]
    argument: Vec<String>,
}

impl Where {
    /// The back end for RTP that office-pbx is told to use.
    pub(crate) fn media_io(&self) -> Option<&str> {
        self.argument.iter().find_map(|argument| argument.strip_prefix("--media-io="))
    }

    /// The same with another number of users.
    pub(crate) fn with_users(&self, users: u32) -> Self {
        Self { users, ..self.clone() }
    }

    /// Confines office-pbx to this share of a core, unless another one was asked for.
    pub(crate) fn confine(&mut self, share: f64) {
        self.quota.get_or_insert(share);
    }
}

/// A server that is ready.
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    /// Its process, if it can be measured.
    pub(crate) pid: Option<u32>,
    /// For the one who calls.
    pub(crate) caller: Option<UdpSocket>,
    /// For the one who is called.
    pub(crate) callee: Option<UdpSocket>,
    pub(crate) answered: String,
    pub(crate) bridged: String,
    pub(crate) accounts: Vec<Account>,
    /// From its start until it said that it listens.
    pub(crate) ready: Option<Duration>,
    process: Option<Process>,
}

/// office-pbx, ended when dropped.
struct Process {
    child: Child,
    confinement: Option<Confinement>,
    /// Its configuration and data.
    folder: tempfile::TempDir,
}

impl Target {
    /// Finds the server or starts one.
    ///
    /// # Errors
    ///
    /// office-pbx cannot be built or started, or ports are taken.
    pub(crate) fn open(place: &Where) -> anyhow::Result<Self> {
        let bind = |port| {
            UdpSocket::bind(("127.0.0.1", port)).with_context(|| format!("port {port} is taken"))
        };
        let (caller, callee) = (bind(place.from_port)?, bind(place.at_port)?);
        let account = |number: u32| {
            let user = number.to_string();
            Account { password: place.password.replace('%', &user), user }
        };
        let users = place.first_user..place.first_user + place.users;
        let mut target = Self {
            address: ([127, 0, 0, 1], 0).into(),
            pid: place.pid,
            caller: None,
            callee: None,
            answered: place.answered.clone(),
            bridged: place.bridged.clone(),
            accounts: users.map(account).collect(),
            ready: None,
            process: None,
        };
        if let Some(address) = place.target {
            anyhow::ensure!(place.quota.is_none(), "--quota confines office-pbx, not --target");
            target.address = address;
        } else {
            target.start(place, caller.local_addr()?, callee.local_addr()?)?;
        }
        (target.caller, target.callee) = (Some(caller), Some(callee));
        Ok(target)
    }

    fn start(
        &mut self,
        place: &Where,
        caller: SocketAddr,
        callee: SocketAddr,
    ) -> anyhow::Result<()> {
        self.address = free_address()?;
        let folder = tempfile::tempdir()?;
        fs::write(folder.path().join(CONFIG), configuration(self, caller, callee))?;
        self.launch(place, folder)
    }

    /// Ends office-pbx and starts it again, with what it has kept.
    ///
    /// # Errors
    ///
    /// It cannot be started, or was not started here.
    pub(crate) fn restart(&mut self, place: &Where) -> anyhow::Result<()> {
        let mut process = self.process.take().context("only office-pbx is started here")?;
        let folder = std::mem::replace(&mut process.folder, tempfile::tempdir()?);
        drop(process);
        self.launch(place, folder)
    }

    fn launch(&mut self, place: &Where, folder: tempfile::TempDir) -> anyhow::Result<()> {
        let program = match &place.program {
            Some(program) => program.clone(),
            None => beside_us()?,
        };
        let began = Instant::now();
        let mut child = Command::new(&program)
            .arg("--config")
            .arg(folder.path().join(CONFIG))
            .arg("--data")
            .arg(folder.path().join("data"))
            .args(["--log", "error"])
            .args(&place.argument)
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{} does not start", program.display()))?;
        let output = child.stdout.take().context("office-pbx has no output")?;
        let mut lines = BufReader::new(output).lines();
        if !lines.by_ref().map_while(Result::ok).any(|line| line.contains("Ctrl-C stops it")) {
            let _ = child.wait();
            bail!("office-pbx ended at once; it says why above");
        }
        self.ready = Some(began.elapsed());
        // What it says from here on nobody reads, but it must not wait for a reader.
        thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        self.pid = Some(child.id());
        let confinement = place.quota.map(|share| Confinement::of(child.id(), share)).transpose();
        let process = Process { child, confinement: None, folder };
        self.process.insert(process).confinement = confinement?;
        Ok(())
    }

    /// How the server is confined, for the report.
    pub(crate) fn confinement(&self) -> Option<String> {
        let confinement = self.process.as_ref()?.confinement.as_ref()?;
        Some(confinement.means.clone())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.confinement = None;
        if let Some(pid) = Pid::from_raw(self.child.id() as i32) {
            let _ = kill_process(pid, Signal::TERM);
        }
        let _ = self.child.wait();
    }
}

/// The configuration's name in its folder.
const CONFIG: &str = "load.toml";

/// The program office-pbx of the same build; built when it is not there.
fn beside_us() -> anyhow::Result<PathBuf> {
    let us = env::current_exe()?;
    let program = us.with_file_name(format!("office-pbx{}", env::consts::EXE_SUFFIX));
    if !program.exists() {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built =
            Command::new(cargo).args(["build", "--release", "-p", "office-pbx"]).status()?;
        anyhow::ensure!(built.success() && program.exists(), "office-pbx cannot be built");
    }
    Ok(program)
}

/// A port that UDP and TCP have free.
fn free_address() -> anyhow::Result<SocketAddr> {
    for _ in 0..64 {
        let udp = UdpSocket::bind("127.0.0.1:0")?;
        let address = udp.local_addr()?;
        if std::net::TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
    bail!("no port is free")
}

fn configuration(target: &Target, caller: SocketAddr, callee: SocketAddr) -> String {
    let extensions: String = target
        .accounts
        .iter()
        .map(|Account { user, password }| {
            format!("[[extension]]\nnumber = \"{user}\"\npassword = \"{password}\"\n")
        })
        .collect();
    format!(
        r#"[listen]
udp = ["{server}"]
tcp = ["{server}"]
[calls]
max_calls = 100000
silence_seconds = 0
{extensions}
[[service]]
number = "{answered}"
kind = "echo"
[[trunk]]
name = "from"
address = "{caller}"
[[trunk]]
name = "to"
address = "{callee}"
[[route]]
pattern = "{bridged}"
trunk = "to"
from = ["from"]
"#,
        server = target.address,
        answered = target.answered,
        bridged = target.bridged,
    )
}

/// Keeps a process below a share of a core.
struct Confinement {
    means: String,
    group: Option<PathBuf>,
    ends: Arc<AtomicBool>,
}

/// The period in which a confined process gets its share, as that of `cpu.max` by default.
const PERIOD: Duration = Duration::from_millis(100);

impl Confinement {
    fn of(pid: u32, share: f64) -> anyhow::Result<Self> {
        anyhow::ensure!(share > 0.0 && share <= 1.0, "a quota is above 0 and at most 1");
        let ends = Arc::new(AtomicBool::new(false));
        if let Ok(group) = control_group(pid, share) {
            let means = format!("{share} of a core, by cgroup");
            return Ok(Self { means, group: Some(group), ends });
        }
        let pid = Pid::from_raw(pid as i32).context("no process")?;
        let ended = ends.clone();
        thread::spawn(move || {
            // In tenths of the period, so that it never stands for long.
            let period = PERIOD / 10;
            while !ended.load(Ordering::Relaxed) {
                thread::sleep(period.mul_f64(share));
                let _ = kill_process(pid, Signal::STOP);
                thread::sleep(period.mul_f64(1.0 - share));
                let _ = kill_process(pid, Signal::CONT);
            }
        });
        let means = format!("{share} of the time, stopped for the rest");
        Ok(Self { means, group: None, ends })
    }
}

impl Drop for Confinement {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        // The process leaves its group when it ends; an empty one can be removed then.
        if let Some(group) = self.group.take() {
            let version_2 = group.join("cpu.max");
            let _ = match version_2.exists() {
                true => fs::write(version_2, "max"),
                false => fs::write(group.join("cpu.cfs_quota_us"), "-1"),
            };
            thread::spawn(move || {
                thread::sleep(Duration::from_secs(1));
                let _ = fs::remove_dir(group);
            });
        } else {
            thread::sleep(PERIOD);
        }
    }
}

/// A group of control groups, version 2 or 1, in which a process gets a share of a core.
fn control_group(pid: u32, share: f64) -> std::io::Result<PathBuf> {
    let root = PathBuf::from("/sys/fs/cgroup");
    let period = PERIOD.as_micros();
    let quota = (period as f64 * share) as u64;
    // Without this file it is a folder like any other, and what is written there confines nobody.
    let (group, limits) = if root.join("cgroup.controllers").exists() {
        (root.join(format!("load-{pid}")), vec![("cpu.max", format!("{quota} {period}"))])
    } else {
        let period = ("cpu.cfs_period_us", period.to_string());
        let quota = ("cpu.cfs_quota_us", quota.to_string());
        (root.join(format!("cpu/load-{pid}")), vec![period, quota])
    };
    fs::create_dir(&group)?;
    let write = |(name, value): &(&str, String)| {
        let file = group.join(name);
        if !file.exists() {
            return Err(std::io::ErrorKind::Unsupported.into());
        }
        fs::write(file, value)
    };
    let outcome = limits
        .iter()
        .try_for_each(write)
        .and_then(|()| fs::write(group.join("cgroup.procs"), pid.to_string()));
    if let Err(error) = outcome {
        let _ = fs::remove_dir(&group);
        return Err(error);
    }
    Ok(group)
}
