//! Sets of rows of one table, one bit a row.

use crate::engine::store::RowNumber;

/// A set of rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct RowMarks {
    words: Vec<u64>,
}

impl RowMarks {
    /// Adds a row. Whether it was missing.
    pub(super) fn mark(&mut self, row: RowNumber) -> bool {
        let (word, bit) = place(row);
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        let is_new = self.words[word] & bit == 0;
        self.words[word] |= bit;
        is_new
    }

    /// Whether a row is in it.
    pub(super) fn has(&self, row: RowNumber) -> bool {
        let (word, bit) = place(row);
        self.words.get(word).is_some_and(|word| word & bit != 0)
    }

    /// The rows, in order.
    pub(super) fn rows(&self) -> impl Iterator<Item = RowNumber> {
        let words = self.words.iter().zip(0_u32..);
        words.flat_map(|(word, number)| {
            let bits = (0..64).filter(move |bit| word & 1 << bit != 0);
            bits.map(move |bit| RowNumber(number * 64 + bit))
        })
    }
}

const fn place(row: RowNumber) -> (usize, u64) {
    (row.0 as usize / 64, 1 << (row.0 % 64))
}
