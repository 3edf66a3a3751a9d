//! What an objective measures (OpenSLO v1, "SLI" and "Ratio Metric"), in PromQL.

use lineclear_core::slo::{Indicator, Query, Share};

use crate::fault::{At, Faults};
use crate::members::{Members, bounded};
use crate::slo::described;
use crate::yaml::Node;

/// Longest query, in characters, as for facts.
const QUERY_MAX: usize = 2_000;
/// The source that is asked when none is named.
const SOURCE: &str = "prometheus";

/// An indicator with the places of its sources.
#[derive(Debug)]
pub(crate) struct IndicatorDraft {
    pub(crate) indicator: Indicator,
    pub(crate) sources: Vec<At<String>>,
}

/// Reads the `spec` of an SLI.
pub(super) fn indicator(node: &Node, faults: &Faults) -> Option<IndicatorDraft> {
    let of = Members::of(node, "the indicator's `spec`", faults)?;
    described(&of);
    let (ratio, threshold) = (of.maybe("ratioMetric"), of.maybe("thresholdMetric"));
    of.finish();
    match (ratio, threshold) {
        (Some(node), None) => ratio_metric(node, faults),
        (None, Some(node)) => {
            let (query, source) = metric(node, faults)?;
            Some(IndicatorDraft { indicator: Indicator::Threshold { query }, sources: vec![source] })
        }
        (None, None) => {
            faults.at(&node.place, "the indicator measures nothing", Some("add `ratioMetric` or `thresholdMetric`".into()));
            None
        }
        (Some(_), Some(second)) => {
            faults.at(&second.place, "the indicator is both a ratio and a threshold", Some("keep one of the two".into()));
            None
        }
    }
}

fn ratio_metric(node: &Node, faults: &Faults) -> Option<IndicatorDraft> {
    let of = Members::of(node, "a ratio", faults)?;
    let counter = of.flag_or("counter", false);
    let (good, bad) = (of.maybe("good"), of.maybe("bad"));
    let total = of.maybe("total");
    let raw = of.maybe("raw");
    let raw_type = of.maybe("rawType").map(|_| of.choice("rawType", &[("success", Share::Good), ("failure", Share::Bad)]));
    let place = of.place().clone();
    of.finish();
    let help = "write `good` and `total`, or `bad` and `total`, or `raw` and `rawType`";
    let (part_is, part, total) = match (good, bad, total, raw, raw_type) {
        (Some(good), None, Some(total), None, None) => (Share::Good, good, total),
        (None, Some(bad), Some(total), None, None) => (Share::Bad, bad, total),
        (None, None, None, Some(raw), Some(share_of)) => {
            let (query, source) = metric(raw, faults)?;
            return Some(IndicatorDraft { indicator: Indicator::Raw { share_of: share_of?, query }, sources: vec![source] });
        }
        _ => {
            faults.at(&place, "these members make no ratio", Some(help.into()));
            return None;
        }
    };
    let (part, total) = (metric(part, faults), metric(total, faults));
    let ((part, first), (total, second)) = (part?, total?);
    if first.value != second.value {
        let help = "a source divides what it holds itself: ask both counts in one";
        faults.at(&second.place, format!("the two counts are asked in `{}` and `{}`", first.value, second.value), Some(help.into()));
    }
    Some(IndicatorDraft { indicator: Indicator::Ratio { part_is, part, total, counter: counter? }, sources: vec![first, second] })
}

/// `metricSource: { metricSourceRef, type, spec: { query } }`.
fn metric(node: &Node, faults: &Faults) -> Option<(Query, At<String>)> {
    let of = Members::of(node, "a metric", faults)?;
    let source = of.need("metricSource");
    of.finish();
    let node = source?;
    let of = Members::of(node, "a metric source", faults)?;
    let named = of.maybe("metricSourceRef");
    of.maybe("type").map(|_| of.choice("type", &[("Prometheus", ()), ("prometheus", ())]));
    let spec = of.need("spec");
    of.finish();
    let spec = Members::of(spec?, "the metric source's `spec`", faults)?;
    let query = spec.need("query");
    spec.finish();
    let query = query?;
    let text = bounded(query, QUERY_MAX, faults)?;
    if text.contains("${") {
        let help = "an objective is about one service: write its name out";
        faults.at(&query.place, "nothing is filled into the query of an objective", Some(help.into()));
    }
    let source = match named {
        Some(node) => At { value: bounded(node, super::TITLE_MAX, faults)?, place: node.place.clone() },
        None => At { value: SOURCE.to_owned(), place: node.place.clone() },
    };
    Some((Query { source: source.value.clone(), text }, source))
}
