//! The error budget: what is left of it and how fast it goes, by objective, with the readings behind it.

use lineclear_core::budget::{Budget, Burn, Measured, Over};
use lineclear_core::dossier::Dossier;
use maud::{Markup, html};

use crate::console::frame::Frame;
use crate::console::moment;
use crate::console::shown::Shown;

/// The objectives of everything in reach; nothing when none was asked.
pub(super) fn budgets(frame: &Frame, dossier: &Dossier) -> Markup {
    let alarm = dossier.situation.budget.is_some_and(spent) || dossier.budgets.iter().any(|one| one.budget.is_none());
    html! {
        @if !dossier.budgets.is_empty() {
            section.alarm[alarm] aria-labelledby="budgets" {
                h2 #budgets { "Error budget" }
                @if let Some(budget) = dossier.situation.budget { p.bad[spent(budget)] { (left(budget)) " The worst of what is in reach counts." } }
                table {
                    thead { tr { th scope="col" { "Objective" } th scope="col" { "What is left" } th scope="col" { "How fast it goes" } th scope="col" { "Asked" } } }
                    tbody { @for one in &dossier.budgets { (row(frame, one)) } }
                }
            }
        }
    }
}

fn row(frame: &Frame, one: &Measured) -> Markup {
    html! {
        tr {
            td data-label="Objective" {
                (Shown(&one.title)) @if let Some(goal) = &one.goal { ", " (Shown(goal)) } br;
                span.small.soft { code { (one.slo.as_str()) } " of " (one.service.to_string()) ": " (percent(one.target_ppm)) " over " (one.period) }
            }
            td data-label="What is left" {
                @match one.budget {
                    Some(budget) => span.bad[spent(budget)] { (left(budget)) },
                    None => span.bad { "cannot be told" },
                }
            }
            td data-label="How fast it goes" { @for over in &one.over { (pace(over)) br; } }
            td data-label="Asked" {
                span.soft { (Shown(&one.source)) " " (moment::ago(frame.now, one.asked)) }
                @if let Some(age) = one.age_s { span.soft { ", newest sample " (age) " s old then" } }
                br; code { (Shown(&one.query)) }
            }
        }
    }
}

/// `1 h: 14.4 times as fast as allowed`.
fn pace(over: &Over) -> Markup {
    html! {
        span.small {
            (over.window) ": "
            @match over.burn_centi {
                Some(centi) => { (centi / 100) "." (format!("{:02}", centi % 100)) " × the allowed rate" },
                None => span.bad { "no answer" },
            }
        }
    }
}

fn percent(ppm: u32) -> String {
    let text = format!("{}.{:04}", ppm / 10_000, ppm % 10_000);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

/// Whether the objectives ask for care.
pub(super) fn spent(budget: Budget) -> bool {
    budget.remaining_bp <= 0 || budget.burn > Burn::Steady
}

/// `78 % of the error budget is left, and it goes no faster than it may.`
pub(super) fn left(budget: Budget) -> String {
    let percent = budget.remaining_bp / 100;
    let rest = match budget.remaining_bp {
        ..0 => format!("The error budget is overdrawn by {} %", percent.abs().max(1)),
        0 => "The error budget is used up".into(),
        1..100 => "Less than 1 % of the error budget is left".into(),
        _ => format!("{percent} % of the error budget is left"),
    };
    let pace = match budget.burn {
        Burn::Steady => "it goes no faster than it may",
        Burn::Slow => "it goes faster than it may: somebody must look within days",
        Burn::Fast => "it goes far faster than it may: somebody must look now",
    };
    format!("{rest}, and {pace}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(remaining_bp: i64, expected: &str) {
        assert_eq!(left(Budget { remaining_bp, burn: Burn::Steady }), format!("{expected}, and it goes no faster than it may."));
    }

    #[test]
    fn what_is_left_is_told_as_it_is() {
        check(10_000, "100 % of the error budget is left");
        check(7_850, "78 % of the error budget is left");
        check(1, "Less than 1 % of the error budget is left");
        check(0, "The error budget is used up");
        check(-1, "The error budget is overdrawn by 1 %");
        check(-20_000, "The error budget is overdrawn by 200 %");
    }
}
