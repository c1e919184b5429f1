//! A process that may open few files: what it can no longer do it says, and what needs no further file goes
//! on. On its own in a process, whose limit it lowers.
#![cfg(all(feature = "server", target_os = "linux"))]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use dialplan::plan::Plan;
use pbx::directory::{Directory, Route, Trunk};
use pbx::exchange::Settings as ExchangeSettings;
use pbx::feature::EchoTest;
use pbx::server::{Server, Settings};
use pbx::store::MemoryStore;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sip_core::Transport;

fn options(via: &str, from: SocketAddr, n: u32) -> String {
    format!(
        "OPTIONS sip:x@h SIP/2.0\r\nVia: SIP/2.0/{via} {from};branch=z9hG4bK{n}\r\nMax-Forwards: 70\r\n\
         From: <sip:a@h>;tag={n}\r\nTo: <sip:x@h>\r\nCall-ID: {n}\r\nCSeq: 1 OPTIONS\r\n\
         Content-Length: 0\r\n\r\n"
    )
}

fn invite(from: SocketAddr, n: u32) -> String {
    let sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
               m=audio 40000 RTP/AVP 8\r\n";
    format!(
        "INVITE sip:600@h SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bKi{n}\r\nMax-Forwards: 70\r\n\
         From: <sip:a@h>;tag={n}\r\nTo: <sip:600@h>\r\nCall-ID: i{n}\r\nCSeq: 1 INVITE\r\n\
         Contact: <sip:a@{from}>\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}",
        sdp.len()
    )
}

/// The status of the next final response that answers the transaction.
fn status(socket: &UdpSocket, branch: &str) -> u16 {
    let mut buffer = [0; 4_096];
    loop {
        let length = socket.recv(&mut buffer).expect("an answer");
        let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
        let code: u16 = text.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
        if text.contains(&format!("branch=z9hG4bK{branch}\r\n")) && code >= 200 {
            return code;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_table_of_files_ends_nothing_that_is_under_way() {
    let trunk = UdpSocket::bind("127.0.0.1:0").unwrap();
    trunk.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let caller = trunk.local_addr().unwrap();
    let mut plan = Plan::builder();
    plan.context("office").add("600", Route::Service("echo".into())).unwrap();
    let mut directory = Directory::new(plan.build().unwrap());
    directory.add_service("echo", std::sync::Arc::new(|| Box::new(EchoTest)));
    directory.add_trunk(Trunk {
        name: "uac".into(),
        address: caller,
        transport: Transport::Udp,
        context: "office".into(),
    });
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let settings = Settings {
        listen: vec![(Transport::Udp, any), (Transport::Tcp, any)],
        rtp_ports: 30_000..=39_998,
        ..Settings::default()
    };
    let exchange = ExchangeSettings { silence_limit: None, ..ExchangeSettings::default() };
    let store = Box::new(MemoryStore::default());
    let server = Server::start(settings, exchange, directory, store, [9; 32]).await.unwrap();
    let at = |wanted| server.addresses().iter().find(|(it, _)| *it == wanted).unwrap().1;
    let (udp, tcp) = (at(Transport::Udp), at(Transport::Tcp));

    // A few more files than now, and no more.
    let open = std::fs::read_dir("/proc/self/fd").unwrap().count() as u64;
    let before = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(open + 8), ..before }).unwrap();
    // The other ends of connections are files of this process, too.
    let mut held = Vec::new();
    while let Ok(stream) = TcpStream::connect(tcp) {
        held.push(stream);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // Calls until the ports bound ahead are used up, and then none: each is answered.
    let (mut answered, mut refused) = (0, 0);
    for n in 0..60 {
        trunk.send_to(invite(caller, n).as_bytes(), udp).unwrap();
        match tokio::task::block_in_place(|| status(&trunk, &format!("i{n}"))) {
            200 => answered += 1,
            503 => refused += 1,
            other => panic!("{other}"),
        }
    }
    assert!(answered >= 32 && refused > 0, "{answered} answered, {refused} refused");
    trunk.send_to(options("UDP", caller, 1).as_bytes(), udp).unwrap();
    assert_eq!(tokio::task::block_in_place(|| status(&trunk, "1")), 200, "datagrams need no file");
    let state = server.control().state().await.unwrap();
    assert!(state.out_of_ports > 0);

    // When there is room again, connections and calls are taken again.
    held.clear();
    setrlimit(Resource::Nofile, before).unwrap();
    let mut stream = TcpStream::connect(tcp).unwrap();
    let local = stream.local_addr().unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(options("TCP", local, 2).as_bytes()).unwrap();
    let mut buffer = [0; 4_096];
    let length = tokio::task::block_in_place(|| stream.read(&mut buffer)).unwrap();
    assert!(buffer[..length].starts_with(b"SIP/2.0 200 "), "a new connection is served");
    let mut served = false;
    for n in 100..200 {
        trunk.send_to(invite(caller, n).as_bytes(), udp).unwrap();
        served = tokio::task::block_in_place(|| status(&trunk, &format!("i{n}"))) == 200;
        if served {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(served, "ports are bound again");
    server.stop().await;
}
