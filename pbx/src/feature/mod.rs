//! Features: small machines that see the events of a call and answer with commands.
//!
//! None reaches into another's state or into the exchange. Adding one is a file in this folder and
//! a line where routes name it.

mod echo;
mod menu;

use std::time::Duration;

pub use echo::EchoTest;
pub use menu::{Menu, MenuChoice, MenuSettings};

use crate::call::CallId;
use crate::exchange::{Command, Event};

/// A machine that conducts one call.
pub trait Feature: Send {
    /// The call was routed here. Returns through `commands` what to do first.
    fn start(&mut self, now: Duration, call: CallId, commands: &mut Vec<Command>);

    /// Something happened in the call.
    fn handle_event(&mut self, now: Duration, event: &Event, commands: &mut Vec<Command>);

    /// The instant of [`Feature::poll_timeout`] has come.
    fn handle_timeout(&mut self, now: Duration, commands: &mut Vec<Command>);

    /// When to call [`Feature::handle_timeout`], if at all.
    fn poll_timeout(&self) -> Option<Duration>;
}
