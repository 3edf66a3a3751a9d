//! Whether this is routine here: earned by which runs, lost to which, and what is lacking.

use lineclear_core::dossier::Dossier;
use maud::{Markup, html};

use crate::console::frame::Frame;
use crate::console::moment;
use crate::console::shown::Shown;

/// Nothing when no policy of the action asks whether it is routine.
pub(super) fn routine(frame: &Frame, dossier: &Dossier) -> Markup {
    let Some(routine) = &dossier.routine else { return html! {} };
    html! {
        section aria-labelledby="routine" {
            h2 #routine { "Routine" }
            @if routine.earned { p.good { "This is routine here: it has earned it." } } @else {
                p { "This is not routine here:" }
                ul { @for lack in &routine.lacks { li { (Shown(&lack.to_string())) } } }
            }
            @if let Some(lost) = routine.lost {
                p {
                    a href=(format!("/changes/{}", lost.change)) { "The last bad run" } " " (lost.flaw.to_string()) ", " (moment::ago(frame.now, lost.at))
                    "; only runs after it count."
                }
            }
            @if !routine.runs.is_empty() {
                p { "It rests on these runs, oldest first:" }
                ul {
                    @for run in &routine.runs {
                        li { a href=(format!("/changes/{}", run.change)) { code { (run.change.to_string()) } } " " span.soft { (moment::ago(frame.now, run.at)) } }
                    }
                }
            }
        }
    }
}
