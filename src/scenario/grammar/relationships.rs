//! The grammar of relationships, and of the steps that associate rows.

use crate::scenario::grammar::document::{NAME, SINGLE_VALUE, TABLE_NAME};
use crate::scenario::grammar::steps::{IN, ROW, SINGLE_VALUES_BY_NAME};
use crate::scenario::grammar::{Kind, Map, Shape, Word, may, must, word, words};

pub(super) static RELATIONSHIPS: Shape =
    Shape::new("a map of relationships").or_map(&RELATIONSHIPS_MAP);
static RELATIONSHIPS_MAP: Map = Map::named("relationship", &RELATIONSHIP);
static RELATIONSHIP: Shape = Shape::new("a relationship")
    .like("{ child: contact, by: account, delete: restrict }")
    .or_map(&RELATIONSHIP_MAP);
static RELATIONSHIP_MAP: Map = Map::of(&[
    must("child", &TABLE_NAME, "the table of the many"),
    must("by", &NAME, "the lookup by which they refer to the one"),
    may("delete", &ON_DELETE, "what becomes of them when the one is deleted; `remove link`"),
    may("assign", &CASCADING, "which of them get a new owner with the one; `none`"),
    may("share", &CASCADING, "which of them are shared with the one; `none`"),
    may("unshare", &CASCADING, "which of them are no longer shared, when the one is not; `none`"),
    may("reparent", &CASCADING, "which of them are shared as the one to which they come; `none`"),
])
.or_with("kind", &MANY_TO_MANY_MAP);
static ON_DELETE: Shape = Shape::of("what a delete does", Kind::Word(words::ON_DELETE_WORDS));
static CASCADING: Shape = Shape::of("where an action goes on", Kind::Word(words::CASCADING_WORDS));

static MANY_TO_MANY_MAP: Map = Map::of(&[
    must("kind", &RELATIONSHIP_KIND, "`many-to-many`; left out for a lookup's relationship"),
    must("between", &TWO_TABLES, "the two tables whose rows it associates"),
    may("intersect", &NAME, "the table of the pairs; default the relationship's name"),
]);
static RELATIONSHIP_KIND: Shape =
    Shape::of("a kind of relationship", Kind::Word(RELATIONSHIP_WORDS));
static RELATIONSHIP_WORDS: &[Word] =
    &[word("many-to-many", "each row of either table with any number of the other's")];
static TWO_TABLES: Shape = Shape::new("two tables").like("[list, contact]").or_list(&TABLE_NAME);

pub(super) static ASSOCIATE: Shape = Shape::new("rows to associate")
    .like("{ table: …, row: …, relationship: …, with: [ … ] }")
    .or_map(&ASSOCIATE_MAP);
static ASSOCIATE_MAP: Map = Map::of(&[
    IN,
    must("table", &TABLE_NAME, "the row's table"),
    may("row", &ROW, "which row: its name, a `$binding`, or `any`"),
    may("key", &SINGLE_VALUES_BY_NAME, "which row: by an alternate key's values"),
    must("relationship", &NAME, "the many-to-many relationship"),
    must("with", &RELATED, "the row of the other table, or a list of them"),
])
.one_of(&[&["row", "key"]]);
static RELATED: Shape = Shape::of("a row or a list of rows", Kind::Value).or_list(&SINGLE_VALUE);
