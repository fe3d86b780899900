//! When the next look is due.

use std::cmp::Ordering;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use croner::errors::CronError;
use croner::{CivilDate, CivilDateTime, CivilTime, Cron, CronDateTime, Resolution, Weekday};
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp, Zoned};
use rand::Rng;

use crate::words::{Diagnostic, Result, Source, Span};

/// The shortest interval.
const SHORTEST: Duration = Duration::from_millis(100);
/// The longest: a watch that looks less often than this is none.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);
/// What is spread is at most this, and at most a tenth of the interval.
const SPREAD: Duration = Duration::from_secs(60);
/// How many looks in a row may be missing before something is wrong.
const MISSED: u32 = 3;
/// The wait after a first failure; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_secs(10);

/// When to look.
#[derive(Clone, Debug)]
pub enum Schedule {
    /// Again and again after that time.
    Every(Duration),
    /// At the times of a cron expression, on the clocks of a time zone.
    Cron(Box<Cron>, TimeZone),
}

impl Schedule {
    /// `15m`, `2s`, `1h 30m`.
    pub fn every(text: &str) -> Result<Self> {
        let source = Source::new("--every", text);
        let bad = |label: &str| {
            let error = Diagnostic::error(format!("`{text}` is no interval")).at(&Span::new(&source, 0..text.len()), label);
            error.help("write it like `--every 15m`, `--every 2h` or `--every '1h 30m'`")
        };
        let span: jiff::SignedDuration = text.trim().parse().map_err(|_| bad("a number and s, m or h"))?;
        let every = Duration::try_from(span).map_err(|_| bad("it must not be negative"))?;
        match every {
            every if every < SHORTEST => Err(bad("a tenth of a second at least").into()),
            every if every > LONGEST => Err(bad("a year at most").into()),
            every => Ok(Self::Every(every)),
        }
    }

    /// `0 */4 * * *`, on the clocks of `Europe/Berlin`, or of this machine.
    pub fn cron(text: &str, zone: Option<&str>) -> Result<Self> {
        let source = Source::new("--cron", text);
        let zone = match zone {
            None => TimeZone::system(),
            Some(name) => TimeZone::get(name).map_err(|_| {
                let error = Diagnostic::error(format!("there is no time zone `{name}`"));
                error.help("give one of the IANA database, such as `--timezone Europe/Berlin`, or `UTC`")
            })?,
        };
        let cron = Cron::from_str(text).map_err(|e| wrong_cron(&source, &e))?;
        let schedule = Self::Cron(Box::new(cron), zone);
        if schedule.following(Timestamp::now()).is_none() {
            let error = Diagnostic::error(format!("`{text}` never comes"));
            return Err(error.at(&Span::new(&source, 0..text.len()), "no such day").into());
        }
        Ok(schedule)
    }

    /// The first time after that one.
    #[must_use]
    pub fn following(&self, after: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Every(every) => after.checked_add(*every).ok(),
            Self::Cron(cron, zone) => {
                let found = cron.find_next_occurrence(&Clock(after.to_zoned(zone.clone())), false).ok()?;
                Some(found.0.timestamp())
            }
        }
    }

    /// When to look next, the last look having begun then: at once where a time was missed, and only once however many were.
    #[must_use]
    pub fn next(&self, last: Option<Timestamp>, now: Timestamp) -> Timestamp {
        match (self, last) {
            (Self::Every(_), None) => now,
            (Self::Cron(..), None) => self.following(now).unwrap_or(Timestamp::MAX),
            (_, Some(last)) => self.following(last).unwrap_or(Timestamp::MAX).max(now),
        }
    }

    /// How far apart looks are around that time.
    #[must_use]
    pub fn gap(&self, at: Timestamp) -> Duration {
        let two = self.following(at).and_then(|one| Some((one, self.following(one)?)));
        two.and_then(|(one, other)| other.duration_since(one).try_into().ok()).unwrap_or(LONGEST)
    }

    /// A wait of up to a tenth of the interval, so that many watches don't call at the same second.
    #[must_use]
    pub fn spread(&self, at: Timestamp) -> Duration {
        let most = (self.gap(at) / 10).min(SPREAD);
        rand::thread_rng().gen_range(Duration::ZERO..=most)
    }

    /// How long to wait after that many looks in a row that failed: longer each time, and never longer than until the one that is due
    /// anyway, unless looks are less than a minute apart.
    #[must_use]
    pub fn after_failures(&self, failures: u32, at: Timestamp) -> Duration {
        let gap = self.gap(at);
        let longest = gap.max(Duration::from_secs(60));
        let waits = ExponentialBuilder::new().with_min_delay(FIRST_WAIT.min(gap)).with_max_delay(longest).with_jitter();
        // Jitter may double a wait.
        let wait = waits.without_max_times().build().nth(failures.saturating_sub(1) as usize).unwrap_or(longest);
        wait.min(longest)
    }

    /// Until when all is well though nothing was heard since that time.
    #[must_use]
    pub fn overdue(&self, since: Timestamp) -> Timestamp {
        let due = (0..MISSED).try_fold(since, |at, _| self.following(at)).unwrap_or(Timestamp::MAX);
        // A look takes its time, and is spread.
        due.checked_add(self.spread_at_most(since) + Duration::from_secs(30)).unwrap_or(Timestamp::MAX)
    }

    fn spread_at_most(&self, at: Timestamp) -> Duration {
        (self.gap(at) / 10).min(SPREAD) * MISSED
    }
}

/// Which of the fields is wrong: the parser doesn't say, so each is tried by itself.
fn wrong_cron(source: &Arc<Source>, error: &CronError) -> Diagnostic {
    const FIELDS: [&str; 5] = ["minute, 0-59", "hour, 0-23", "day of the month, 1-31", "month, 1-12", "day of the week, 0-7 or SUN-SAT"];
    let text = &source.text;
    let told = Diagnostic::error(format!("`{text}` is no cron expression"));
    let words: Vec<(usize, &str)> = text.split_whitespace().map(|word| (word.as_ptr() as usize - text.as_ptr() as usize, word)).collect();
    let help = "five fields: minute, hour, day of the month, month, day of the week; `0 */4 * * *` is every four hours";
    if words.len() != FIELDS.len() {
        let label =
            if text.starts_with('@') || words.len() > FIELDS.len() { error.to_string() } else { format!("{} of 5 fields", words.len()) };
        return told.at(&Span::new(source, 0..text.len()), label).help(help);
    }
    let alone = |i: usize, word: &str| {
        let fields: Vec<&str> = (0..FIELDS.len()).map(|j| if i == j { word } else { "*" }).collect();
        Cron::from_str(&fields.join(" ")).is_err()
    };
    match words.iter().enumerate().find(|(i, (_, word))| alone(*i, word)) {
        Some((i, (at, word))) => told.at(&Span::new(source, *at..at + word.len()), FIELDS[i]).help(help),
        None => told.at(&Span::new(source, 0..text.len()), error.to_string()).help(help),
    }
}

/// A time as the cron expression sees it.
#[derive(Clone)]
struct Clock(Zoned);

impl CronDateTime for Clock {
    fn to_civil(&self) -> CivilDateTime {
        let at = self.0.datetime();
        let part = |n: i8| n.unsigned_abs().into();
        let date = CivilDate::from_ymd_opt(at.year().into(), part(at.month()), part(at.day()));
        let time = CivilTime::from_hms_opt(part(at.hour()), part(at.minute()), part(at.second()));
        CivilDateTime::new(date.expect("a day of the calendar"), time.expect("a time of day"))
    }

    fn civil_weekday(&self) -> Weekday {
        const DAYS: [Weekday; 7] =
            [Weekday::Sunday, Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday, Weekday::Saturday];
        DAYS[usize::from(self.0.weekday().to_sunday_zero_offset().unsigned_abs()) % 7]
    }

    fn resolve_civil(&self, civil: CivilDateTime) -> std::result::Result<Resolution<Self>, CronError> {
        let part = |n: u32| i8::try_from(n).unwrap_or(i8::MAX);
        let year = i16::try_from(civil.year()).map_err(|_| CronError::InvalidDate)?;
        let at =
            DateTime::new(year, part(civil.month()), part(civil.day()), part(civil.hour()), part(civil.minute()), part(civil.second()), 0);
        let at = self.0.time_zone().to_ambiguous_zoned(at.map_err(|_| CronError::InvalidDate)?);
        let clock = |zoned: std::result::Result<Zoned, jiff::Error>| zoned.map(Clock).map_err(|_| CronError::InvalidTime);
        Ok(match at.offset() {
            AmbiguousOffset::Unambiguous { .. } => Resolution::Single(clock(at.unambiguous())?),
            AmbiguousOffset::Fold { .. } => Resolution::Ambiguous(clock(at.clone().earlier())?, clock(at.later())?),
            AmbiguousOffset::Gap { .. } => Resolution::Gap,
        })
    }

    fn checked_add_seconds(&self, seconds: i64) -> Option<Self> {
        self.0.checked_add(SignedDuration::from_secs(seconds)).ok().map(Clock)
    }

    fn cmp_instant(&self, other: &Self) -> Ordering {
        self.0.timestamp().cmp(&other.0.timestamp())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn intervals_are_read_and_bad_ones_told() {
        for (text, seconds) in [("15m", 900), ("2s", 2), ("1h 30m", 5400), ("4h", 14_400)] {
            assert!(matches!(Schedule::every(text), Ok(Schedule::Every(every)) if every.as_secs() == seconds), "{text}");
        }
        for text in ["", "15", "m", "-5m", "0s", "1 fortnight", "900000h", "99999999999999999999h"] {
            let told = Schedule::every(text).expect_err(text).to_string();
            assert!(told.contains("is no interval") && told.contains("--every 15m"), "{told}");
        }
    }

    #[test]
    fn the_field_of_a_cron_expression_that_is_wrong_is_underlined() {
        for (text, place, label) in [
            ("61 * * * *", "--cron:1:1", "minute"),
            ("0 */4 * * MONT", "--cron:1:11", "day of the week"),
            ("0 25 * * *", "--cron:1:3", "hour"),
            ("0 4 * *", "--cron:1:1", "4 of 5 fields"),
            ("", "--cron:1:1", "0 of 5 fields"),
            ("0 4 30 2 *", "--cron:1:1", "no such day"),
        ] {
            let told = Schedule::cron(text, Some("UTC")).expect_err(text).to_string();
            assert!(told.contains(place) && told.contains(label), "{text}: {told}");
        }
        let told = Schedule::cron("0 4 * * *", Some("Europe/Atlantis")).expect_err("no such zone").to_string();
        assert!(told.contains("Europe/Atlantis") && told.contains("Europe/Berlin"), "{told}");
    }

    #[test]
    fn a_clock_that_is_put_forward_or_back_is_followed() {
        let daily = Schedule::cron("30 2 * * *", Some("Europe/Berlin")).expect("an expression");
        // On 2026-03-29 there is no half past two: it is looked at three; on 2026-10-25 there are two of them, and the first is taken.
        let spring = daily.following(at("2026-03-28T12:00:00Z")).expect("a time");
        assert_eq!(spring.to_string(), "2026-03-29T01:00:00Z");
        let autumn = daily.following(at("2026-10-24T12:00:00Z")).expect("a time");
        assert_eq!(autumn.to_string(), "2026-10-25T00:30:00Z");
        assert_eq!(daily.following(autumn).expect("a time").to_string(), "2026-10-26T01:30:00Z");
    }

    #[test]
    fn a_watch_goes_on_where_it_was() {
        let every = Schedule::every("15m").expect("an interval");
        let now = at("2026-11-21T12:00:00Z");
        assert_eq!(every.next(None, now), now);
        assert_eq!(every.next(Some(at("2026-11-21T11:50:00Z")), now), at("2026-11-21T12:05:00Z"));
        assert_eq!(every.next(Some(at("2026-11-20T11:50:00Z")), now), now, "what was missed is looked at once");
        let cron = Schedule::cron("0 */4 * * *", Some("UTC")).expect("an expression");
        assert_eq!(cron.next(None, at("2026-11-21T12:30:00Z")), at("2026-11-21T16:00:00Z"));
        assert_eq!(cron.gap(now), Duration::from_secs(4 * 3600));
    }

    #[test]
    fn waits_grow_with_failures_up_to_the_interval() {
        let every = Schedule::every("15m").expect("an interval");
        let now = at("2026-11-21T12:00:00Z");
        let waits: Vec<Duration> = [1, 2, 3, 40].map(|n| every.after_failures(n, now)).into();
        assert!(waits[0] >= FIRST_WAIT && waits[0] <= FIRST_WAIT * 2 && waits[2] >= FIRST_WAIT * 4, "{waits:?}");
        assert!(waits[3] <= Duration::from_secs(900), "{waits:?}");
        assert!(every.overdue(now) > at("2026-11-21T12:45:00Z") && every.overdue(now) < at("2026-11-21T12:50:00Z"));
    }
}
