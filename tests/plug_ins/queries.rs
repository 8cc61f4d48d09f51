//! Reads in Rust beyond a row: linked tables, what is computed, pages, and what has changed.

use std::sync::Arc;

use multiverse::engine::Answer;
use multiverse::fault::FaultKind;
use multiverse::plan::{AggregateFunction, DatePart, LinkKind, Message, Stage};
use multiverse::plug_in::{Ask, Changes, Context, Interruption, Linked, Rows, column};
use multiverse::testing::{Step, Testbed};
use multiverse::trace;
use multiverse::words::{Record, Value};

use super::{Setup, desk, sound, start};

/// Two tickets of Contoso and one of nobody.
fn tickets() -> Setup {
    desk()
        .row("ticket", "t1", &[("title", "Chair".into()), ("customer", "contoso".into())])
        .row("ticket", "t2", &[("title", "Table".into()), ("customer", "contoso".into())])
        .row("ticket", "t3", &[("title", "Lamp".into())])
}

/// What a plug-in writes to its trace log in front of a new ticket.
fn told(
    setup: Setup,
    plug_in: impl Fn(&mut Context<'_>) -> Result<(), Interruption> + Send + Sync + 'static,
) -> String {
    let step = Step::new("ask", plug_in).on(Message::Create, "ticket");
    let mut bed = start(&setup.step(step.stage(Stage::PreOperation)));
    bed.create("ticket", "new", &[]).unwrap();
    sound(&bed);
    bed.trace_log().join("\n")
}

/// The values of a column, by commas.
fn listed(rows: &[Arc<Record>], column: &str) -> String {
    let texts = rows.iter().map(|row| match row.value(column) {
        Value::Text(text) => text.to_string(),
        other => format!("{other:?}"),
    });
    texts.collect::<Vec<_>>().join(", ")
}

#[test]
fn links_join_the_rows_of_other_tables() {
    let lines = told(tickets(), |context| {
        let customer = Linked::of("account", "id", "customer");
        let titles = Rows::of("ticket").descending_by("title");
        let inner = context.retrieve_multiple(titles.clone().link(customer.clone()))?;
        trace!(context, "with a customer: {}", listed(&inner, "title"));
        let outer = customer.clone().kind(LinkKind::Outer).columns(&["name"]).called("of");
        let outer = context.retrieve_multiple(titles.link(outer))?;
        let names = outer.iter().map(|it| it.behind("of").map(|it| it.value("name")));
        trace!(context, "all: {} of {:?}", listed(&outer, "title"), names.collect::<Vec<_>>());
        let asks = Linked::of("ticket", "customer", "id").kind(LinkKind::NotAny);
        let quiet = context.retrieve_multiple(Rows::of("account").link(asks))?;
        trace!(context, "without a ticket: {}", listed(&quiet, "name"));
        let nested = Linked::of("ticket", "customer", "id").only(column("title").like("T%"));
        let nested = Rows::of("account").link(nested.link(customer.called("again")));
        let nested = nested.only(column("again.open").equal(3)).order_by("ticket.title");
        let nested = context.retrieve_multiple(nested)?;
        let again = nested[0].behind("ticket").and_then(|it| it.behind("again")).is_some();
        trace!(context, "there and back: {} rows, {again}", nested.len());
        Ok(())
    });
    insta::assert_snapshot!(lines, @r#"
    with a customer: Table, Chair
    all: Table, Lamp, Chair of [Some(Text("Contoso")), None, Some(Text("Contoso"))]
    without a ticket: Fabrikam
    there and back: 1 rows, true
    "#);
}

#[test]
fn what_is_computed_stands_in_the_answer_under_its_name() {
    let lines = told(tickets(), |context| {
        let by_customer = Rows::of("ticket")
            .group_by("whose", "customer", None)
            .aggregate("tickets", AggregateFunction::Count, "id")
            .descending_by("tickets");
        for row in context.retrieve_multiple(by_customer)? {
            let (count, whose) = (row.value("tickets"), row.value("whose"));
            trace!(context, "{count:?} of nobody: {}", whose.is_null());
        }
        let all = Rows::of("ticket")
            .link(Linked::of("account", "id", "customer"))
            .aggregate("open", AggregateFunction::Sum, "account.open")
            .count_distinct("customers", "customer");
        let all = context.retrieve_multiple(all)?;
        trace!(context, "{:?} {:?}", all[0].value("open"), all[0].value("customers"));
        let titles = Rows::of("ticket").columns(&["customer"]).distinct();
        trace!(context, "{} different", context.retrieve_multiple(titles)?.len());
        Ok(())
    });
    insta::assert_snapshot!(lines, @"
    Whole(2) of nobody: false
    Whole(1) of nobody: true
    Whole(6) Whole(1)
    2 different
    ");
}

#[test]
fn pages_follow_one_another_by_their_cookies_or_by_number() {
    let lines = told(tickets(), |context| {
        let rows = Rows::of("ticket").order_by("title").page_size(2);
        let (last, beside) = context.retrieve_page(rows.clone().page(2))?;
        trace!(context, "by number: {}, {beside:?}", listed(&last, "title"));
        let rows = rows.counted();
        let (first, beside) = context.retrieve_page(rows.clone())?;
        trace!(
            context,
            "{}; more {}, {:?} in all",
            listed(&first, "title"),
            beside.more,
            beside.total
        );
        let cookie = beside.cookie.expect("there is more");
        let (second, beside) = context.retrieve_page(rows.clone().page(2).after(&cookie))?;
        trace!(context, "{}; more {}", listed(&second, "title"), beside.more);
        Ok(())
    });
    insta::assert_snapshot!(lines, @"
    by number: Table, Beside { more: false, cookie: None, total: None }
    Chair, Lamp; more true, Some(3) in all
    Table; more false
    ");
}

#[test]
fn a_reader_of_changes_goes_on_where_its_token_was_handed_out() {
    let mut bed: Testbed = start(&tickets().tracked());
    let read = |bed: &mut Testbed, changes: Changes| match bed.ask(Ask::retrieve_changes(changes)) {
        Ok(Answer::Changes(delta)) => delta,
        other => panic!("{other:?}"),
    };
    let first = read(&mut bed, Changes::of("ticket").page_size(2));
    assert_eq!((first.rows.len(), first.token), (2, None));
    let rest = read(&mut bed, Changes::of("ticket").after(&first));
    assert_eq!((rest.rows.len(), rest.deleted.len()), (1, 0));
    let token = rest.token.expect("it is the last page");
    bed.ask(Ask::delete("ticket", "t1")).unwrap();
    bed.ask(Ask::update("ticket", "t2").set("title", "Desk")).unwrap();
    let since = Changes::of("ticket").since(token).columns(&["title"]);
    let news = read(&mut bed, since);
    let row = news.rows[0].as_record().expect("a row");
    assert_eq!((news.rows.len(), news.deleted.len(), row.columns.len()), (1, 1, 1));
    assert_eq!(row.value("title"), Value::text("Desk"));
    let fault = bed.ask(Ask::retrieve_changes(Changes::of("account"))).unwrap_err();
    assert_eq!(fault.kind, FaultKind::ChangeTrackingNotEnabled, "its changes are not tracked");
    sound(&bed);
}

#[test]
fn a_question_that_makes_no_sense_is_refused() {
    let customer = || Linked::of("account", "id", "customer");
    let wrong = [
        Rows::of("ticket").link(Linked::of("account", "name", "customer")),
        Rows::of("ticket").link(customer().called("title")),
        Rows::of("ticket").link(customer()).link(customer()),
        Rows::of("ticket").link(customer().kind(LinkKind::Any).link(customer().called("again"))),
        (0..16)
            .fold(Rows::of("ticket"), |rows, it| rows.link(customer().called(&format!("l{it}")))),
        Rows::of("ticket").link(customer().only(column("customer.name").null())),
        Rows::of("ticket").aggregate("sum", AggregateFunction::Sum, "title"),
        Rows::of("ticket").aggregate("rows", AggregateFunction::Count, "title"),
        Rows::of("ticket").group_by("month", "title", Some(DatePart::Month)),
        Rows::of("ticket").group_by("title", "title", None).order_by("customer"),
        Rows::of("ticket").group_by("title", "title", None).columns(&["title"]),
        Rows::of("ticket").top(1).page(1),
        Rows::of("ticket").page(0),
        Rows::of("ticket").after("no cookie"),
    ];
    let mut bed = start(&tickets());
    for rows in wrong {
        let fault = bed.ask(Ask::retrieve_multiple(rows.clone())).expect_err("it is refused");
        let kinds = [FaultKind::InvalidArgument, FaultKind::NoSuchColumn];
        assert!(kinds.contains(&fault.kind), "{rows:?}: {fault}");
    }
    sound(&bed);
}
