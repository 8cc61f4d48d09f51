//! The parts of the store, each against what it stands for.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use jiff::Timestamp;
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;
use crate::engine::store::image::{Source, pack};
use crate::engine::store::row_index::RowIndex;
use crate::engine::store::tree::Tree;

fn decimals() -> impl Strategy<Value = Decimal> {
    (any::<i128>(), 0..=Decimal::MAX_SCALE, 0..128_u32).prop_map(|(number, scale, shift)| {
        let mantissa = (number >> shift).clamp(-(1 << 96) + 1, (1 << 96) - 1);
        Decimal::from_i128_with_scale(mantissa, scale)
    })
}

fn dates() -> impl Strategy<Value = Timestamp> {
    let (least, most) = (Timestamp::MIN.as_nanosecond(), Timestamp::MAX.as_nanosecond());
    (least..=most).prop_map(|number| Timestamp::from_nanosecond(number).expect("in range"))
}

/// Two values of one kind, often alike.
fn pairs() -> impl Strategy<Value = (Value, Value)> {
    let small = || (-300..300_i64, 0..4_u32).prop_map(|(n, scale)| Decimal::new(n, scale));
    let decimal = || prop_oneof![small(), decimals()].prop_map(Value::Decimal);
    let text = || "[a-b\0\u{1}]{0,3}|.{0,9}".prop_map(|text| Value::text(&text));
    let whole = || prop_oneof![-3..3_i64, any::<i64>()].prop_map(Value::Whole);
    let date = || dates().prop_map(Value::DateTime);
    let unique = || any::<u128>().prop_map(|number| Value::Id(id(number)));
    let boolean = || any::<bool>().prop_map(Value::Boolean);
    prop_oneof![
        4 => (decimal(), decimal()),
        4 => (text(), text()),
        2 => (whole(), whole()),
        1 => (date(), date()),
        1 => (unique(), unique()),
        1 => (boolean(), boolean()),
    ]
}

pub(super) fn values() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Boolean),
        any::<i64>().prop_map(Value::Whole),
        (any::<i64>(), 0..64_u32).prop_map(|(number, shift)| Value::Whole(number >> shift)),
        decimals().prop_map(Value::Decimal),
        ".{0,20}".prop_map(|text| Value::text(&text)),
        "[a-b\0\u{1}]{0,4}".prop_map(|text| Value::text(&text)),
        dates().prop_map(Value::DateTime),
        any::<u128>().prop_map(|number| Value::Id(id(number))),
    ]
}

fn packed(values: &[Value]) -> Vec<u8> {
    let (mut ends, mut image) = (Vec::new(), Vec::new());
    let sources = values.iter().map(Source::Value);
    pack(values.len(), sources, &mut ends, &mut image);
    image
}

/// The same value with the same number of digits: 1.0 is not 1.00 here.
fn is_identical(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Decimal(a), Value::Decimal(b)) => a.serialize() == b.serialize(),
        _ => a == b,
    }
}

fn check_round_trip(values: &[Value]) {
    let image = packed(values);
    let packed = Packed::new(&image, values.len());
    for (value, number) in values.iter().zip(0..) {
        let found = packed.value(ColumnId(number)).to_value();
        assert!(is_identical(&found, value), "{value:?} came back as {found:?}");
    }
    assert!(packed.value(ColumnId(u16::MAX)).is_null());
}

#[test]
fn the_ends_of_the_number_types_come_back() {
    let edges = [0, 1, -1, 127, 128, -128, -129, 32_767, 32_768, i64::MAX, i64::MIN];
    let mut values: Vec<_> = edges.into_iter().map(Value::Whole).collect();
    values.extend([Decimal::MAX, Decimal::MIN, Decimal::new(-0, 5)].map(Value::Decimal));
    values.extend([Timestamp::MIN, Timestamp::MAX].map(Value::DateTime));
    check_round_trip(&values);
}

#[test]
fn an_image_of_more_than_64_kilobytes_comes_back() {
    for length in [65_500, 65_520, 65_530, 65_533, 65_535, 70_000] {
        let long = Value::text(&"x".repeat(length));
        check_round_trip(&[Value::Whole(7), long.clone(), Value::Null, Value::text("end")]);
        check_round_trip(&[long]);
    }
}

#[test]
fn a_row_without_columns_is_a_row() {
    check_round_trip(&[]);
}

#[test]
fn numbers_compare_by_size_and_other_kinds_do_not_compare() {
    let (three, text) = (Value::Decimal(Decimal::new(300, 2)), Value::text("3"));
    let (three, text) = (ValueRef::of(&three), ValueRef::of(&text));
    let (three, text) = (three.expect("a decimal"), text.expect("a text"));
    assert_eq!(ValueRef::Whole(3), three);
    assert!(ValueRef::Whole(2) < three && three < ValueRef::Whole(4));
    assert_ne!(text, three);
    assert_eq!(text.partial_cmp(&three), None);
    assert_eq!(ValueRef::Null.partial_cmp(&three), None);
    assert_eq!(ValueRef::Null, ValueRef::Null);
}

#[test]
fn texts_with_zero_bytes_sort_as_any_other() {
    let mut texts = vec![String::new()];
    for length in 0..3 {
        let longer = texts.iter().filter(|text| text.len() == length);
        let longer =
            longer.flat_map(|text| ["\0", "\u{1}", "\u{2}", "a"].map(|end| text.clone() + end));
        texts.extend(longer.collect::<Vec<_>>());
    }
    texts.sort();
    let keys: Vec<_> = texts
        .iter()
        .map(|text| {
            let mut out = Vec::new();
            key::encode(ValueRef::Text(text), &mut out);
            // What follows must not change the order.
            out.push(b'b');
            out
        })
        .collect();
    assert_eq!(texts.len(), 85);
    assert!(keys.is_sorted_by(|a, b| a < b));
}

proptest! {
    #[test]
    fn every_value_comes_back(values in prop::collection::vec(values(), 0..12)) {
        check_round_trip(&values);
    }

    #[test]
    fn keys_sort_as_their_values(columns in prop::collection::vec(pairs(), 1..3)) {
        let encoded = |values: &mut dyn Iterator<Item = &Value>| {
            let mut out = Vec::new();
            values.filter_map(ValueRef::of).for_each(|value| key::encode(value, &mut out));
            out
        };
        let key_a = encoded(&mut columns.iter().map(|(a, _)| a));
        let key_b = encoded(&mut columns.iter().map(|(_, b)| b));
        let mut orders = columns.iter().filter_map(|(a, b)| {
            ValueRef::of(a)?.partial_cmp(&ValueRef::of(b)?)
        });
        let order = orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal);
        prop_assert_eq!(key_a.cmp(&key_b), order);
    }

    #[test]
    fn a_tree_is_a_sorted_set_and_a_clone_is_its_own(
        acts in prop::collection::vec((any::<bool>(), "[a-c]{0,5}"), 0..400),
        ascending in 0..400_u32,
    ) {
        let (mut tree, mut set) = (Tree::new(), BTreeSet::new());
        for number in 0..ascending {
            let string = number.to_be_bytes().to_vec();
            prop_assert_eq!(tree.insert(&string), set.insert(string));
        }
        let (before, kept) = (tree.clone(), set.clone());
        for (adds, string) in acts {
            let string = string.into_bytes();
            if adds {
                prop_assert_eq!(tree.insert(&string), set.insert(string));
            } else {
                prop_assert_eq!(tree.remove(&string), set.remove(&string));
            }
        }
        prop_assert!(tree.range(&[]).eq(set.iter().map(Vec::as_slice)));
        prop_assert!(before.range(&[]).eq(kept.iter().map(Vec::as_slice)));
        for from in ["a", "abc", "b", "cc"] {
            let expected = set.range(from.as_bytes().to_vec()..);
            prop_assert!(tree.range(from.as_bytes()).eq(expected.map(Vec::as_slice)));
        }
        for string in &set {
            prop_assert!(tree.remove(string));
        }
        prop_assert_eq!(tree.range(&[]).count(), 0);
    }

    #[test]
    fn ids_that_count_up_are_found_like_any_other(
        first in any::<u128>(),
        step in prop::sample::select(vec![1_u128, 1 << 32, 1 << 64, 1 << 96, 1 << 120]),
        count in 1..3_000_u32,
    ) {
        let id = |row: u32| {
            let (low, high) = (u128::from(row % 256), u128::from(row / 256));
            id(first.wrapping_add(step.wrapping_mul(low)).wrapping_add(high << 48))
        };
        let mut index = RowIndex::new();
        for row in 0..count {
            index.insert(half_hash_of(id(row)), RowNumber(row));
        }
        for row in (0..count).step_by(2) {
            index.remove(half_hash_of(id(row)), RowNumber(row));
        }
        for row in 0..count {
            let expected = (row % 2 == 1).then_some(RowNumber(row));
            let is_meant = |other: RowNumber| id(other.0) == id(row);
            prop_assert_eq!(index.find(half_hash_of(id(row)), is_meant), expected);
        }
    }

    /// Few different hashes, of which many lie in the last groups and so go on in the first ones.
    #[test]
    fn an_index_by_hash_is_a_set_of_rows_by_hash_and_a_clone_is_its_own(
        acts in prop::collection::vec((0..3_u32, 0..6_u32, 0..40_u32), 0..1_500),
        filler in 0..4_000_u32,
    ) {
        let hash_of = |number: u32| u32::MAX - (number << 29);
        let (mut index, mut set) = (RowIndex::new(), BTreeSet::new());
        for row in 0..filler {
            let hash = row.wrapping_mul(0x9e37_79b9);
            index.insert(hash, RowNumber(row));
            set.insert((hash, row));
        }
        let (before, kept) = (index.clone(), set.clone());
        for (act, number, row) in acts {
            let hash = hash_of(number);
            if act == 0 {
                index.remove(hash, RowNumber(row));
                set.remove(&(hash, row));
            } else if set.insert((hash, row)) {
                index.insert(hash, RowNumber(row));
            }
        }
        for (index, set) in [(index, set), (before, kept)] {
            let mut entries: Vec<_> = index.entries().map(|(hash, row)| (hash, row.0)).collect();
            entries.sort_unstable();
            prop_assert!(entries.iter().eq(&set));
            let small = (0..6).flat_map(|number| (0..40).map(move |row| (hash_of(number), row)));
            for (hash, row) in small.chain(set.iter().copied()) {
                let found = index.find(hash, |found| found.0 == row);
                prop_assert_eq!(found.is_some(), set.contains(&(hash, row)));
                let next = index.find_from(hash, row, |found| found.0 % 3 != 0);
                let mut all = set.range((hash, row)..=(hash, u32::MAX));
                let expected = all.find(|(_, row)| row % 3 != 0).map(|(_, row)| RowNumber(*row));
                prop_assert_eq!(next, expected);
            }
        }
    }

    #[test]
    fn what_is_the_same_in_a_key_has_the_same_bytes_and_hash((a, b) in pairs(), other in values()) {
        let bytes = |value: ValueRef<'_>| {
            let mut out = Vec::new();
            key::encode(value, &mut out);
            out
        };
        let refs = [&a, &b, &other].map(|value| ValueRef::of(value).expect("a column's"));
        for (a, b) in [(refs[0], refs[1]), (refs[0], refs[2])] {
            prop_assert_eq!(key::is_same(a, b), bytes(a) == bytes(b));
            if key::is_same(a, b) {
                prop_assert_eq!(key::mix(7, a), key::mix(7, b));
            }
        }
        let image = packed(std::slice::from_ref(&b));
        let holds = Packed::new(&image, 1).holds(ColumnId(0), refs[0]);
        prop_assert_eq!(holds, key::is_same(refs[0], refs[1]));
    }
}
