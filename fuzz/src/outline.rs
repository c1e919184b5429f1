use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use sip_core::endpoint::Stateless;
use sip_core::header::{CSeqRef, CallIdRef, FromRef, HeaderView, To, ToRef, Via, ViaRef};
use sip_core::message::{Outline, Policy, StartLine};
use sip_core::{Flow, HeaderName, Limits, Message, MessageView, Response, StatusCode};

/// A request that is told by its outline, and refused by that.
///
/// Nothing panics, whatever is cut off its end. Of a message that is also read in full both say the same. A request
/// in order is refused by its outline with the bytes that the full reading refuses it with: a response with its
/// Vias, From, To and a tag, Call-ID and CSeq (RFC 3261 §8.2.6), and the ACK for that is known again.
pub fn outline(data: &[u8]) {
    for cut in (0..data.len()).step_by((data.len() / 16).max(1)) {
        judge(data.get(..cut).unwrap_or_default());
    }
    judge(data);
}

const STATUS: StatusCode = StatusCode::SERVICE_UNAVAILABLE;
const ANY: Policy = Policy { tel: true, urn: true };

fn judge(data: &[u8]) {
    let Some(outline) = Outline::of(data) else { return };
    let stateless = Stateless::new(&mut ChaCha8Rng::seed_from_u64(7));
    let view = MessageView::parse(data, &Limits::default()).ok();
    if let Some(view) = &view {
        agree(&outline, view);
    }
    for flow in flows() {
        let refusal = refuse(&stateless, &outline, &flow);
        let Some(view) = &view else { continue };
        let full = stateless.answer(view, &flow, STATUS, Some(7));
        if view.check(&ANY).is_err() {
            continue;
        }
        // A Via line of several values is for the one that reads in full.
        let one_a_line = outline.vias().iter().all(|line| ViaRef::read(line).is_ok());
        let is_ack = outline.method() == "ACK";
        assert_eq!(full.is_none(), is_ack);
        assert!(refusal.is_none() == is_ack || !one_a_line);
        let (Some((bytes, back)), Some(full)) = (refusal, full) else { continue };
        assert!(!one_a_line || bytes == full.bytes);
        assert_eq!(back, full.flow);
        assert_eq!(back.remote.ip(), flow.remote.ip());
        assert!(!flow.is_reliable() || back == flow);
        let response = answers(view, bytes);
        if outline.to_tag().is_empty() {
            is_known_by_its_ack(&stateless, &outline, &response);
        }
    }
}

fn flows() -> [Flow; 3] {
    let v4 = ("192.0.2.9:5060".parse().unwrap(), "192.0.2.1:5070".parse().unwrap());
    let v6 = ("[2001:db8::9]:5060".parse().unwrap(), "[2001:db8::1]:5070".parse().unwrap());
    [Flow::udp(v4.0, v4.1), Flow::udp(v6.0, v6.1), Flow::tcp(v4.0, v4.1)]
}

/// The outline says what the message says.
fn agree(outline: &Outline<'_>, view: &MessageView<'_>) {
    let StartLine::Request { method, uri } = view.start_line() else { panic!("no request") };
    assert_eq!((outline.method(), outline.uri()), (method, uri));
    assert!(outline.vias().iter().copied().eq(view.raw(HeaderName::Via)));
    for (name, value) in [
        (HeaderName::From, outline.from()),
        (HeaderName::To, outline.to()),
        (HeaderName::CallId, outline.call_id()),
        (HeaderName::CSeq, outline.cseq()),
    ] {
        assert!(view.raw(name.clone()).eq([value]), "{name}");
    }
    assert_eq!(view.raw(HeaderName::UserAgent).next().unwrap_or_default(), outline.user_agent());
    if let Some(Ok(own)) = outline.vias().first().map(|line| ViaRef::read(line)) {
        let top = view.require::<ViaRef<'_>>().unwrap();
        assert_eq!((own.to_via(), own.branch()), (top.to_via(), top.branch()));
    }
    if let Ok(from) = view.require::<FromRef<'_>>() {
        assert_eq!(from.tag().unwrap_or_default().as_bytes(), outline.from_tag());
    }
    if let Ok(to) = view.require::<ToRef<'_>>() {
        // Whether it is in a dialog goes by that, too.
        assert_eq!(to.tag().unwrap_or_default().as_bytes(), outline.to_tag());
    }
    if let Ok(call_id) = view.require::<CallIdRef<'_>>() {
        assert_eq!(call_id.as_str().as_bytes(), outline.call_id());
    }
    if let Ok(cseq) = view.require::<CSeqRef<'_>>() {
        assert_eq!((cseq.number(), cseq.method()), (outline.number(), outline.method()));
    }
}

/// The refusal: the same each time, behind what is already there, or nothing at all.
fn refuse(stateless: &Stateless, outline: &Outline<'_>, flow: &Flow) -> Option<(Vec<u8>, Flow)> {
    let (mut out, mut again) = (Vec::new(), b"before".to_vec());
    let back = stateless.write(outline, flow, STATUS, Some(7), &mut out);
    assert_eq!(stateless.write(outline, flow, STATUS, Some(7), &mut again), back);
    assert_eq!(again.strip_prefix(b"before"), Some(&out[..]));
    assert_eq!(out.is_empty(), back.is_none());
    Some((out, back?))
}

/// The refusal is read as a response to the request.
fn answers(request: &MessageView<'_>, refusal: Vec<u8>) -> Response {
    // Room for what is added to the request's own.
    let limits = Limits {
        bytes: usize::MAX,
        header_bytes: usize::MAX,
        params: usize::MAX,
        ..Limits::default()
    };
    let read = Message::parse(refusal.into(), &limits).unwrap();
    assert_eq!(read.check(&ANY), Ok(()));
    let Message::Response(response) = read else { panic!("no response") };
    assert_eq!((response.status, response.body.len()), (STATUS, 0));
    for name in [HeaderName::From, HeaderName::CallId, HeaderName::CSeq] {
        assert!(response.headers.raw(name.clone()).eq(request.raw(name)));
    }

    let mut tos: Vec<To> = response.headers.all().map(Result::unwrap).collect();
    let [to] = &mut tos[..] else { panic!("one To") };
    let asked = request.require::<To>().unwrap();
    assert!(to.tag().is_some() && (asked.tag().is_none() || to.tag() == asked.tag()));
    if asked.tag().is_none() {
        to.clear_tag();
    }
    assert_eq!(*to, asked);

    let mut answered: Vec<Via> = response.headers.all().map(Result::unwrap).collect();
    let mut asked: Vec<Via> = request.all().map(Result::unwrap).collect();
    // The top one says where the request came from.
    for top in [answered.first_mut(), asked.first_mut()].into_iter().flatten() {
        top.params.remove("received");
        top.params.remove("rport");
    }
    assert_eq!(answered, asked);
    let others = [HeaderName::RetryAfter, HeaderName::ContentLength];
    let lines = answered.len() + 4 + others.len();
    assert!(
        response.headers.len() <= lines
            && others.map(|it| response.headers.contains(it)) == [true; 2]
    );
    response
}

/// The ACK for a refusal is known, and as nothing but that.
fn is_known_by_its_ack(stateless: &Stateless, request: &Outline<'_>, refusal: &Response) {
    let to = refusal.headers.raw(HeaderName::To).next().unwrap();
    let mut ack = b"ACK ".to_vec();
    ack.extend_from_slice(request.uri());
    for (name, value) in [
        ("Via", request.vias()[0]),
        ("From", request.from()),
        ("To", to),
        ("Call-ID", request.call_id()),
    ] {
        let start = if name == "Via" { " SIP/2.0\r\n" } else { "\r\n" };
        ack.extend_from_slice(format!("{start}{name}: ").as_bytes());
        ack.extend_from_slice(value);
    }
    ack.extend_from_slice(format!("\r\nCSeq: {} ACK\r\n\r\n", request.number()).as_bytes());
    assert!(stateless.knows_at_sight(&ack));
    let limits = Limits { params: usize::MAX, ..Limits::default() };
    assert!(stateless.knows(&MessageView::parse(&ack, &limits).unwrap()));
    let other = Stateless::new(&mut ChaCha8Rng::seed_from_u64(8));
    assert!(!other.knows_at_sight(&ack));
}
