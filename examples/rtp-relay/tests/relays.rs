//! Flows from a file and from the control socket, with each back end.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

struct Running {
    child: Child,
    lines: Vec<String>,
}

impl Running {
    fn start(arguments: &[&str]) -> Option<Self> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_rtp-relay"))
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = Vec::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            let last = line.starts_with("relaying");
            lines.push(line);
            if last {
                return Some(Self { child, lines });
            }
        }
        child.wait().unwrap();
        None
    }

    fn control(&self) -> SocketAddr {
        let line = self.lines.iter().find_map(|line| line.strip_prefix("control at "));
        line.unwrap().parse().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn peer() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    socket
}

fn address(socket: &UdpSocket) -> SocketAddr {
    socket.local_addr().unwrap()
}

fn receive(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut bytes = [0; 2000];
    let (len, from) = socket.recv_from(&mut bytes).unwrap();
    (bytes[..len].to_vec(), from)
}

fn ask(control: SocketAddr, words: &str) -> String {
    let socket = peer();
    socket.send_to(words.as_bytes(), control).unwrap();
    String::from_utf8(receive(&socket).0).unwrap()
}

#[test]
fn flows_of_the_control_socket() {
    for io in ["std", "mmsg", "io_uring"] {
        let Some(relay) = Running::start(&["--control", "127.0.0.1:0", "--io", io]) else {
            println!("skipped: {io} is not to be had here");
            continue;
        };
        let control = relay.control();
        let (a, b, stranger) = (peer(), peer(), peer());
        let answer =
            ask(control, &format!("add 127.0.0.1:0 {} 127.0.0.1:0 {}", address(&a), address(&b)));
        let locals: Vec<SocketAddr> = answer
            .strip_prefix("ok ")
            .unwrap()
            .split(' ')
            .map(|text| text.parse().unwrap())
            .collect();
        for n in 0..200_u8 {
            a.send_to(&[n; 172], locals[0]).unwrap();
            assert_eq!(receive(&b), (vec![n; 172], locals[1]), "{io}");
            b.send_to(&[n, 1], locals[1]).unwrap();
            assert_eq!(receive(&a), (vec![n, 1], locals[0]), "{io}");
        }
        // A stranger's packet goes nowhere: the next one that comes is the peer's.
        stranger.send_to(b"let me in", locals[0]).unwrap();
        a.send_to(b"after", locals[0]).unwrap();
        assert_eq!(receive(&b).0, b"after");
        let stats = ask(control, "stats");
        assert!(stats.contains("flows 1 ") && stats.contains("strangers 1 "), "{stats}");
        let list = ask(control, "list");
        assert!(list.contains(&format!("{} {} 201", locals[0], address(&a))), "{list}");

        // A second flow at the same local addresses, told apart by its peers.
        let (c, d) = (peer(), peer());
        let again = format!("add {} {} {} {}", locals[0], address(&c), locals[1], address(&d));
        assert!(ask(control, &again).starts_with("ok "));
        assert!(ask(control, &again).starts_with("error: "), "not twice");
        c.send_to(b"from c", locals[0]).unwrap();
        assert_eq!(receive(&d).0, b"from c");

        assert_eq!(ask(control, &format!("del {} {}", locals[1], address(&b))), "ok");
        assert!(ask(control, &format!("del {} {}", locals[1], address(&b))).starts_with("error"));
        d.send_to(b"still there", locals[1]).unwrap();
        assert_eq!(receive(&c).0, b"still there");
        assert!(ask(control, "dance").starts_with("error: expected: add"));
        assert!(ask(control, "stats").contains("flows 1 "));
    }
}

#[test]
fn flows_of_a_file() {
    let (a, b) = (peer(), peer());
    let mut file = tempfile::NamedTempFile::new().unwrap();
    write!(
        file,
        "[[flow]]\nleft = {{ local = \"127.0.0.1:0\", peer = \"{}\" }}\nright = {{ local = \"127.0.0.1:0\", peer = \"{}\" }}\n",
        address(&a),
        address(&b)
    )
    .unwrap();
    let relay = Running::start(&["--flows", file.path().to_str().unwrap()]).unwrap();
    let flow = relay.lines.iter().find_map(|line| line.strip_prefix("flow ")).unwrap();
    let left: SocketAddr = flow.split(' ').next().unwrap().parse().unwrap();
    a.send_to(b"voice", left).unwrap();
    assert_eq!(receive(&b).0, b"voice");
}

#[test]
fn mistakes_are_told() {
    let run = |arguments: &[&str]| {
        let output =
            Command::new(env!("CARGO_BIN_EXE_rtp-relay")).args(arguments).output().unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(run(&[]).contains("nothing to do"));
    assert!(run(&["--control", "0.0.0.0:0"]).contains("loopback"));
    assert!(run(&["--flows", "/nowhere.toml"]).contains("/nowhere.toml"));
}
