use alloc::sync::Arc;
use core::fmt;

use jiff::civil::{Date, Weekday};

/// A language that reasons and reports are written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Russian.
    Ru,
}

/// The name of a holiday, a calendar or an exception; in Russian too where it has been given.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name {
    text: Arc<str>,
    ru: Option<Arc<str>>,
}

impl Name {
    /// A name that is the same in every language.
    pub fn new(text: &str) -> Self {
        Self { text: text.into(), ru: None }
    }

    /// Adds the name in Russian.
    #[must_use]
    pub fn with_ru(self, ru: &str) -> Self {
        Self { ru: Some(ru.into()), ..self }
    }

    /// The name in `lang`, else as it was first given.
    pub fn text(&self, lang: Lang) -> &str {
        match lang {
            Lang::Ru => self.ru.as_deref().unwrap_or(&self.text),
            Lang::En => &self.text,
        }
    }

    /// The Russian name, if it has one of its own.
    pub fn ru(&self) -> Option<&str> {
        self.ru.as_deref()
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// "Monday", "понедельник".
pub fn weekday_name(day: Weekday, lang: Lang) -> &'static str {
    const RU: [&str; 7] =
        ["понедельник", "вторник", "среда", "четверг", "пятница", "суббота", "воскресенье"];
    pick(lang, &EN_DAYS, &RU, index(day))
}

/// "January", "январь"; `month` is 1 to 12, others give December.
pub fn month_name(month: i8, lang: Lang) -> &'static str {
    const RU: [&str; 12] = [
        "январь",
        "февраль",
        "март",
        "апрель",
        "май",
        "июнь",
        "июль",
        "август",
        "сентябрь",
        "октябрь",
        "ноябрь",
        "декабрь",
    ];
    pick(lang, &EN_MONTHS, &RU, month_index(month))
}

/// The form that a date takes in a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phrase {
    /// "Saturday 3 January".
    En,
    /// "субботы 3 января": the genitive, after "с".
    RuFrom,
    /// "субботу 3 января": the accusative, after "на".
    RuTo,
}

/// A date as prose mentions it, with the year where it differs from that of `near`.
pub(crate) fn prose_date(date: Date, near: Date, phrase: Phrase) -> impl fmt::Display {
    struct Prose(Date, bool, Phrase);
    impl fmt::Display for Prose {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            let Prose(date, with_year, phrase) = *self;
            let (days, months, suffix) = match phrase {
                Phrase::En => (&EN_DAYS, &EN_MONTHS, ""),
                Phrase::RuFrom => (&RU_GENITIVE_DAYS, &RU_GENITIVE_MONTHS, " года"),
                Phrase::RuTo => (&RU_ACCUSATIVE_DAYS, &RU_GENITIVE_MONTHS, " года"),
            };
            let day = days[index(date.weekday())];
            write!(f, "{day} {} {}", date.day(), months[month_index(date.month())])?;
            if with_year {
                write!(f, " {}{suffix}", date.year())?;
            }
            Ok(())
        }
    }
    Prose(date, date.year() != near.year(), phrase)
}

/// 0 for Monday to 6 for Sunday.
pub(crate) fn index(day: Weekday) -> usize {
    usize::from(day.to_monday_zero_offset().unsigned_abs())
}

const EN_DAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const EN_MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const RU_GENITIVE_MONTHS: [&str; 12] = [
    "января",
    "февраля",
    "марта",
    "апреля",
    "мая",
    "июня",
    "июля",
    "августа",
    "сентября",
    "октября",
    "ноября",
    "декабря",
];
const RU_GENITIVE_DAYS: [&str; 7] =
    ["понедельника", "вторника", "среды", "четверга", "пятницы", "субботы", "воскресенья"];
const RU_ACCUSATIVE_DAYS: [&str; 7] =
    ["понедельник", "вторник", "среду", "четверг", "пятницу", "субботу", "воскресенье"];

fn pick(
    lang: Lang,
    en: &'static [&'static str],
    ru: &'static [&'static str],
    index: usize,
) -> &'static str {
    let names = match lang {
        Lang::En => en,
        Lang::Ru => ru,
    };
    names.get(index).copied().unwrap_or("?")
}

fn month_index(month: i8) -> usize {
    usize::from(month.unsigned_abs()).clamp(1, 12) - 1
}
