//! The worst case: in a sentence, in numbers, and as a picture.

use lineclear_core::dossier::Dossier;
use maud::{Markup, html};

use super::Page;
use crate::console::graph::picture;
use crate::console::shown::Shown;

/// The worst case.
pub(super) fn worst_case(it: &Page, dossier: &Dossier) -> Markup {
    let blast = &dossier.blast;
    html! {
        section aria-labelledby="worst" {
            h2 #worst { "The worst case" }
            p { (Shown(&dossier.worst_case)) }
            ul.chips {
                @if blast.money_path { li { span.chip.high { "money passes through" } } }
                @if blast.customer_data { li { span.chip.high { "customers’ data in reach" } } }
                li { span.chip { (blast.customers) " customers" } }
                @if !blast.regions.is_empty() {
                    li { span.chip { @for (index, region) in blast.regions.iter().enumerate() { @if index > 0 { ", " } (region.as_str()) } } }
                }
                li { span.chip.low { "owned by " (dossier.owner.as_str()) } }
            }
            @if it.reach.len() > 1 { (picture(&it.reach)) } @else { p.soft { "Nothing else hangs on it." } }
        }
    }
}
