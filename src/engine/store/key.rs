//! Values as byte strings that sort as the values do, for the entries of indexes.
//!
//! Each value becomes a byte for its kind and bytes that compare as the values compare; no value's
//! bytes are the beginning of another one's, so those of several columns are just joined. Numbers
//! are written from the highest byte on with the sign turned round; text ends in a zero byte, with
//! the bytes 0 and 1 inside it written as two; decimal numbers are written without their scale,
//! since 1.0 and 1.00 are one key. Null is the byte of its kind alone, which is the lowest.

use std::mem::discriminant;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use xxhash_rust::xxh3::xxh3_64;

use super::ValueRef;
use crate::words::{ColumnType, RowId, Value};

/// The byte of null.
const NULL: u8 = 0;

/// Carries the bits of one number over another's: 2^64 divided by the golden ratio.
const ODD: u64 = 0x9e37_79b9_7f4a_7c15;

/// More than the first byte of any value.
pub(super) const BEYOND: u8 = 7;

/// Whether two values are the same in a key: of one kind and equal, as their bytes here are then.
pub(super) fn is_same(a: ValueRef<'_>, b: ValueRef<'_>) -> bool {
    discriminant(&a) == discriminant(&b) && a == b
}

/// Mixes one more value into a hash, so that the hashes of keys with the same values are equal.
pub(super) fn mix(hash: u64, value: ValueRef<'_>) -> u64 {
    let number = match value {
        ValueRef::Null => 0,
        ValueRef::Boolean(value) => u64::from(value),
        ValueRef::Whole(value) => value.cast_unsigned(),
        ValueRef::Decimal(value) => {
            let value = value.normalize();
            fold(value.mantissa().cast_unsigned()) ^ u64::from(value.scale())
        }
        ValueRef::Text(value) => xxh3_64(value.as_bytes()),
        ValueRef::DateTime(value) => fold(value.as_nanosecond().cast_unsigned()),
        ValueRef::Id(value) => return mix_id(hash, value),
    };
    spread(hash.wrapping_mul(ODD) ^ number)
}

/// The same of an id.
pub(super) fn mix_id(hash: u64, id: RowId) -> u64 {
    spread(hash.wrapping_mul(ODD) ^ fold(id.0.as_u128()))
}

/// The half of a hash that the rows of a table are found by.
#[allow(clippy::cast_possible_truncation, reason = "the upper half of 64 bits")]
pub(super) const fn half(hash: u64) -> u32 {
    (hash >> 32) as u32
}

#[allow(clippy::cast_possible_truncation, reason = "one half after the other")]
const fn fold(number: u128) -> u64 {
    ((number >> 64) as u64).wrapping_mul(ODD) ^ number as u64
}

/// Numbers that count up differ in few bits, which the finalizer of `SplitMix64` carries to all
/// places.
const fn spread(number: u64) -> u64 {
    let number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ number >> 31
}

/// The value as a column of this type holds it; `None` for one that equals nothing that it may
/// hold.
pub(super) fn fitted<'a>(value: &'a Value, kind: &ColumnType) -> Option<ValueRef<'a>> {
    use ColumnType as C;
    use ValueRef as V;
    let value = V::of(value)?;
    Some(match (value, kind) {
        (V::Whole(number), C::Decimal | C::Money) => V::Decimal(number.into()),
        (V::Decimal(number), C::Whole) if number.is_integer() => V::Whole(number.to_i64()?),
        (V::Null, _)
        | (V::Boolean(_), C::Boolean)
        | (V::Whole(_), C::Whole)
        | (V::Decimal(_), C::Decimal | C::Money)
        | (V::Text(_), C::Text { .. } | C::Choice(_))
        | (V::DateTime(_), C::DateTime)
        | (V::Id(_), C::Lookup(_) | C::UniqueId) => value,
        _ => return None,
    })
}

/// Appends one value.
pub(super) fn encode(value: ValueRef<'_>, out: &mut Vec<u8>) {
    match value {
        ValueRef::Null => out.push(NULL),
        ValueRef::Boolean(value) => out.extend_from_slice(&[1, u8::from(value)]),
        ValueRef::Whole(value) => {
            out.push(2);
            out.extend_from_slice(&(value.cast_unsigned() ^ 1 << 63).to_be_bytes());
        }
        ValueRef::Decimal(value) => {
            out.push(3);
            encode_decimal(value, out);
        }
        ValueRef::Text(value) => {
            out.push(4);
            encode_text(value, out);
        }
        ValueRef::DateTime(value) => {
            out.push(5);
            let nanoseconds = value.as_nanosecond().cast_unsigned() ^ 1 << 127;
            out.extend_from_slice(&nanoseconds.to_be_bytes());
        }
        ValueRef::Id(value) => {
            out.push(6);
            out.extend_from_slice(value.0.as_bytes());
        }
    }
}

fn encode_text(text: &str, out: &mut Vec<u8>) {
    if text.bytes().all(|byte| byte > 1) {
        out.extend_from_slice(text.as_bytes());
    } else {
        for byte in text.bytes() {
            match byte {
                0 | 1 => out.extend_from_slice(&[1, byte + 1]),
                _ => out.push(byte),
            }
        }
    }
    out.push(0);
}

/// The number times 10^28, which is whole, in 192 bits.
fn encode_decimal(number: Decimal, out: &mut Vec<u8>) {
    let mantissa = number.mantissa();
    let magnitude = mantissa.unsigned_abs();
    let low = u64::MAX as u128;
    let mut limbs = [magnitude & low, magnitude >> 64, 0];
    for _ in number.scale()..Decimal::MAX_SCALE {
        let mut carry = 0;
        for limb in &mut limbs {
            let product = *limb * 10 + carry;
            *limb = product & low;
            carry = product >> 64;
        }
    }
    let negative = mantissa < 0;
    out.push(u8::from(!negative));
    for limb in limbs.iter().rev() {
        for byte in &limb.to_be_bytes()[8..] {
            out.push(if negative { !byte } else { *byte });
        }
    }
}
