//! The grammar of `security:`, and of the steps that change who may do what.

use crate::plan::{Depth, TeamKind};
use crate::scenario::grammar::document::{DURATION, INSTANCE_NAME, NAME, TABLE_NAME, VALUE};
use crate::scenario::grammar::steps::{NAMES, ROW, SINGLE_VALUES_BY_NAME, VALUES_BY_NAME};
use crate::scenario::grammar::{Choice, Key, Kind, Map, Shape, Word, may, must, word};

/// How far a privilege reaches, as scenarios write it.
pub const DEPTHS: &[Choice<Depth>] = &[
    ("user", Depth::User),
    ("business unit", Depth::BusinessUnit),
    ("child business units", Depth::ChildBusinessUnits),
    ("organization", Depth::Organization),
];
static DEPTH_WORDS: &[Word] = &[
    word("user", "the rows that the holder owns (Basic)"),
    word("business unit", "the rows of the holder's business unit (Local)"),
    word("child business units", "those and the rows of all units below it (Deep)"),
    word("organization", "all rows (Global)"),
];

/// The kinds of teams, as scenarios write them.
pub const TEAM_KINDS: &[Choice<TeamKind>] =
    &[("owner", TeamKind::Owner), ("access", TeamKind::Access)];
static TEAM_WORDS: &[Word] = &[
    word("owner", "it owns rows and holds roles"),
    word("access", "rows are shared with it; it holds no roles"),
];

static RIGHT_WORDS: &[Word] = &[
    word("create", "making it"),
    word("read", "seeing it"),
    word("write", "changing it"),
    word("delete", "removing it"),
    word("append", "having it refer to another row"),
    word("append to", "having another row refer to it"),
    word("assign", "giving it to another owner"),
    word("share", "giving another access to it"),
];

pub(super) static SECURITY: Shape =
    Shape::new("a map of instances").like("{ europe: { … } }").or_map(&SECURITY_MAP);
static SECURITY_MAP: Map = Map::named("instance", &SECURITY_OF);
static SECURITY_OF: Shape = Shape::new("the security of an instance").or_map(&SECURITY_OF_MAP);
static SECURITY_OF_MAP: Map = Map::of(&[
    must("business units", &UNITS, "the tree of business units"),
    may("roles", &ROLES, "the security roles: for each table, how far each right reaches"),
    may("users", &USERS, "the users, as whom actors act: `as: anna`"),
    may("teams", &TEAMS, "the teams, with their members"),
    may("recalculation", &RECALCULATION, "what it takes to work a user's privileges out again"),
]);
static UNITS: Shape = Shape::new("a map of business units").or_map(&UNITS_MAP);
static UNITS_MAP: Map = Map::named("business unit", &UNIT);
static UNIT: Shape = Shape::new("a business unit").like("{ parent: sales }").or_map(&UNIT_MAP);
static UNIT_MAP: Map = Map::of(&[may("parent", &NAME, "the unit above it; the root has none")]);
static ROLES: Shape = Shape::new("a map of roles").or_map(&ROLES_MAP);
static ROLES_MAP: Map = Map::named("role", &ROLE);
static ROLE: Shape = Shape::new("a map of tables").or_map(&ROLE_MAP);
static ROLE_MAP: Map = Map::named("table", &PRIVILEGES);
static PRIVILEGES: Shape = Shape::new("rights with how far they reach")
    .like("{ read: organization, write: user }")
    .or_map(&PRIVILEGES_MAP);
static PRIVILEGES_MAP: Map = Map::of(&[
    may("all", &DEPTH, "each right that is not named"),
    may("create", &DEPTH, "making a row"),
    may("read", &DEPTH, "seeing a row"),
    may("write", &DEPTH, "changing a row"),
    may("delete", &DEPTH, "removing a row"),
    may("append", &DEPTH, "having a row refer to another"),
    may("append to", &DEPTH, "having another row refer to a row"),
    may("assign", &DEPTH, "giving a row to another owner"),
    may("share", &DEPTH, "giving another access to a row"),
]);
static DEPTH: Shape = Shape::of("how far a right reaches", Kind::Word(DEPTH_WORDS));
static USERS: Shape = Shape::new("a map of users").or_map(&USERS_MAP);
static USERS_MAP: Map = Map::named("user", &USER);
static USER: Shape = Shape::new("a user").or_map(&USER_MAP);
static USER_MAP: Map = Map::of(&[
    may("business unit", &NAME, "the user's business unit; default the root"),
    may("roles", &NAMES, "the user's own roles"),
    may("set", &VALUES_BY_NAME, "further columns of the user's row"),
]);
static TEAMS: Shape = Shape::new("a map of teams").or_map(&TEAMS_MAP);
static TEAMS_MAP: Map = Map::named("team", &TEAM);
static TEAM: Shape = Shape::new("a team").or_map(&TEAM_MAP);
static TEAM_MAP: Map = Map::of(&[
    must("kind", &TEAM_KIND, "`owner` or `access`"),
    may("business unit", &NAME, "the team's business unit; default the root"),
    may("roles", &NAMES, "the roles that members have through it; of an owner team only"),
    may("members", &NAMES, "the users in it at the start"),
]);
static TEAM_KIND: Shape = Shape::of("a kind of team", Kind::Word(TEAM_WORDS));
static RECALCULATION: Shape = Shape::new("a map of durations").or_map(&RECALCULATION_MAP);
static RECALCULATION_MAP: Map = Map::of(&[
    may("base", &DURATION, "for any user; default 100 ms"),
    may("per team", &DURATION, "for each owner team that the user is in; default 20 ms"),
    may("per business unit", &DURATION, "for each business unit; default 5 ms"),
]);

const IN: Key = may("in", &INSTANCE_NAME, "the instance; default the actor's or plug-in's");
const TABLE: Key = must("table", &TABLE_NAME, "the table");
const ROW_KEY: Key = may("row", &ROW, "which row: its name, a `$binding`, or `any`");
const KEY: Key = may("key", &SINGLE_VALUES_BY_NAME, "which row: by an alternate key's values");
static RIGHT: Shape = Shape::of("a right", Kind::Word(RIGHT_WORDS));
static RIGHTS: Shape = Shape::new("a list of rights").or_list(&RIGHT);

pub(super) static GRANT: Shape =
    Shape::new("`grant`").like("{ table: …, row: …, to: …, rights: [read] }").or_map(&GRANT_MAP);
static GRANT_MAP: Map = Map::of(&[
    IN,
    TABLE,
    ROW_KEY,
    KEY,
    must("to", &VALUE, "the user or team that gets access"),
    must("rights", &RIGHTS, "what it may do with the row from now on"),
])
.one_of(&[&["row", "key"]]);
pub(super) static REVOKE: Shape =
    Shape::new("`revoke`").like("{ table: …, row: …, from: … }").or_map(&REVOKE_MAP);
static REVOKE_MAP: Map = Map::of(&[
    IN,
    TABLE,
    ROW_KEY,
    KEY,
    must("from", &VALUE, "the user or team that loses its share of the row"),
])
.one_of(&[&["row", "key"]]);
pub(super) static MEMBERS: Shape =
    Shape::new("users of a team").like("{ team: …, users: [ … ] }").or_map(&MEMBERS_MAP);
static MEMBERS_MAP: Map = Map::of(&[
    IN,
    must("team", &VALUE, "the team"),
    must("users", &VALUE, "the users, in the order in which they are taken"),
]);
