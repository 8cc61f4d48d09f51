//! Alternate keys as byte strings that sort as the keys do.
//!
//! Each value becomes a byte for its kind and bytes that compare as the values compare; no value's
//! bytes are the beginning of another one's, so keys of several columns are just joined. Numbers
//! are written from the highest byte on with the sign turned round; text ends in a zero byte, with
//! the bytes 0 and 1 inside it written as two; decimal numbers are written without their scale,
//! since 1.0 and 1.00 are one key.

use rust_decimal::Decimal;

use super::ValueRef;
use super::image::Packed;
use crate::words::ColumnId;

/// Appends the key that an image has in these columns. False when one of them is null: then the row
/// is outside the key, and `out` is not to be used.
pub(super) fn encode_image(image: Packed<'_>, columns: &[ColumnId], out: &mut Vec<u8>) -> bool {
    columns.iter().all(|column| encode(image.value(*column), out))
}

/// Whether two images have the same bytes in these columns, and so the same key. Two images may
/// have the same key with different bytes too: 1.0 and 1.00.
pub(super) fn is_same(a: Packed<'_>, b: Packed<'_>, columns: &[ColumnId]) -> bool {
    columns.iter().all(|column| a.column(*column) == b.column(*column))
}

/// Appends one value. False when it is null.
pub(super) fn encode(value: ValueRef<'_>, out: &mut Vec<u8>) -> bool {
    match value {
        ValueRef::Null => return false,
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
    true
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
