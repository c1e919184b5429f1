//! The examples that are programs of their own, run as a reader would run them: `uac` calls `uas`, and
//! `register` logs in at `registrar`.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// Far more than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program that runs, and what it prints.
struct Program {
    child: Child,
    lines: Receiver<String>,
}

impl Program {
    /// Starts an example; `None` where it was not built, for want of a feature.
    fn start(name: &str, arguments: &[&str]) -> Option<Self> {
        // Beside this test, where `cargo test` builds them.
        let test = std::env::current_exe().unwrap();
        let examples = test.parent().unwrap().parent().unwrap().join("examples");
        let program = examples.join(name).with_extension(std::env::consts::EXE_EXTENSION);
        if !program.is_file() {
            println!("skipped: {name} was not built");
            return None;
        }
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Some(Self { child, lines })
    }

    /// The rest of the next line that begins so.
    fn line(&self, start: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(PATIENCE).expect(start);
            if let Some(rest) = line.strip_prefix(start) {
                break rest.trim().to_owned();
            }
        }
    }

    /// What else it prints until it has ended, without an error.
    fn end(mut self) -> Vec<String> {
        let lines = core::iter::from_fn(|| self.lines.recv_timeout(PATIENCE).ok()).collect();
        assert!(self.child.wait().unwrap().success());
        lines
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // An error says that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn uac_calls_uas() {
    let Some(uas) = Program::start("uas", &["127.0.0.1:0"]) else { return };
    let address = uas.line("UDP ");
    let target = format!("sip:600@{address}");
    let Some(uac) = Program::start("uac", &[&target, "101", "secret"]) else { return };
    assert!(uas.line("a call for ").starts_with("sip:600@"));
    let heard: Vec<String> =
        uac.end().into_iter().filter(|line| !line.starts_with("100")).collect();
    // It rings, is answered, and the BYE is.
    assert_eq!(heard, ["180 Ringing", "200 OK", "200 OK"]);
    uas.line("BYE");
}

#[test]
fn register_logs_in_at_registrar() {
    for (transport, listening) in [("udp", "UDP "), ("tcp", "TCP ")] {
        let Some(registrar) = Program::start("registrar", &["127.0.0.1:0", "101:secret"]) else {
            return;
        };
        let address = registrar.line(listening);
        let aor = format!("sip:101@{address}");
        let phone = |password| {
            Program::start("register", &["127.0.0.1:0", &aor, password, transport]).unwrap()
        };
        let mut known = phone("secret");
        known.line("Registered");
        assert!(registrar.line("Registered").contains("101"));
        known.child.stdin.take().unwrap().write_all(b"\n").unwrap();
        known.line("Unregistered");
        assert!(known.end().is_empty());
        registrar.line("Removed");
        assert!(phone("guess").line("Failed").contains("again: None"), "it is not tried again");
    }
}
