//! What both programs have in common: where they listen, and what they answer a call with.

use std::error::Error;
use std::future::Future;
use std::net::SocketAddr;

/// The answer to every offer.
pub const ANSWER: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
                          m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n";

/// Runs a program: its arguments are where to listen and how many threads it may have, 1 unless said.
///
/// # Errors
///
/// Its own, and arguments that are none.
pub fn run<F>(program: impl FnOnce(SocketAddr) -> F) -> Result<(), Box<dyn Error>>
where
    F: Future<Output = Result<(), Box<dyn Error>>>,
{
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().ok_or("usage: ADDRESS:PORT [THREADS]")?.parse()?;
    let threads = arguments.next().map_or(Ok(1), |threads| threads.parse())?;
    let mut builder = match threads {
        1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    if threads > 1 {
        builder.worker_threads(threads);
    }
    builder.enable_all().build()?.block_on(program(address))
}
