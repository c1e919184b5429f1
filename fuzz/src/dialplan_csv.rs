use dialplan::prefix::PrefixTable;
use dialplan::rate::Tariff;

/// A table of prefixes and a tariff, as CSV.
///
/// An error says something; what was read once is read again.
pub fn dialplan_csv(data: &[u8]) {
    let table = || PrefixTable::from_csv(data, |row| row.field(1).map(str::len));
    match (table(), table()) {
        (Ok(one), Ok(two)) => assert_eq!(one.len(), two.len()),
        (Err(error), Err(_)) => assert!(!error.to_string().is_empty()),
        _ => panic!("the same table was read and refused"),
    }
    if let Err(error) = Tariff::from_csv(data) {
        assert!(!error.to_string().is_empty());
    }
}
