//! The whole life of a change, newest first, each moment with its place in the ledger.

use maud::{Markup, html};

use super::Page;
use crate::console::moment;
use crate::console::shown::Shown;

/// The timeline.
pub(super) fn timeline(it: &Page) -> Markup {
    html! {
        section aria-labelledby="timeline" {
            h2 #timeline { "What has happened" }
            ol.timeline aria-live="polite" aria-relevant="additions" reversed {
                @for moment in it.view.timeline.iter().rev() {
                    li id=(format!("entry-{}", moment.index)) {
                        span.when { (moment::clock(moment.at)) }
                        span {
                            (Shown(&moment.says)) " "
                            span.by { (Shown(&moment.name)) ", " a href=(format!("/ledger/{}", moment.index)) { "entry " (moment.index) } }
                        }
                    }
                }
            }
            p.small.soft {
                "Everything an auditor asks for, in one document: "
                a href=(format!("/api/v1/changes/{}/record", it.view.change.id)) { "the decision record" } " (JSON)."
            }
        }
    }
}
