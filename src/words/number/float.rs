//! Binary floating point with 512 bits, on the integers of a crate: exact arithmetic, then one rounding, half to even.

use std::cmp::Ordering;
use std::fmt;

use num_bigint::{BigInt, BigUint, Sign};

/// How many bits a number has.
const BITS: u64 = 512;
/// The largest power of two, either way: more would be gigabytes of digits, and mean nothing.
const LIMIT: i64 = 1 << 16;

/// `digits` times two to the power `power`; digits are odd, or all is zero.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Float {
    digits: BigInt,
    power: i64,
}

impl From<i64> for Float {
    fn from(n: i64) -> Self {
        Self::whole(n.into())
    }
}

impl Float {
    fn zero() -> Self {
        Self { digits: BigInt::ZERO, power: 0 }
    }

    /// Any integer, rounded to the bits that there are.
    fn whole(digits: BigInt) -> Self {
        // An integer of a text that somebody wrote is never out of range: its length is bounded where it is read.
        Self::new(digits, 0).unwrap_or_else(Self::zero)
    }

    /// Rounds to the bits that there are; `None` where that is out of range.
    fn new(digits: BigInt, power: i64) -> Option<Self> {
        let (sign, mut magnitude) = digits.into_parts();
        let mut power = power;
        if sign == Sign::NoSign {
            return Some(Self::zero());
        }
        if magnitude.bits() > BITS {
            let cut = magnitude.bits() - BITS;
            let half = magnitude.bit(cut - 1);
            let rest = magnitude.trailing_zeros().is_some_and(|zeros| zeros < cut - 1);
            magnitude >>= cut;
            power += i64::try_from(cut).ok()?;
            if half && (rest || magnitude.bit(0)) {
                magnitude += 1u32;
            }
        }
        let zeros = magnitude.trailing_zeros().unwrap_or(0);
        magnitude >>= zeros;
        power += i64::try_from(zeros).ok()?;
        let top = power + i64::try_from(magnitude.bits()).ok()?;
        if top > LIMIT {
            return None;
        }
        Some(if top < -LIMIT { Self::zero() } else { Self { digits: BigInt::from_biguint(sign, magnitude), power } })
    }

    /// A double as it is.
    pub(super) fn from_f64(n: f64) -> Option<Self> {
        if !n.is_finite() {
            return None;
        }
        let bits = n.to_bits();
        let exponent = i64::try_from((bits >> 52) & 0x7ff).ok()?;
        let fraction = bits & ((1 << 52) - 1);
        let (digits, power) = if exponent == 0 { (fraction, -1074) } else { (fraction | (1 << 52), exponent - 1075) };
        let digits = BigInt::from(digits);
        Self::new(if n.is_sign_negative() { -digits } else { digits }, power)
    }

    /// A decimal number: digits, perhaps with a point and a power of ten.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (mantissa, power) = match text.split_once(['e', 'E']) {
            Some((mantissa, power)) if power.strip_prefix(['+', '-']).unwrap_or(power).starts_with(|c: char| c.is_ascii_digit()) => {
                (mantissa, power.parse::<i64>().ok()?)
            }
            Some(_) => return None,
            None => (text, 0),
        };
        let (negative, mantissa) =
            mantissa.strip_prefix('-').map_or((false, mantissa.strip_prefix('+').unwrap_or(mantissa)), |m| (true, m));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let plain = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !plain(whole) || !plain(fraction) || mantissa.len() > 20_000 {
            return None;
        }
        let digits = BigUint::parse_bytes(format!("{whole}{fraction}").as_bytes(), 10)?;
        let power = power.checked_sub(i64::try_from(fraction.len()).ok()?)?;
        // Past these the result is out of range, or nothing, whatever the digits are.
        if digits == BigUint::ZERO || power < -2 * LIMIT {
            return Some(Self::zero());
        }
        if power > LIMIT {
            return None;
        }
        let ten = BigInt::from(10u32).pow(u32::try_from(power.unsigned_abs()).ok()?);
        let digits = BigInt::from_biguint(if negative { Sign::Minus } else { Sign::Plus }, digits);
        if power < 0 { Self::divided(&digits, &ten, 0) } else { Self::new(digits * ten, 0) }
    }

    /// A whole number in that base.
    pub(super) fn parse_base(text: &str, base: u32) -> Option<Self> {
        if text.len() > 20_000 || text.contains('_') {
            return None;
        }
        BigInt::parse_bytes(text.as_bytes(), base).map(Self::whole)
    }

    /// `a / b`, times two to the power `power`.
    fn divided(a: &BigInt, b: &BigInt, power: i64) -> Option<Self> {
        if b.sign() == Sign::NoSign {
            return None;
        }
        let shift = (BITS + 2 + b.bits()).saturating_sub(a.bits());
        let scaled = a << shift;
        let quotient = &scaled / b;
        let more = scaled != &quotient * b;
        // Far below what is kept, one bit says that there is a rest.
        let rest = BigInt::from_biguint(if more { scaled.sign() * b.sign() } else { Sign::NoSign }, 1u32.into());
        Self::new((quotient << 1) + rest, power - i64::try_from(shift).ok()? - 1)
    }

    /// Both with the same power, the smaller one.
    fn level(&self, other: &Self) -> (BigInt, BigInt, i64) {
        let power = self.power.min(other.power);
        let at = |n: &Self| &n.digits << usize::try_from(n.power - power).unwrap_or(0);
        (at(self), at(other), power)
    }

    pub(super) fn plus(&self, other: &Self) -> Option<Self> {
        let (a, b, power) = self.level(other);
        Self::new(a + b, power)
    }

    pub(super) fn times(&self, other: &Self) -> Option<Self> {
        Self::new(&self.digits * &other.digits, self.power + other.power)
    }

    pub(super) fn over(&self, other: &Self) -> Option<Self> {
        Self::divided(&self.digits, &other.digits, self.power - other.power)
    }

    /// What is left of `self` when `other` is taken from it a whole number of times, rounded towards zero.
    pub(super) fn modulo(&self, other: &Self) -> Option<Self> {
        if other.digits.sign() == Sign::NoSign {
            return None;
        }
        let (a, b, power) = self.level(other);
        Self::new(a % b, power)
    }

    pub(super) fn negated(&self) -> Self {
        Self { digits: -&self.digits, power: self.power }
    }

    pub(super) fn floor(&self) -> Self {
        // A shift of an integer to the right rounds down, below zero as well.
        if self.is_whole() { self.clone() } else { Self::whole(&self.digits >> self.power.unsigned_abs()) }
    }

    pub(super) fn is_whole(&self) -> bool {
        self.power >= 0
    }

    pub(super) fn is_negative(&self) -> bool {
        self.digits.sign() == Sign::Minus
    }

    pub(super) fn as_i64(&self) -> Option<i64> {
        if !(0..64).contains(&self.power) {
            return None;
        }
        i64::try_from(&self.digits << self.power).ok()
    }

    pub(super) fn as_f64(&self) -> f64 {
        // The text says it to the last bit that a double has.
        self.to_string().parse().unwrap_or(f64::NAN)
    }

    pub(super) fn digits(&self, base: u32) -> String {
        (self.digits.magnitude() << usize::try_from(self.power).unwrap_or(0)).to_str_radix(base)
    }

    /// The magnitude times ten to the power `decimals`, as a fraction: what is above and what is below the line.
    fn scaled(&self, decimals: i64) -> (BigUint, BigUint) {
        let mut above = self.digits.magnitude().clone();
        let mut below = BigUint::from(1u32);
        let ten = BigUint::from(10u32).pow(u32::try_from(decimals.unsigned_abs()).unwrap_or(u32::MAX));
        if decimals < 0 {
            below *= ten
        } else {
            above *= ten
        }
        if self.power < 0 {
            below <<= self.power.unsigned_abs()
        } else {
            above <<= self.power.unsigned_abs()
        }
        (above, below)
    }

    /// The magnitude times ten to the power `decimals`, as a whole number, rounded half to even.
    fn near(&self, decimals: i64) -> BigUint {
        let (above, below) = self.scaled(decimals);
        let quotient = &above / &below;
        let twice = (above - &quotient * &below) << 1u32;
        let up = match twice.cmp(&below) {
            Ordering::Less => false,
            Ordering::Equal => quotient.bit(0),
            Ordering::Greater => true,
        };
        if up { quotient + 1u32 } else { quotient }
    }

    pub(super) fn fixed(&self, decimals: usize) -> String {
        let text = self.near(i64::try_from(decimals).unwrap_or(0)).to_string();
        if decimals == 0 {
            return text;
        }
        let text = format!("{text:0>width$}", width = decimals + 1);
        let (whole, fraction) = text.split_at(text.len() - decimals);
        format!("{whole}.{fraction}")
    }

    /// The place of the decimal point in the digits of the magnitude: 2 for 12.5, 0 for 0.125.
    fn point(&self) -> i64 {
        // The bits tell the place up to one; comparing tells the rest.
        let bits = i64::try_from(self.digits.bits()).unwrap_or(0) + self.power;
        #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "an estimate of a small number")]
        let mut point = ((bits as f64) * std::f64::consts::LOG10_2).floor() as i64 - 1;
        loop {
            let (above, below) = self.scaled(-point);
            if above < below {
                return point;
            }
            point += 1;
        }
    }

    pub(super) fn rounded(&self, digits: usize) -> (String, i64) {
        if self.digits.sign() == Sign::NoSign {
            return ("0".repeat(digits.max(1)), 1);
        }
        let wanted = i64::try_from(digits.max(1)).unwrap_or(1);
        let point = self.point();
        let text = self.near(wanted - point).to_string();
        // Rounding up may have made one digit more: 9.99 with two digits is 10.
        let over = text.len() > digits.max(1);
        (text[..digits.max(1)].to_owned(), point + i64::from(over))
    }

    pub(super) fn shortest(&self) -> (String, i64) {
        if self.digits.sign() == Sign::NoSign {
            return ("0".into(), 1);
        }
        // Half the distance to the neighbours: any decimal nearer than that reads back as this number.
        let short = BITS - self.digits.bits().min(BITS);
        let power = self.power - i64::try_from(short).unwrap_or(0) - 1;
        let half = Self { digits: 1.into(), power };
        let (mut low, mut high) = (1, 160);
        // The more digits the nearer: the fewest that are near enough are found by halving.
        while low < high {
            let middle = usize::midpoint(low, high);
            if self.is_near(middle, &half) { high = middle } else { low = middle + 1 }
        }
        let (text, point) = self.rounded(high);
        let kept = text.trim_end_matches('0');
        (if kept.is_empty() { "0".into() } else { kept.to_owned() }, point)
    }

    /// Whether that many digits say this number and no other.
    fn is_near(&self, digits: usize, half: &Self) -> bool {
        let (text, point) = self.rounded(digits);
        let Ok(length) = i64::try_from(text.len()) else { return true };
        let Some(said) = BigInt::parse_bytes(text.as_bytes(), 10) else { return true };
        // Both as fractions over the same line: |said * 10^(point - length) - self| <= half.
        let scale = length - point;
        let (above, below) = self.scaled(scale);
        let (reach, below_reach) = half.scaled(scale);
        let apart = (said * BigInt::from(below.clone()) - BigInt::from(above)).into_parts().1;
        apart * below_reach <= reach * below
    }
}

impl Ord for Float {
    fn cmp(&self, other: &Self) -> Ordering {
        let signs = self.digits.sign().cmp(&other.digits.sign());
        if signs != Ordering::Equal {
            return signs;
        }
        let (a, b, _) = self.level(other);
        a.cmp(&b)
    }
}

impl PartialOrd for Float {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Float {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.is_negative() { "-" } else { "" };
        let (digits, point) = self.shortest();
        match usize::try_from(point) {
            Ok(0) | Err(_) => write!(f, "{sign}0.{}{digits}", "0".repeat(usize::try_from(-point).unwrap_or(0))),
            Ok(point) if point >= digits.len() => write!(f, "{sign}{digits}{}", "0".repeat(point - digits.len())),
            Ok(point) => write!(f, "{sign}{}.{}", &digits[..point], &digits[point..]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        Float::parse(text).unwrap().to_string()
    }

    #[test]
    fn texts_read_back() {
        for text in
            ["0.1", "-0.5", "123456789012345678901234567890", "0.0000001", "1.7976931348623157", "3.14159265358979323846264338327950288"]
        {
            assert_eq!(shown(text), text);
        }
        assert_eq!(shown("1e30"), "1000000000000000000000000000000");
        assert_eq!(shown("1.50"), "1.5");
        assert_eq!(shown("12.50e-1"), "1.25");
        for text in ["", ".", "-", "1e", "1e+", "0x1", "1_0", "inf", "1.2.3", "1e999999999999", "é"] {
            assert!(Float::parse(text).is_none(), "{text}");
        }
        assert_eq!(shown("1e-999999999999"), "0");
    }

    #[test]
    fn arithmetic_keeps_512_bits() {
        let n = |text: &str| Float::parse(text).unwrap();
        assert_eq!(n("0.1").plus(&n("0.2")).unwrap().to_string(), "0.3");
        assert_eq!(n("1").over(&n("3")).unwrap().to_string(), format!("0.{}5", "3".repeat(154)));
        assert_eq!(n("7.5").modulo(&n("2")).unwrap().to_string(), "1.5");
        assert_eq!(n("-7.5").modulo(&n("2")).unwrap().to_string(), "-1.5");
        assert_eq!(n("-5.5").floor().to_string(), "-6");
        assert!(n("1").over(&n("0")).is_none());
        assert!(n("9007199254740993") > n("9007199254740992"));
        assert!(n("-2") < n("-1.5"));
    }

    #[test]
    fn digits_are_rounded_half_to_even() {
        let n = |text: &str| Float::parse(text).unwrap();
        assert_eq!(n("2.5").fixed(0), "2");
        assert_eq!(n("0.05").fixed(1), "0.1");
        assert_eq!(n("1234.5678").rounded(3), ("123".into(), 4));
        assert_eq!(n("9.99").rounded(2), ("10".into(), 2));
        assert_eq!(n("0.00012").shortest(), ("12".into(), -3));
        assert_eq!(n("255").digits(16), "ff");
        assert_eq!(Float::from_f64(0.1).unwrap().to_string(), "0.1000000000000000055511151231257827021181583404541015625");
        assert_eq!(n("0.1").as_f64(), 0.1);
    }
}
