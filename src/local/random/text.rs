//! Random texts by classes of characters: what `random_password` and `random_string` share.

use rand::rngs::OsRng;
use rand::seq::SliceRandom;

use crate::words::Value;
use crate::words::failure::{Failure, Outcome};
use crate::words::resource::{Planned, Problem};

const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS: &str = "0123456789";
const SPECIAL: &str = "!@#$%&*()-_=+[]{}<>:?";

/// The longest text that may be asked for: a megabyte.
pub(super) const LONGEST: i64 = 1 << 20;

/// A class of characters.
pub(super) struct Class<'a> {
    /// The characters.
    pub(super) of: &'a str,
    /// Whether the text may have more than `least` of them.
    pub(super) may: bool,
    /// How many it must have.
    pub(super) least: i64,
}

/// What a text is made of.
pub(super) struct Rules<'a> {
    /// How many characters.
    pub(super) length: i64,
    /// Of which classes.
    pub(super) classes: [Class<'a>; 4],
}

impl<'a> Rules<'a> {
    /// Each pair says whether the class is allowed and how many there must be: lower, upper, numeric, special.
    pub(super) fn new(length: i64, [lower, upper, numeric, special]: [(bool, i64); 4], instead: Option<&'a str>) -> Self {
        let class = |of, (may, least)| Class { of, may, least };
        let own = instead.filter(|own| !own.is_empty()).unwrap_or(SPECIAL);
        Self { length, classes: [class(LOWER, lower), class(UPPER, upper), class(DIGITS, numeric), class(own, special)] }
    }

    /// A text, each one as likely as any other that the rules allow for the same drawing order. The randomness is the operating
    /// system's; an index is drawn by rejection, so no character is likelier than another.
    pub(super) fn draw(&self) -> Outcome<String> {
        let pool: Vec<char> = self.classes.iter().filter(|c| c.may).flat_map(|c| c.of.chars()).collect();
        let mut text: Vec<char> = vec![];
        for class in &self.classes {
            let of: Vec<char> = class.of.chars().collect();
            pick(&of, class.least, &mut text);
        }
        let rest = self.length - i64::try_from(text.len()).unwrap_or(i64::MAX);
        if rest < 0 {
            return Err(Failure::other(format!(
                "a text of {} characters cannot hold the {} that its minima ask for",
                self.length,
                text.len()
            )));
        }
        if rest > 0 && pool.is_empty() {
            return Err(Failure::other("no class of characters is allowed: set one of lower, upper, numeric and special to true"));
        }
        pick(&pool, rest, &mut text);
        text.shuffle(&mut OsRng);
        Ok(text.into_iter().collect())
    }
}

fn pick(of: &[char], count: i64, into: &mut Vec<char>) {
    into.extend((0..count.max(0)).filter_map(|_| of.choose(&mut OsRng)));
}

/// What is wrong with the rules as given; nothing is said of what is not known yet.
pub(super) fn check(given: &Value) -> Vec<Problem> {
    let mut problems = vec![];
    let minima = ["min_lower", "min_upper", "min_numeric", "min_special"].map(|name| given.attr(name));
    let known = minima.iter().chain([&given.attr("length")]).all(|v| !v.is_unknown());
    let int = |v: &Value| v.as_number().and_then(|n| n.as_i64()).unwrap_or(0);
    let least = minima.iter().fold(0_i64, |sum, v| sum.saturating_add(int(v)));
    if known && int(given.attr("length")) < least {
        let length = int(given.attr("length"));
        problems.push(Problem::new("length", format!("{length} characters cannot hold the {least} that the minima ask for")));
    }
    let off = |name: &str| given.attr(name).as_bool() == Some(false);
    if ["lower", "upper", "special"].into_iter().all(off) && (off("numeric") || off("number")) {
        problems.push(Problem::new("", "no class of characters is allowed: one of lower, upper, numeric and special must be true"));
    }
    if let (Some(numeric), Some(number)) = (given.attr("numeric").as_bool(), given.attr("number").as_bool())
        && numeric != number
    {
        problems.push(Problem::new("number", "number is the old name of numeric, so both must be the same"));
    }
    problems
}

/// Keeps `number` and `numeric`, two names of one thing, the same in a plan: whichever the user changed wins.
pub(super) fn plan(planned: &mut Planned<'_>) {
    let was = |name: &str| planned.prior.and_then(|p| p.attr(name).as_bool());
    let want = |name: &str| planned.want.attr(name).as_bool();
    let moved = |name: &str| want(name).filter(|v| was(name) != Some(*v));
    // What is unknown although there is a prior value is so because the user says so.
    let open = planned.prior.is_some() && ["numeric", "number"].iter().any(|name| planned.want.attr(name).is_unknown());
    let one = moved("numeric").or_else(|| moved("number")).or_else(|| want("numeric")).or_else(|| want("number"));
    if let Some(one) = one.filter(|_| !open) {
        let both = std::mem::take(planned.want).with("numeric", one.into()).with("number", one.into());
        *planned.want = both;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minima_are_met_and_nothing_else_gets_in() {
        let on = (true, 2);
        for _ in 0..50 {
            let text = Rules::new(12, [(false, 0), on, (false, 3), on], Some("é!")).draw().unwrap();
            assert_eq!(text.chars().count(), 12);
            let count = |test: fn(&char) -> bool| text.chars().filter(test).count();
            assert_eq!(count(char::is_ascii_digit), 3, "a class that is off still has its minimum: {text}");
            assert!(count(char::is_ascii_uppercase) >= 2 && count(|c| "é!".contains(*c)) >= 2, "{text}");
            assert!(text.chars().all(|c| c.is_ascii_digit() || c.is_ascii_uppercase() || "é!".contains(c)), "{text}");
        }
    }

    #[test]
    fn every_character_is_as_likely() {
        let text = Rules::new(100_000, [(false, 0), (false, 0), (true, 0), (false, 0)], None).draw().unwrap();
        for digit in '0'..='9' {
            let count = text.chars().filter(|c| *c == digit).count();
            assert!((9_000..11_000).contains(&count), "{digit}: {count}");
        }
    }

    #[test]
    fn impossible_rules_are_told() {
        let given = Value::object([("length", Value::from(3)), ("min_lower", Value::from(2)), ("min_special", Value::from(2))]);
        assert_eq!(check(&given)[0].path, "length");
        let off = Value::from(false);
        let none = ["lower", "upper", "numeric", "special"].map(|name| (name, off.clone()));
        assert_eq!(check(&Value::object(none).with("length", Value::from(1))).len(), 1);
        assert_eq!(check(&Value::object([("length", Value::unknown()), ("min_lower", Value::from(9))])), []);
        assert!(Rules::new(1, [(true, 2); 4], None).draw().is_err());
    }

    #[test]
    fn the_old_name_follows_the_new_one() {
        let planned = |prior: Option<Value>, want: Value| {
            let mut want = want;
            plan(&mut Planned::new(prior.as_ref(), &mut want, &[]));
            (want.attr("numeric").clone(), want.attr("number").clone())
        };
        let pair = |numeric: Value, number: Value| Value::object([("numeric", numeric), ("number", number)]);
        let (yes, no) = (Value::from(true), Value::from(false));
        let open = (Value::unknown(), Value::unknown());
        assert_eq!(planned(None, pair(Value::unknown(), Value::unknown())), open, "a default is made with the text");
        assert_eq!(planned(Some(pair(yes.clone(), yes.clone())), pair(Value::unknown(), yes.clone())).0, Value::unknown());
        assert_eq!(planned(None, pair(Value::unknown(), no.clone())), (no.clone(), no.clone()));
        assert_eq!(planned(Some(pair(yes.clone(), yes.clone())), pair(yes, no.clone())), (no.clone(), no));
    }
}
