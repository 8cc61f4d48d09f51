//! The story in frames, one for each chapter: a picture, a title, and the line that tells it.

use crate::check::History;
use crate::report::html::graph::{Waits, badge};
use crate::report::html::state::States;
use crate::report::html::svg::Svg;
use crate::report::html::text::{cut, sentence};
use crate::report::timeline::{Chapter, Step, Timeline};

/// The frames of a run; `waits` are the pictures' facts by the number of the chapter.
pub(super) fn frames(
    history: &History,
    view: &Timeline,
    states: &States,
    waits: &[Waits],
    steps: &[&Step],
) -> String {
    let mut text = String::new();
    for (index, chapter) in view.chapters.iter().enumerate() {
        let step = &view.steps[chapter.step];
        let picture = match waits.get(index) {
            Some(waits) if chapter.message.is_none() && !waits.is_empty() => {
                waits.draw(history, view, states)
            }
            _ => scene(history, view, chapter, step),
        };
        let position = steps.iter().position(|it| it.at == step.at).unwrap_or(0);
        let moment = sentence(&history.names.moment(step.at.at));
        text.push_str(&format!(
            "<li><button type=\"button\" data-step=\"{position}\">{picture}<b>{}. {}</b>\
             <small>{moment}. {}</small></button></li>\n",
            index + 1,
            sentence(&chapter.title),
            sentence(&step.sentence())
        ));
    }
    text
}

/// A lane and what it meets, where no lock is in the picture.
fn scene(history: &History, view: &Timeline, chapter: &Chapter, step: &Step) -> String {
    let mut svg = Svg::default();
    svg.raw("<svg class=\"graph\" viewBox=\"0 26 300 130\" aria-hidden=\"true\">");
    let lane = step.lane.and_then(|it| view.lane_of.get(&it)).copied();
    let instance = chapter.message.map(|(instance, _)| instance);
    let instance = instance.or_else(|| view.lanes.get(lane?)?.home);
    let (arrives, colour) = match chapter.message {
        Some((_, false)) => (false, "bad"),
        _ if chapter.is_bad => (true, "bad"),
        _ => (true, "ok"),
    };
    let place = instance.map_or_else(String::new, |it| history.names.instance(it));
    let dash = if arrives { "" } else { " stroke-dasharray=\"5 4\"" };
    let outline = if arrives { "line" } else { "out" };
    svg.rect(
        (188.0, 52.0),
        (92.0, 78.0),
        9.0,
        &format!("fill=\"var(--chip)\" stroke=\"var(--{outline})\"{dash}"),
    );
    let attributes = "text-anchor=\"middle\" font-size=\"13\" font-weight=\"700\"";
    svg.text((234.0, 96.0), attributes, &cut(&place, 13.0, 84.0));
    let end = if arrives { 178.0 } else { 146.0 };
    let head = match (arrives, colour) {
        (false, _) => "",
        (true, "bad") => " marker-end=\"url(#hb)\"",
        (true, _) => " marker-end=\"url(#hn)\"",
    };
    let stroke = if colour == "bad" { "bad" } else { "ink2" };
    svg.line(
        (76.0, 91.0),
        (end, 91.0),
        &format!("stroke=\"var(--{stroke})\" stroke-width=\"2.6\"{dash}{head}"),
    );
    if !arrives {
        svg.raw("<path d=\"m141 84 14 14m0-14-14 14\" stroke=\"var(--bad)\" stroke-width=\"3\"/>");
    }
    match lane {
        Some(lane) => badge(&mut svg, (50.0, 91.0), 22.0, lane, view),
        None => {
            svg.symbol((34.0, 75.0), 32.0, if colour == "bad" { "no" } else { "ok" });
        }
    }
    if arrives && chapter.is_bad {
        svg.symbol((58.0, 62.0), 18.0, "no");
    }
    svg.raw("</svg>");
    svg.into_text()
}
