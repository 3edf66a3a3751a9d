//! The parts of the incident room: how bad by the five factors, who was told, what was changed lately, and its life.

use lineclear_core::deployment::Progress;
use lineclear_core::incident::{Attention, Incident, Kept, Quiet};
use lineclear_core::severity::{Doubt, Loss};
use lineclear_engine::{Recent, RoomView};
use maud::{Markup, html};

use crate::console::change::state_chip;
use crate::console::frame::Frame;
use crate::console::moment;
use crate::console::shown::Shown;

/// Whether people were told, as a chip with the reason behind it.
pub(super) fn attention(attention: &Attention) -> Markup {
    html! {
        @match attention {
            Attention::Gathering { .. } => span.chip.wait title="for a few seconds it gathers what belongs to it, so that a storm is one page" { "gathering" },
            Attention::Paged { at } => span.chip.stop { "asks for a person, since " (moment::clock(*at)) },
            Attention::Quiet { why } => span.chip.low {
                @match why {
                    Quiet::Informational => "quiet: for information only",
                    Quiet::Declared => "quiet: said to need nobody",
                    Quiet::OutsideProduction => "quiet: not production",
                    Quiet::Maintenance { title, until } => { "quiet until " (moment::clock(*until)) ": " (Shown(title)) }
                }
            },
        }
    }
}

/// The five factors, and what the estate's table makes of them.
pub(super) fn factors(room: &RoomView) -> Markup {
    let impact = &room.impact;
    html! {
        section aria-labelledby="factors" {
            h2 #factors { "How bad, and why" }
            dl.facts {
                dt { "Customers" } dd { @if impact.customers == 0 { "none that signals tell of" } @else { "up to " (impact.customers) } }
                dt { "Lasting" } dd { (impact.lasting) }
                dt { "Regions" } dd { (impact.regions) }
                dt { "Security" } dd { @match impact.security { Doubt::None => "nothing points to it", Doubt::Suspected => span.warn { "suspected" }, Doubt::Confirmed => span.bad { "confirmed" }, } }
                dt { "Revenue" } dd { @match impact.revenue { Loss::None => "not touched", Loss::Reduced => span.warn { "reduced" }, Loss::Stopped => span.bad { "stopped" }, } }
            }
            p.small.soft {
                @match room.by_table {
                    Some(severity) => { "By the estate’s table this is severity " (severity.number()) "; it stands at " (room.incident.severity.number()) ". " }
                    None => { "The estate has no table of severity; it stands at " (room.incident.severity.number()) " by its signals and by people. " }
                }
                "Machines only raise it; a person may say otherwise."
            }
        }
    }
}

/// What was changed lately on its things and near them: the first suspects.
pub(in crate::console) fn recent(frame: &Frame, list: &[Recent]) -> Markup {
    html! {
        section aria-labelledby="recent" {
            h2 #recent { "Changed lately" }
            @if list.is_empty() { p.none { "Nobody has reported a change on this or near it in the last 24 hours." } } @else {
                ul.work { @for one in list { (line(frame, one)) } }
            }
        }
    }
}

fn line(frame: &Frame, one: &Recent) -> Markup {
    html! {
        li {
            div.row {
                span.state {
                    @match &one.report {
                        None => (state_chip(&one.word)),
                        Some(report) => @match report.progress {
                            Progress::Started => span.chip.wait { "under way" },
                            Progress::Succeeded => span.chip.done { "done" },
                            Progress::Failed => span.chip.stop { "failed" },
                        },
                    }
                }
                span.what {
                    @match one.change {
                        Some(id) => a href=(format!("/changes/{id}")) { (Shown(&one.title)) },
                        None => (Shown(&one.title)),
                    }
                    span.about {
                        @if !one.thing.is_empty() { " · " (Shown(&one.thing)) }
                        @if let Some(report) = &one.report {
                            " · " (report.kind.word()) ", says " (Shown(&report.source))
                            @if let Some(author) = &report.author { ", by " (Shown(author)) }
                            // Shown and not linked: it is a stranger's address.
                            @if let Some(link) = &report.link { ", " (Shown(link)) }
                            @if let Some(revision) = &report.revision { ", " code { (Shown(&revision.chars().take(20).collect::<String>())) } }
                        }
                    }
                }
                span.left.soft { (moment::ago(frame.now, one.at)) }
            }
        }
    }
}

/// Its signals, what holds first.
pub(super) fn listed(incident: &Incident) -> Vec<&Kept> {
    let mut all: Vec<&Kept> = incident.signals.values().collect();
    all.sort_by_key(|kept| (kept.over(), kept.signal.graded(), kept.signal.starts, kept.id));
    all
}

/// How many signals there are, and how many are only counted.
pub(super) fn counted(incident: &Incident) -> Markup {
    let firing = incident.firing().count();
    html! {
        (firing) " of " (incident.signals.len()) " hold."
        @if incident.overflow > 0 { " " (incident.overflow) " more came than are kept by name." }
    }
}

/// Its life, newest first.
pub(super) fn timeline(room: &RoomView) -> Markup {
    html! {
        section aria-labelledby="timeline" {
            h2 #timeline { "What has happened" }
            ol.timeline aria-live="polite" aria-relevant="additions" reversed {
                @for moment in room.timeline.iter().rev() {
                    li id=(format!("entry-{}", moment.index)) {
                        span.when { (moment::clock(moment.at)) }
                        span {
                            (Shown(&moment.says)) " "
                            span.by { (Shown(&moment.name)) ", " a href=(format!("/ledger/{}", moment.index)) { "entry " (moment.index) } }
                        }
                    }
                }
            }
            @if room.moments > room.timeline.len() { p.small.soft { (room.moments - room.timeline.len()) " earlier moments are in the ledger." } }
        }
    }
}
