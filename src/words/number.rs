//! Numbers as Terraform has them: whole ones are exact, others as precise as a double.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

/// A finite number with a total order. Whole values within `i64` are always kept as integers, so that equal numbers have
/// equal representations.
#[derive(Clone, Copy)]
pub struct Number(Repr);

#[derive(Clone, Copy)]
enum Repr {
    Int(i64),
    Float(f64),
}

/// The whole doubles that fit an `i64` without loss lie strictly within these.
const EXACT: f64 = 9_223_372_036_854_775_808.0;

impl Number {
    /// The number as a double.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a double is what was asked for")]
    pub fn as_f64(self) -> f64 {
        match self.0 {
            Repr::Int(n) => n as f64,
            Repr::Float(n) => n,
        }
    }

    /// The number as an integer, where it is whole and fits.
    #[must_use]
    pub fn as_i64(self) -> Option<i64> {
        match self.0 {
            Repr::Int(n) => Some(n),
            Repr::Float(_) => None,
        }
    }

    /// A double as a number; `None` for infinities and NaN.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "guarded by the comparison")]
    pub fn from_f64(n: f64) -> Option<Self> {
        if !n.is_finite() {
            None
        } else if n.fract() == 0.0 && n > -EXACT && n < EXACT {
            Some(Self(Repr::Int(n as i64)))
        } else {
            Some(Self(Repr::Float(n)))
        }
    }

    /// Reads a decimal number such as `12`, `-0.5` or `1e3`; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
            return None;
        }
        text.parse().map(|n| Self(Repr::Int(n))).ok().or_else(|| Self::from_f64(text.parse().ok()?))
    }

    fn with(self, other: Self, exact: fn(i64, i64) -> Option<i64>, near: fn(f64, f64) -> f64) -> Option<Self> {
        if let (Repr::Int(a), Repr::Int(b)) = (self.0, other.0)
            && let Some(n) = exact(a, b)
        {
            return Some(n.into());
        }
        Self::from_f64(near(self.as_f64(), other.as_f64()))
    }

    /// The sum; `None` when it is no finite number, as for all operations here.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        self.with(other, i64::checked_add, |a, b| a + b)
    }

    /// The difference.
    #[must_use]
    pub fn minus(self, other: Self) -> Option<Self> {
        self.with(other, i64::checked_sub, |a, b| a - b)
    }

    /// The product.
    #[must_use]
    pub fn times(self, other: Self) -> Option<Self> {
        self.with(other, i64::checked_mul, |a, b| a * b)
    }

    /// The quotient; `None` for a divisor of zero.
    #[must_use]
    pub fn over(self, other: Self) -> Option<Self> {
        self.with(other, |a, b| if a.checked_rem(b)? == 0 { a.checked_div(b) } else { None }, |a, b| a / b)
    }

    /// The remainder with the sign of `self`; `None` for a divisor of zero.
    #[must_use]
    pub fn modulo(self, other: Self) -> Option<Self> {
        self.with(other, i64::checked_rem, |a, b| a % b)
    }
}

impl From<i64> for Number {
    fn from(n: i64) -> Self {
        Self(Repr::Int(n))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.0, other.0) {
            (Repr::Int(a), Repr::Int(b)) => a.cmp(&b),
            _ => self.as_f64().total_cmp(&other.as_f64()),
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Number {}

impl Hash for Number {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self.0 {
            Repr::Int(n) => n.hash(state),
            Repr::Float(n) => n.to_bits().hash(state),
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Repr::Int(n) => write!(f, "{n}"),
            Repr::Float(n) => write!(f, "{n}"),
        }
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
