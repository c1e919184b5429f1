//! The voice menu: a greeting, single keys, and direct dialling of an extension.
//!
//! ```text
//!            start                    a key that begins a longer number
//! (routed) --------> Greeting ---------------------------------> Collecting
//!                      ^  |  the greeting ends, then `patience`      |
//!                      |  v                                          | `between_digits`, or no
//!            unknown --+ Waiting ---- a key ------------------------>| longer number is possible
//!            number    |    |                                        v
//!                      |    | `attempts` used up                  Dialling ---> (bridged)
//!                      |    v                                        |
//!                      |  hang up                                    |
//!                      +---------------- nobody answers -------------+
//! ```

use std::time::Duration;

use super::Feature;
use crate::call::{CallId, Cause};
use crate::exchange::{Command, Event};
use crate::media::Audio;

/// What a menu says and where its keys lead.
#[derive(Clone, Debug)]
pub struct MenuSettings {
    /// Played at the start and before each further attempt.
    pub greeting: Audio,
    /// Played when a number leads nowhere or nobody answers; the greeting follows.
    pub sorry: Audio,
    /// Single keys.
    pub choices: Vec<MenuChoice>,
    /// Longest number a caller may dial directly; 0 allows single keys only.
    pub direct_digits: usize,
    /// How long to wait for a first key after the greeting.
    pub patience: Duration,
    /// How long to wait for a further digit.
    pub between_digits: Duration,
    /// How often the greeting is played before the menu gives up.
    pub attempts: u32,
}

/// One key of a menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MenuChoice {
    /// `0`-`9`, `*` or `#`.
    pub key: char,
    /// The number it stands for, dialled in the caller's context.
    pub number: String,
}

/// A menu at work in one call.
#[derive(Debug)]
pub struct Menu {
    settings: MenuSettings,
    call: Option<CallId>,
    state: State,
    digits: String,
    attempts: u32,
    deadline: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Greeting,
    Sorry,
    Waiting,
    Collecting,
    Dialling,
}

impl Menu {
    /// A menu for one call.
    pub fn new(settings: MenuSettings) -> Self {
        Self {
            settings,
            call: None,
            state: State::Greeting,
            digits: String::new(),
            attempts: 0,
            deadline: None,
        }
    }

    fn greet(&mut self, call: CallId, commands: &mut Vec<Command>) {
        self.digits.clear();
        self.deadline = None;
        if self.attempts >= self.settings.attempts {
            commands.push(Command::HangUp { call, cause: Cause::NORMAL_CLEARING });
            return;
        }
        self.attempts += 1;
        self.state = State::Greeting;
        commands.push(Command::Play { call, audio: self.settings.greeting.clone() });
    }

    fn apologise(&mut self, call: CallId, commands: &mut Vec<Command>) {
        self.digits.clear();
        self.deadline = None;
        self.state = State::Sorry;
        commands.push(Command::Play { call, audio: self.settings.sorry.clone() });
    }

    fn digit(&mut self, now: Duration, call: CallId, digit: char, commands: &mut Vec<Command>) {
        if self.state == State::Dialling {
            return;
        }
        // `#` after digits means "that was all", as on every menu.
        if digit == '#' && !self.digits.is_empty() {
            return self.dial(call, commands);
        }
        if matches!(self.state, State::Greeting | State::Sorry) {
            commands.push(Command::Quiet { call });
        }
        self.digits.push(digit);
        if self.digits.chars().count() >= self.settings.direct_digits.max(1) {
            self.dial(call, commands);
        } else {
            self.state = State::Collecting;
            self.deadline = Some(now + self.settings.between_digits);
        }
    }

    fn dial(&mut self, call: CallId, commands: &mut Vec<Command>) {
        self.deadline = None;
        let mut keys = self.digits.chars();
        let choice = match (keys.next(), keys.next()) {
            (Some(key), None) => self.settings.choices.iter().find(|choice| choice.key == key),
            _ => None,
        };
        let number = match choice {
            Some(choice) => choice.number.clone(),
            None if self.digits.chars().count() > 1 => std::mem::take(&mut self.digits),
            None => return self.apologise(call, commands),
        };
        self.state = State::Dialling;
        commands.push(Command::Dial { call, number });
    }
}

impl Feature for Menu {
    fn start(&mut self, _now: Duration, call: CallId, commands: &mut Vec<Command>) {
        self.call = Some(call);
        commands.push(Command::Answer { call });
        self.greet(call, commands);
    }

    fn handle_event(&mut self, now: Duration, event: &Event, commands: &mut Vec<Command>) {
        let Some(call) = self.call else { return };
        match event {
            Event::Digit { digit, .. } => self.digit(now, call, *digit, commands),
            Event::Played { .. } if self.state == State::Greeting => {
                self.state = State::Waiting;
                self.deadline = Some(now + self.settings.patience);
            }
            Event::Played { .. } if self.state == State::Sorry => self.greet(call, commands),
            Event::DialFailed { .. } => self.apologise(call, commands),
            _ => {}
        }
    }

    fn handle_timeout(&mut self, now: Duration, commands: &mut Vec<Command>) {
        let (Some(call), Some(deadline)) = (self.call, self.deadline) else { return };
        if now < deadline {
            return;
        }
        match self.state {
            State::Collecting => self.dial(call, commands),
            _ => self.greet(call, commands),
        }
    }

    fn poll_timeout(&self) -> Option<Duration> {
        self.deadline
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::Party;

    const CALL: CallId = CallId(7);

    fn silence() -> Audio {
        Audio { samples: [0i16; 8].into(), repeat: false }
    }

    fn menu() -> (Menu, Vec<Command>) {
        let mut menu = Menu::new(MenuSettings {
            greeting: silence(),
            sorry: silence(),
            choices: vec![MenuChoice { key: '1', number: "101".into() }],
            direct_digits: 3,
            patience: Duration::from_secs(5),
            between_digits: Duration::from_secs(2),
            attempts: 2,
        });
        let mut commands = Vec::new();
        menu.start(Duration::ZERO, CALL, &mut commands);
        (menu, commands)
    }

    fn press(menu: &mut Menu, now: Duration, keys: &str) -> Vec<Command> {
        let mut commands = Vec::new();
        for digit in keys.chars() {
            let by = Party::Extension("104".into());
            let event =
                Event::Digit { call: CALL, by, digit, duration: Duration::from_millis(100) };
            menu.handle_event(now, &event, &mut commands);
        }
        commands
    }

    fn dialled(commands: &[Command]) -> Option<&str> {
        commands.iter().find_map(|command| match command {
            Command::Dial { number, .. } => Some(number.as_str()),
            _ => None,
        })
    }

    #[test]
    fn answers_and_greets() {
        let (_, commands) = menu();
        assert!(matches!(commands[..], [Command::Answer { .. }, Command::Play { .. }]));
    }

    #[test]
    fn a_key_waits_for_a_longer_number_and_then_stands_for_its_choice() {
        let (mut menu, _) = menu();
        assert_eq!(dialled(&press(&mut menu, Duration::from_secs(1), "1")), None);
        assert_eq!(menu.poll_timeout(), Some(Duration::from_secs(3)));
        let mut commands = Vec::new();
        menu.handle_timeout(Duration::from_secs(3), &mut commands);
        assert_eq!(dialled(&commands), Some("101"));
    }

    #[test]
    fn a_whole_extension_is_dialled_at_once_and_hash_ends_a_short_one() {
        let (mut menu_a, _) = menu();
        assert_eq!(dialled(&press(&mut menu_a, Duration::ZERO, "102")), Some("102"));
        let (mut menu_b, _) = menu();
        assert_eq!(dialled(&press(&mut menu_b, Duration::ZERO, "1#")), Some("101"));
    }

    #[test]
    fn an_unknown_key_is_answered_with_an_apology_and_the_greeting() {
        let (mut menu, _) = menu();
        let commands = press(&mut menu, Duration::ZERO, "7#");
        assert!(matches!(commands[..], [Command::Quiet { .. }, Command::Play { .. }]));
        let mut commands = Vec::new();
        menu.handle_event(Duration::ZERO, &Event::Played { call: CALL }, &mut commands);
        assert!(matches!(commands[..], [Command::Play { .. }]), "the greeting again");
    }

    #[test]
    fn gives_up_after_the_attempts_allowed() {
        let (mut menu, _) = menu();
        let mut commands = Vec::new();
        for _ in 0..2 {
            menu.handle_event(Duration::ZERO, &Event::Played { call: CALL }, &mut commands);
            let deadline = menu.poll_timeout().unwrap();
            menu.handle_timeout(deadline, &mut commands);
        }
        assert!(matches!(commands[..], [Command::Play { .. }, Command::HangUp { .. }]));
    }
}
