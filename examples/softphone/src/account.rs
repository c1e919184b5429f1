//! Who we are and where we belong: from the exchange's data folder, or from the command line.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sip_core::{Host, HostPort};

/// The file that office-pbx keeps in its data folder.
const FILE: &str = "accounts.toml";
/// The extension taken when none is named.
const FIRST: &str = "101";

/// What the command line says of the account.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// `--account`.
    pub account: Option<String>,
    /// `--data`.
    pub data: PathBuf,
    /// `--server`.
    pub server: Option<HostPort>,
    /// `--user`.
    pub user: Option<String>,
    /// `--password`, or `SOFTPHONE_PASSWORD`.
    pub password: Option<String>,
}

/// An account at a server.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// The user name, which is the number as well.
    pub user: String,
    /// The server.
    pub server: HostPort,
    /// The password, if there is one.
    pub password: Option<String>,
}

/// Why there is no account. The caller's to mend.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccountError {
    /// The file is not there, or cannot be read.
    #[error(
        "cannot read {path}: {error}; start office-pbx in this folder first, or give --server, \
         --user and --password"
    )]
    Unreadable {
        /// Which file.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// The file is not what office-pbx writes.
    #[error("{path} is damaged: {error}")]
    Damaged {
        /// Which file.
        path: String,
        /// Where and why.
        error: String,
    },
    /// The file has no such account.
    #[error("{path} has no account {account}; it has {known}")]
    Unknown {
        /// Which file.
        path: String,
        /// The account asked for.
        account: String,
        /// The accounts that are there.
        known: String,
    },
}

#[derive(Deserialize)]
struct Accounts {
    server: String,
    passwords: BTreeMap<String, String>,
}

impl Given {
    /// The account. The file is read only when the command line leaves something out: the server, or
    /// the password of an account named by `--account` or by nothing at all.
    ///
    /// # Errors
    ///
    /// When the file is needed, and is not there or does not have it.
    pub fn account(&self) -> Result<Account, AccountError> {
        let user = self.user.as_ref().or(self.account.as_ref()).map_or(FIRST, String::as_str);
        if let Some(server) = &self.server
            && (self.password.is_some() || self.user.is_some())
        {
            let password = self.password.clone();
            return Ok(Account { user: user.to_owned(), server: server.clone(), password });
        }
        let path = self.data.join(FILE);
        let accounts = read(&path)?;
        let path = path.display().to_string();
        let password = match (&self.password, accounts.passwords.get(user)) {
            (Some(given), _) => given.clone(),
            (None, Some(kept)) => kept.clone(),
            (None, None) => {
                let known: Vec<&str> = accounts.passwords.keys().map(String::as_str).collect();
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                return Err(AccountError::Unknown { path, account: user.to_owned(), known });
            }
        };
        let server = match &self.server {
            Some(server) => server.clone(),
            None => {
                let server = HostPort::parse(&accounts.server).map_err(|error| {
                    let error = format!("server = {:?}: {error}", accounts.server);
                    AccountError::Damaged { path, error }
                })?;
                HostPort { host: reachable(server.host), ..server }
            }
        };
        Ok(Account { user: user.to_owned(), server, password: Some(password) })
    }
}

fn read(path: &Path) -> Result<Accounts, AccountError> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|error| AccountError::Unreadable { path: name.clone(), error })?;
    toml::from_str(&text).map_err(|error: toml::de::Error| {
        // The whole error would quote the line, and a line may be a password.
        let line = error
            .span()
            .and_then(|span| text.get(..span.start))
            .map_or(1, |before| before.matches('\n').count() + 1);
        AccountError::Damaged { path: name, error: format!("line {line}: {}", error.message()) }
    })
}

/// A server that listens on every address is here, too.
fn reachable(host: Host) -> Host {
    match host {
        Host::V4(ip) if ip.is_unspecified() => Host::V4(std::net::Ipv4Addr::LOCALHOST),
        Host::V6(ip) if ip.is_unspecified() => Host::V6(std::net::Ipv6Addr::LOCALHOST),
        host => host,
    }
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { user, server, .. } = self;
        f.debug_struct("Account")
            .field("user", user)
            .field("server", server)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(server: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let text = format!("server = \"{server}\"\n[passwords]\n101 = \"one\"\n102 = \"two\"\n");
        std::fs::write(folder.path().join(FILE), text).unwrap();
        folder
    }

    fn given(folder: &Path) -> Given {
        Given { data: folder.to_owned(), ..Given::default() }
    }

    #[test]
    fn the_file_gives_server_and_password() {
        let folder = folder("127.0.0.1:5060");
        let account = given(folder.path()).account().unwrap();
        assert_eq!((account.user.as_str(), account.password.as_deref()), ("101", Some("one")));
        assert_eq!(account.server.to_string(), "127.0.0.1:5060");
        let other = Given { account: Some("102".to_owned()), ..given(folder.path()) };
        assert_eq!(other.account().unwrap().password.as_deref(), Some("two"));
    }

    #[test]
    fn the_command_line_wins_and_needs_no_file() {
        let nowhere = Path::new("no such folder");
        let server = Some(HostPort::parse("pbx.example.com").unwrap());
        let given = Given {
            server,
            user: Some("7".to_owned()),
            password: Some("p".to_owned()),
            ..given(nowhere)
        };
        let account = given.account().unwrap();
        assert_eq!(
            (account.user.as_str(), account.server.to_string().as_str()),
            ("7", "pbx.example.com")
        );
        let wrong = tempfile::tempdir().unwrap();
        let missing = Given { user: Some("7".to_owned()), ..self::given(wrong.path()) };
        let error = missing.account().unwrap_err().to_string();
        assert!(error.contains("accounts.toml") && error.contains("office-pbx"), "{error}");
    }

    #[test]
    fn a_password_of_the_command_line_goes_to_the_server_of_the_file() {
        let folder = folder("0.0.0.0:5062");
        let wrong = Given { password: Some("wrong".to_owned()), ..given(folder.path()) };
        let account = wrong.account().unwrap();
        assert_eq!(account.password.as_deref(), Some("wrong"));
        assert_eq!(account.server.to_string(), "127.0.0.1:5062");
    }

    #[test]
    fn an_unknown_account_is_told_which_there_are() {
        let folder = folder("127.0.0.1:5060");
        let unknown = Given { account: Some("105".to_owned()), ..given(folder.path()) };
        let error = unknown.account().unwrap_err().to_string();
        assert!(error.contains("no account 105") && error.contains("101, 102"), "{error}");
    }

    #[test]
    fn a_damaged_file_is_named() {
        for text in ["server = [", "server = \"a b\"\n[passwords]\n101 = \"x\"\n"] {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join(FILE), text).unwrap();
            let error = given(folder.path()).account().unwrap_err();
            assert!(matches!(error, AccountError::Damaged { .. }), "{error}");
        }
    }

    #[test]
    fn a_password_is_in_no_debug_output() {
        let folder = folder("127.0.0.1:5060");
        let account = given(folder.path()).account().unwrap();
        assert!(!format!("{account:?}").contains("one"));
    }
}
