//! The evidence: what is missing, stale or contradicting first; then what confirms; last what is only claimed.

use lineclear_core::Timestamp;
use lineclear_core::dossier::{Dossier, Fault};
use lineclear_core::fact::{Fact, Reading, Worth};
use lineclear_core::proposal::Citation;
use maud::{Markup, html};

use super::Page;
use crate::console::frame::Frame;
use crate::console::moment;
use crate::console::shown::Shown;

/// The evidence.
pub(super) fn evidence(frame: &Frame, it: &Page, dossier: &Dossier) -> Markup {
    let mut facts: Vec<(&Fact, Worth)> = dossier.facts.values().map(|fact| (fact, fact.worth(dossier.at))).collect();
    facts.sort_by_key(|(fact, worth)| (rank(worth), !fact.required, fact.name.clone()));
    let alarm = !dossier.faults.is_empty() || dossier.situation.conflicting;
    html! {
        section.alarm[alarm] aria-labelledby="evidence" {
            h2 #evidence { "Evidence" }
            (faults(dossier))
            @if dossier.situation.conflicting { p.bad { "A fact contradicts what the proposal rests on." } }
            @if facts.is_empty() { p { "No facts belong to this action, and none was cited." } } @else {
                p.soft {
                    "Asked by Lineclear itself " (moment::ago(frame.now, dossier.at)) "."
                    @if it.undecided() { " Asked again before anything runs." }
                }
                table {
                    thead { tr { th scope="col" { "What" } th scope="col" { "Reading" } th scope="col" { "Age and limit" } th scope="col" { "Asked" } } }
                    tbody { @for (fact, worth) in &facts { (row(frame, it, fact, worth)) } }
                }
            }
            (claims(it))
        }
    }
}

const fn rank(worth: &Worth) -> u8 {
    match worth {
        Worth::Missing(_) => 0,
        Worth::Stale(_) => 1,
        Worth::Contradicts => 2,
        Worth::Confirms => 3,
    }
}

fn faults(dossier: &Dossier) -> Markup {
    html! {
        @if !dossier.faults.is_empty() {
            p.bad { "Something is missing, so policy was not asked." }
            ul {
                @for fault in &dossier.faults {
                    li {
                        @match fault {
                            Fault::MissingFact { fact, why, .. } => { code { (fact.as_str()) } " is missing: " (Shown(why)) }
                            Fault::StaleFact { fact, age_s, limit_s } => { code { (fact.as_str()) } " is " (age_s) " s old, at most " (limit_s) " s are allowed" }
                            Fault::NoPlan { why } => { "the live system could not be read: " (Shown(why)) }
                            Fault::NoBudget { slo, why, help, source, query } => {
                                "objective " code { (slo.as_str()) } " cannot be measured: " (Shown(why)) ". " (Shown(help)) "."
                                br; span.soft { "Asked in " (Shown(source)) ": " } code { (Shown(query)) }
                            }
                            Fault::Slice { why } => { "the estate’s data is incomplete: " (Shown(why)) }
                        }
                    }
                }
            }
        }
    }
}

fn row(frame: &Frame, it: &Page, fact: &Fact, worth: &Worth) -> Markup {
    html! {
        tr {
            td data-label="What" {
                (Shown(&fact.title)) br;
                span.small.soft { code { (fact.name.as_str()) } @if fact.required { " required" } @else { " optional" } }
            }
            td data-label="Reading" {
                (verdict(worth)) br;
                @match &fact.reading {
                    Reading::Value { value, .. } => { code { (value.to_string()) } span.soft { ", wanted " code { (fact.holds.to_string()) } } }
                    Reading::Absent { why } => (Shown(why)),
                }
            }
            td data-label="Age and limit" {
                @if let Reading::Value { observed, .. } = &fact.reading { (moment::ago(frame.now, *observed)) br; }
                span.soft { "limit " (fact.limit) }
                @if it.undecided() && older(fact, worth, frame.now) { br; span.warn { "older than that by now" } }
            }
            td data-label="Asked" { span.soft { (Shown(&fact.source)) } br; code { (Shown(&fact.query)) } }
        }
    }
}

/// Whether a reading that was fresh when the gate looked no longer is; it is asked again before anything runs.
fn older(fact: &Fact, then: &Worth, now: Timestamp) -> bool {
    matches!(then, Worth::Confirms | Worth::Contradicts) && !fact.usable(now)
}

fn verdict(worth: &Worth) -> Markup {
    html! {
        @match worth {
            Worth::Missing(_) => span.bad { "missing" },
            Worth::Stale(_) => span.bad { "stale" },
            Worth::Contradicts => span.bad { "contradicts" },
            Worth::Confirms => span.good { "confirms" },
        }
    }
}

fn claims(it: &Page) -> Markup {
    let claims: Vec<&str> = it
        .view
        .change
        .proposal
        .evidence
        .iter()
        .filter_map(|cited| match cited {
            Citation::Claim { text } => Some(text.as_str()),
            Citation::Fact { .. } => None,
        })
        .collect();
    html! {
        @if !claims.is_empty() {
            h3 { "Claimed, not confirmed" }
            p.soft.small { "Lineclear cannot check these; they count for nothing." }
            @for claim in claims { blockquote.said { (Shown(claim)) } }
        }
    }
}
