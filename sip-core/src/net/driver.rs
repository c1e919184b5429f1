//! An endpoint on sockets.

use core::pin::Pin;
use core::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use super::Transports;
use crate::Endpoint;
use crate::endpoint::Event;

/// Runs an [`Endpoint`] on [`Transports`]. Between events the caller works on `endpoint` as it
/// likes; what that wants to send leaves with the next [`event`](Self::event) or
/// [`flush`](Self::flush).
#[derive(Debug)]
pub struct Driver {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// The sockets.
    pub transports: Transports,
    start: Instant,
    timer: Timer,
}

/// The endpoint's timer. Setting one costs more than leaving it, and most events leave it.
#[derive(Debug, Default)]
struct Timer {
    /// When it fires, from the start.
    at: Option<Duration>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Timer {
    fn set(&mut self, start: Instant, at: Option<Duration>) {
        if self.at == at {
            return;
        }
        self.at = at;
        let Some(at) = at else { return };
        match &mut self.sleep {
            Some(sleep) => sleep.as_mut().reset(start + at),
            None => self.sleep = Some(Box::pin(sleep_until(start + at))),
        }
    }

    async fn fire(&mut self) {
        match (&mut self.sleep, self.at) {
            (Some(sleep), Some(_)) => {
                sleep.await;
                self.at = None;
            }
            _ => core::future::pending().await,
        }
    }
}

impl Driver {
    /// Joins them; `now` starts here.
    pub fn new(endpoint: Endpoint, transports: Transports) -> Self {
        Self { endpoint, transports, start: Instant::now(), timer: Timer::default() }
    }

    /// The time that the endpoint lives in.
    pub fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Sends and receives until the endpoint has something to tell. May be dropped and called
    /// again at any time.
    pub async fn event(&mut self) -> Event {
        loop {
            self.flush();
            if let Some(event) = self.endpoint.poll_event() {
                return event;
            }
            self.timer.set(self.start, self.endpoint.poll_timeout());
            tokio::select! {
                input = self.transports.receive() => {
                    self.endpoint.handle_input(self.start.elapsed(), input);
                }
                () = self.timer.fire() => self.endpoint.handle_timeout(self.start.elapsed()),
            }
        }
    }

    /// Hands over to the sockets what the endpoint wants to send.
    pub fn flush(&mut self) {
        while let Some(transmit) = self.endpoint.poll_transmit() {
            self.transports.send(transmit);
        }
    }

    /// Sends what is left and closes every socket, waiting for slow peers as long as
    /// [`Config::linger`](super::Config::linger).
    pub async fn close(mut self) {
        self.flush();
        self.transports.close().await;
    }
}
