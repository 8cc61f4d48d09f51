//! The grammar of queries: the step language's own form, and FetchXML as it is.

use crate::scenario::grammar::control::CONDITION;
use crate::scenario::grammar::document::{
    BOOLEAN, INSTANCE_NAME, NAME, SET_OF_NAMES, SINGLE_VALUE, TABLE_NAME,
};
use crate::scenario::grammar::steps::NAMES;
use crate::scenario::grammar::words::{LINK_WORDS, QUERY_HINT_WORDS};
use crate::scenario::grammar::{Key, Kind, Map, Shape, may, must, with};

const IN: Key = may("in", &INSTANCE_NAME, "the instance; default the actor's or plug-in's");
pub(super) const HINT: Key = may("hint", &QUERY_HINT, "`nolock`: read also what is not committed");
static QUERY_HINT: Shape =
    Shape::of("a hint of a query", Kind::Word(QUERY_HINT_WORDS)).or_list(&SINGLE_QUERY_HINT);
static SINGLE_QUERY_HINT: Shape = Shape::of("a hint of a query", Kind::Word(QUERY_HINT_WORDS));

const WHERE: Key = may("where", &CONDITION, "the condition on a row; every row when absent");
const COLUMNS: Key = may("columns", &NAMES, "the columns that are asked for; default all");
const LINK_ABOUT: &str = "the rows of other tables that belong to each row, by name";
const AS: Key = may("as", &NAME, "the binding that gets the list of rows");
const MORE_AS: Key = may("more as", &NAME, "the binding that gets whether there are more rows");
const COOKIE_AS: Key =
    may("cookie as", &NAME, "the binding that gets the paging cookie; null when there is none");
const TOTAL_AS: Key = may(
    "total count as",
    &NAME,
    "the binding that gets how many rows there are, up to 5,000; -1 when they are not counted",
);

pub(super) static QUERY: Shape =
    Shape::new("`query`").like("{ table: …, where: … }").or_map(&QUERY_MAP);
static QUERY_MAP: Map = Map::of(&[
    IN,
    must("table", &TABLE_NAME, "the table"),
    WHERE,
    may("order", &SET_OF_NAMES, "the columns to order by; `-column` for descending, `id` the key"),
    may("top", &SINGLE_VALUE, "the most rows that are answered"),
    may("expand", &SET_OF_NAMES, "the lookups whose rows are answered too"),
    COLUMNS,
    HINT,
    may("link", &LINKS, LINK_ABOUT),
    may("aggregate", &AGGREGATES, "what is computed over the rows, by name"),
    with(&["aggregate"], "group by", &GROUPS, "what the rows are grouped by"),
    may("distinct", &BOOLEAN, "whether rows that are equal in the columns are answered once"),
    may("page", &PAGE, "which page is answered; default the first 5,000 rows"),
    AS,
    MORE_AS,
    COOKIE_AS,
    TOTAL_AS,
])
.or_with("fetch", &FETCH_MAP);

/// A query that is written as FetchXML.
static FETCH_MAP: Map = Map::of(&[
    IN,
    must("fetch", &FETCH, "the query as FetchXML; `{name}` in a value is filled in"),
    AS,
    MORE_AS,
    COOKIE_AS,
    TOTAL_AS,
]);
static FETCH: Shape = Shape::of("FetchXML", Kind::Text).like("<fetch><entity name='…'/></fetch>");

static LINKS: Shape = Shape::new("a map of links by name").or_map(&LINKS_MAP);
static LINKS_MAP: Map = Map::named("link", &LINKED);
/// A link of a query, which may have links of its own.
pub static LINKED: Shape =
    Shape::new("a link").like("{ table: contact, from: account, to: id }").or_map(&LINKED_MAP);
static LINKED_MAP: Map = Map::of(&[
    must("table", &TABLE_NAME, "the linked table"),
    may("from", &NAME, "its column; default the only lookup between the tables, or `id`"),
    may("to", &NAME, "the column that it equals, of the table that the link hangs on"),
    may("type", &LINK_TYPE, "what becomes of rows without a linked row; default `inner`"),
    WHERE,
    COLUMNS,
    may("link", &LINKS, LINK_ABOUT),
]);
static LINK_TYPE: Shape = Shape::of("a type of link", Kind::Word(LINK_WORDS));

static AGGREGATES: Shape = Shape::new("a map of what is computed, by name")
    .like("{ orders: count, total: sum of amount }")
    .or_map(&AGGREGATES_MAP);
static AGGREGATES_MAP: Map = Map::named("value", &AGGREGATE);
static AGGREGATE: Shape =
    Shape::of("`count`, or a function of a column", Kind::Text).like("sum of amount");
static GROUPS: Shape = Shape::of("a column, several, or a map of them by name", Kind::Text)
    .or_list(&GROUP)
    .or_map(&GROUPS_MAP);
static GROUPS_MAP: Map = Map::named("group", &GROUP);
static GROUP: Shape = Shape::of("a column, or a part of a date", Kind::Text).like("month of due");

static PAGE: Shape = Shape::new("`page`").like("{ size: 50, number: 2 }").or_map(&PAGE_MAP);
static PAGE_MAP: Map = Map::of(&[
    may("size", &SINGLE_VALUE, "how many rows; default and at most 5,000"),
    may("number", &SINGLE_VALUE, "the number of the page, from 1"),
    may("cookie", &SINGLE_VALUE, "the cookie of the page before: go on behind its last row"),
]);
