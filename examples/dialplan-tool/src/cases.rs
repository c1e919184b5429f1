//! Tables of cases: one JSON line for each row.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};
use dialplan::csv::{Row, Rows};
use dialplan::number::describe;
use dialplan::plan::{Digits, Plan, Query};
use dialplan::rate::{Free, Rate};
use serde_json::{Value, json};

/// `{"id", "winner"}` for each row of patterns and a dialled string.
pub(crate) fn matches(file: &Path) -> Result<bool> {
    let columns = ["id", "mode", "patterns", "input", "callerid"];
    each_row(file, columns, |[id, mode, patterns, input, caller], _| {
        let mut builder = Plan::builder();
        builder.context("cases");
        for extension in patterns.split_whitespace() {
            // A pattern that cannot be read matches nothing, as in Asterisk.
            if let Err(error) = builder.context("cases").add(extension, extension) {
                eprintln!("row {id}: `{extension}`: {error}");
            }
        }
        let plan = builder.build()?;
        let caller = Some(caller).filter(|caller| !caller.is_empty());
        let query = Query { caller, ..Query::new(input) };
        let yes_no = |yes| if yes { "yes" } else { "no" };
        let winner = match mode {
            "match" => plan.find("cases", &query).map_or("NONE", |found| *found.target),
            "canmatch" => yes_no(plan.digits("cases", &query) != Digits::NoMatch),
            "matchmore" => yes_no(plan.more_digits_possible("cases", &query)),
            other => bail!("there is no mode `{other}`"),
        };
        let id = id.parse::<u64>().map_or(Value::from(id), Value::from);
        Ok(json!({ "id": id, "winner": winner }))
    })
}

/// The columns of the table that follow from a number and its region.
pub(crate) fn normalise(file: &Path) -> Result<bool> {
    each_row(file, ["input", "default_region"], |[input, region], line| {
        let region = Some(region).filter(|region| !region.is_empty());
        Ok(match describe(input, region) {
            Err(_) => json!({
                "line": line, "e164": "ERROR", "valid": "", "type": "",
                "rfc3966": "", "national": "", "dialled_from_RU": "",
            }),
            Ok(details) => json!({
                "line": line,
                "e164": details.e164,
                "valid": if details.is_valid { "True" } else { "False" },
                "type": details.kind.as_str(),
                "rfc3966": details.rfc3966,
                "national": details.national,
                "dialled_from_RU": details.dialled_from(7, "8~10"),
            }),
        })
    })
}

/// `{"line", "billed_seconds", "cost"}` for each row of a rate and a length.
pub(crate) fn rate(file: &Path) -> Result<bool> {
    let columns = ["seconds", "initial/increment", "rate_per_min", "connect_fee", "free_seconds"];
    each_row(file, columns, |[seconds, increment, per_minute, fee, free], line| {
        let rate = Rate::per_minute(per_minute.parse()?)
            .increment(increment.parse()?)
            .connect_fee(fee.parse()?)
            .free(Free::BeforeRounding(free.parse()?));
        let charge = rate.charge(seconds.parse()?);
        // A number of JSON, written from the exact decimal.
        let cost: f64 = charge.cost.to_string().parse()?;
        Ok(json!({ "line": line, "billed_seconds": charge.billed_seconds, "cost": cost }))
    })
}

/// Runs a function over the rows of a table. A row that cannot be run is told, and the rest runs.
fn each_row<const N: usize>(
    file: &Path,
    names: [&str; N],
    mut run: impl FnMut([&str; N], u64) -> Result<Value>,
) -> Result<bool> {
    let table = fs::read(file).with_context(|| file.display().to_string())?;
    let mut rows = Rows::new(&table);
    let Some(heading) = rows.next()? else { bail!("{}: the table is empty", file.display()) };
    let mut columns = [0; N];
    for (column, name) in columns.iter_mut().zip(names) {
        *column = place(&heading, name)
            .with_context(|| format!("{}: there is no column `{name}`", file.display()))?;
    }
    let mut out = BufWriter::new(io::stdout().lock());
    let mut all_ran = true;
    loop {
        let row = match rows.next() {
            Ok(None) => break,
            Ok(Some(row)) => row,
            Err(error) => {
                eprintln!("{}: {error}", file.display());
                all_ran = false;
                continue;
            }
        };
        let fields = columns.map(|column| row.field(column).unwrap_or_default());
        match run(fields, row.line()) {
            Ok(answer) => writeln!(out, "{answer}")?,
            Err(error) => {
                eprintln!("{}:{}: {error:#}", file.display(), row.line());
                all_ran = false;
            }
        }
    }
    out.flush()?;
    Ok(all_ran)
}

/// The column of a name; a remark may follow it in parentheses.
fn place(heading: &Row<'_>, name: &str) -> Option<usize> {
    (0..heading.len()).find(|&at| {
        let field = heading.field(at).unwrap_or_default();
        field.split('(').next().unwrap_or_default().trim() == name
    })
}
