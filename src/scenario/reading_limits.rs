//! The limits of a scenario file. Each is far above what a person writes and far below what would
//! hurt the machine; going beyond one is an error that names it.

/// The largest file, in bytes: 1 MiB.
pub const FILE_BYTES: usize = 1024 * 1024;
/// The deepest nesting of maps and lists.
pub const DEPTH: usize = 48;
/// The most values (texts, lists and maps) in a file.
pub const VALUES: usize = 100_000;
/// The most values in all variants of a file together: each variant is a whole scenario.
pub const VALUES_IN_VARIANTS: usize = 2_000_000;
/// The most variants of a file.
pub const VARIANTS: usize = 1_000;
/// The longest single text, in characters.
pub const TEXT_CHARACTERS: usize = 10_000;
/// The most entries of one list or one map.
pub const ENTRIES: usize = 20_000;
/// The most actors that one `count:` makes.
pub const ACTOR_COUNT: u32 = 100_000;
/// The most rows that exist when a world begins.
pub const ROW_COUNT: u64 = 2_000_000;
/// The most further tries of one `retry:`.
pub const RETRY_COUNT: u32 = 1_000;
/// The most plug-in steps, tables, columns of a table or instances.
pub const DEFINITIONS: usize = 1_000;
/// The most columns of an alternate key.
///
/// Source: Microsoft Learn, "Define alternate keys for a table" (16 columns in SQL's index).
pub const KEY_COLUMNS: usize = 16;
/// The deepest expression: operators and members inside one another.
pub const EXPRESSION_DEPTH: usize = 64;
/// The longest duration and the farthest moment after the start, in years of 365 days.
pub const YEARS: u64 = 100;
/// The most mistakes that are told in full; the rest are counted.
pub const MISTAKES: usize = 100;
/// The most mistakes that are collected at all.
pub const MISTAKES_KEPT: usize = 1_000;
/// The most names that an unknown one is compared with.
pub const NAMES_COMPARED: usize = 1_000;
