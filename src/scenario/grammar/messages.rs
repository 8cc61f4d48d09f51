//! The grammar of messages that somebody has added to the platform.

use crate::scenario::grammar::document::{BOOLEAN, COLUMNS, INSTANCE_NAME, NAME, TABLE_NAME, TEXT};
use crate::scenario::grammar::steps::{KEY, ROW_KEY, STEPS, VALUES_BY_NAME};
use crate::scenario::grammar::words::{CUSTOM_KIND_WORDS, CUSTOM_STEPS_WORDS};
use crate::scenario::grammar::{Kind, Map, Shape, may, must};

pub(super) static MESSAGES: Shape = Shape::new("a map of messages").or_map(&MESSAGES_MAP);
static MESSAGES_MAP: Map = Map::named("message", &MESSAGE);
static MESSAGE: Shape = Shape::new("a message")
    .like("{ in: europe, kind: custom API, do: [ … ] }")
    .or_map(&MESSAGE_MAP);
static MESSAGE_MAP: Map = Map::of(&[
    must("in", &INSTANCE_NAME, "the instance that has it"),
    must("kind", &CUSTOM_KIND, "what it was made with: `custom API` or `process action`"),
    may("table", &TABLE_NAME, "the table of whose rows a request names one; default none"),
    may("parameters", &COLUMNS, "what a request may give it, each with its type: `$input.name`"),
    may("response", &COLUMNS, "what it answers, each with its type: `set output` sets it"),
    may("enable rollback", &BOOLEAN, "for a process action: whether it acts in a transaction"),
    may("custom steps", &CUSTOM_STEPS, "for a custom API: which steps may listen; default `none`"),
    may("run as", &NAME, "the user as whom it runs; default the one who made the request"),
    may("about", &TEXT, "what it is for"),
    may("do", &STEPS, "its main operation; default nothing, for those who listen"),
    may("rust", &NAME, "the name of a plug-in written in Rust that is its main operation"),
]);
static CUSTOM_KIND: Shape = Shape::of("a kind of message", Kind::Word(CUSTOM_KIND_WORDS));
static CUSTOM_STEPS: Shape = Shape::of("the steps that may listen", Kind::Word(CUSTOM_STEPS_WORDS));

pub(super) static EXECUTE: Shape =
    Shape::new("`execute`").like("{ message: …, with: … }").or_map(&EXECUTE_MAP);
static EXECUTE_MAP: Map = Map::of(&[
    must("message", &NAME, "the message: one of `messages`"),
    ROW_KEY,
    KEY,
    may("with", &VALUES_BY_NAME, "its parameters"),
    may("as", &NAME, "the binding that gets what it answers: `$name.member`"),
]);
