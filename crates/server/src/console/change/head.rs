//! Who asks for what, how it stands, how long is left, and who else may decide.

use lineclear_core::EmergencyId;
use lineclear_core::approval::Approval;
use lineclear_core::change::{Outcome, State};
use lineclear_core::dossier::Misfit;
use maud::{Markup, html};

use super::{Page, Voter};
use crate::console::frame::Frame;
use crate::console::inbox::{risk_chip, until};
use crate::console::ladder::{grade, people};
use crate::console::moment;
use crate::console::shown::Shown;

/// A state's word in words for people.
fn words(word: &str) -> &str {
    match word {
        "awaiting_approval" => "waits for people",
        "blocked" => "blocked",
        "escalated" => "a person must say",
        "verifying" => "being watched",
        "stuck" => "stuck",
        other => other,
    }
}

/// A state as a chip.
pub(in crate::console) fn state_chip(word: &str) -> Markup {
    let class = match word {
        "awaiting_approval" | "blocked" => "wait",
        "escalated" | "stuck" | "failed" => "stop",
        "cleared" | "running" | "verifying" | "undoing" | "proposed" => "go",
        "succeeded" => "done",
        _ => "over",
    };
    html! { span class=(format!("chip {class}")) { (Shown(words(word))) } }
}

/// The head of the page.
pub(super) fn head(frame: &Frame, it: &Page) -> Markup {
    let change = &it.view.change;
    let proposal = &change.proposal;
    let risk = change.dossier().map(|dossier| dossier.risk);
    html! {
        div.head {
            p.crumbs { a href="/" { "Inbox" } " / " code { (change.id.to_string()) } }
            h1 { (Shown(&it.title)) ": " (proposal.target.to_string()) }
            ul.chips {
                li { (state_chip(it.view.word)) }
                @if risk.is_some() { li { (risk_chip(risk)) } }
                @if let Some(incident) = &it.incident { li { span.chip.stop[incident.severity.number() <= 2] { "severity " (incident.severity.number()) } } }
                @if let Some(emergency) = emergency(it) { li { a.chip.stop href=(format!("/emergencies/{emergency}")) { "under an emergency" } } }
                @if let Some(until) = until(&it.view) { li { span.chip { (moment::left(frame.now, until)) } } }
            }
            (sentence(it))
            (state(frame, it))
        }
    }
}

/// The emergency that it was begun under, or would be.
fn emergency(it: &Page) -> Option<EmergencyId> {
    let begun = it.view.run.as_ref().map(|run| run.order.emergency);
    begun.unwrap_or_else(|| it.view.change.dossier().and_then(|dossier| dossier.emergency))
}

/// One sentence, from typed fields only.
fn sentence(it: &Page) -> Markup {
    let proposal = &it.view.change.proposal;
    html! {
        p.sentence {
            strong { (Shown(&it.proposer)) }
            @if let Some(answers) = &it.answers { " (an agent; " (Shown(answers)) " answers for it)" }
            " proposes " code { (proposal.action.as_str()) } " on " code { (proposal.target.to_string()) }
            @if !proposal.inputs.is_empty() {
                " with "
                @for (index, (name, value)) in proposal.inputs.iter().enumerate() {
                    @if index > 0 { ", " }
                    (name.as_str()) " " code { (Shown(&value.to_string())) }
                }
            }
            @match (&it.incident, proposal.incident) {
                (Some(incident), _) => { ", for incident " a href=(format!("/incidents/{}", incident.id)) { (Shown(&incident.title)) } }
                (None, Some(id)) => { ", for incident " code { (id.to_string()) } ", which is not here" }
                (None, None) => {}
            }
            "."
        }
    }
}

fn state(frame: &Frame, it: &Page) -> Markup {
    html! {
        dl.facts {
            @if let State::Closed { outcome, .. } = &it.view.change.state {
                dt { "Ended" } dd { (moment::ago(frame.now, it.view.change.since)) ": " (ending(outcome)) }
            } @else {
                dt { "Since" } dd { (moment::ago(frame.now, it.view.change.since)) ", proposed " (moment::ago(frame.now, it.view.change.proposed)) }
            }
            @if let Some(asked) = &it.view.approval { (request(frame, it, asked)) }
        }
    }
}

fn request(frame: &Frame, it: &Page, asked: &Approval) -> Markup {
    let needs = &asked.request.needs;
    let given = asked.amounts_to(frame.now).humans;
    let voted: Vec<&Voter> = it.voters.iter().filter(|voter| voter.voted.is_some()).collect();
    let open = it.asked();
    html! {
        dt { "Needs" }
        dd {
            strong { (people(needs.humans)) }
            @if needs.owner { ", one of the owning team" }
            @for role in &needs.roles { ", " (role.as_str()) }
            ", " (grade(needs.grade)) @if open { " — " strong { (given) " so far" } }
        }
        @if asked.request.single_operator { dt { "Note" } dd.warn { "A single-operator posture is declared: who proposes may approve." } }
        @if !voted.is_empty() {
            dt { "Approved by" }
            dd { @for (index, voter) in voted.iter().enumerate() {
                @if index > 0 { ", " } (Shown(&voter.name))
                @if let Some(with) = voter.voted { span.soft { " (" (grade(with)) ")" } }
            } }
        }
        @if open {
            dt { "May decide" }
            dd { (may_decide(it)) }
            @for voter in it.voters.iter().filter(|voter| voter.recused) {
                dt { "May not" } dd { (Shown(&voter.name)) span.soft { " — proposes, or answers for the agent that does" } }
            }
        }
    }
}

fn may_decide(it: &Page) -> Markup {
    let able: Vec<&Voter> = it.voters.iter().filter(|voter| !voter.recused && voter.voted.is_none()).collect();
    html! {
        @if able.is_empty() { span.bad { "Nobody else in the directory." } }
        @for (index, voter) in able.iter().enumerate() {
            @if index > 0 { ", " }
            @if voter.id == it.reader { strong { "you" } } @else { (Shown(&voter.name)) }
            @if voter.owner { span.soft { " (owning team)" } }
        }
    }
}

fn ending(outcome: &Outcome) -> Markup {
    html! {
        @match outcome {
            Outcome::Denied => "denied by policy; no approval helps",
            Outcome::Misfit { misfit } => { "refused: " (Shown(&misfit_words(misfit))) }
            Outcome::Rejected { .. } => "a person said no",
            Outcome::Lapsed => "nobody answered in time; that is neither yes nor no",
            Outcome::Withdrawn { .. } => "taken back before it ran",
            Outcome::Advised => "it was advice; nothing had to be carried out",
            Outcome::Succeeded { by: None } => "succeeded, by the rule that policy lets the machine apply; a person may overrule it",
            Outcome::Succeeded { by: Some(_) } => "a person declared it a success",
            Outcome::Undone => "what was done was taken back",
            Outcome::Failed { .. } => "a person declared it a failure",
        }
    }
}

fn misfit_words(misfit: &Misfit) -> String {
    misfit.to_string()
}
