//! The switch and the router between network namespaces, joined by veth pairs that the test makes.
//!
//! They need root, the right to make namespaces, and iproute2; without, they say that they were skipped.
//! What runs inside a namespace is this program once more, in the role that the environment names.
#![cfg(target_os = "linux")]

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use packet_ring::batch::{AfPacket, AfPacketConfig, PacketIo, SocketId};
use packet_ring::forward::FlowKey;
use packet_ring::pool::{PacketPool, PoolConfig};
use socket2::{Domain, Protocol, Socket, Type};

/// Namespaces that end with the test.
struct Lab {
    prefix: String,
    spaces: Vec<String>,
    children: Vec<Child>,
    directory: tempfile::TempDir,
}

impl Lab {
    /// A lab with these namespaces, or `None` where that is not permitted.
    fn new(spaces: &[&str]) -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let prefix = format!("ps{}x{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let directory = tempfile::tempdir().unwrap();
        let mut lab = Self { prefix, spaces: Vec::new(), children: Vec::new(), directory };
        for space in spaces {
            let name = lab.space(space);
            let done = |words: &str| {
                let output = Command::new("ip").args(words.split(' ')).output();
                output.is_ok_and(|output| output.status.success())
            };
            if !done(&format!("netns add {name}")) {
                println!("skipped: no network namespaces here (root and iproute2 are needed)");
                return None;
            }
            lab.spaces.push(name.clone());
            // Some systems have namespaces, and nothing to join them with.
            if !done(&format!("-n {name} link add probe type veth peer name other"))
                || !done(&format!("-n {name} link del probe"))
            {
                println!("skipped: no veth pairs here");
                return None;
            }
            lab.ip(space, "link set lo up");
            // Only addresses that the test gives, and no questions of its own.
            lab.write(space, "net/ipv6/conf/all/disable_ipv6", "1");
            lab.write(space, "net/ipv6/conf/default/disable_ipv6", "1");
        }
        Some(lab)
    }

    fn space(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    fn ip(&self, space: &str, words: &str) {
        let output = Command::new("ip")
            .args(["-n", &self.space(space)])
            .args(words.split_whitespace())
            .output()
            .unwrap();
        assert!(output.status.success(), "ip {words}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn write(&self, space: &str, setting: &str, value: &str) {
        let command = format!("echo {value} > /proc/sys/{setting} 2>/dev/null || true");
        Command::new("ip")
            .args(["netns", "exec", &self.space(space), "sh", "-c", &command])
            .status()
            .unwrap();
    }

    /// A veth pair: `left` in one namespace, `right` in the other.
    fn veth(&self, left: (&str, &str), right: (&str, &str)) {
        let words = format!(
            "link add {} type veth peer name {} netns {}",
            left.1,
            right.1,
            self.space(right.0)
        );
        self.ip(left.0, &words);
        for (space, name) in [left, right] {
            self.ip(space, &format!("link set {name} up"));
        }
    }

    fn command(&self, space: &str, program: &Path) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.space(space)]).arg(program);
        command
    }

    /// Starts packet-switch in a namespace and waits until it runs.
    fn start_switch(&mut self, space: &str, arguments: &[&str]) {
        let mut child = self
            .command(space, Path::new(env!("CARGO_BIN_EXE_packet-switch")))
            .args(arguments)
            .args(["--report", "0"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("running"), "{line}");
        self.children.push(child);
    }

    /// Runs a role in a namespace.
    fn role(&self, space: &str, role: &str) -> Role {
        let mut child = self
            .command(space, &std::env::current_exe().unwrap())
            .args(["--exact", "role", "--nocapture", "--test-threads=1"])
            .env("ROLE", role)
            .stdout(Stdio::piped())
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Role { child, lines, name: role.to_owned() }
    }

    /// Runs a role and returns what it says at its end.
    fn ask(&self, space: &str, role: &str) -> String {
        self.role(space, role).say("done")
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
        for space in &self.spaces {
            let _ = Command::new("ip").args(["netns", "del", space]).output();
        }
    }
}

struct Role {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
    name: String,
}

impl Role {
    /// Waits for a line that begins with this word, and returns the rest of it.
    fn say(&mut self, word: &str) -> String {
        let mut seen = String::new();
        loop {
            let mut line = String::new();
            let len = self.lines.read_line(&mut line).unwrap();
            assert!(len > 0, "{}: ended without '{word}':\n{seen}", self.name);
            // The test runner begins a line of its own.
            if let Some(at) = line.find(&format!("#{word}")) {
                return line[at + word.len() + 1..].trim().to_owned();
            }
            seen += &line;
        }
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Far more than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// The packet that is sent until it is answered.
const HELLO: u32 = u32::MAX;

/// Not a test by itself: what `Lab::role` runs.
#[test]
fn role() {
    let Ok(role) = std::env::var("ROLE") else { return };
    let words: Vec<&str> = role.split(' ').collect();
    let address = |text: &str| -> SocketAddr { text.parse().unwrap() };
    match words[..] {
        ["echo", at] => {
            let socket = UdpSocket::bind(address(at)).unwrap();
            println!("#ready");
            let mut bytes = [0; 2048];
            loop {
                let (len, from) = socket.recv_from(&mut bytes).unwrap();
                socket.send_to(&bytes[..len], from).unwrap();
            }
        }
        // Sends numbered packets at a pace, and sees that the answers are all there and in order.
        ["udp", from, to, count] => {
            let socket = UdpSocket::bind(address(from)).unwrap();
            let count: u32 = count.parse().unwrap();
            let mut bytes = [0; 2048];
            // What is in between may have to learn first where this flow goes.
            socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
            let begun = Instant::now();
            loop {
                socket.send_to(&HELLO.to_be_bytes(), address(to)).unwrap();
                match socket.recv_from(&mut bytes) {
                    Ok(_) => break,
                    Err(error) => assert!(begun.elapsed() < PATIENCE, "{error}"),
                }
            }
            socket.set_read_timeout(Some(PATIENCE)).unwrap();
            let (mut sent, mut came) = (0, 0);
            while came < count {
                // A window, so that nobody's queue overflows.
                while sent < count && sent < came + 16 {
                    let mut packet = [7; 172];
                    packet[..4].copy_from_slice(&u32::to_be_bytes(sent));
                    socket.send_to(&packet, address(to)).unwrap();
                    sent += 1;
                }
                let (len, _) = socket.recv_from(&mut bytes).unwrap();
                if bytes[..len] == HELLO.to_be_bytes() {
                    continue;
                }
                assert_eq!(
                    (len, &bytes[..4]),
                    (172, &came.to_be_bytes()[..]),
                    "whole and in order"
                );
                came += 1;
            }
            println!("#done {came}");
        }
        ["sink", at] => {
            let listener = TcpListener::bind(address(at)).unwrap();
            println!("#ready");
            let (mut stream, _) = listener.accept().unwrap();
            let (mut bytes, mut total, mut sum) = ([0; 65536], 0_usize, 0_u64);
            loop {
                let len = stream.read(&mut bytes).unwrap();
                if len == 0 {
                    break;
                }
                for byte in &bytes[..len] {
                    assert_eq!(*byte, (total % 251) as u8);
                    total += 1;
                    sum += u64::from(*byte);
                }
            }
            println!("#done {total} {sum}");
        }
        ["tcp", to, count] => {
            let mut stream = TcpStream::connect_timeout(&address(to), PATIENCE).unwrap();
            let count: usize = count.parse().unwrap();
            let bytes: Vec<u8> = (0..count).map(|at| (at % 251) as u8).collect();
            stream.write_all(&bytes).unwrap();
            drop(stream);
            println!("#done {count}");
        }
        ["ping", to] => println!("#done {}", ping(to.parse().unwrap())),
        // Sends a packet with few hops and says who complains.
        ["expire", from, to] => {
            let raw = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4)).unwrap();
            raw.set_read_timeout(Some(PATIENCE)).unwrap();
            let socket = UdpSocket::bind(address(from)).unwrap();
            socket.set_ttl(1).unwrap();
            socket.send_to(b"not far", address(to)).unwrap();
            let mut bytes = [0; 1024];
            loop {
                let len = (&raw).read(&mut bytes).unwrap();
                // Time exceeded, quoting our packet.
                if len >= 56 && bytes[20] == 11 && bytes[28 + 9] == 17 {
                    println!("#done {}.{}.{}.{}", bytes[12], bytes[13], bytes[14], bytes[15]);
                    return;
                }
            }
        }
        // Sends one packet for each of many flows, again and again: the first ones may be lost while neighbours are
        // found, or until a link is known to be down.
        ["flows", from, to, count] => {
            let from: IpAddr = from.parse().unwrap();
            let count: u16 = count.parse().unwrap();
            let socket = |flow| UdpSocket::bind((from, 10_000 + flow)).unwrap();
            let flows: Vec<UdpSocket> = (0..count).map(socket).collect();
            loop {
                for some in flows.chunks(16) {
                    for flow in some {
                        // An error is the answer to an earlier one.
                        let _ = flow.send_to(b"flow", address(to));
                    }
                    thread::sleep(Duration::from_millis(2));
                }
                thread::sleep(Duration::from_millis(300));
            }
        }
        // Says by which interface each flow came, until so many were seen.
        ["watch", count, ref names @ ..] => {
            let mut io = AfPacket::new(AfPacketConfig::default());
            for name in names {
                io.add(name).unwrap();
            }
            println!("#ready");
            let pool =
                PacketPool::new(PoolConfig { slots: 4096, ..PoolConfig::default() }).unwrap();
            let (mut seen, mut batch) = (HashMap::new(), Vec::new());
            let started = Instant::now();
            while seen.len() < count.parse().unwrap() && started.elapsed() < PATIENCE {
                io.recv_batch(&pool, &mut batch, Some(Duration::from_millis(100))).unwrap();
                for frame in batch.drain(..) {
                    let flow = frame.packet.get(14..).and_then(FlowKey::of);
                    if let Some(flow) = flow.filter(|flow| flow.ports.1 == 9999) {
                        seen.insert(flow.ports.0, frame.socket);
                    }
                }
            }
            let mut seen: Vec<_> = seen.into_iter().collect();
            seen.sort();
            let text: Vec<_> =
                seen.iter().map(|(flow, SocketId(at))| format!("{flow}:{at}")).collect();
            println!("#done {}", text.join(" "));
        }
        _ => panic!("no such role: {role}"),
    }
}

/// Sends echo requests until one is answered; says how many it took.
fn ping(to: IpAddr) -> u32 {
    let (domain, protocol, request, reply, skip) = match to {
        IpAddr::V4(_) => (Domain::IPV4, Protocol::ICMPV4, 8, 0, 20),
        IpAddr::V6(_) => (Domain::IPV6, Protocol::ICMPV6, 128, 129, 0),
    };
    let socket = Socket::new(domain, Type::RAW, Some(protocol)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
    for attempt in 1..8 {
        // Identifier and number; the kernel fills in the checksum of ICMPv6.
        let mut message = [request, 0, 0, 0, 0x12, 0x34, 0, attempt as u8, 1, 2, 3, 4];
        if to.is_ipv4() {
            let sum = packet_ring::forward::checksum::of(&message);
            message[2..4].copy_from_slice(&sum.to_be_bytes());
        }
        socket.send_to(&message, &SocketAddr::from((to, 0)).into()).unwrap();
        let mut bytes = [0; 256];
        while let Ok(len) = (&socket).read(&mut bytes) {
            let answer = bytes.get(skip..len).unwrap_or(&[]);
            if answer.first() == Some(&reply) && answer.get(4..6) == Some(&[0x12, 0x34][..]) {
                return attempt;
            }
        }
    }
    panic!("no answer from {to}");
}

fn streams(lab: &Lab, from: (&str, &str), to: (&str, &str)) {
    let mut echo = lab.role(to.0, &format!("echo {}:7000", to.1));
    echo.say("ready");
    assert_eq!(lab.ask(from.0, &format!("udp {}:0 {}:7000 3000", from.1, to.1)), "3000");
    let mut sink = lab.role(to.0, &format!("sink {}:7001", to.1));
    sink.say("ready");
    lab.ask(from.0, &format!("tcp {}:7001 3000000", to.1));
    assert!(sink.say("done").starts_with("3000000 "));
}

#[test]
fn the_bridge_carries_learns_and_follows() {
    let Some(mut lab) = Lab::new(&["s", "a", "b", "c"]) else { return };
    for (host, address) in [("a", 1), ("b", 2), ("c", 3)] {
        lab.veth(("s", &format!("v{host}")), (host, "e0"));
        lab.ip(host, &format!("addr add 10.1.0.{address}/24 dev e0"));
    }
    let pcap = lab.directory.path().join("seen.pcap");
    let arguments = ["--bridge", "va,vb,vc", "--pcap", pcap.to_str().unwrap()];
    lab.start_switch("s", &arguments);
    lab.ask("a", "ping 10.1.0.2");
    lab.ask("c", "ping 10.1.0.1");
    streams(&lab, ("a", "10.1.0.1"), ("b", "10.1.0.2"));

    // The station behind b moves to c: same MAC address, same IP address, and it speaks first.
    lab.ip("b", "link set e0 down");
    lab.ip("b", "link set e0 address 02:00:00:00:00:0b");
    lab.ip("b", "link set e0 up");
    lab.ask("b", "ping 10.1.0.1");
    lab.ask("a", "ping 10.1.0.2");
    lab.ip("b", "addr del 10.1.0.2/24 dev e0");
    lab.ip("b", "link set e0 address 02:00:00:00:00:bb");
    lab.ip("c", "link set e0 down");
    lab.ip("c", "addr del 10.1.0.3/24 dev e0");
    lab.ip("c", "link set e0 address 02:00:00:00:00:0b");
    lab.ip("c", "addr add 10.1.0.2/24 dev e0");
    lab.ip("c", "link set e0 up");
    lab.ask("c", "ping 10.1.0.1");
    assert_eq!(lab.ask("a", "ping 10.1.0.2"), "1", "the bridge knows where it is now");

    // It is written now and then.
    let begun = Instant::now();
    while fs::metadata(&pcap).unwrap().len() <= 3_000_000 {
        assert!(begun.elapsed() < PATIENCE, "a capture of all that passed");
        thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(fs::read(&pcap).unwrap()[..4], [0x4d, 0x3c, 0xb2, 0xa1]);
}

#[test]
fn parallel_links_share_and_replace_each_other() {
    let Some(mut lab) = Lab::new(&["s", "a", "t", "b"]) else { return };
    // Two switches with two links between them.
    lab.veth(("s", "va"), ("a", "e0"));
    lab.veth(("t", "vb"), ("b", "e0"));
    lab.veth(("s", "l1"), ("t", "l1"));
    lab.veth(("s", "l2"), ("t", "l2"));
    lab.ip("a", "addr add 10.1.0.1/24 dev e0");
    lab.ip("b", "addr add 10.1.0.2/24 dev e0");
    lab.start_switch("s", &["--bridge", "va,l1+l2"]);
    lab.start_switch("t", &["--bridge", "vb,l1+l2"]);
    lab.ask("a", "ping 10.1.0.2");
    streams(&lab, ("a", "10.1.0.1"), ("b", "10.1.0.2"));
    lab.ip("s", "link set l1 down");
    let mut echo = lab.role("b", "echo 10.1.0.2:7002");
    echo.say("ready");
    lab.ask("a", "udp 10.1.0.1:0 10.1.0.2:7002 200");
}

#[test]
fn the_router_resolves_forwards_and_answers() {
    let Some(mut lab) = Lab::new(&["r", "a", "b"]) else { return };
    lab.veth(("r", "va"), ("a", "e0"));
    lab.veth(("r", "vb"), ("b", "e0"));
    let v6 = Path::new("/proc/sys/net/ipv6").exists();
    for (host, net) in [("a", 1), ("b", 2)] {
        lab.ip(host, &format!("addr add 10.{net}.0.2/24 dev e0"));
        lab.ip(host, &format!("route add default via 10.{net}.0.1"));
        if v6 {
            lab.write(host, "net/ipv6/conf/e0/disable_ipv6", "0");
            lab.ip(host, &format!("-6 addr add 2001:db8:{net}::2/64 dev e0 nodad"));
            lab.ip(host, &format!("-6 route add default via 2001:db8:{net}::1"));
        }
    }
    let config = lab.directory.path().join("router.toml");
    let text = r#"
        [[interface]]
        name = "va"
        addresses = ["10.1.0.1/24", "2001:db8:1::1/64"]

        [[interface]]
        name = "vb"
        addresses = ["10.2.0.1/24", "2001:db8:2::1/64"]
    "#;
    fs::write(&config, text).unwrap();
    lab.start_switch("r", &["--route", config.to_str().unwrap()]);
    // The router itself, then through it: ARP on both sides, the first packet waits for it.
    lab.ask("a", "ping 10.1.0.1");
    assert_eq!(lab.ask("a", "ping 10.2.0.2"), "1", "the first packet was kept, not lost");
    streams(&lab, ("a", "10.1.0.2"), ("b", "10.2.0.2"));
    if v6 {
        lab.ask("a", "ping 2001:db8:1::1");
        lab.ask("a", "ping 2001:db8:2::2");
        streams(&lab, ("b", "[2001:db8:2::2]"), ("a", "[2001:db8:1::2]"));
    } else {
        println!("skipped: there is no IPv6 here");
    }
    assert_eq!(lab.ask("a", "expire 10.1.0.2:0 10.2.0.2:33434"), "10.1.0.1");
}

#[test]
fn equal_paths_spread_and_lose_little() {
    const FLOWS: usize = 800;
    let Some(mut lab) = Lab::new(&["r", "a", "b"]) else { return };
    lab.veth(("r", "va"), ("a", "e0"));
    lab.ip("a", "addr add 10.1.0.2/24 dev e0");
    lab.ip("a", "route add default via 10.1.0.1");
    let mut config = "[[interface]]\nname = \"va\"\naddresses = [\"10.1.0.1/24\"]\n".to_owned();
    let mut hops = Vec::new();
    lab.write("b", "net/ipv4/conf/all/rp_filter", "0");
    for link in 0..8 {
        lab.veth(("r", &format!("w{link}")), ("b", &format!("e{link}")));
        lab.ip("b", &format!("addr add 10.3.{link}.2/24 dev e{link}"));
        config +=
            &format!("[[interface]]\nname = \"w{link}\"\naddresses = [\"10.3.{link}.1/24\"]\n");
        hops.push(format!("\"10.3.{link}.2\""));
    }
    config += &format!("[[route]]\nprefix = \"10.9.0.0/16\"\nvia = [{}]\n", hops.join(", "));
    let file = lab.directory.path().join("router.toml");
    fs::write(&file, config).unwrap();
    lab.start_switch("r", &["--route", file.to_str().unwrap()]);

    let names: Vec<String> = (0..8).map(|link| format!("e{link}")).collect();
    let spread = |lab: &Lab| -> HashMap<u16, u32> {
        let mut watch = lab.role("b", &format!("watch {FLOWS} {}", names.join(" ")));
        watch.say("ready");
        let _flows = lab.role("a", &format!("flows 10.1.0.2 10.9.0.1:9999 {FLOWS}"));
        let seen = watch.say("done");
        let pair = |pair: &str| {
            let (flow, link) = pair.split_once(':').unwrap();
            (flow.parse().unwrap(), link.parse().unwrap())
        };
        seen.split_whitespace().map(pair).collect()
    };
    let before = spread(&lab);
    assert_eq!(before.len(), FLOWS, "every flow arrives");
    for link in 0..8 {
        let share = before.values().filter(|at| **at == link).count();
        assert!((50..=160).contains(&share), "link {link} has {share} of {FLOWS}");
    }
    // The link whose loss moves the median number of flows, as loads go by the hash of a random key.
    let mut links: Vec<(usize, u32)> =
        (0..8).map(|link| (before.values().filter(|at| **at == link).count(), link)).collect();
    links.sort();
    let (lost_flows, lost) = links[3];
    lab.ip("r", &format!("link set w{lost} down"));
    let after = spread(&lab);
    assert_eq!(after.len(), FLOWS, "every flow arrives another way");
    let moved: HashSet<_> =
        before.iter().filter(|(flow, at)| after.get(flow) != Some(at)).collect();
    assert_eq!(moved.len(), lost_flows, "exactly the flows of the lost link move");
    let share = moved.len() as f64 / FLOWS as f64;
    assert!(share <= 0.14, "{share}");
}
