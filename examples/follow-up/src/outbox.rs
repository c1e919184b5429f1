//! Where letters go: a mail server, or files.

use std::{fs, io::Write, path::PathBuf, time::Duration};

use anyhow::Result;
use lettre::{
    Message, SmtpTransport, Transport,
    transport::smtp::{
        authentication::Credentials,
        client::{Tls, TlsParameters},
    },
};

use crate::config::{Config, Security, Smtp};

/// Sends one message.
pub trait Outbox {
    /// Sends `message`, which keeps its `message_id` at every try.
    ///
    /// # Errors
    ///
    /// [`SendError`] tells whether another try makes sense.
    fn send(&mut self, message: &Message, message_id: &str) -> Result<(), SendError>;
}

/// A message was not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendError {
    /// The server is down or busy: try again.
    Later(String),
    /// The server refuses this message for good.
    Never(String),
}

impl std::fmt::Display for SendError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Later(reason) | Self::Never(reason) => f.write_str(reason),
        }
    }
}

/// The outbox that the configuration names.
pub fn from_config(config: &Config) -> Result<Box<dyn Outbox + Send>> {
    match (&config.smtp, &config.files) {
        (Some(smtp), _) => Ok(Box::new(Server::new(smtp)?)),
        (None, Some(folder)) => Ok(Box::new(Files::new(folder.clone())?)),
        (None, None) => anyhow::bail!("letters have nowhere to go"),
    }
}

/// A mail server.
pub struct Server {
    transport: SmtpTransport,
}

impl Server {
    /// Prepares for a server; connects at each letter.
    pub fn new(smtp: &Smtp) -> Result<Self> {
        let tls = || TlsParameters::new(smtp.host.clone());
        let (tls, port) = match smtp.security {
            Security::Starttls => (Tls::Required(tls()?), 587),
            Security::Tls => (Tls::Wrapper(tls()?), 465),
            Security::None => (Tls::None, 25),
        };
        let mut builder = SmtpTransport::builder_dangerous(&smtp.host)
            .port(smtp.port.unwrap_or(port))
            .tls(tls)
            .timeout(Some(Duration::from_secs(smtp.timeout_seconds)));
        if let (Some(user), Some(password)) = (&smtp.user, &smtp.password) {
            builder = builder.credentials(Credentials::new(user.clone(), password.clone()));
        }
        Ok(Self { transport: builder.build() })
    }
}

impl Outbox for Server {
    fn send(&mut self, message: &Message, _message_id: &str) -> Result<(), SendError> {
        match self.transport.send(message) {
            Ok(_) => Ok(()),
            Err(error) if error.is_permanent() => Err(SendError::Never(error.to_string())),
            Err(error) => Err(SendError::Later(chain(&error))),
        }
    }
}

/// A folder with a file for each letter.
pub struct Files {
    folder: PathBuf,
}

impl Files {
    /// Makes the folder if need be.
    pub fn new(folder: PathBuf) -> Result<Self> {
        fs::create_dir_all(&folder)?;
        Ok(Self { folder })
    }

    fn write(&self, message: &Message, message_id: &str) -> std::io::Result<()> {
        let name: String = message_id
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || "-_.@".contains(*c))
            .collect();
        let path = self.folder.join(format!("{name}.eml"));
        // Written before, in a run that was killed before it could note so.
        if path.exists() {
            return Ok(());
        }
        let draft = self.folder.join(format!("{name}.draft"));
        let mut file = fs::File::create(&draft)?;
        file.write_all(&message.formatted())?;
        file.sync_all()?;
        fs::rename(draft, path)
    }
}

impl Outbox for Files {
    fn send(&mut self, message: &Message, message_id: &str) -> Result<(), SendError> {
        self.write(message, message_id).map_err(|error| SendError::Later(error.to_string()))
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let part = cause.to_string();
        if !text.contains(&part) {
            text = format!("{text}: {part}");
        }
        source = cause.source();
    }
    text
}
