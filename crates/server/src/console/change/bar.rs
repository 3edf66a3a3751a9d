//! The bar in which people decide. Rejecting is as cheap as approving, no button is the default one, and friction follows
//! risk: a high-risk change asks for the target's name.

use lineclear_core::approval::{Approval, State as Asked};
use lineclear_core::authority::Grade;
use lineclear_core::catalogue::Risk;
use lineclear_core::change::{Outcome, State};
use lineclear_core::statement::REASON_MAX;
use maud::{Markup, html};

use super::{Notice, Page};
use crate::console::frame::{Frame, trigger};

/// What the reader can do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Able {
    /// Vote.
    Vote,
    /// Only reject: they propose, or answer for the agent that does.
    Recused,
    /// Only reject: they approved already.
    Voted,
    /// Decide about a stuck run.
    Resolve,
    /// Declare the outcome, and take the change back.
    Declare,
    /// Declare the outcome: the run was left as it stands.
    DeclareOnly,
    /// Overrule the machine, which declared a success.
    Overrule,
    /// Nothing.
    Nothing,
}

fn able(it: &Page) -> Able {
    match &it.view.change.state {
        State::Awaiting { .. } => match &it.view.approval {
            Some(asked) if matches!(asked.state, Asked::Open { .. }) => voting(it, asked),
            Some(_) | None => Able::Nothing,
        },
        State::Running { .. } if it.view.word == "stuck" => Able::Resolve,
        State::Escalated { judgement: Some(_), .. } => Able::Declare,
        State::Escalated { judgement: None, .. } => Able::DeclareOnly,
        State::Closed { outcome: Outcome::Succeeded { by: None }, .. } => Able::Overrule,
        State::Proposed
        | State::Blocked { .. }
        | State::Cleared { .. }
        | State::Running { .. }
        | State::Verifying { .. }
        | State::Closed { .. } => Able::Nothing,
    }
}

fn voting(it: &Page, asked: &Approval) -> Able {
    if asked.votes().iter().any(|vote| vote.by == it.reader) {
        Able::Voted
    } else if asked.request.recused.contains(&it.reader) && !asked.request.single_operator {
        Able::Recused
    } else {
        Able::Vote
    }
}

/// What the bar stands for; while it stays the same, nothing that somebody types into it is lost.
pub(super) fn token(it: &Page) -> String {
    let request = it.view.approval.as_ref().map(|asked| asked.request.id.to_string()).unwrap_or_default();
    format!("{:?}-{request}", able(it)).to_lowercase()
}

/// The bar; an empty one when there is nothing to decide.
pub(super) fn bar(frame: &Frame, it: &Page) -> Markup {
    let id = it.view.change.id;
    let path = format!("/changes/{id}/decide?seen={}", token(it));
    let mut streams = vec![id.to_string()];
    streams.extend(it.view.approval.as_ref().map(|asked| asked.request.id.to_string()));
    streams.extend(it.view.run.as_ref().map(|run| run.order.id.to_string()));
    let body = choices(it);
    html! {
        aside #decide .bar[body.is_some()] aria-label="Decide" hx-nonce=(frame.nonce) hx-get=(path) hx-trigger=(trigger(&streams)) hx-swap="outerHTML" {
            @if let Some(body) = &body { div.bar-in { (body) } }
        }
    }
}

fn choices(it: &Page) -> Option<Markup> {
    Some(match able(it) {
        Able::Nothing => return None,
        Able::Vote | Able::Recused | Able::Voted => vote(it, it.view.approval.as_ref()?),
        Able::Resolve => super::stuck::resolve(it),
        Able::Declare => declare(it, true),
        Able::DeclareOnly => declare(it, false),
        Able::Overrule => overrule(it),
    })
}

fn vote(it: &Page, asked: &Approval) -> Markup {
    let needs = &asked.request.needs;
    html! {
        p.ask {
            @if able(it) == Able::Recused {
                strong { "You may reject." } " You propose this, or answer for the agent that does, so your approval would count for nothing."
            } @else if able(it) == Able::Voted {
                strong { "You approved." } " Others have to answer, too. You may still reject."
            } @else if needs.grade > Grade::Session && it.passkeys.is_empty() {
                strong { "Your answer?" } " Policy asks for your own signature: approve on the command line."
            } @else if needs.grade > Grade::Session {
                strong { "Your answer?" } " Policy asks for your own signature: your passkey’s will do."
            } @else {
                strong { "Your answer?" } " Nothing starts before enough people say yes."
            }
        }
        div.choices {
            @if able(it) == Able::Vote { (approve(it, asked)) }
            (reject(it, asked))
        }
    }
}

fn approve(it: &Page, asked: &Approval) -> Markup {
    html! {
        details name="act" open[open(it, "approve")] {
            summary.yes { "Approve…" }
            @if asked.request.needs.grade > Grade::Session {
                @if !it.passkeys.is_empty() { (passkey(it, asked)) }
                @if asked.request.needs.grade == Grade::Ssh { (signing(it, asked)) }
                @else if it.passkeys.is_empty() { p { "Policy asks for a passkey, and none of yours signs on this site: " a href="/keys" { "your keys" } "." } }
            } @else {
                form method="post" action=(action(it, "approve")) autocomplete="off" {
                    (nothing_on_enter())
                    (binding(asked))
                    (confirm(it))
                    (reason(it, "approve", "Why (optional; it is recorded)", false))
                    button.yes type="submit" { "Approve exactly this" }
                }
            }
        }
    }
}

/// The target's name, typed, where the risk is high.
fn confirm(it: &Page) -> Markup {
    html! {
        @if risk(it) == Some(Risk::High) {
            label for="confirm" { "High risk: type the target’s name, " code { (it.view.change.proposal.target.to_string()) } }
            input #confirm type="text" name="confirm" required autocapitalize="none" spellcheck="false";
        }
    }
}

/// Signing on the spot. Without scripts the form sends a vote that is bound to nothing, and is told that it is too weak.
fn passkey(it: &Page, asked: &Approval) -> Markup {
    html! {
        form method="post" action=(action(it, "approve")) autocomplete="off" data-passkey="approve"
            data-change=(it.view.change.id.to_string()) data-audience=(asked.request.audience) data-person=(it.reader.to_string())
            data-target=(it.view.change.proposal.target.to_string()) data-passkeys=(it.passkeys.join(" ")) {
            (nothing_on_enter())
            (binding(asked))
            (confirm(it))
            (reason(it, "approve", "Why (optional; it is recorded)", false))
            p {
                "You sign bundle " strong.check { (digits(&asked.request.digest.short())) }
                ". Whoever else is asked must see the same digits."
            }
            button.yes type="submit" { "Sign with your passkey" }
            p.refused role="alert" {}
        }
    }
}

/// How to sign on the command line, and what to compare.
fn signing(it: &Page, asked: &Approval) -> Markup {
    html! {
        div.signing {
            p { "On a machine that holds your SSH key:" }
            pre { code { "lineclear approve " (it.view.change.id.to_string()) " --key FILE" } }
            p {
                "It says “You would sign sha256:…”. The first digits must be "
                strong.check { (digits(&asked.request.digest.short())) } ". If they are not, sign nothing, and tell somebody."
            }
        }
    }
}

/// The first digits of a digest in groups, to be read aloud and compared.
fn digits(short: &str) -> String {
    let chars: Vec<char> = short.chars().collect();
    chars.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

fn reject(it: &Page, asked: &Approval) -> Markup {
    html! {
        details name="act" open[open(it, "reject")] {
            summary.no { "Reject…" }
            form method="post" action=(action(it, "reject")) autocomplete="off" {
                (binding(asked))
                (reason(it, "reject", "Why not (needed; the proposer reads it)", true))
                button.no type="submit" { "Reject it" }
            }
        }
    }
}

fn declare(it: &Page, back: bool) -> Markup {
    html! {
        p.ask { strong { "How did it end?" } " The machine does not close this by itself." }
        div.choices {
            details name="act" open[open(it, "declare")] {
                summary { "Declare…" }
                (declaration(it))
            }
            @if back {
                details name="act" open[open(it, "take-back")] {
                    summary.no { "Take back…" }
                    form method="post" action=(action(it, "take-back")) autocomplete="off" {
                        (reason(it, "take-back", "Why (needed)", true))
                        button.no type="submit" { "Take back what was done" }
                    }
                }
            }
        }
    }
}

fn overrule(it: &Page) -> Markup {
    html! {
        p.ask { "The machine closed this by the rule. You may overrule it." }
        details name="act" open[open(it, "declare")] {
            summary { "Declare otherwise…" }
            (declaration(it))
        }
    }
}

fn declaration(it: &Page) -> Markup {
    html! {
        form method="post" action=(action(it, "declare")) autocomplete="off" {
            fieldset {
                legend { "The change was" }
                label.pick { input type="radio" name="success" value="true" required; span { "a success" } }
                label.pick { input type="radio" name="success" value="false" required; span { "a failure" } }
            }
            (reason(it, "declare", "Why (needed)", true))
            button type="submit" { "Declare it" }
        }
    }
}

pub(super) fn action(it: &Page, act: &str) -> String {
    format!("/changes/{}/{act}", it.view.change.id)
}

fn risk(it: &Page) -> Option<Risk> {
    it.view.change.dossier().map(|dossier| dossier.risk)
}

/// Which request, and which bundle, the reader has on the screen: a vote on anything else is refused.
fn binding(asked: &Approval) -> Markup {
    html! {
        input type="hidden" name="approval" value=(asked.request.id.to_string());
        input type="hidden" name="digest" value=(asked.request.digest.to_string());
    }
}

/// Enter in a field presses the first button (HTML §4.10.21.2); a first button that is disabled makes Enter press none.
fn nothing_on_enter() -> Markup {
    html! { button type="submit" disabled hidden {} }
}

pub(super) fn reason(it: &Page, form: &str, words: &str, needed: bool) -> Markup {
    let id = format!("reason-{form}");
    let typed = it.notice.as_ref().filter(|notice| notice.form == form).map(|notice: &Notice| notice.reason.as_str()).unwrap_or_default();
    html! {
        label for=(id) { (words) }
        // The parser drops one newline after the tag; the typed text keeps its own.
        textarea id=(id) name="reason" rows="2" maxlength=(REASON_MAX) required[needed] { "\n" (typed) }
    }
}

pub(super) fn open(it: &Page, form: &str) -> bool {
    it.notice.as_ref().is_some_and(|notice| notice.form == form)
}
