//! The accounts file of the data folder: passwords made at the first start, readable by its owner only.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};

use crate::config::{Config, weakness};

/// The file's name within the data folder.
const FILE: &str = "accounts.toml";
/// Letters and digits that nobody confuses when reading them aloud.
const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";
const LENGTH: usize = 20;

/// Where the office listens, and every extension's password.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Accounts {
    /// `address:port` for telephones.
    pub server: String,
    /// Passwords by extension.
    pub passwords: BTreeMap<String, String>,
}

impl Accounts {
    /// Reads the file, makes passwords for extensions that have none, and writes it back when anything
    /// changed. Passwords of the configuration win over those of the file.
    ///
    /// # Errors
    ///
    /// When the folder cannot be written or the file was damaged.
    pub fn open(folder: &Path, config: &Config, server: &str) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the data folder {}", folder.display()))?;
        let path = folder.join(FILE);
        let old = match std::fs::read_to_string(&path) {
            Ok(text) => toml::from_str::<Self>(&text).with_context(|| {
                format!("{} is damaged; move it away to begin anew", path.display())
            })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Self::default(),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
        };
        let mut accounts = Self { server: server.to_owned(), passwords: BTreeMap::new() };
        for extension in &config.extensions {
            let password = match (&extension.password, old.passwords.get(&extension.number)) {
                (Some(password), _) => password.clone(),
                (None, Some(kept)) => kept.clone(),
                (None, None) => random_password()?,
            };
            if let Some(weakness) = weakness(&password, &extension.number, config.is_open()) {
                bail!("{}: the password of {} {weakness}", path.display(), extension.number);
            }
            accounts.passwords.insert(extension.number.clone(), password);
        }
        if accounts.server != old.server || accounts.passwords != old.passwords {
            accounts.write(&path)?;
        }
        Ok(accounts)
    }

    fn write(&self, path: &Path) -> anyhow::Result<()> {
        let text = format!(
            "# Made by office-pbx: what telephones need to register. Keep it to yourself.\n{}",
            toml::to_string(self)?
        );
        let beside: PathBuf = path.with_extension("toml.new");
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file =
            options.open(&beside).with_context(|| format!("cannot write {}", beside.display()))?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&beside, path).with_context(|| format!("cannot write {}", path.display()))
    }
}

/// 100 bits from the operating system's generator.
fn random_password() -> anyhow::Result<String> {
    let mut bytes = [0u8; LENGTH];
    if let Err(error) = getrandom::fill(&mut bytes) {
        bail!("the operating system gives no random numbers: {error}");
    }
    Ok(bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_made_once_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::built_in();
        let first = Accounts::open(folder.path(), &config, "127.0.0.1:5060").unwrap();
        let second = Accounts::open(folder.path(), &config, "127.0.0.1:5070").unwrap();
        assert_eq!(first.passwords, second.passwords);
        assert_eq!(second.server, "127.0.0.1:5070");
        assert_eq!(first.passwords.len(), 4);
        assert!(first.passwords.values().all(|password| password.len() == LENGTH));
        assert_ne!(first.passwords["101"], first.passwords["102"]);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read_them() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        Accounts::open(folder.path(), &Config::built_in(), "127.0.0.1:5060").unwrap();
        let mode = std::fs::metadata(folder.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0);
    }

    #[test]
    fn a_damaged_file_is_named_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        std::fs::write(&path, "server = [").unwrap();
        let error = Accounts::open(folder.path(), &Config::built_in(), "x").unwrap_err();
        assert!(error.to_string().contains("accounts.toml"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "server = [");
    }
}
