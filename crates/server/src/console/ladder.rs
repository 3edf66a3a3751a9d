//! The ladder of human authority as a picture: every rung, whether it is enough, and which one is needed.

use lineclear_core::authority::{Grade, Rung};
use lineclear_core::name::RungName;
use maud::{Markup, html};

use super::shown::Shown;

/// A rung as the picture shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    /// Its name.
    pub name: RungName,
    /// Its title.
    pub title: String,
    /// What it asks of people.
    pub asks: String,
    /// Whether policy allows the change there; none when it cannot be told any more.
    pub enough: Option<bool>,
    /// Whether it is the lowest that is enough, hence the one that is needed.
    pub needed: bool,
}

/// The steps of a ladder, of which one may be needed; `enough` says what policy answers at each rung, if it was asked.
pub(super) fn steps(rungs: &[Rung], needed: Option<&RungName>, enough: &dyn Fn(&RungName) -> Option<bool>) -> Vec<Step> {
    let step = |rung: &Rung| Step {
        name: rung.name.clone(),
        title: rung.title.clone(),
        asks: asks(rung),
        enough: enough(&rung.name),
        needed: needed == Some(&rung.name),
    };
    rungs.iter().map(step).collect()
}

/// `2 people, one of the owning team, roles operator and security-officer, each with an SSH signature`.
pub(super) fn asks(rung: &Rung) -> String {
    if rung.humans == 0 {
        return "nobody".into();
    }
    let mut parts = vec![people(rung.humans)];
    if rung.owner {
        parts.push("one of the owning team".into());
    }
    if !rung.roles.is_empty() {
        let roles: Vec<&str> = rung.roles.iter().map(lineclear_core::name::RoleName::as_str).collect();
        parts.push(format!("{} {}", if roles.len() == 1 { "role" } else { "roles" }, roles.join(" and ")));
    }
    parts.push(grade(rung.grade).into());
    parts.join(", ")
}

/// `1 person`, `2 people`.
pub(super) fn people(count: u8) -> String {
    if count == 1 { "1 person".into() } else { format!("{count} people") }
}

/// What binds a vote to a person, in words.
pub(super) const fn grade(grade: Grade) -> &'static str {
    match grade {
        Grade::None => "nothing binds the vote to a person",
        Grade::Session => "signed in",
        Grade::Ssh => "signed with an SSH key",
        Grade::Passkey => "signed with a passkey",
    }
}

/// The picture, highest rung on top.
pub(super) fn picture(steps: &[Step]) -> Markup {
    html! {
        ol.ladder aria-label="The ladder, lowest rung first" {
            @for step in steps {
                li.needed[step.needed] {
                    span.mark aria-hidden="true" { (mark(step)) }
                    span {
                        strong { (Shown(&step.title)) } " " code { (step.name.as_str()) } " "
                        @if step.needed { strong { "— needed here" } }
                        @else if step.enough == Some(true) { "— also enough" }
                        @else if step.enough == Some(false) { "— not enough" }
                        br;
                        span.small { (step.asks) }
                    }
                }
            }
        }
    }
}

const fn mark(step: &Step) -> &'static str {
    match (step.needed, step.enough) {
        (true, _) => "➤",
        (false, Some(true)) => "✓",
        (false, Some(false)) => "✗",
        (false, None) => "·",
    }
}
