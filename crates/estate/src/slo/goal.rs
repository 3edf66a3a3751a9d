//! What is promised of an indicator (OpenSLO v1, "Objectives"), in parts per million.

use lineclear_core::Span;
use lineclear_core::budget::{Objective, ObjectiveError};
use lineclear_core::fact::{Comparison, Condition};
use lineclear_core::slo::{Counting, Goal, Window};

use crate::facts::measure;
use crate::fault::{Faults, Place};
use crate::members::Members;
use crate::slo::titled;
use crate::slo::window::slice;
use crate::yaml::Node;

/// The whole, in parts per million.
const WHOLE: i64 = 1_000_000;

/// `budgetingMethod`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Occurrences,
    Timeslices,
    RatioTimeslices,
}

/// A goal before it is known whether its indicator is a ratio or a threshold.
#[derive(Debug)]
pub(super) struct GoalDraft {
    goal: Goal,
    pub(super) place: Place,
    op: Option<Place>,
}

impl Method {
    /// As they are written.
    pub(super) const WORDS: &'static [(&'static str, Self)] =
        &[("Occurrences", Self::Occurrences), ("Timeslices", Self::Timeslices), ("RatioTimeslices", Self::RatioTimeslices)];
}

/// The comparisons of OpenSLO.
const OPERATORS: &[(&str, Comparison)] =
    &[("lte", Comparison::AtMost), ("gte", Comparison::AtLeast), ("lt", Comparison::Less), ("gt", Comparison::Greater)];

pub(super) fn goal(node: &Node, method: Method, faults: &Faults) -> Option<GoalDraft> {
    let of = Members::of(node, "a goal", faults)?;
    let title = titled(&of);
    let target = target(&of);
    let op = of.maybe("op").map(|node| (node.place.clone(), of.choice("op", OPERATORS)));
    let value = of.maybe("value").map(|node| (node.place.clone(), measure(node, faults)));
    let counting = counting(&of, method);
    of.finish();
    let written = op.as_ref().map(|(place, _)| place.clone());
    let good_while = match (op, value) {
        (Some((_, op)), Some((_, value))) => Some(Condition { op: op?, value: value? }),
        (None, None) => None,
        (Some((place, _)), None) | (None, Some((place, _))) => {
            faults.at(&place, "`op` and `value` stand together", Some("write both, as in `op: lte` and `value: 0.3`".into()));
            return None;
        }
    };
    let goal = Goal { title, target_ppm: target?, good_while, counting: counting? };
    Some(GoalDraft { goal, place: node.place.clone(), op: written })
}

/// One of `target` and `targetPercent`; neither nothing nor everything, because then there is no budget.
fn target(of: &Members<'_>) -> Option<u32> {
    let faults = of.faults();
    let (node, scale) = match (of.maybe("target"), of.maybe("targetPercent")) {
        (Some(node), None) => (node, 1),
        (None, Some(node)) => (node, 100),
        (None, None) => {
            faults.at(of.place(), "the goal has no target", Some("add `target: 0.999` or `targetPercent: 99.9`".into()));
            return None;
        }
        (Some(_), Some(second)) => {
            faults.at(&second.place, "the goal has two targets", Some("keep one of `target` and `targetPercent`".into()));
            return None;
        }
    };
    share(node, scale, 1, WHOLE - 1, faults)
}

/// A share of the whole, in parts per million: a number written exactly, with 1 or 100 for the whole.
fn share(node: &Node, scale: i64, least: i64, most: i64, faults: &Faults) -> Option<u32> {
    let millionths = measure(node, faults)?.millionths();
    let written = node.place.written().trim_matches(['"', '\'']);
    let places = written.split_once('.').map_or("", |(_, places)| places).trim_end_matches('0');
    if millionths % scale != 0 || places.len() > 6 || written.contains(['e', 'E']) {
        faults.at(&node.place, "a share is told in whole parts per million", Some("write fewer decimal places".into()));
        return None;
    }
    let ppm = millionths / scale;
    if !(least..=most).contains(&ppm) {
        let help = match (scale, most < WHOLE) {
            (1, true) => "write a number between 0 and 1, as in `0.999`; with 0 or 1 there is no budget",
            (1, false) => "write a number above 0 and up to 1, as in `0.95`",
            _ => "write a number between 0 and 100, as in `99.9`; with 0 or 100 there is no budget",
        };
        faults.at(&node.place, format!("`{written}` is no share that can be promised"), Some(help.into()));
        return None;
    }
    u32::try_from(ppm).ok()
}

/// `timeSliceTarget` and `timeSliceWindow`, each where the method asks for it and nowhere else.
fn counting(of: &Members<'_>, method: Method) -> Option<Counting> {
    let faults = of.faults();
    let (target, window) = (of.maybe("timeSliceTarget"), of.maybe("timeSliceWindow"));
    let unwanted = |node: Option<&Node>, name: &str| {
        if let Some(node) = node {
            faults.at(&node.place, format!("`{name}` means nothing with this `budgetingMethod`"), Some("remove it".into()));
        }
    };
    let length = |node: Option<&Node>| -> Option<Span> {
        if node.is_none() {
            of.need("timeSliceWindow");
        }
        slice(node?, faults)
    };
    match method {
        Method::Occurrences => {
            unwanted(target, "timeSliceTarget");
            unwanted(window, "timeSliceWindow");
            Some(Counting::Occurrences)
        }
        Method::Timeslices => {
            if target.is_none() {
                of.need("timeSliceTarget");
            }
            let (target, slice) = (target.and_then(|node| share(node, 1, 1, WHOLE, faults)), length(window));
            Some(Counting::Timeslices { slice: slice?, target_ppm: target? })
        }
        Method::RatioTimeslices => {
            unwanted(target, "timeSliceTarget");
            Some(Counting::RatioTimeslices { slice: length(window)? })
        }
    }
}

impl GoalDraft {
    /// What the sums need of it.
    pub(super) fn objective(&self, window: &Window) -> Result<Objective, ObjectiveError> {
        self.goal.objective(window)
    }

    /// The goal, once its indicator is known: a threshold is compared with a value, a ratio is not.
    pub(super) fn settle(&self, threshold: bool, faults: &Faults) -> Option<Goal> {
        match (threshold, &self.op) {
            (true, None) => {
                let help = "add `op: lte` and `value: …`";
                faults.at(&self.place, "the goal of a threshold says when its value is good", Some(help.into()));
                None
            }
            (false, Some(place)) => {
                faults.at(place, "the goal of a ratio compares nothing", Some("remove `op` and `value`".into()));
                None
            }
            (true, Some(_)) | (false, None) => Some(self.goal.clone()),
        }
    }
}
