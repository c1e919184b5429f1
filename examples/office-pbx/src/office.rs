//! From a checked configuration to the exchange's directory.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use pbx::directory::{Directory, Extension, Route, Trunk};
use pbx::feature::{EchoTest, Menu, MenuChoice, MenuSettings};
use pbx::media::Audio;
use sip_core::Transport;
use sip_core::auth::server::Secret;

use crate::config::{Config, ServiceKind};
use dialplan::plan::Plan;

const GREETING: &[u8] = include_bytes!("../prompts/greeting.ulaw");
const SORRY: &[u8] = include_bytes!("../prompts/sorry.ulaw");

/// What extensions may dial, what trunks' callers may dial, and what both may.
const EXTENSIONS: &str = "extensions";
const OFFICE: &str = "office";

/// The dialplan context of a trunk's callers.
fn context_of(trunk: &str) -> String {
    format!("trunk {trunk}")
}

/// Builds the directory, of the extensions themselves: the configuration has none afterwards, so
/// that nothing is kept twice.
///
/// # Errors
///
/// When a greeting cannot be read.
pub fn directory(config: &mut Config) -> anyhow::Result<Directory> {
    let mut directory = Directory::new(plan(config)?);
    directory.reserve(config.extensions.len());
    for extension in std::mem::take(&mut config.extensions) {
        directory.add_extension(Extension {
            number: extension.number,
            name: extension.name,
            secret: Secret::Password(extension.password.unwrap_or_default()),
        });
    }
    let config = &*config;
    for trunk in &config.trunks {
        directory.add_trunk(Trunk {
            name: trunk.name.clone(),
            address: trunk.address,
            transport: if trunk.tcp { Transport::Tcp } else { Transport::Udp },
            context: context_of(&trunk.name),
        });
    }
    directory.add_service("echo", Arc::new(|| Box::new(EchoTest)));
    for menu in &config.menus {
        let settings = menu_settings(menu)?;
        directory.add_service(
            &format!("menu {}", menu.name),
            Arc::new(move || Box::new(Menu::new(settings.clone()))),
        );
    }
    Ok(directory)
}

fn plan(config: &Config) -> anyhow::Result<Plan<Route>> {
    let mut builder = Plan::builder();
    builder.context(OFFICE).add("_X!", Route::Dialled)?;
    for service in &config.services {
        let name = match &service.kind {
            ServiceKind::Echo => "echo".to_owned(),
            ServiceKind::Menu(menu) => format!("menu {menu}"),
        };
        builder.context(OFFICE).add(&service.number, Route::Service(name))?;
    }
    builder.context(EXTENSIONS).include(OFFICE);
    for trunk in &config.trunks {
        builder.context(&context_of(&trunk.name)).include(OFFICE);
    }
    for route in &config.routes {
        let to = Route::Trunk {
            trunk: route.trunk.clone(),
            strip: route.strip,
            prefix: route.prefix.clone(),
        };
        if route.extensions {
            builder.context(EXTENSIONS).add(&route.pattern, to.clone())?;
        }
        for trunk in &route.trunks {
            builder.context(&context_of(trunk)).add(&route.pattern, to.clone())?;
        }
    }
    builder.build().context("the numbers of the configuration contradict each other")
}

/// The dialplan context of authenticated extensions.
pub fn extension_context() -> String {
    EXTENSIONS.to_owned()
}

fn menu_settings(menu: &crate::config::Menu) -> anyhow::Result<MenuSettings> {
    let greeting = match &menu.greeting {
        Some(path) => pbx::media::wav::read(path)
            .with_context(|| format!("the greeting {} of menu {}", path.display(), menu.name))?,
        None => decode(GREETING),
    };
    Ok(MenuSettings {
        greeting,
        sorry: decode(SORRY),
        choices: menu
            .keys
            .iter()
            .map(|(key, number)| MenuChoice { key: *key, number: number.clone() })
            .collect(),
        direct_digits: menu.direct_digits,
        patience: Duration::from_secs(7),
        between_digits: Duration::from_secs(2),
        attempts: 3,
    })
}

fn decode(codes: &[u8]) -> Audio {
    let mut samples = vec![0; codes.len()];
    codec_g711::ulaw::decode(codes, &mut samples);
    Audio { samples: samples.into(), repeat: false }
}
