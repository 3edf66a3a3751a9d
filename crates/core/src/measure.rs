//! Numbers in records: whole millionths and basis points, never floats.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Largest magnitude of a measure, in whole units: its millionths stay within 2^53 (RFC 8785 needs exact numbers).
pub const MEASURE_MAX: i64 = 9_007_199_254;

const SCALE: i64 = 1_000_000;

/// A measured value in millionths, exact and comparable; prints as a decimal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Measure(i64);

/// A number that no measure can hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no measure: a finite number between -{MEASURE_MAX} and {MEASURE_MAX}")]
pub struct MeasureError(String);

impl Measure {
    /// A whole number of units; saturates at [`MEASURE_MAX`].
    pub const fn whole(units: i64) -> Self {
        let clamped = if units > MEASURE_MAX {
            MEASURE_MAX
        } else if units < -MEASURE_MAX {
            -MEASURE_MAX
        } else {
            units
        };
        Self(clamped * SCALE)
    }

    /// The value in millionths.
    pub const fn millionths(self) -> i64 {
        self.0
    }
}

impl FromStr for Measure {
    type Err = MeasureError;
    /// Reads a decimal such as `0.973`, `-2` or `1.5e-3`, rounded to millionths; `NaN` and infinities are refused.
    fn from_str(text: &str) -> Result<Self, MeasureError> {
        let bad = || MeasureError(text.chars().take(40).collect());
        if let Some(exact) = exact(text) {
            return if exact.unsigned_abs() <= MEASURE_MAX.unsigned_abs() * SCALE.unsigned_abs() { Ok(Self(exact)) } else { Err(bad()) };
        }
        // Exponents and more than six places: what telemetry prints, and what its own precision has rounded already.
        let value: f64 = text.parse().map_err(|_| bad())?;
        #[expect(clippy::cast_precision_loss, reason = "both constants are far below 2^53")]
        let (max, scale) = (MEASURE_MAX as f64, SCALE as f64);
        if !value.is_finite() || value.abs() > max {
            return Err(bad());
        }
        #[expect(clippy::cast_possible_truncation, reason = "bounded by MEASURE_MAX just above")]
        let millionths = (value * scale).round() as i64;
        Ok(Self(millionths))
    }
}

/// Millionths of a plain decimal with at most six places, exactly: what [`Measure`] itself prints reads back the same.
fn exact(text: &str) -> Option<i64> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |digits: &str| digits.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || whole.len() > 12 || part.len() > 6 || !plain(whole) || !plain(part) {
        return None;
    }
    let part: i64 = format!("{part:0<6}").parse().ok()?;
    let value = whole.parse::<i64>().ok()?.checked_mul(SCALE)?.checked_add(part)?;
    Some(if negative { -value } else { value })
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, part) = (self.0.unsigned_abs() / 1_000_000, self.0.unsigned_abs() % 1_000_000);
        if part == 0 {
            return write!(f, "{sign}{whole}");
        }
        let part = format!("{part:06}");
        write!(f, "{sign}{whole}.{}", part.trim_end_matches('0'))
    }
}

impl fmt::Debug for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Measure {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Measure {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

/// How sure a proposer says it is, in basis points (0 to 10,000). It is a claim; alone it opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
// INVARIANT: only `try_from` builds one, so the value is at most 10,000.
pub struct Confidence(u16);

/// A confidence outside 0 to 10,000 basis points.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("confidence is 0 to 10000 basis points, not {0}")]
pub struct ConfidenceError(u32);

impl Confidence {
    /// Basis points.
    pub const fn basis_points(self) -> u16 {
        self.0
    }
}

impl TryFrom<u32> for Confidence {
    type Error = ConfidenceError;
    fn try_from(value: u32) -> Result<Self, ConfidenceError> {
        u16::try_from(value).ok().filter(|bp| *bp <= 10_000).map(Self).ok_or(ConfidenceError(value))
    }
}

impl From<Confidence> for u32 {
    fn from(confidence: Confidence) -> Self {
        Self::from(confidence.0)
    }
}

impl fmt::Display for Confidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0 / 100, self.0 % 100) {
            (whole, 0) => write!(f, "{whole} %"),
            (whole, part) => write!(f, "{whole}.{part:02} %"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &str, expected: &str) {
        assert_eq!(input.parse::<Measure>().map(|m| m.to_string()), Ok(expected.to_owned()), "{input}");
    }

    #[test]
    fn decimals_keep_six_places() {
        check("0.973", "0.973");
        check("-2", "-2");
        check("1.5e-3", "0.0015");
        check("0.00000049", "0");
        check("-0.000001", "-0.000001");
        check("4458634095.036655", "4458634095.036655");
        check("-9007199254", "-9007199254");
    }

    #[test]
    fn what_is_not_finite_is_not_measured() {
        for bad in ["NaN", "+Inf", "-Inf", "1e300", "", "one", "9007199254.000001", "-9007199255", "."] {
            assert!(bad.parse::<Measure>().is_err(), "{bad}");
        }
    }

    #[test]
    fn confidence_has_bounds() {
        assert_eq!(Confidence::try_from(9_250).map(|c| c.to_string()), Ok("92.50 %".into()));
        assert_eq!(Confidence::try_from(10_001), Err(ConfidenceError(10_001)));
    }
}
