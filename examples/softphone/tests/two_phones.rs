//! The program itself, twice, on 127.0.0.1: what it prints, records, and exits with.

use std::io::{BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_softphone");

/// A phone that waits for a call without a server.
struct Callee {
    child: Child,
    address: String,
    said: BufReader<std::process::ChildStdout>,
}

impl Callee {
    fn start(options: &[&str]) -> Self {
        let mut child = Command::new(PROGRAM)
            .args(["answer", "--no-register", "--listen", "127.0.0.1:0", "--ring-seconds", "0"])
            .args(options)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        let uri = line.split_whitespace().find(|word| word.starts_with("sip:")).unwrap();
        let address = uri.split_once('@').unwrap().1.to_owned();
        Self { child, address, said }
    }

    /// All that it said, once it has ended well.
    fn end(mut self) -> String {
        let mut rest = String::new();
        self.said.read_to_string(&mut rest).unwrap();
        assert!(self.child.wait().unwrap().success(), "{rest}");
        rest
    }
}

/// A test that fails leaves no phone behind.
impl Drop for Callee {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn softphone(arguments: &[&str]) -> Output {
    Command::new(PROGRAM).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A WAV file with half a second of a tone.
fn tone(folder: &Path) -> PathBuf {
    let path = folder.join("tone.wav");
    let mut writer = pbx::media::wav::Writer::create(&path, 1).unwrap();
    let sample = |n: i32| (f64::from(n) * 0.7).sin() * 10_000.0;
    let samples: Vec<i16> = (0..4_000).map(|n| sample(n) as i16).collect();
    writer.write(&samples).unwrap();
    writer.finish().unwrap();
    path
}

fn loudest(path: &Path) -> i16 {
    let audio = pbx::media::wav::read(path).unwrap();
    audio.samples.iter().map(|sample| sample.saturating_abs()).max().unwrap_or(0)
}

/// Reads on until a line is as wanted, or to the end.
fn until(said: &mut impl BufRead, all: &mut String, wanted: impl Fn(&str) -> bool) {
    loop {
        let from = all.len();
        if said.read_line(all).unwrap() == 0 || wanted(&all[from..]) {
            return;
        }
    }
}

/// Whether the line tells of a second and a half of sound that has come: of more than the tone.
fn has_heard(line: &str) -> bool {
    let received =
        line.trim_end().rsplit_once(", received ").map(|(_, count)| count.parse::<u32>());
    matches!(received, Some(Ok(75..)))
}

#[cfg(unix)]
fn interrupt(child: &Child) {
    let kill = format!("kill -INT {}", child.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
}

#[cfg(unix)]
#[test]
fn two_phones_hear_each_other_over_udp_and_tcp() {
    for tcp in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let tone = tone(folder.path());
        let (hers, his) = (folder.path().join("hers.wav"), folder.path().join("his.wav"));
        let (tone, hers_text, his_text) =
            (tone.to_str().unwrap(), hers.to_str().unwrap(), his.to_str().unwrap());
        let transport: &[&str] = if tcp { &["--tcp"] } else { &[] };
        let mut callee =
            Callee::start(&[&["--play", tone, "--record", his_text], transport].concat());
        let uri = format!("sip:bob@{}", callee.address);
        // It ends long before, when both have heard what they should, however long that takes.
        let call = ["call", &uri, "--play", tone, "--record", hers_text, "--seconds", "90"];
        let keys = ["--dtmf", "7", "--dtmf-delay", "0.8"];
        let mut caller = Command::new(PROGRAM)
            .args([&call, &keys[..], transport].concat())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (mut said, mut heard) = (String::new(), String::new());
        let mut caller_says = BufReader::new(caller.stdout.take().unwrap());
        until(&mut callee.said, &mut heard, |line| line.contains("heard key 7"));
        until(&mut callee.said, &mut heard, has_heard);
        until(&mut caller_says, &mut said, has_heard);
        interrupt(&caller);
        caller_says.read_to_string(&mut said).unwrap();
        assert!(caller.wait().unwrap().success(), "{said}");
        for part in ["ringing", "answered", "RTP sent", "lost", "jitter", "MOS"] {
            assert!(said.contains(part), "no {part:?} in\n{said}");
        }
        heard += &callee.end();
        assert!(heard.contains("heard key 7"), "{heard}");
        assert!(heard.contains("the other side hung up"), "{heard}");
        assert!(loudest(&hers) > 9_000 && loudest(&his) > 9_000);
    }
}

#[test]
fn the_call_ends_when_its_time_is_up() {
    let callee = Callee::start(&[]);
    let uri = format!("sip:bob@{}", callee.address);
    let output = softphone(&["call", &uri, "--seconds", "1"]);
    let said = text(&output.stdout);
    assert!(output.status.success(), "{said}{}", text(&output.stderr));
    assert!(said.contains("time is up"), "{said}");
    assert!(callee.end().contains("the other side hung up"));
}

#[test]
fn nobody_there_is_told_at_once_and_fails() {
    // A connection's own end: nobody else gets its port, and nobody listens there.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let stream = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let deaf = stream.local_addr().unwrap();
    let output = softphone(&["call", &format!("sip:bob@{deaf}"), "--tcp"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("cannot be reached"), "{}", text(&output.stderr));
}

#[test]
fn mistakes_are_told_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let missing = softphone(&["call", "600", "--data", data]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(text(&missing.stderr).contains("start office-pbx in this folder"));
    let stereo = folder.path().join("stereo.wav");
    pbx::media::wav::Writer::create(&stereo, 2).unwrap().finish().unwrap();
    let refused = softphone(&["call", "sip:a@127.0.0.1", "--play", stereo.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("sox"), "{}", text(&refused.stderr));
    assert_eq!(softphone(&["call", "6", "--dtmf", "x"]).status.code(), Some(2));
}

#[cfg(unix)]
#[test]
fn an_interrupted_call_says_goodbye() {
    let callee = Callee::start(&[]);
    let mut caller = Command::new(PROGRAM)
        .args(["call", &format!("sip:bob@{}", callee.address)])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(caller.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("answered") {
        line.clear();
        assert!(said.read_line(&mut line).unwrap() > 0, "it ended before the answer");
    }
    interrupt(&caller);
    let mut rest = String::new();
    said.read_to_string(&mut rest).unwrap();
    assert!(caller.wait().unwrap().success(), "{rest}");
    assert!(rest.contains("hung up"), "{rest}");
    assert!(callee.end().contains("the other side hung up"));
}
