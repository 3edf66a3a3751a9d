//! A stuck run in a person's hands: what was asked already, whose it is, and the form in which it is decided.

use lineclear_core::run::{Asked, Resolution, State as RunState};
use lineclear_core::statement::REASON_MAX;
use maud::{Markup, html};

use super::Page;
use super::bar::{action, open, reason};
use crate::console::shown::Shown;

/// What a decision means, in words.
const fn words(resolution: Resolution) -> &'static str {
    match resolution {
        Resolution::Retry => "Try the step again",
        Resolution::MarkApplied => "It took effect: I have seen it",
        Resolution::MarkNotApplied => "It took no effect: try it again",
        Resolution::Skip => "Go on without it",
        Resolution::Continue => "Nothing of it was begun: go on here, with a new deadline",
        Resolution::Undo => "Take back what was applied",
        Resolution::Abort => "Leave everything as it stands",
        Resolution::HandOver => "Hand it over to somebody",
    }
}

/// The form in which a stuck run is decided.
pub(super) fn resolve(it: &Page) -> Markup {
    let risk = it.view.run.as_ref().map(|run| run.order.risk);
    html! {
        p.ask { strong { "The run is stuck." } " Nobody but a person may say what is true now. Look first." }
        (standing(it))
        details name="act" open[open(it, "resolve")] {
            summary { "Decide…" }
            form method="post" action=(action(it, "resolve")) autocomplete="off" {
                fieldset {
                    legend { "What now" }
                    @for resolution in Resolution::ALL {
                        label.pick {
                            input type="radio" name="resolution" value=(resolution.word()) required;
                            span { (words(resolution)) @if risk.is_some_and(|risk| resolution.needs_second(risk)) { " (a second person has to ask for it, too)" } }
                        }
                    }
                }
                label for="seen-resolve" { "What you saw, if it took effect (needed for that; it is the evidence)" }
                textarea #seen-resolve name="evidence" rows="2" maxlength=(REASON_MAX) {}
                label for="taker-resolve" { "Who takes it, if you hand it over" }
                select #taker-resolve name="to" {
                    option value="" { "nobody" }
                    @for (id, name) in it.people.iter().filter(|(id, _)| *id != it.reader) { option value=(id.to_string()) { (Shown(name)) } }
                }
                (reason(it, "resolve", "Why (needed; it is recorded)", true))
                button type="submit" { "Record and go on" }
            }
        }
    }
}

/// Who asked for what, and whose it is.
fn standing(it: &Page) -> Markup {
    let Some(RunState::Stuck { asked, with, .. }) = it.view.run.as_ref().map(|run| &run.state) else { return html! {} };
    let name = |id| it.people.iter().find(|(known, _)| *known == id).map_or("somebody who is no longer here", |(_, name)| name.as_str());
    html! {
        @if let Some(with) = with { p { "It was handed over to " strong { (Shown(name(*with))) } "." } }
        @if let Some(Asked { by, resolution, reason }) = asked {
            p.warn {
                strong { (Shown(name(*by))) } " asked: " (words(*resolution)) ". " q { (Shown(reason)) }
                " On high risk a second person has to ask for the same."
            }
        }
    }
}
