//! Policy for people: the posture, the ladder, the catalogue with its risks, and every policy in full.

use axum::extract::State;
use lineclear_core::catalogue::{Action, Closing, Reversibility};
use lineclear_core::posture::Posture;
use lineclear_core::routine::Standard;
use lineclear_core::{Digest, Timestamp};
use lineclear_policy::PolicyText;
use maud::{Markup, html};

use super::frame::{Frame, Place, page};
use super::inbox::risk_chip;
use super::ladder::{Step, picture, steps};
use super::moment;
use super::shown::Shown;
use super::visitor::{Failure, Visitor};
use crate::App;

/// An action with what carries it out.
#[derive(Debug, Clone)]
pub(super) struct Kind {
    /// The action.
    pub action: Action,
    /// When the undo of its runbook was last drilled; none when never, or when it has none.
    pub drilled: Option<Timestamp>,
}

/// What the page shows.
#[derive(Debug, Clone)]
pub(super) struct Page {
    /// The estate in force.
    pub version: Digest,
    /// The ladder.
    pub ladder: Vec<Step>,
    /// Whether a single-operator posture is declared.
    pub single_operator: bool,
    /// What makes an action on a target routine; none when nothing does.
    pub routine: Option<Standard>,
    /// The catalogue.
    pub actions: Vec<Kind>,
    /// The policies.
    pub policies: Vec<PolicyText>,
    /// Freezes: title, from, until.
    pub freezes: Vec<(String, Timestamp, Timestamp)>,
}

/// The page.
pub(super) async fn show(State(app): State<App>, visitor: Visitor) -> Result<Markup, Failure> {
    let estate = app.engine.estate();
    let drills = app.engine.drills().await?;
    let drilled = |action: &Action| action.runbook.as_ref().and_then(|name| drills.get(name)).map(|drill| drill.at);
    let page = Page {
        version: estate.digest,
        ladder: steps(&estate.authority.rungs, None, &|_| None),
        single_operator: estate.authority.single_operator,
        routine: estate.authority.routine,
        actions: estate.catalogue.actions.values().map(|action| Kind { action: action.clone(), drilled: drilled(action) }).collect(),
        policies: app.engine.policies().list(),
        freezes: estate.freezes.iter().map(|freeze| (freeze.title.clone(), freeze.from, freeze.until)).collect(),
    };
    Ok(render(&visitor.frame, &page))
}

/// The page.
pub(super) fn render(frame: &Frame, it: &Page) -> Markup {
    let body = html! {
        h1.head { "Policy" }
        p { (Shown(&frame.estate)) ", version " code title=(it.version.to_string()) { (it.version.short()) } ". Policy is changed by review in the estate directory, never here: " a href="/estate" { "proposed versions" } ". " a href="/runners" { "Runners" } " carry out what it lets pass." }
        (posture(frame))
        section aria-labelledby="ladder" {
            h2 #ladder { "The ladder" }
            @if it.single_operator { p.warn { "A single-operator posture is declared: who proposes may approve." } }
            (picture(&it.ladder))
        }
        section aria-labelledby="catalogue" {
            h2 #catalogue { "What may be proposed" }
            (routine(it.routine))
            (catalogue(frame, &it.actions))
        }
        (freezes(frame, it))
        section aria-labelledby="policies" {
            h2 #policies { "Policies" }
            @for policy in &it.policies {
                div.step id=(policy.id.as_str()) {
                    h3 { (Shown(&policy.title)) }
                    p.small.soft { code { (policy.id.as_str()) } " in " (Shown(&policy.path)) }
                    pre { code { (Shown(&policy.text)) } }
                }
            }
        }
    };
    page(frame, Place::Policy, "Policy", &body, None)
}

fn posture(frame: &Frame) -> Markup {
    let all = [
        (Posture::Full, "full: whatever policy allows"),
        (Posture::RoutineOnly, "routine-only: only routine starts without a person"),
        (Posture::AdviseOnly, "advise-only: nothing starts without a person"),
        (Posture::Stopped, "stopped: nothing starts"),
    ];
    html! {
        section aria-labelledby="posture" {
            h2 #posture { "Posture: the autonomy that remains" }
            form method="post" action="/posture" autocomplete="off" {
                fieldset {
                    legend { "It is " (frame.posture.to_string()) " now" }
                    @for (posture, words) in all {
                        label.pick { input type="radio" name="posture" value=(posture.to_string()) required checked[posture == frame.posture]; span { (words) } }
                    }
                }
                label for="why" { "Why (needed; it is recorded)" }
                textarea #why name="reason" rows="2" maxlength="2000" required {}
                button type="submit" { "Set the posture" }
            }
        }
    }
}

fn routine(standard: Option<Standard>) -> Markup {
    html! {
        p {
            @match standard {
                Some(Standard { runs, within, spread }) => {
                    "Where a policy asks whether something is routine: it takes " (runs) " good runs on the same target, none older than " (within) ", each "
                    (spread) " or more after the one before, and an undo that was drilled. One bad run, and it is lost."
                }
                None => "Nothing ever becomes routine: the estate does not say what it would take.",
            }
        }
    }
}

fn catalogue(frame: &Frame, actions: &[Kind]) -> Markup {
    html! {
        table {
            thead { tr { th scope="col" { "Action" } th scope="col" { "Risk" } th scope="col" { "Acts on" } th scope="col" { "The way back" } th scope="col" { "Closed by" } } }
            tbody {
                @for Kind { action, drilled } in actions {
                    tr {
                        td data-label="Action" {
                            (Shown(&action.title)) br; code.small { (action.name.as_str()) }
                            @if action.never_routine { span.small.soft { " never routine" } }
                        }
                        td data-label="Risk" { (risk_chip(Some(action.risk))) }
                        td data-label="Acts on" { "a " (action.resource.as_str()) }
                        td data-label="The way back" {
                            @match (&action.runbook, action.reversibility) {
                                (None, _) => span.soft { "advice only" },
                                (Some(_), Reversibility::Reversible) => { "undo restores it, " (drill(frame, *drilled)) }
                                (Some(_), Reversibility::Partly) => { span.warn { "partly" } ", " (drill(frame, *drilled)) }
                                (Some(_), Reversibility::Irreversible) => span.bad { "none" },
                            }
                        }
                        td data-label="Closed by" { @match action.closes { Closing::Machine => "the rule, or a person", Closing::Person => "a person", } }
                    }
                }
            }
        }
    }
}

fn drill(frame: &Frame, drilled: Option<Timestamp>) -> Markup {
    html! {
        @match drilled {
            Some(at) => { "drilled " (moment::ago(frame.now, at)) }
            None => span.bad { "never drilled" },
        }
    }
}

fn freezes(frame: &Frame, it: &Page) -> Markup {
    html! {
        @if !it.freezes.is_empty() {
            section aria-labelledby="freezes" {
                h2 #freezes { "Freezes" }
                ul {
                    @for (title, from, until) in &it.freezes {
                        li {
                            (Shown(title)) ", " (moment::exact(*from)) " to " (moment::exact(*until))
                            @if *from <= frame.now && frame.now < *until { " " strong.bad { "in force" } }
                        }
                    }
                }
            }
        }
    }
}
