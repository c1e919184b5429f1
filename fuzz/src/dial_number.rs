use dialplan::number::{EnumName, Profile, TelUri, Template, describe};
use dialplan::variable::expand;

/// A number as dialled, a `tel:` URI, an ENUM name, a template for a trunk, a text with variables.
///
/// A number survives being written in E.164, as an ENUM name and as it is dialled abroad; a URI survives being
/// written.
pub fn dial_number(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let profile = Profile::russia();
    if let Ok(dialled) = profile.normalise(text)
        && let Some(number) = dialled.number()
    {
        assert_eq!(number.to_string().parse(), Ok(number));
        let name = EnumName::of(number).to_string();
        assert_eq!(EnumName::parse(&name).map(|name| name.number()), Ok(number));
        let again = profile.normalise(&number.to_string()).map(|dialled| dialled.number());
        assert_eq!(again, Ok(Some(number)));
    }
    if let Ok(uri) = TelUri::parse(text) {
        let written = uri.to_string();
        assert_eq!(TelUri::parse(&written).map(|uri| uri.number()), Ok(uri.number()));
    }
    let _ = (EnumName::parse(text), Template::parse(text), profile.is_emergency(text));
    let _ = expand(text, &|name| Some(name.into()));
    let _ = describe(text, Some("RU"));
}
