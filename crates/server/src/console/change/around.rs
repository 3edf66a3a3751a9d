//! What else is going on, what happened before, what else could be done, and the proposer's own words.

use lineclear_core::dossier::{Dossier, PriorChange};
use lineclear_core::proposal::Proposal;
use lineclear_core::situation::Actor;
use maud::{Markup, html};

use super::Page;
use super::budget::{left, spent};
use super::head::state_chip;
use crate::console::frame::Frame;
use crate::console::moment;
use crate::console::shown::Shown;

/// Changes in flight on the same things, and the freeze in force.
pub(super) fn in_flight(frame: &Frame, dossier: &Dossier) -> Markup {
    let alarm = dossier.freeze.is_some() || !dossier.in_flight.is_empty() || dossier.situation.budget.is_some_and(spent);
    html! {
        section.alarm[alarm] aria-labelledby="flight" {
            h2 #flight { "At the same time" }
            @match &dossier.freeze {
                Some(freeze) => p.bad { "A freeze is in force: " (Shown(freeze)) },
                None => p { "No freeze is in force." },
            }
            @if let Some(budget) = dossier.situation.budget {
                p.bad[spent(budget)] { (left(budget)) }
            }
            @if dossier.in_flight.is_empty() { p { "No other change is under way on anything in reach." } } @else {
                p { "Under way on things in reach:" }
                (changes(frame, &dossier.in_flight))
            }
        }
    }
}

/// Earlier changes of this action on this target, and how they ended.
pub(super) fn prior(frame: &Frame, dossier: &Dossier) -> Markup {
    html! {
        section aria-labelledby="prior" {
            h2 #prior { "Done here before" }
            @if dossier.prior.is_empty() { p.none { "This action was never taken on this target before." } } @else { (changes(frame, &dossier.prior)) }
        }
    }
}

fn changes(frame: &Frame, list: &[PriorChange]) -> Markup {
    html! {
        ul.work {
            @for one in list {
                li {
                    div.row {
                        span.state { (state_chip(one.outcome.as_deref().unwrap_or("under way"))) }
                        span.what { a href=(format!("/changes/{}", one.change)) { (Shown(&one.title)) } }
                        span.left.soft { (moment::ago(frame.now, one.at)) }
                    }
                }
            }
        }
    }
}

/// What else could be done; doing nothing is always among it.
pub(super) fn alternatives(it: &Page) -> Markup {
    let considered = &it.view.change.proposal.alternatives;
    html! {
        section aria-labelledby="instead" {
            h2 #instead { "Instead" }
            ul {
                li {
                    strong { "Do nothing." } " Nothing is changed"
                    @match &it.incident {
                        Some(incident) => { "; incident “" (Shown(&incident.title)) "” stays as it is." }
                        None => { "." }
                    }
                    " If nobody answers, the request lapses by itself."
                }
                @for one in considered { li { (Shown(one)) span.soft { " — named by the proposer" } } }
            }
            @if considered.is_empty() { p.soft { "The proposer names no other way." } }
        }
    }
}

/// The proposer's own words, marked as such.
pub(super) fn words(it: &Page) -> Markup {
    let proposal = &it.view.change.proposal;
    let agent = matches!(proposal.by, Actor::Agent(_));
    html! {
        section aria-labelledby="words" {
            h2 #words { @if agent { "In the agent’s words" } @else { "In the proposer’s words" } }
            p.said-by { (Shown(&it.proposer)) " writes" @if agent { ". Nobody has checked it; it is no evidence" } ":" }
            blockquote.said { @if proposal.reason.trim().is_empty() { "(nothing)" } @else { (Shown(&proposal.reason)) } }
            (facts(proposal))
        }
    }
}

fn facts(proposal: &Proposal) -> Markup {
    html! {
        dl.facts {
            dt { "Says it is sure" } dd { (proposal.confidence) span.soft { " — confidence alone opens no gate" } }
            @if let Some(model) = &proposal.model { dt { "Model, as stated" } dd { (Shown(&model.name)) " " (Shown(&model.version)) } }
            @if let Some(ticket) = &proposal.links.ticket { dt { "Ticket" } dd { (Shown(ticket)) } }
            @if let Some(deployment) = &proposal.links.deployment { dt { "Deployment" } dd { (Shown(deployment)) } }
        }
    }
}
