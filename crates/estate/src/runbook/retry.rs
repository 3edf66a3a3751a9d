//! `retry`: how often a step is tried again, after which waits, and after what kind of failure.

use std::collections::BTreeSet;

use lineclear_core::Span;
use lineclear_core::plan::{EffectClass, ToolCall};
use lineclear_core::runbook::{Retry, RetryOn};
use serde_json::Value;

use crate::fault::{Faults, Place};
use crate::members::{Members, choice, duration_between, list};
use crate::tool::changes;
use crate::yaml::{Kind, Node};

/// Most starts of one step, the first included.
const ATTEMPTS_MAX: i64 = 5;
/// Shortest wait: below it, none.
const WAIT_MIN: Span = Span::from_millis(100);
/// Longest wait: a run that waits longer than this is forgotten by whoever watches it.
const WAIT_MAX: Span = Span::from_secs(600);
/// Largest factor between two waits.
const FACTOR_MAX: i64 = 10;
/// Most waits in a list: there are never more between [`ATTEMPTS_MAX`] starts.
const WAITS_MAX: usize = 4;

/// The kinds of failure, as they are written.
pub(crate) const KINDS: &[(&str, RetryOn)] = &[("not_applied", RetryOn::NotApplied), ("partly", RetryOn::Partly)];

/// A retry with the place where it says `partly`.
pub(super) struct RetryDraft {
    pub(super) retry: Retry,
    pub(super) partly: Option<Place>,
}

/// The member `retry`, or `attempts` for short.
pub(super) fn retry(of: &Members<'_>) -> Option<RetryDraft> {
    let faults = of.faults();
    let attempts = of.integer_or("attempts", 1, 1, ATTEMPTS_MAX);
    let Some(node) = of.maybe("retry") else {
        return Some(RetryDraft { retry: Retry::times(u8::try_from(attempts?).ok()?), partly: None });
    };
    if let Some(short) = of.maybe("attempts") {
        let help = "`attempts: 3` is short for `retry: { attempts: 3 }`; keep one of the two";
        faults.at(&short.place, "`attempts` stands beside `retry`", Some(help.into()));
    }
    let of = Members::of(node, "`retry`", faults)?;
    let attempts = of.need("attempts").and_then(|node| crate::members::integer(node, 2, ATTEMPTS_MAX, faults));
    let waits = of.maybe("backoff").map_or(Some(Vec::new()), |node| backoff(node, attempts, faults));
    let on = of.maybe("on").map_or_else(|| Some((Retry::default().on, None)), |node| on(node, faults));
    of.finish();
    let (on, partly) = on?;
    Some(RetryDraft { retry: Retry { attempts: u8::try_from(attempts?).ok()?, waits: waits?, on }, partly })
}

/// A list of waits, or the first one with a factor.
fn backoff(node: &Node, attempts: Option<i64>, faults: &Faults) -> Option<Vec<Span>> {
    if let Kind::List(_) = node.kind {
        let items = list(node, faults)?;
        if items.is_empty() || items.len() > WAITS_MAX {
            faults.at(&node.place, format!("1 to {WAITS_MAX} waits are listed here, not {}", items.len()), None);
            return None;
        }
        return items.iter().map(|item| duration_between(item, WAIT_MIN, WAIT_MAX, faults)).collect();
    }
    let of = Members::of(node, "`backoff`", faults)?;
    let first = of.duration("first", WAIT_MIN, WAIT_MAX);
    let factor = of.integer_or("factor", 2, 1, FACTOR_MAX);
    let max = of.duration_or("max", WAIT_MAX, WAIT_MIN, WAIT_MAX);
    of.finish();
    let (first, factor, max) = (first?, u64::try_from(factor?).ok()?, max?);
    if first > max {
        faults.at(&node.place, format!("the first wait is {first}, and the longest is {max}"), None);
        return None;
    }
    let millis = |span: Span| span.as_micros() / 1_000;
    let waits = std::iter::successors(Some(first), |wait| Some(Span::from_millis(millis(*wait).saturating_mul(factor)).min(max)));
    let mut waits: Vec<Span> = waits.take(usize::try_from(attempts.unwrap_or(2).saturating_sub(1)).ok()?).collect();
    // The last wait stands for all later ones, so equal ones at the end say nothing.
    while let [.., before, last] = waits.as_slice()
        && before == last
    {
        waits.pop();
    }
    Some(waits)
}

fn on(node: &Node, faults: &Faults) -> Option<(BTreeSet<RetryOn>, Option<Place>)> {
    let items = list(node, faults)?;
    if items.is_empty() {
        faults.at(&node.place, "the list is empty", Some("name the failures after which it is tried again, or remove `retry`".into()));
    }
    let mut on = BTreeSet::new();
    let mut partly = None;
    for item in items {
        let kind = choice(item, KINDS, faults)?;
        if !on.insert(kind) {
            faults.at(&item.place, format!("`{}` is listed twice", item.place.written()), None);
        }
        if kind == RetryOn::Partly {
            partly = Some(item.place.clone());
        }
    }
    Some((on, partly))
}

/// What protects a call from a second send, as far as the text says; the runner's tool has the last word, and a run never sends
/// again what may have been applied unless that word is `converge`.
pub(crate) fn protected(call: &ToolCall) -> Option<EffectClass> {
    if !changes(call) {
        return Some(EffectClass::Read);
    }
    let said = call.with.get("effect").and_then(Value::as_str);
    match (call.tool.as_str(), said) {
        ("backup_restore" | "dns_update" | "kubernetes_rollback" | "kubernetes_scale" | "scale", _) => Some(EffectClass::Cas),
        ("http", Some("converge")) => Some(EffectClass::Converge),
        ("http", Some("keyed")) => Some(EffectClass::Keyed),
        ("shell", _) | ("http", Some(_)) => Some(EffectClass::Once),
        (_, _) => None,
    }
}

/// A call that nothing protects is tried again only while it has certainly changed nothing.
pub(super) fn check(id: &Place, call: &ToolCall, checked: bool, draft: &RetryDraft, deadline: Option<Span>, faults: &Faults) {
    let RetryDraft { retry, partly } = draft;
    if changes(call) && retry.attempts > 1 && !checked {
        let help = "add `verify`, so that a second try knows what the first one did";
        faults.at(id, format!("step `{}` may be tried again, but has no check", id.written()), Some(help.into()));
    }
    let class = protected(call).filter(|class| !matches!(class, EffectClass::Read | EffectClass::Converge));
    if let (Some(place), Some(class)) = (partly, class) {
        let why = match class {
            EffectClass::Cas => "the target refuses a second send, whether or not the first one was applied",
            EffectClass::Keyed => "each try has a key of its own",
            EffectClass::Once | EffectClass::Read | EffectClass::Converge => "nothing protects from a second send",
        };
        let help = "write `on: [not_applied]`: then it is tried again only while it has certainly changed nothing";
        faults.at(place, format!("`{}` is not sent again while it may have been applied: {why}", call.tool), Some(help.into()));
    }
    let waits = (1..u32::from(retry.attempts)).fold(0_u64, |sum, starts| sum.saturating_add(retry.wait(starts).as_micros()));
    let waits = Span::from_millis(waits / 1_000);
    if let Some(deadline) = deadline.filter(|deadline| waits >= *deadline) {
        let message = format!("step `{}` waits {waits} in all, and the run's deadline is {deadline}", id.written());
        faults.at(id, message, Some("wait less, try less often, or give the run more time".into()));
    }
}
