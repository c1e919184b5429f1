//! Reading plans from disk.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use dialplan::Dialplan;
use dialplan::asterisk::{self, Application, Files, Note};
use dialplan::plan::Plan;

/// A plan of either kind.
pub(crate) enum Loaded {
    Toml(Box<Dialplan>),
    Asterisk(Box<Plan<Application>>, Vec<Note>),
}

/// Reads a plan; what it names is looked for beside it.
pub(crate) fn load(path: &Path) -> Result<Loaded> {
    let text = text(path)?;
    let name = path.display().to_string();
    let folder = path.parent().map_or_else(PathBuf::new, Path::to_path_buf);
    if path.extension().is_some_and(|extension| extension == "conf") {
        let (plan, notes) = asterisk::read(&name, &text, &mut Folder(folder))?;
        return Ok(Loaded::Asterisk(Box::new(plan), notes));
    }
    let mut fetch = |name: &str| fs::read(folder.join(name)).map_err(|error| error.to_string());
    Ok(Loaded::Toml(Box::new(Dialplan::from_toml(&name, &text, &mut fetch)?)))
}

/// Reads a plan that has to be TOML.
pub(crate) fn load_toml(path: &Path) -> Result<Box<Dialplan>> {
    match load(path)? {
        Loaded::Toml(plan) => Ok(plan),
        Loaded::Asterisk(..) => {
            anyhow::bail!(
                "{}: an extensions.conf has no trunks or tariffs; this needs a plan in TOML",
                path.display()
            )
        }
    }
}

pub(crate) fn text(path: &Path) -> Result<String> {
    let bytes = fs::read(path).with_context(|| path.display().to_string())?;
    // Old files of Asterisk are in all sorts of encodings; comments are where it shows.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Files that `#include` names, with `*` in the last part of a path.
struct Folder(PathBuf);

impl Files for Folder {
    fn read(&mut self, name: &str) -> Result<Vec<(String, String)>, String> {
        let path = self.0.join(name);
        let mut paths = Vec::new();
        let pattern = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        match pattern.split_once('*') {
            None => paths.push(path.clone()),
            Some((start, end)) => {
                let folder = path.parent().unwrap_or(&self.0);
                for entry in fs::read_dir(folder).map_err(|error| error.to_string())?.flatten() {
                    let name = entry.file_name();
                    let name = name.to_string_lossy();
                    let fits = name.len() >= start.len() + end.len();
                    if fits && name.starts_with(start) && name.ends_with(end) {
                        paths.push(entry.path());
                    }
                }
                paths.sort();
            }
        }
        let read = |path: PathBuf| {
            let text = text(&path).map_err(|error| format!("{:#}", error.root_cause()))?;
            Ok((path.display().to_string(), text))
        };
        paths.into_iter().map(read).collect()
    }
}
