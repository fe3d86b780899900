//! Numbers as Terraform has them: binary floating point with 512 bits. What fits an `i64` is kept as one; all others are boxed,
//! so that a value stays small.

mod float;

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use float::Float;

/// A finite number with a total order. Whole values within `i64` are always kept as integers, so that equal numbers have
/// equal representations.
#[derive(Clone)]
pub struct Number(Repr);

#[derive(Clone)]
enum Repr {
    Int(i64),
    Float(Arc<Float>),
}

impl Number {
    /// The number as the nearest double; infinite where it is too large for one.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a double is what was asked for")]
    pub fn as_f64(&self) -> f64 {
        match &self.0 {
            Repr::Int(n) => *n as f64,
            Repr::Float(n) => n.as_f64(),
        }
    }

    /// The number as an integer, where it is whole and fits.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match self.0 {
            Repr::Int(n) => Some(n),
            Repr::Float(_) => None,
        }
    }

    /// Whether it has no fraction.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        match &self.0 {
            Repr::Int(_) => true,
            Repr::Float(n) => n.is_whole(),
        }
    }

    /// A double as the number that its shortest text says; `None` for infinities and NaN.
    #[must_use]
    pub fn from_f64(n: f64) -> Option<Self> {
        if n.is_finite() { Self::parse(&n.to_string()) } else { None }
    }

    /// A double, to the last bit: `0.1` is a bit more than a tenth.
    #[must_use]
    pub fn from_f64_exact(n: f64) -> Option<Self> {
        Float::from_f64(n).map(Self::of)
    }

    /// Reads a decimal number such as `12`, `-0.5` or `1e3`; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.parse().map(|n| Self(Repr::Int(n))).ok().or_else(|| Float::parse(text).map(Self::of))
    }

    /// Reads a whole number written in that base, from 2 to 36.
    #[must_use]
    pub fn parse_base(text: &str, base: u32) -> Option<Self> {
        Float::parse_base(text, base).map(Self::of)
    }

    /// Of a float, in its one representation.
    fn of(float: Float) -> Self {
        float.as_i64().map_or_else(|| Self(Repr::Float(Arc::new(float))), Self::from)
    }

    fn float(&self) -> Float {
        match &self.0 {
            Repr::Int(n) => Float::from(*n),
            Repr::Float(n) => n.as_ref().clone(),
        }
    }

    fn with(&self, other: &Self, whole: fn(i64, i64) -> Option<i64>, any: fn(&Float, &Float) -> Option<Float>) -> Option<Self> {
        if let (Repr::Int(a), Repr::Int(b)) = (&self.0, &other.0)
            && let Some(n) = whole(*a, *b)
        {
            return Some(n.into());
        }
        any(&self.float(), &other.float()).map(Self::of)
    }

    /// The sum; `None` where it is out of range, as for all operations here.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Option<Self> {
        self.with(other, i64::checked_add, Float::plus)
    }

    /// The difference.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Option<Self> {
        self.with(other, i64::checked_sub, |a, b| a.plus(&b.negated()))
    }

    /// The product.
    #[must_use]
    pub fn times(&self, other: &Self) -> Option<Self> {
        self.with(other, i64::checked_mul, Float::times)
    }

    /// The quotient; `None` for a divisor of zero.
    #[must_use]
    pub fn over(&self, other: &Self) -> Option<Self> {
        self.with(other, |a, b| if a.checked_rem(b)? == 0 { a.checked_div(b) } else { None }, Float::over)
    }

    /// The remainder with the sign of `self`; `None` for a divisor of zero.
    #[must_use]
    pub fn modulo(&self, other: &Self) -> Option<Self> {
        self.with(other, i64::checked_rem, Float::modulo)
    }

    /// The same with the other sign.
    #[must_use]
    pub fn negated(&self) -> Self {
        match &self.0 {
            Repr::Int(n) => n.checked_neg().map_or_else(|| Self::of(Float::from(*n).negated()), Self::from),
            Repr::Float(n) => Self::of(n.negated()),
        }
    }

    /// The greatest whole number that is not above it.
    #[must_use]
    pub fn floor(&self) -> Self {
        match &self.0 {
            Repr::Int(_) => self.clone(),
            Repr::Float(n) => Self::of(n.floor()),
        }
    }

    /// Whether it is below zero.
    #[must_use]
    pub fn is_negative(&self) -> bool {
        match &self.0 {
            Repr::Int(n) => *n < 0,
            Repr::Float(n) => n.is_negative(),
        }
    }

    /// Its digits in that base, from 2 to 36, without a sign; `None` where it is not whole.
    #[must_use]
    pub fn digits(&self, base: u32) -> Option<String> {
        self.is_whole().then(|| self.float().digits(base))
    }

    /// With that many decimals, rounded half to even, without a sign.
    #[must_use]
    pub fn fixed(&self, decimals: usize) -> String {
        self.float().fixed(decimals)
    }

    /// Its digits, as few as tell it from all others, and the place of the decimal point in them: `125` and 2 for 12.5.
    #[must_use]
    pub fn shortest(&self) -> (String, i64) {
        self.float().shortest()
    }

    /// That many digits, rounded half to even, and the place of the decimal point.
    #[must_use]
    pub fn rounded(&self, digits: usize) -> (String, i64) {
        self.float().rounded(digits)
    }
}

impl From<i64> for Number {
    fn from(n: i64) -> Self {
        Self(Repr::Int(n))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            (Repr::Int(a), Repr::Int(b)) => a.cmp(b),
            _ => self.float().cmp(&other.float()),
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
        match (&self.0, &other.0) {
            (Repr::Int(a), Repr::Int(b)) => a == b,
            (Repr::Float(a), Repr::Float(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Number {}

impl Hash for Number {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match &self.0 {
            Repr::Int(n) => n.hash(state),
            Repr::Float(n) => n.hash(state),
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
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
