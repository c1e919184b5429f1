use dialplan::Dialplan;

/// A plan in TOML, a line of `%%`, then whatever file the plan names.
///
/// A plan that loads can be checked; an error names the file it stands in.
pub fn plan_file(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (plan, table) = text.split_once("\n%%\n").unwrap_or((text, ""));
    let mut fetch = |_: &str| Ok(table.as_bytes().to_vec());
    match Dialplan::from_toml("plan.toml", plan, &mut fetch) {
        Ok(plan) => {
            for finding in plan.check() {
                assert!(!finding.to_string().is_empty());
            }
        }
        Err(error) => assert!(error.to_string().contains(':'), "{error}"),
    }
}
