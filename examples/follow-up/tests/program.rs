//! The program itself: killed and started again, events over HTTP, the dry run.

mod kit;

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use kit::{MailServer, config};

struct Program {
    child: Child,
    address: String,
}

impl Program {
    fn start(config: &Path) -> Self {
        Self::start_with_log(config, Stdio::null())
    }

    fn start_with_log(config: &Path, log: Stdio) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_follow-up"))
            .args(["--config", config.to_str().unwrap(), "run"])
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").unwrap().to_string();
        Self { child, address }
    }

    /// SIGKILL.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn request(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        self.request_with(method, path, body, "")
    }

    fn request_with(&self, method: &str, path: &str, body: &str, header: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n\
             {header}Content-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        let body = answer.split("\r\n\r\n").nth(1).unwrap_or("").to_string();
        (status, body)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Already gone when it was killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const LEAD: &str = r#"{"title": "Ten telephones", "contact": "Ivan", "email": "ivan@customer.example",
                      "phone": "+7 916 123-45-67", "responsible": "anna"}"#;

/// Waits for something that must happen, without caring how soon.
fn until(what: &str, mut happened: impl FnMut() -> bool) {
    let start = Instant::now();
    while !happened() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what} did not happen");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn killed_again_and_again_it_sends_every_letter() {
    let folder = tempfile::tempdir().unwrap();
    let server = MailServer::start();
    let path = config(folder.path(), Some(server.address), "wait_seconds = 0");
    let program = Program::start(&path);
    let (status, body) = program.request("POST", "/leads", LEAD);
    assert_eq!((status, body.as_str()), (201, "{\"id\":1}"));
    program.kill();
    // However far each run comes, the next goes on from there.
    for _ in 0..8 {
        let before = server.mails().len();
        let program = Program::start(&path);
        until("a letter or the end", || {
            server.mails().len() > before
                || program.request("GET", "/leads/1", "").1.contains("\"ended\"")
        });
        program.kill();
    }
    let program = Program::start(&path);
    until("the end", || program.request("GET", "/leads/1", "").1.contains("all letters sent"));
    let ids: BTreeSet<String> =
        server.mails().iter().map(|mail| mail.header("Message-ID").to_string()).collect();
    assert_eq!(ids.len(), 12, "{ids:?}");
}

#[test]
fn a_call_over_http_ends_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(&config(folder.path(), None, ""));
    assert_eq!(program.request("POST", "/leads", LEAD).0, 201);
    assert!(program.request("GET", "/leads", "").1.contains("\"waiting\""));
    let call = r#"{"kind": "call", "from": "89161234567"}"#;
    assert_eq!(program.request("POST", "/events", call), (200, "{\"ended\":[1]}".into()));
    assert_eq!(program.request("POST", "/events", call), (200, "{\"ended\":[]}".into()));
    let (_, body) = program.request("GET", "/leads/1", "");
    assert!(body.contains("the lead called") && body.contains("answered"), "{body}");
    assert_eq!(program.request("PUT", "/leads/1/status", r#"{"status": "pressing"}"#).0, 204);
    assert_eq!(program.request("PUT", "/leads/2/status", r#"{"status": "pressing"}"#).0, 404);
    // Mistakes are told.
    let (status, body) = program.request("POST", "/events", r#"{"kind": "fax", "from": "1"}"#);
    assert_eq!(status, 422);
    assert!(body.contains("unknown variant"), "{body}");
    let (status, body) = program.request("POST", "/leads", &LEAD.replace("anna", "berta"));
    assert_eq!(status, 422);
    assert!(body.contains("no responsible person"), "{body}");
    assert_eq!(program.request("POST", "/leads", &LEAD.replace("ivan@", "")).0, 422);
    assert_eq!(program.request("GET", "/leads/7", "").0, 404);
}

#[test]
fn a_mail_server_that_is_down_shows_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let log = folder.path().join("log");
    let file = std::fs::File::create(&log).unwrap();
    let path = config(folder.path(), Some(free), "wait_seconds = 0");
    let program = Program::start_with_log(&path, file.into());
    assert_eq!(program.request("POST", "/leads", LEAD).0, 201);
    until("the failure", || {
        let log = std::fs::read_to_string(&log).unwrap();
        log.contains("not sent") && log.contains("failures=1") && log.contains("refused")
    });
    // The log is written before the store is.
    until("the failure in the history", || {
        program.request("GET", "/leads/1", "").1.contains("letter 1 not sent, next try")
    });
}

#[test]
fn requests_need_the_token() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(&config(folder.path(), None, "token = \"secret\""));
    assert_eq!(program.request("GET", "/leads", "").0, 401);
    let wrong = "Authorization: Bearer secrets\r\n";
    assert_eq!(program.request_with("GET", "/leads", "", wrong).0, 401);
    let right = "Authorization: Bearer secret\r\n";
    assert_eq!(program.request_with("GET", "/leads", "", right).0, 200);
}

#[test]
fn the_dry_run_prints_the_timetable() {
    let folder = tempfile::tempdir().unwrap();
    let path = config(folder.path(), None, "");
    let output = Command::new(env!("CARGO_BIN_EXE_follow-up"))
        .args(["--config", path.to_str().unwrap(), "dry-run", "--start", "2026-12-24T10:00"])
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "a lead that becomes pressing 2026-12-24 10:00\n\
         \x20 letter 1   2026-12-29 10:00 Tuesday\n\
         \x20 letter 2   2027-01-12 10:00 Tuesday\n\
         \x20 letter 3   2027-01-15 10:00 Friday\n\
         \x20 letter 4   2027-01-20 10:00 Wednesday\n\
         \x20 letter 5   2027-01-25 10:00 Monday\n\
         \x20 letter 6   2027-01-28 10:00 Thursday\n"
    );
}

#[test]
fn mistakes_in_the_configuration_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let error = |more: &str| {
        let path = config(folder.path(), None, more);
        let output = Command::new(env!("CARGO_BIN_EXE_follow-up"))
            .args(["--config", path.to_str().unwrap(), "run"])
            .output()
            .unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let message = error("zone = \"Europe/Moskow\"");
    assert!(message.contains("follow-up.toml:2: zone: unknown time zone"), "{message}");
    assert!(message.contains("did you mean \"Europe/Moscow\"?"), "{message}");
    assert!(error("lettters = 3").contains("unknown field `lettters`"));
    assert!(error("calendar = \"XX\"").contains("no calendar is embedded"));
    let path = folder.path().join("open.toml");
    std::fs::write(&path, "http = \"0.0.0.0:0\"\nfiles = \"x\"\n").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_follow-up"))
        .args(["--config", path.to_str().unwrap(), "run"])
        .output()
        .unwrap();
    assert!(String::from_utf8(output.stderr).unwrap().contains("set a token"));
}
