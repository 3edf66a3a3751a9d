//! A broken law as an example of the report.

use lineclear_core::authority::Rung;
use lineclear_core::estate::Estate;
use serde_json::Value;

use crate::dimension::Dimension;
use crate::invariant::Invariant;
use crate::report::Example;
use crate::shape::Shape;
use crate::trial::{Breach, Shrunk};
use crate::words::{Words, approval, names, permitted, phrase, refused};

/// Which law was broken.
#[derive(Debug)]
pub(crate) enum Case<'a> {
    /// A policy failed to evaluate.
    Sound,
    /// An invariant.
    Invariant(&'a Invariant),
    /// An order along a fact.
    Order(&'a Dimension),
    /// Two rungs.
    Rungs(&'a Rung, &'a Rung),
    /// The new policies permit what the old ones did not.
    Wider,
    /// The new policies refuse what the old ones permitted.
    Narrower,
    /// A kind of request that there was not.
    Fresh,
}

/// Tells it.
pub(crate) fn tell(estate: &Estate, shape: &Shape, environment: &str, case: &Case<'_>, shrunk: &Shrunk) -> Example {
    let words = Words { estate, shape };
    let Breach { first, second } = &shrunk.breach;
    let scene = &shrunk.scene;
    let by = permitted(first);
    let aside = match case {
        Case::Order(dimension) => Some(dimension.path.as_slice()),
        Case::Sound | Case::Invariant(_) | Case::Rungs(..) | Case::Wider | Case::Narrower | Case::Fresh => None,
    };
    let rest = words.circumstances(scene, aside);
    let then = |prefix: &str| second.as_ref().map(|ruling| format!("{prefix}{}", refused(ruling))).unwrap_or_default();
    let plain = |may: &str| format!("{}, {}{rest}", words.act(shrunk, may), approval(&scene.context));
    let sentence = match case {
        Case::Sound => format!(
            "{} cannot be evaluated when {}; a policy that fails is skipped, be it a forbid",
            names(&first.failed),
            plain("asks to")
        ),
        Case::Invariant(invariant) => format!("{}: {by}, though `{}` says: {}", plain("may"), invariant.name, invariant.title),
        Case::Order(dimension) => {
            let (one, two) = values(shrunk, dimension);
            format!("{}{} {one}{rest}, but no longer {two}: {by}, {}", words.act(shrunk, "may"), lead(shrunk, dimension), then("then "))
        }
        Case::Rungs(low, high) => {
            format!(
                "{}{rest} with the approvals of `{}`, but no longer with those of `{}`: {by}, {}",
                words.act(shrunk, "may"),
                low.name,
                high.name,
                then("then ")
            )
        }
        Case::Wider => format!("{}: {by}, {}", plain("may now"), then("before ").replace("no policy permits", "no policy permitted")),
        Case::Narrower => format!("{}: before {by}, {}", plain("may no longer"), then("now ")),
        Case::Fresh => format!("{}: {by}, and this kind of request is new", plain("may now")),
    };
    let sorted = |set: Option<&std::collections::BTreeSet<String>>| set.into_iter().flatten().cloned().collect::<Vec<_>>();
    Example {
        sentence,
        environment: environment.to_owned(),
        context: Value::Object(scene.context.clone()),
        permitted_by: sorted(first.allowed.then_some(&first.by)),
        refused_by: sorted(second.as_ref().filter(|ruling| !ruling.allowed).map(|ruling| &ruling.by)),
    }
}

/// The two values of the fact, told.
fn values(shrunk: &Shrunk, dimension: &Dimension) -> (String, String) {
    let scene = &shrunk.scene;
    let second = scene.other.clone().unwrap_or_default();
    if dimension.path.first().is_some_and(|first| first == "approvals") {
        let after = scene.with(&dimension.path, &second).unwrap_or_default();
        return (approval(&scene.context), approval(&after));
    }
    let first = scene.get(&dimension.path).cloned().unwrap_or_default();
    (format!("when {}", phrase(&dimension.path, &first)), format!("when {}", phrase(&dimension.path, &second)))
}

/// Approvals are told anyhow; where they are not the fact in question, they come before it.
fn lead(shrunk: &Shrunk, dimension: &Dimension) -> String {
    if dimension.path.first().is_some_and(|first| first == "approvals") {
        return String::new();
    }
    format!(", {},", approval(&shrunk.scene.context))
}
