use dialplan::asterisk::{self, Application, NoFiles};

/// An `extensions.conf`.
///
/// What is read can be searched and checked from any of its contexts; reading it again gives the same report.
pub fn extensions_conf(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let read = || asterisk::read("extensions.conf", text, &mut NoFiles);
    match (read(), read()) {
        (Ok((plan, report)), Ok((_, again))) => {
            assert_eq!(format!("{report:?}"), format!("{again:?}"));
            let names: Vec<String> = plan.context_names().map(Into::into).collect();
            for name in names.iter().take(8) {
                for dialled in ["100", "s", "84951234567"] {
                    let _ = plan.lookup(name, dialled);
                }
            }
            let _ = plan.check(&["default"], &Application::contexts);
        }
        (Err(error), Err(_)) => assert!(!error.to_string().is_empty()),
        _ => panic!("the same text was read and refused"),
    }
}
