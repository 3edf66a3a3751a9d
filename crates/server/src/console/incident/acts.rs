//! What a person does about an incident: take it, close it, join it to another, split some of its signals off.

use lineclear_core::incident::{Role, SPLIT_MAX, State as IncidentState};
use maud::{Markup, html};

use super::{Page, room};
use crate::console::shown::{Shown, flat};

/// The forms; nothing for an incident that is over.
pub(super) fn acts(it: &Page) -> Markup {
    let incident = &it.room.incident;
    let path = format!("/incidents/{}", incident.id);
    html! {
        @if !matches!(incident.state, IncidentState::Closed | IncidentState::Merged) {
            section aria-labelledby="acts" {
                h2 #acts { "Take it, or close it" }
                form method="post" action=(format!("{path}/take")) { p { button type="submit" { @if it.room.commander.is_some() { "Take it over" } @else { "Take it" } } } }
                form method="post" action=(format!("{path}/close")) autocomplete="off" {
                    label for="reason" { "Why it is over (needed)" }
                    textarea #reason name="reason" rows="2" maxlength="2000" required {}
                    button type="submit" { "Close it" }
                }
            }
            (roles(it, &path))
            (join(it, &path))
            (split(it, &path))
        }
    }
}

fn roles(it: &Page, path: &str) -> Markup {
    html! {
        details {
            summary { "Roles: take one, hand it over, leave it" }
            form method="post" action=(format!("{path}/role")) autocomplete="off" {
                label for="role" { "Role" }
                select #role name="role" required {
                    @for role in Role::ALL {
                        option value=(role.word()) { (role.title()) @match it.room.roles.get(&role) { Some(name) => { ": " (Shown(name)) } None => ": nobody", } }
                    }
                }
                label for="role-act" { "What" }
                select #role-act name="act" required {
                    option value="take" { "I take it" }
                    option value="hand_over" { "I hand it over" }
                    option value="leave" { "I leave it" }
                }
                label for="role-to" { "To whom, when it is handed over" }
                select #role-to name="to" { option value="" { "nobody" } @for person in &it.people { option value=(flat(person)) { (Shown(person)) } } }
                label for="role-reason" { "Why (needed to take it from somebody)" }
                textarea #role-reason name="reason" rows="2" maxlength="2000" {}
                button type="submit" { "Do so" }
            }
        }
    }
}

fn join(it: &Page, path: &str) -> Markup {
    html! {
        @if !it.others.is_empty() {
            details {
                summary { "It is part of another incident" }
                form method="post" action=(format!("{path}/merge")) autocomplete="off" {
                    label for="into" { "Which" }
                    select #into name="into" required {
                        @for other in &it.others { option value=(other.id.to_string()) { "severity " (other.severity) ": " (Shown(&other.title)) } }
                    }
                    label for="merge-reason" { "Why (needed)" }
                    textarea #merge-reason name="reason" rows="2" maxlength="2000" required {}
                    button type="submit" { "Join them" }
                }
            }
        }
    }
}

fn split(it: &Page, path: &str) -> Markup {
    let incident = &it.room.incident;
    html! {
        @if incident.signals.len() > 1 {
            details {
                summary { "Some of its signals are something else" }
                form method="post" action=(format!("{path}/split")) autocomplete="off" {
                    p.soft.small { "They become an incident of their own, and are not joined again by themselves. At most " (SPLIT_MAX) " at once, and one must stay." }
                    label for="split-signals" { "Which (several may be chosen)" }
                    select #split-signals name="signals" multiple size="6" required {
                        @for kept in room::listed(incident).into_iter().take(super::SIGNALS_SHOWN) {
                            option value=(kept.id.to_string()) { (Shown(&kept.signal.title)) @if let Some(thing) = &kept.subject { " (" (thing.to_string()) ")" } }
                        }
                    }
                    label for="split-reason" { "Why (needed)" }
                    textarea #split-reason name="reason" rows="2" maxlength="2000" required {}
                    button type="submit" { "Split them off" }
                }
            }
        }
    }
}
