//! An office over TLS: phones log in with their passwords, and each call of theirs is answered. It has
//! no media; the call is up until somebody hangs up.
//!
//! `cargo run -p trunkline-sip-core --features tls --example tls_phones -- 127.0.0.1:5061 chain.pem key.pem 101:secret`

use std::collections::HashMap;
use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use rand_core::Rng;
use sip_core::auth::Algorithm;
use sip_core::auth::server::{Authenticator, Rejection, Secret};
use sip_core::endpoint::{Config, Event, within};
use sip_core::header::{ContentType, From};
use sip_core::net::{ClientCertificates, Driver, Identity, Roots, SystemRandom, Tls, Transports};
use sip_core::registrar::Registrar;
use sip_core::{Endpoint, Flow, Method, Request, Response, StatusCode, Transport};

struct Office {
    passwords: HashMap<String, String>,
    authenticator: Authenticator,
    registrar: Registrar,
    random: SystemRandom,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    const USAGE: &str = "usage: tls_phones ADDRESS:PORT CHAIN KEY USER:PASSWORD...";
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().ok_or(USAGE)?.parse()?;
    let chain = PathBuf::from(arguments.next().ok_or(USAGE)?);
    let key = PathBuf::from(arguments.next().ok_or(USAGE)?);
    let identity = Identity::from_files(&chain, &key)?;
    let mut transports = Transports::new(Default::default());
    transports.use_tls(Tls::new(Roots::none(), Some(identity), ClientCertificates::Ignored)?);
    println!("TLS {}", transports.bind(Transport::Tls, address).await?);
    let users = arguments.filter_map(|user| {
        user.split_once(':').map(|(user, password)| (user.to_owned(), password.to_owned()))
    });
    serve(transports, users.collect()).await
}

/// Answers for ever.
pub async fn serve(
    transports: Transports,
    passwords: HashMap<String, String>,
) -> Result<(), Box<dyn Error>> {
    let mut random = SystemRandom::default();
    let mut key = [0; 32];
    random.fill_bytes(&mut key);
    let mut auth = sip_core::auth::server::Config::default();
    auth.algorithms = vec![Algorithm::Md5];
    let mut office = Office {
        passwords,
        authenticator: Authenticator::new("office", key, auth),
        registrar: Registrar::new(Default::default()),
        random,
    };
    let mut config = Config::default();
    config.allow.push(Method::Register);
    let endpoint = Endpoint::new(config, Box::new(SystemRandom::default()));
    let mut driver = Driver::new(endpoint, transports);
    loop {
        match driver.event().await {
            Event::Request { id, request, flow, dialog } => {
                let now = driver.now();
                let response = office.answer(now, &request, flow, dialog.is_some());
                let from = request.headers.require::<From>().map(|from| from.uri.to_string());
                let from = from.unwrap_or_default();
                println!("{} from {from}: {}", request.method, response.status.code());
                // An error says that the request was cancelled meanwhile.
                let _ = driver.endpoint.respond(now, id, response);
            }
            Event::Ack { .. } => println!("a call is up"),
            Event::AckTimeout { dialog } => {
                driver.endpoint.request_in(driver.now(), dialog, within(Method::Bye))?;
            }
            _ => {}
        }
    }
}

impl Office {
    fn answer(&mut self, now: Duration, request: &Request, flow: Flow, in_call: bool) -> Response {
        match request.method {
            Method::Options => return Response::to(request, StatusCode::OK),
            // What belongs to a call was let in with the call.
            Method::Bye if in_call => return Response::to(request, StatusCode::OK),
            Method::Invite | Method::Register => {}
            _ => return Response::to(request, StatusCode::METHOD_NOT_ALLOWED),
        }
        let passwords = &self.passwords;
        let secret = |user: &str| passwords.get(user).cloned().map(Secret::Password);
        let verified = match self.authenticator.verify(now, request, &secret) {
            Ok(verified) => verified,
            Err(Rejection::Challenge { stale, .. }) => {
                return self.authenticator.challenge(now, request, stale, &mut self.random);
            }
            Err(Rejection::BadRequest(_)) => return Response::to(request, StatusCode::BAD_REQUEST),
        };
        if request.method == Method::Invite {
            return call(request);
        }
        // Everybody may register only himself, under whatever name the phone knows us by.
        self.registrar
            .register_as(now, &verified, &|_domain| true, request, flow)
            .unwrap_or_else(|rejection| rejection.response(request))
    }
}

/// Takes a call with a description of audio that nobody will hear.
fn call(request: &Request) -> Response {
    const SILENCE: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
                           m=audio 9 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=inactive\r\n";
    let mut response = Response::to(request, StatusCode::OK);
    response.headers.push(ContentType::sdp());
    response.body = SILENCE.into();
    response
}
