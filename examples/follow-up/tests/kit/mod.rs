//! A mail server of the test, and a configuration for it.
#![allow(dead_code, reason = "each test file uses a part")]

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    sync::{Arc, Mutex},
};

use follow_up::{
    config::Config,
    engine::{Engine, Rules},
    lead::NewLead,
    outbox,
    store::Store,
};
use jiff::Timestamp;

/// A message as the mail server got it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mail {
    pub(crate) to: String,
    pub(crate) text: String,
}

impl Mail {
    pub(crate) fn header(&self, name: &str) -> &str {
        let line = self.text.lines().find(|line| line.starts_with(name)).unwrap_or("");
        line[name.len().min(line.len())..].trim_start_matches(':').trim()
    }
}

/// Accepts mail on a port of its own; can be told to refuse.
#[derive(Clone)]
pub(crate) struct MailServer {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    mails: Vec<Mail>,
    busy: u32,
    refuse: bool,
}

impl MailServer {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self { address: listener.local_addr().unwrap(), state: Arc::default() };
        let state = Arc::clone(&server.state);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                // A client that was killed ends its conversation with an error.
                let _ = converse(stream, &state);
            }
        });
        server
    }

    pub(crate) fn mails(&self) -> Vec<Mail> {
        self.state.lock().unwrap().mails.clone()
    }

    /// Answers the next `times` conversations with "421 busy".
    pub(crate) fn be_busy(&self, times: u32) {
        self.state.lock().unwrap().busy = times;
    }

    /// Refuses every recipient for good.
    pub(crate) fn refuse(&self) {
        self.state.lock().unwrap().refuse = true;
    }
}

fn converse(mut stream: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let busy = {
        let mut state = state.lock().unwrap();
        let busy = state.busy > 0;
        state.busy = state.busy.saturating_sub(1);
        busy
    };
    if busy {
        return stream.write_all(b"421 busy, come back later\r\n");
    }
    stream.write_all(b"220 test\r\n")?;
    let mut to = String::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let upper = line.to_ascii_uppercase();
        if upper.starts_with("RCPT TO:") {
            if state.lock().unwrap().refuse {
                stream.write_all(b"550 no such person\r\n")?;
                continue;
            }
            to = line[8..].split(['<', '>']).nth(1).unwrap_or("").to_string();
            stream.write_all(b"250 ok\r\n")?;
        } else if upper.starts_with("DATA") {
            stream.write_all(b"354 go on\r\n")?;
            let mut text = String::new();
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line)? == 0 {
                    return Ok(());
                }
                if line == ".\r\n" {
                    break;
                }
                text += line.strip_prefix('.').unwrap_or(&line);
            }
            state.lock().unwrap().mails.push(Mail { to: to.clone(), text });
            stream.write_all(b"250 taken\r\n")?;
        } else if upper.starts_with("QUIT") {
            return stream.write_all(b"221 bye\r\n");
        } else {
            stream.write_all(b"250 ok\r\n")?;
        }
    }
}

/// A configuration whose letters go to `server`, or to files without one.
pub(crate) fn config(folder: &Path, server: Option<SocketAddr>, more: &str) -> std::path::PathBuf {
    let outbox = match server {
        Some(address) => format!(
            "[smtp]\nhost = \"{}\"\nport = {}\nsecurity = \"none\"\ntimeout_seconds = 60\n",
            address.ip(),
            address.port()
        ),
        None => String::new(),
    };
    let files = if server.is_none() { "files = \"outbox\"\n" } else { "" };
    let text = format!(
        "http = \"127.0.0.1:0\"\n{more}\n{files}[[person]]\nid = \"anna\"\nname = \"Anna Petrova\"\n\
         email = \"anna@example.com\"\nsignature = \"Anna Petrova, Sales\"\n{outbox}"
    );
    let path = folder.join("follow-up.toml");
    std::fs::write(&path, text).unwrap();
    path
}

pub(crate) fn engine(config: &Path) -> Engine {
    let config = Config::load(config).unwrap();
    let store = Store::open(&config.database).unwrap();
    let outbox = outbox::from_config(&config).unwrap();
    Engine::new(store, Rules::new(config).unwrap(), outbox)
}

pub(crate) fn lead() -> NewLead {
    NewLead {
        title: "Ten telephones".into(),
        contact: "Ivan Sidorov".into(),
        email: "Ivan@Customer.example".into(),
        phone: "+7 (916) 123-45-67".into(),
        responsible: "anna".into(),
        status: "pressing".into(),
    }
}

/// An instant on Moscow's clock.
pub(crate) fn at(text: &str) -> Timestamp {
    format!("{text}+03:00").parse().unwrap()
}

/// The clock jumps from one thing that is due to the next, until nothing is or `end` is reached.
pub(crate) fn run_until(engine: &mut Engine, end: Timestamp) {
    while let Some(wake) = engine.wake().unwrap().filter(|wake| *wake < end) {
        while engine.step(wake).unwrap() {}
    }
}
