//! The grammar of requests that are sent as one.

use crate::scenario::grammar::document::{BOOLEAN, NAME};
use crate::scenario::grammar::steps::{IN, STEPS};
use crate::scenario::grammar::{Key, Map, Shape, may, must};

const ANSWERS: Key = may("as", &NAME, "the binding that gets the answers, in order");

pub(super) static EXECUTE_MULTIPLE: Shape =
    Shape::new("`execute multiple`").like("{ do: [ … ] }").or_map(&EXECUTE_MULTIPLE_MAP);
static EXECUTE_MULTIPLE_MAP: Map = Map::of(&[
    IN,
    may("continue on error", &BOOLEAN, "whether it goes on after a fault; default false"),
    must("do", &STEPS, "the steps that make the items: they are collected, then sent"),
    ANSWERS,
    may("faults", &NAME, "the binding that gets each item's fault, null where there is none"),
]);

pub(super) static EXECUTE_TRANSACTION: Shape =
    Shape::new("`execute transaction`").like("{ do: [ … ] }").or_map(&EXECUTE_TRANSACTION_MAP);
static EXECUTE_TRANSACTION_MAP: Map = Map::of(&[
    IN,
    must("do", &STEPS, "the steps that make the items: they are collected, then sent"),
    ANSWERS,
]);

pub(super) static BULK: Shape =
    Shape::new("a bulk message").like("{ do: [ { create: … } ] }").or_map(&BULK_MAP);
static BULK_MAP: Map = Map::of(&[
    IN,
    must("do", &STEPS, "the steps that make the rows' requests: they are collected, then sent"),
    ANSWERS,
]);
