//! The configuration file: what may stand in it, and what is wrong with it.

mod check;
mod error;
mod file;

use std::path::Path;

pub(crate) use check::weakness;
pub use check::{Config, Menu, ServiceKind};
pub use error::ConfigError;

/// Every key with its meaning, as `--print-config` shows it.
pub const REFERENCE: &str = include_str!("reference.toml");

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    ///
    /// Names the file, the line and the key of the first mistake.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text =
            std::fs::read_to_string(path).map_err(|error| ConfigError::unreadable(path, &error))?;
        Self::parse(&text, path)
    }

    /// What holds without a file.
    pub fn built_in() -> Self {
        Self::parse(include_str!("default.toml"), Path::new("(built in)"))
            .unwrap_or_else(|error| unreachable!("the built-in configuration: {error}"))
    }

    fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let file = toml::from_str(text).map_err(|error| ConfigError::syntax(path, text, &error))?;
        check::check(file, text, path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Config::parse(text, Path::new("office.toml")).unwrap_err().to_string()
    }

    #[test]
    fn the_built_in_configuration_serves_four_extensions_on_loopback() {
        let config = Config::built_in();
        let numbers: Vec<_> = config.extensions.iter().map(|e| e.number.as_str()).collect();
        assert_eq!(numbers, ["101", "102", "103", "104"]);
        assert_eq!(config.listen_udp, ["127.0.0.1:5060".parse().unwrap()]);
        assert_eq!(config.listen_tcp, config.listen_udp);
        assert_eq!(config.services.len(), 2);
        assert!(config.trunks.is_empty(), "nothing is trusted by default");
    }

    #[test]
    fn the_reference_is_a_valid_configuration_of_every_key() {
        let config = Config::parse(REFERENCE, Path::new("reference.toml")).unwrap();
        assert_eq!(config.trunks.len(), 1);
        assert_eq!(config.routes.len(), 1);
        assert!(!config.menus.is_empty());
    }

    #[test]
    fn mistakes_name_file_line_and_key() {
        for (text, expected) in [
            ("[listen]\nudb = []\n", ["office.toml:2", "udb"]),
            ("[listen]\nudp = [\"here\"]\n", ["office.toml:2", "listen.udp"]),
            ("[calls]\nring_seconds = \"long\"\n", ["office.toml:2", "ring_seconds"]),
            ("[calls]\nring_seconds = 0\n", ["office.toml:2", "calls.ring_seconds"]),
            ("\n\n[[extension]]\nnumber = \"1o1\"\n", ["office.toml:4", "extension.number"]),
            (
                "[[extension]]\nnumber = \"101\"\n[[extension]]\nnumber = \"101\"\n",
                ["office.toml:4", "extension.number"],
            ),
            ("[[trunk]]\nname = \"a\"\naddress = \"b\"\n", ["office.toml:3", "trunk.address"]),
            ("[[route]]\npattern = \"_9X.\"\ntrunk = \"x\"\n", ["office.toml:3", "route.trunk"]),
            ("[[route]]\npattern = \"_[0-\"\ntrunk = \"x\"\n", ["office.toml:2", "route.pattern"]),
            ("[[service]]\nnumber = \"6\"\nkind = \"fax\"\n", ["office.toml:3", "kind"]),
            ("[listen]\nudp = [\n", ["office.toml:", "udp"]),
            ("[guard]\ntrusted = [\"10/8\"]\n", ["office.toml:2", "guard.trusted"]),
            ("[guard]\n\nban_seconds = 0\n", ["office.toml:3", "guard.ban_seconds"]),
            ("[guard]\nscanners = [\"a\"]\n", ["office.toml:2", "guard.scanners"]),
            ("[guard]\nstrangers = 3\n", ["office.toml:2", "strangers"]),
            ("[calls]\nemergency = [\"help\"]\n", ["office.toml:2", "calls.emergency"]),
            ("[watch]\nhep = \"homer\"\n", ["office.toml:2", "watch.hep"]),
            ("[watch]\nhttp = \"9160\"\n", ["office.toml:2", "watch.http"]),
        ] {
            let message = error(text);
            for part in expected {
                assert!(message.contains(part), "{text:?} gave {message:?} without {part:?}");
            }
        }
    }

    #[test]
    fn a_weak_password_is_refused_outside_loopback_only() {
        let weak = "[[extension]]\nnumber = \"101\"\npassword = \"1234\"\n";
        assert!(Config::parse(weak, Path::new("office.toml")).is_ok());
        let open = format!("[listen]\nudp = [\"0.0.0.0:5060\"]\n{weak}");
        let message = error(&open);
        assert!(message.contains("office.toml:5"), "{message}");
        assert!(message.contains("extension.password"), "{message}");
        assert!(message.contains("12 characters"), "{message}");
    }
}
