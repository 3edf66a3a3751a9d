//! Why a person is asked, or why nobody is: the policies that bore on it, in words, and the ladder; and what differs when
//! people are asked again.

use lineclear_core::change::State;
use lineclear_core::dossier::Dossier;
use lineclear_core::verdict::{Bearing, Reason, Verdict};
use maud::{Markup, html};

use super::Page;
use crate::console::ladder::picture;
use crate::console::shown::Shown;

/// Why.
pub(super) fn why(it: &Page, dossier: &Dossier) -> Markup {
    let title = match &dossier.verdict {
        Some(Verdict::NeedsApproval { .. }) => "Why a person",
        Some(Verdict::Clear { .. }) => "Why nobody is asked",
        Some(Verdict::Denied { .. }) => "Why not at all",
        None => "What policy says",
    };
    html! {
        section.alarm[matches!(dossier.verdict, Some(Verdict::Denied { .. }))] aria-labelledby="why" {
            h2 #why { (title) }
            @match &dossier.verdict {
                None => p { "Policy was not asked: first everything that it needs has to be there." },
                Some(verdict) => ul { @for reason in in_order(verdict) { li { (one(dossier, verdict, reason)) } } },
            }
            @if dossier.verdict.is_some() {
                h3 { "The ladder" }
                (picture(&it.ladder))
                @if !it.remedies.is_empty() {
                    h3 { "What would change it" }
                    ul { @for remedy in &it.remedies { li { (Shown(remedy)) } } }
                }
            }
            p.small.soft {
                "Policy version " code title=(dossier.policy.to_string()) { (dossier.policy.short()) }
                @if dossier.policy == it.in_force { ", the one in force" } @else { ", no longer in force" }
                ". " a href="/policy" { "All policies" }
            }
        }
    }
}

/// What stands against it first: that is why somebody has to be asked.
fn in_order(verdict: &Verdict) -> Vec<&Reason> {
    let mut reasons: Vec<&Reason> = verdict.because().iter().collect();
    reasons.sort_by_key(|reason| reason.bearing == Bearing::Permits);
    reasons
}

fn one(dossier: &Dossier, verdict: &Verdict, reason: &Reason) -> Markup {
    let asked = matches!(verdict, Verdict::NeedsApproval { .. });
    html! {
        strong { (bears(reason.bearing, asked)) }
        @if !reason.title.is_empty() { ": " (Shown(&reason.title)) }
        @if let Some(policy) = &reason.policy { " " a.small href=(format!("/policy#{policy}")) { code { (policy.as_str()) } } }
        @if !reason.facts.is_empty() {
            br;
            span.small.soft { @for (index, fact) in reason.facts.iter().enumerate() { @if index > 0 { "; " } (Shown(&fact_words(dossier, fact))) } }
        }
    }
}

/// How a policy bore; `asked` when people are asked, and everything but a permit speaks of fewer or weaker approvals.
const fn bears(bearing: Bearing, asked: bool) -> &'static str {
    match (bearing, asked) {
        (Bearing::Permits, true) => "Permits it once these people say yes",
        (Bearing::Permits, false) => "Permits it",
        (Bearing::Forbids, true) => "Forbids it with less",
        (Bearing::Forbids, false) => "Forbids it",
        (Bearing::Lacks, true) => "With less, something is missing",
        (Bearing::Lacks, false) => "Would permit it, but something is missing",
        (Bearing::Failed, _) => "Could not be evaluated, and what fails forbids",
        (Bearing::Silent, _) => "No policy speaks of this, and silence forbids",
    }
}

/// `context.evidence.backend_down` as the fact's own title; other facts by their name.
fn fact_words(dossier: &Dossier, fact: &str) -> String {
    let name = fact.strip_prefix("context.").unwrap_or(fact);
    let known = name.strip_prefix("evidence.").and_then(|name| dossier.facts.values().find(|fact| fact.name.as_str() == name));
    known.map_or_else(|| name.to_owned(), |fact| format!("{} ({})", fact.title, fact.name))
}

/// What differs from what was asked or approved before.
pub(super) fn differences(it: &Page) -> Markup {
    let change = &it.view.change;
    let again = change.rounds > 1 && matches!(change.state, State::Awaiting { .. });
    html! {
        @if !change.differences.is_empty() {
            section.alarm[again] aria-labelledby="again" {
                h2 #again { "What is different from the last time people were asked" }
                @if again { p { "This is round " (change.rounds) ". Earlier approvals count for nothing." } }
                table {
                    thead { tr { th scope="col" { "What" } th scope="col" { "Before" } th scope="col" { "Now" } } }
                    tbody {
                        @for difference in &change.differences {
                            tr {
                                td data-label="What" { code { (Shown(&difference.what)) } }
                                td data-label="Before" { code { (Shown(&difference.before)) } }
                                td data-label="Now" { code { (Shown(&difference.after)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}
