//! What an instance was doing for a lane at one moment: its requests and plug-in steps, the
//! outermost first.

use crate::trace::{Event, Names, Trace};
use crate::words::{LaneId, RequestId, SimInstant};

/// A request, a statement or a plug-in step that is under way.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub request: RequestId,
    is_step: bool,
    pub name: String,
}

/// The frames of a lane at the end of an instant.
pub(super) fn stack_at(
    trace: &Trace,
    names: &Names<'_>,
    lane: LaneId,
    at: SimInstant,
) -> Vec<Frame> {
    let mut stack: Vec<Frame> = Vec::new();
    for entry in trace.entries.iter().take_while(|it| it.at <= at) {
        match &entry.event {
            Event::RequestBegan(began) if began.lane == lane => {
                let what = names.request(began.message, began.instance, began.table, began.row);
                let name = format!("{what}, depth {}", began.depth);
                stack.push(Frame { request: began.request, is_step: false, name });
            }
            Event::StatementBegan(began) if began.lane == lane => {
                let table = names.table_of(began.instance, began.table);
                let name = format!("{:?} {table}", began.kind);
                stack.push(Frame { request: began.request, is_step: false, name });
            }
            Event::PlugInBegan { lane: of, request, plug_in, .. } if *of == lane => {
                let header = trace.header.plug_ins.get(plug_in.index());
                let stage = header.map(|it| format!(", stage {}", it.stage.number()));
                let plug_in = names.plug_in(*plug_in);
                let name = format!("plug-in {plug_in}{}", stage.unwrap_or_default());
                stack.push(Frame { request: *request, is_step: true, name });
            }
            Event::PlugInEnded { request, .. } => {
                stack.retain(|it| !(it.is_step && it.request == *request));
            }
            Event::RequestEnded { request, .. } | Event::StatementEnded { request, .. } => {
                stack.retain(|it| it.request != *request);
            }
            _ => {}
        }
    }
    stack
}
