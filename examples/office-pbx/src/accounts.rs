//! The accounts file of the data folder: passwords made at the first start, readable by its owner only.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde::Serialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::config::{Config, weakness};

/// The file's name within the data folder.
const FILE: &str = "accounts.toml";
/// Letters and digits that nobody confuses when reading them aloud.
const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";
const LENGTH: usize = 20;

/// Where the office listens, and every extension's password, as written.
#[derive(Serialize)]
struct Accounts<'a> {
    /// `address:port` for telephones.
    server: &'a str,
    /// Passwords by extension.
    passwords: BTreeMap<&'a str, &'a str>,
}

/// Gives every extension of the configuration its password: the one that stands there, else the one in the
/// file, else a new one. Writes the file when it does not say the same.
///
/// # Errors
///
/// When the folder cannot be written or the file was damaged.
pub fn complete(folder: &Path, config: &mut Config, server: &str) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the data folder {}", folder.display()))?;
    let path = folder.join(FILE);
    let text = match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        read => read.with_context(|| format!("cannot read {}", path.display()))?,
    };
    let kept = read(&text)
        .with_context(|| format!("{} is damaged; move it away to begin anew", path.display()))?;
    let open = config.is_open();
    let mut same = kept.server == server && kept.passwords.len() == config.extensions.len();
    for extension in &mut config.extensions {
        let before = kept.passwords.get(&*extension.number).map(|kept| &**kept);
        let password = match (&mut extension.password, before) {
            (Some(password), _) => password,
            (none, Some(kept)) => none.insert(kept.to_owned()),
            (none, None) => none.insert(random_password()?),
        };
        if let Some(weakness) = weakness(password, &extension.number, open) {
            bail!("{}: the password of {} {weakness}", path.display(), extension.number);
        }
        same &= before == Some(&**password);
    }
    if !same {
        let passwords = config.extensions.iter().map(|extension| {
            (&*extension.number, extension.password.as_deref().unwrap_or_default())
        });
        let passwords = passwords.collect();
        write(&path, &Accounts { server, passwords })?;
    }
    Ok(())
}

/// What the file says.
struct Kept<'a> {
    server: Cow<'a, str>,
    passwords: HashMap<Cow<'a, str>, Cow<'a, str>>,
}

fn read(text: &str) -> anyhow::Result<Kept<'_>> {
    let mut file = DeTable::parse(text)?.into_inner();
    let server = file.remove("server").map_or(Ok(Cow::default()), string)?;
    let passwords = match file.remove("passwords").map(Spanned::into_inner) {
        None => DeTable::default(),
        Some(DeValue::Table(passwords)) => passwords,
        Some(_) => bail!("passwords are in no table"),
    };
    let passwords =
        passwords.into_iter().map(|(number, value)| Ok((number.into_inner(), string(value)?)));
    Ok(Kept { server, passwords: passwords.collect::<anyhow::Result<_>>()? })
}

fn string(value: Spanned<DeValue<'_>>) -> anyhow::Result<Cow<'_, str>> {
    match value.into_inner() {
        DeValue::String(text) => Ok(text),
        _ => bail!("a value is no text"),
    }
}

fn write(path: &Path, accounts: &Accounts<'_>) -> anyhow::Result<()> {
    let text = format!(
        "# Made by office-pbx: what telephones need to register. Keep it to yourself.
{}",
        toml::to_string(accounts)?
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
        let passwords = |server: &str| {
            let mut config = Config::built_in();
            complete(folder.path(), &mut config, server).unwrap();
            let extensions = config.extensions.into_iter();
            extensions.map(|extension| extension.password.unwrap()).collect::<Vec<_>>()
        };
        let first = passwords("127.0.0.1:5060");
        assert_eq!(first, passwords("127.0.0.1:5070"));
        assert_eq!(first.len(), 4);
        assert!(first.iter().all(|password| password.len() == LENGTH));
        assert_ne!(first[0], first[1]);
        let text = std::fs::read_to_string(folder.path().join(FILE)).unwrap();
        let kept = read(&text).unwrap();
        assert_eq!(kept.server, "127.0.0.1:5070");
        assert_eq!(kept.passwords["101"], first[0]);
    }

    #[test]
    fn a_password_of_the_configuration_wins_and_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let kept = |password: Option<&str>| {
            let mut config = Config::built_in();
            config.extensions[0].password = password.map(str::to_owned);
            complete(folder.path(), &mut config, "x").unwrap();
            let text = std::fs::read_to_string(folder.path().join(FILE)).unwrap();
            read(&text).unwrap().passwords["101"].clone().into_owned()
        };
        let first = kept(None);
        assert_eq!(kept(Some("chosen")), "chosen");
        assert_ne!(first, "chosen");
        assert_eq!(kept(None), "chosen");
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read_them() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        complete(folder.path(), &mut Config::built_in(), "127.0.0.1:5060").unwrap();
        let mode = std::fs::metadata(folder.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0);
    }

    #[test]
    fn a_damaged_file_is_named_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        for damaged in [
            "server = [",
            "server = 1",
            "[passwords]
101 = 7
",
            "passwords = []",
        ] {
            std::fs::write(&path, damaged).unwrap();
            let error = complete(folder.path(), &mut Config::built_in(), "x").unwrap_err();
            assert!(error.to_string().contains("accounts.toml"), "{error}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), damaged);
        }
    }
}
