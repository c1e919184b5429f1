//! The echo test: the caller hears itself.

use std::time::Duration;

use super::Feature;
use crate::call::CallId;
use crate::exchange::{Command, Event};

/// Answers and sends the caller's voice back until the caller hangs up.
#[derive(Debug, Default)]
pub struct EchoTest;

impl Feature for EchoTest {
    fn start(&mut self, _now: Duration, call: CallId, commands: &mut Vec<Command>) {
        commands.push(Command::Answer { call });
        commands.push(Command::Echo { call });
    }

    fn handle_event(&mut self, _now: Duration, _event: &Event, _commands: &mut Vec<Command>) {}

    fn handle_timeout(&mut self, _now: Duration, _commands: &mut Vec<Command>) {}

    fn poll_timeout(&self) -> Option<Duration> {
        None
    }
}
