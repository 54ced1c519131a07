//! The values settings are made of: each read exactly, each with its range in its type.
//!
//! A decimal stands in quotes (`"0.0001"`), because a float would not be exact; so do amounts with
//! a unit: `"50 %"`, `"5m"`, `"03:50"`, `"64 MiB"`. What cannot be held exactly is an error, never rounded.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use rust_decimal::Decimal;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor, value::MapAccessDeserializer};

/// A text that stands for a whole number within a range, in some unit.
trait Written: Sized {
    /// What is expected, with its range.
    fn expected(f: &mut fmt::Formatter<'_>) -> fmt::Result;
    /// The value of a text, or what is wrong with it.
    fn parse(text: &str) -> Result<Self, String>;
    /// The value of a bare whole number, where one is allowed.
    fn whole(_: i64) -> Option<Result<Self, String>> {
        None
    }
}

struct Reader<T>(PhantomData<T>);

impl<T: Written> Visitor<'_> for Reader<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        T::expected(f)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        T::parse(text).map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<T, E> {
        match T::whole(number) {
            Some(value) => value.map_err(E::custom),
            None => Err(E::invalid_type(de::Unexpected::Signed(number), &self)),
        }
    }
}

/// How `T` names what it takes, for messages.
struct Expected<T>(PhantomData<T>);

impl<T: Written> fmt::Display for Expected<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        T::expected(f)
    }
}

fn refuse<V, T: Written>(text: impl fmt::Display) -> Result<V, String> {
    Err(format!("`{text}` is not {}", Expected::<T>(PhantomData)))
}

macro_rules! read_as_written {
    ([$($generics:tt)*] $type:ty) => {
        impl<'de, $($generics)*> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                from.deserialize_any(Reader(PhantomData))
            }
        }
    };
}

/// `text` x 10^`places`, exactly; `None` when it is no decimal or has more places.
fn scaled(text: &str, places: u32) -> Option<i64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b'-');
    let value = Decimal::from_str_exact(text).ok().filter(|_| plain)?;
    let value = value.checked_mul(Decimal::from(10_i64.pow(places)))?;
    i64::try_from(value).ok().filter(|_| value.fract().is_zero())
}

/// Writes what [`scaled`] read.
fn unscaled(value: i64, places: u32) -> Decimal {
    Decimal::new(value, places).normalize()
}

/// A whole number, bare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whole<const MIN: i64, const MAX: i64>(pub i64);

impl<const MIN: i64, const MAX: i64> Written for Whole<MIN, MAX> {
    fn expected(f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a whole number from {MIN} to {MAX}")
    }

    fn parse(text: &str) -> Result<Self, String> {
        refuse::<_, Self>(format_args!("\"{text}\""))
    }

    fn whole(number: i64) -> Option<Result<Self, String>> {
        Some(if (MIN..=MAX).contains(&number) { Ok(Whole(number)) } else { refuse::<_, Self>(number) })
    }
}
read_as_written!([const MIN: i64, const MAX: i64] Whole<MIN, MAX>);

impl<const MIN: i64, const MAX: i64> Whole<MIN, MAX> {
    /// For ranges that fit.
    pub fn u32(self) -> u32 {
        const { assert!(MIN >= 0 && MAX <= u32::MAX as i64) };
        self.0 as u32
    }
}

/// A decimal held as a whole number of 10^-`PLACES`; the range is in those.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exact<const PLACES: u32, const MIN: i64, const MAX: i64>(pub i64);

/// Micros of a currency.
pub type Micros<const MIN: i64, const MAX: i64> = Exact<6, MIN, MAX>;
/// Thousandths.
pub type Milli<const MIN: i64, const MAX: i64> = Exact<3, MIN, MAX>;

impl<const PLACES: u32, const MIN: i64, const MAX: i64> Written for Exact<PLACES, MIN, MAX> {
    fn expected(f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (min, max) = (unscaled(MIN, PLACES), unscaled(MAX, PLACES));
        write!(f, "a number from {min} to {max} with at most {PLACES} places; a decimal stands in quotes")
    }

    fn parse(text: &str) -> Result<Self, String> {
        match scaled(text, PLACES).filter(|value| (MIN..=MAX).contains(value)) {
            Some(value) => Ok(Exact(value)),
            None => refuse::<_, Self>(text),
        }
    }

    fn whole(number: i64) -> Option<Result<Self, String>> {
        Some(Self::parse(&number.to_string()))
    }
}
read_as_written!([const PLACES: u32, const MIN: i64, const MAX: i64] Exact<PLACES, MIN, MAX>);

impl<const PLACES: u32, const MIN: i64, const MAX: i64> Exact<PLACES, MIN, MAX> {
    /// For ranges that fit.
    pub fn u32(self) -> u32 {
        const { assert!(MIN >= 0 && MAX <= u32::MAX as i64) };
        self.0 as u32
    }

    /// As people write it.
    pub fn decimal(self) -> Decimal {
        unscaled(self.0, PLACES)
    }
}

/// A percentage such as `"99.95 %"`, held as parts per million; the range is in those.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Percent<const MIN_PPM: u32, const MAX_PPM: u32>(pub u32);

impl<const MIN_PPM: u32, const MAX_PPM: u32> Written for Percent<MIN_PPM, MAX_PPM> {
    fn expected(f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (min, max) = (unscaled(MIN_PPM.into(), 4), unscaled(MAX_PPM.into(), 4));
        write!(f, "a percentage from \"{min} %\" to \"{max} %\" with at most 4 places")
    }

    fn parse(text: &str) -> Result<Self, String> {
        let ppm = text.strip_suffix('%').and_then(|number| scaled(number.trim_end(), 4));
        match ppm.and_then(|ppm| u32::try_from(ppm).ok()) {
            Some(ppm) if (MIN_PPM..=MAX_PPM).contains(&ppm) => Ok(Percent(ppm)),
            _ => refuse::<_, Self>(text),
        }
    }
}
read_as_written!([const MIN_PPM: u32, const MAX_PPM: u32] Percent<MIN_PPM, MAX_PPM>);

/// Units of time, the longest first; `0` is written in the last.
const SPANS: [(&str, i64); 4] = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];

/// A length of time such as `"5m"`: a whole number of s, m, h or d; the range is in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span<const MIN_SECONDS: i64, const MAX_SECONDS: i64>(i64);

/// Seconds, in the largest unit that takes them whole.
struct SpanText(i64);

impl fmt::Display for SpanText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = SPANS.iter().find(|(_, seconds)| self.0 != 0 && self.0 % seconds == 0);
        let (unit, seconds) = whole.unwrap_or(&SPANS[3]);
        write!(f, "{}{unit}", self.0 / seconds)
    }
}

impl<const MIN: i64, const MAX: i64> Written for Span<MIN, MAX> {
    fn expected(f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a whole number of s, m, h or d from \"{}\" to \"{}\"", SpanText(MIN), SpanText(MAX))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let seconds = SPANS.iter().find_map(|(unit, seconds)| {
            let count = scaled(text.strip_suffix(unit)?.trim_end(), 0)?;
            count.checked_mul(*seconds)
        });
        match seconds.filter(|seconds| (MIN..=MAX).contains(seconds)) {
            Some(seconds) => Ok(Span(seconds)),
            None => refuse::<_, Self>(text),
        }
    }
}
read_as_written!([const MIN: i64, const MAX: i64] Span<MIN, MAX>);

impl<const MIN: i64, const MAX: i64> Span<MIN, MAX> {
    /// The span of this many seconds, which must be within the range: a default.
    pub const fn seconds(seconds: i64) -> Self {
        assert!(MIN <= seconds && seconds <= MAX);
        Span(seconds)
    }

    pub fn nanos(self) -> i64 {
        const { assert!(MIN >= 0 && MAX <= i64::MAX / 1_000_000_000) };
        self.0 * 1_000_000_000
    }

    pub fn duration(self) -> Duration {
        Duration::from_nanos(self.nanos() as u64)
    }
}

/// A time of day, UTC, such as `"03:50"`; held as nanoseconds since midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfDay(pub i64);

impl Written for TimeOfDay {
    fn expected(f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a time of day from \"00:00\" to \"23:59\", UTC")
    }

    fn parse(text: &str) -> Result<Self, String> {
        let part = |part: &str, below: i64| {
            scaled(part, 0).filter(|value| part.len() == 2 && (0..below).contains(value))
        };
        let minutes = text
            .split_once(':')
            .and_then(|(hours, minutes)| Some(part(hours, 24)? * 60 + part(minutes, 60)?));
        match minutes {
            Some(minutes) => Ok(TimeOfDay(minutes * 60_000_000_000)),
            None => refuse::<_, Self>(text),
        }
    }
}
read_as_written!([] TimeOfDay);

/// Units of size, the largest first.
const SIZES: [(&str, i64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// A size such as `"64 MiB"`; the range is in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size<const MIN: i64, const MAX: i64>(pub i64);

/// Bytes, in the largest unit that takes them whole.
struct SizeText(i64);

impl fmt::Display for SizeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = SIZES.iter().find(|(_, bytes)| self.0 != 0 && self.0 % bytes == 0);
        let (unit, bytes) = whole.unwrap_or(&SIZES[3]);
        write!(f, "{} {unit}", self.0 / bytes)
    }
}

impl<const MIN: i64, const MAX: i64> Written for Size<MIN, MAX> {
    fn expected(f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a whole number of B, KiB, MiB or GiB from \"{}\" to \"{}\"", SizeText(MIN), SizeText(MAX))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let bytes = SIZES.iter().find_map(|(unit, bytes)| {
            let count = scaled(text.strip_suffix(unit)?.trim_end(), 0)?;
            count.checked_mul(*bytes)
        });
        match bytes.filter(|bytes| (MIN..=MAX).contains(bytes)) {
            Some(bytes) => Ok(Size(bytes)),
            None => refuse::<_, Self>(text),
        }
    }
}
read_as_written!([const MIN: i64, const MAX: i64] Size<MIN, MAX>);

impl<const MIN: i64, const MAX: i64> Size<MIN, MAX> {
    /// For ranges that fit.
    pub fn usize(self) -> usize {
        const { assert!(MIN >= 0) };
        self.0 as usize
    }
}

/// A line of text for people: not empty, no control characters, at most `MAX` characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text<const MAX: usize>(pub String);

impl<const MAX: usize> Written for Text<MAX> {
    fn expected(f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a line of 1 to {MAX} characters")
    }

    fn parse(text: &str) -> Result<Self, String> {
        let fits = (1..=MAX).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        if fits {
            return Ok(Text(text.into()));
        }
        refuse::<_, Self>(text.chars().take(40).collect::<String>().escape_debug())
    }
}
read_as_written!([const MAX: usize] Text<MAX>);

/// A table, or the word `"none"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrNone<T>(pub Option<T>);

struct OrNoneVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for OrNoneVisitor<T> {
    type Value = OrNone<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table or \"none\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<OrNone<T>, E> {
        match text {
            "none" => Ok(OrNone(None)),
            _ => Err(E::custom(format_args!("`{text}` is not a table or \"none\""))),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<OrNone<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|table| OrNone(Some(table)))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OrNone<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(OrNoneVisitor(PhantomData))
    }
}
