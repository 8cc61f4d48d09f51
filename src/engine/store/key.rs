//! Values as byte strings that sort as the values do, for the entries of indexes.
//!
//! Each value becomes a byte for its kind and bytes that compare as the values compare; no value's
//! bytes are the beginning of another one's, so those of several columns are just joined. Numbers
//! are written from the highest byte on with the sign turned round; text ends in a zero byte, with
//! the bytes 0 and 1 inside it written as two; decimal numbers are written without their scale,
//! since 1.0 and 1.00 are one key. Null is the byte of its kind alone, which is the lowest.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::ValueRef;
use crate::words::{ColumnType, Value};

/// The byte of null.
const NULL: u8 = 0;

/// More than the first byte of any value.
pub(super) const BEYOND: u8 = 7;

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
