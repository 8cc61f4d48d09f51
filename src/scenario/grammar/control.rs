//! The grammar of control: what steps of the platform and steps of a session have in common.

use crate::scenario::grammar::document::{DURATION, MOMENT, NAME, TEXT, VALUE};
use crate::scenario::grammar::steps::VALUES_BY_NAME;
use crate::scenario::grammar::words::OPERATION_STATUS_WORDS;
use crate::scenario::grammar::{Key, Kind, Shape, may, with};

pub(super) static CONDITION: Shape = Shape::of("a condition such as `=teams > 3`", Kind::Value);
static OPERATION_STATUS: Shape =
    Shape::of("an operation status", Kind::Word(OPERATION_STATUS_WORDS));
pub(super) static LIST: Shape =
    Shape::of("a list, or what is bound to one", Kind::Value).or_list(&VALUE);

pub(super) const WORK: Key =
    may("work", &DURATION, "takes time: computing, or a call to something outside");
pub(super) const PAUSE: Key = may("wait", &DURATION, "lets time pass");
pub(super) const AT: Key =
    may("at", &MOMENT, "waits for a moment; goes on at once when it is past");
pub(super) const FAIL: Key = may("fail", &TEXT, "raises a fault with this message");
pub(super) const STATUS: Key =
    with(&["fail"], "status", &OPERATION_STATUS, "what the async service does with the job");
pub(super) const THROW: Key =
    may("throw", &TEXT, "raises an exception of another kind, whose text the caller never learns");
pub(super) const LET: Key = may("let", &VALUES_BY_NAME, "binds values to names");
pub(super) const IF: Key = may("if", &CONDITION, "chooses between `then` and `else`");
pub(super) const CALL: Key = may("call", &NAME, "runs a program by its name");
pub(super) const WITH: Key =
    with(&["call"], "with", &VALUES_BY_NAME, "the bindings with which the program begins");
pub(super) const TRACE: Key = may("trace", &TEXT, "writes a line to the plug-in trace log");
pub(super) const NOTE: Key = may("note", &TEXT, "puts a remark into the story");

/// The control that has steps inside: they are of the same kind as those around them. Makes the
/// shapes `FOR_EACH`, `REPEAT`, `RETRY` and `TRY` over the steps that are named.
macro_rules! control_over {
    ($steps:ident) => {
        static FOR_EACH: Shape =
            Shape::new("`for each`").like("{ member: $members, do: [ … ] }").or_map(&FOR_EACH_MAP);
        static FOR_EACH_MAP: Map = Map::of(&[must("do", &$steps, "the steps")])
            .and_one_other("binding for each element", &LIST);

        static REPEAT: Shape =
            Shape::new("`repeat`").like("{ times: 3, do: [ … ] }").or_map(&REPEAT_MAP);
        static REPEAT_MAP: Map =
            Map::of(&[must("times", &SINGLE_VALUE, "how often"), must("do", &$steps, "the steps")]);

        static RETRY: Shape =
            Shape::new("`retry`").like("{ up to: 3, wait: 2s, do: [ … ] }").or_map(&RETRY_MAP);
        static RETRY_MAP: Map =
            Map::of(&[UP_TO, WAIT, JITTER, ON, must("do", &$steps, "the steps")]);

        static TRY: Shape =
            Shape::new("`try`").like("{ do: [ … ], on fault: [ … ] }").or_map(&TRY_MAP);
        static TRY_MAP: Map = Map::of(&[
            must("do", &$steps, "the steps"),
            must("on fault", &$steps, "the steps after a fault: `$fault` is its word"),
            may("on", &FAULTS, "the faults that are handled; default all"),
        ]);
    };
}

pub(super) use control_over;
