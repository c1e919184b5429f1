use alloc::{
    collections::BTreeMap,
    format,
    string::{String, ToString},
    vec::Vec,
};

use jiff::civil::Date;

use super::Places;
use crate::{
    FileError, FileProblem, Lang, Name,
    production::{Calendar, DayKind, NoData, Special, YearStatus},
};

impl Calendar {
    /// Reads one year in the XML form of xmlcalendar: `<calendar year country>` with `<holidays>`
    /// and `<days>`, whose `t` is 1 for a day off, 2 for a short day, 3 for a working day, `h` the
    /// holiday and `f` the day that was moved here.
    ///
    /// That form does not tell days off by decree from others. The year is `official`.
    ///
    /// # Errors
    ///
    /// [`FileError`] with the line and the attribute.
    pub fn from_xml(text: &str, file: &str) -> Result<Calendar, FileError> {
        let document = roxmltree::Document::parse(text).map_err(|error| {
            let line = error.pos().row as usize;
            FileError::at_line(file, line, "", FileProblem::Syntax(error.to_string()))
        })?;
        let line =
            |node: &roxmltree::Node<'_, '_>| document.text_pos_at(node.range().start).row as usize;
        let bad = |node: &roxmltree::Node<'_, '_>, key: &str, expected: &'static str| {
            let found = node.attribute(key).unwrap_or("").to_string();
            FileError::at_line(file, line(node), key, FileProblem::Value { found, expected })
        };
        let root = document.root_element();
        if !root.has_tag_name("calendar") {
            let message = format!("<{}> is no <calendar>", root.tag_name().name());
            return Err(FileError::at_line(file, line(&root), "", FileProblem::Syntax(message)));
        }
        let year: i16 = root
            .attribute("year")
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| bad(&root, "year", "write the year as year=\"2026\""))?;
        let code = root.attribute("country").unwrap_or("xx").to_ascii_uppercase();
        let mut builder = Calendar::builder(&code).year(year, YearStatus::Official);
        if let Some(date) = root.attribute("date") {
            builder = builder.version(date);
        }
        let titles: BTreeMap<&str, &str> = root
            .descendants()
            .filter(|node| node.has_tag_name("holiday"))
            .filter_map(|node| Some((node.attribute("id")?, node.attribute("title")?)))
            .collect();
        let weekend = crate::production::Weekend::default();
        let mut places = Places::default();
        for node in root.descendants().filter(|node| node.has_tag_name("day")) {
            let month_day = |key: &str| {
                let (month, day) = node.attribute(key)?.split_once('.')?;
                Date::new(year, month.parse().ok()?, day.parse().ok()?).ok()
            };
            let date = month_day("d")
                .ok_or_else(|| bad(&node, "d", "write month and day of that year as 12.31"))?;
            let on_weekend = weekend.contains(date.weekday());
            let kind = match (node.attribute("t"), on_weekend) {
                (Some("1"), _) if node.attribute("h").is_some() => DayKind::Holiday,
                (Some("1"), false) => DayKind::DayOffMoved,
                (Some("1"), true) => DayKind::Weekend,
                (Some("2"), false) => DayKind::Short,
                (Some("2"), true) => DayKind::ShortWorkingWeekend,
                (Some("3"), false) => DayKind::Working,
                (Some("3"), true) => DayKind::WorkingWeekend,
                _ => return Err(bad(&node, "t", "write 1 day off, 2 short day, 3 working day")),
            };
            let mut special = Special::new(date, kind);
            if node.attribute("f").is_some() {
                let from = month_day("f")
                    .ok_or_else(|| bad(&node, "f", "write month and day of that year as 01.03"))?;
                special.moved_from = Some(from);
            }
            if let Some(holiday) = node.attribute("h") {
                let title = titles.get(holiday);
                let title = title.ok_or_else(|| bad(&node, "h", "no <holiday> has this id"))?;
                special.name = Some(Name::new(title));
            }
            places.add(date, line(&node));
            builder = builder.special(special);
        }
        places.build(builder, file)
    }

    /// Writes one year in the XML form of xmlcalendar, names in `lang`. Days off by decree are days
    /// off like others there when the calendar counts them so, else they are left out.
    ///
    /// # Errors
    ///
    /// [`NoData`] for a year that the calendar has no data for, whatever its fallback.
    pub fn to_xml(&self, year: i16, lang: Lang) -> Result<String, NoData> {
        if self.year(year).is_none() {
            return Err(self.no_data(year));
        }
        let mut titles: Vec<&str> = Vec::new();
        let mut days = String::new();
        let specials = self.specials();
        let mut dates: Vec<Date> = specials.iter().map(|special| special.date).collect();
        dates.dedup();
        for date in dates.into_iter().filter(|date| date.year() == year) {
            let day = self.day(date)?;
            let kind = match day.kind {
                DayKind::Holiday | DayKind::DayOffMoved | DayKind::DecreeOff | DayKind::Weekend => {
                    1
                }
                DayKind::Short | DayKind::ShortWorkingWeekend => 2,
                DayKind::WorkingWeekend => 3,
                DayKind::Working => continue,
            };
            days += &format!("    <day d=\"{}\" t=\"{kind}\"", month_day(date));
            if let (DayKind::Holiday, name) = (day.kind, day.name) {
                let title = name.map_or("", |name| name.text(lang));
                let known = titles.iter().position(|known| *known == title);
                let id = known.unwrap_or_else(|| {
                    titles.push(title);
                    titles.len() - 1
                });
                days += &format!(" h=\"{}\"", id + 1);
            }
            if let Some(from) = day.moved_from.filter(|from| from.year() == year) {
                days += &format!(" f=\"{}\"", month_day(from));
            }
            days += "/>\n";
        }
        let language = match lang {
            Lang::En => "en",
            Lang::Ru => "ru",
        };
        let code = escape(&self.code().to_ascii_lowercase());
        let version = escape(self.version());
        let mut out = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<calendar year=\"{year}\" \
             lang=\"{language}\" date=\"{version}\" country=\"{code}\">\n  <holidays>\n"
        );
        for (index, title) in titles.iter().enumerate() {
            let title = escape(title);
            out += &format!("    <holiday id=\"{}\" title=\"{title}\"/>\n", index + 1);
        }
        out += "  </holidays>\n  <days>\n";
        out += &days;
        out += "  </days>\n</calendar>\n";
        Ok(out)
    }
}

fn month_day(date: Date) -> String {
    format!("{:02}.{:02}", date.month(), date.day())
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
