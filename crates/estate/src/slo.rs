//! `slos/*.yaml`: service level objectives in OpenSLO v1 (github.com/OpenSLO/OpenSLO, README, "Specification"), one object per
//! document: `SLO` and `SLI` in full but for composites, `Service` as a name of the catalog. The objects about alerts belong to
//! other programs and are left to them; where telemetry lives is said in `lineclear.toml` alone, so a `DataSource` is refused.

mod goal;
mod indicator;
mod window;

use lineclear_core::name::{EntityName, SloName};
use lineclear_core::slo::{Indicator, Slo, Window};
use lineclear_core::topology::{EntityKind, EntityRef};

use crate::fault::{At, Faults, LoadError, Place, Text};
use crate::members::{Members, bounded, list, text};
use crate::slo::goal::{GoalDraft, Method, goal};
use crate::slo::indicator::{IndicatorDraft, indicator};
use crate::slo::window::window;
use crate::suggest::suggest;
use crate::yaml::{Kind, Node, documents};

/// The version that is read.
pub(crate) const VERSION: &str = "openslo/v1";
/// Longest name: RFC 1123, as OpenSLO asks for at least ("Notes (General Schema)").
const NAME_MAX: usize = 63;
/// Longest title, in characters: one line of a screen.
pub(crate) const TITLE_MAX: usize = 120;
/// Longest description, in characters ("Notes (SLO)").
pub(crate) const DESCRIPTION_MAX: usize = 1_050;
/// Most goals of one objective: more thresholds than this nobody tells apart.
const GOALS_MAX: usize = 8;

/// What the files of `slos/` hold.
#[derive(Debug, Default)]
pub(crate) struct SloDrafts {
    pub(crate) slos: Vec<SloDraft>,
    pub(crate) slis: Vec<SliDraft>,
    pub(crate) services: Vec<At<EntityName>>,
}

/// An objective whose indicator may stand elsewhere.
#[derive(Debug)]
pub(crate) struct SloDraft {
    pub(crate) name: At<SloName>,
    title: String,
    pub(crate) service: At<EntityName>,
    indicator: Measured,
    window: Window,
    goals: Vec<GoalDraft>,
    alert_policies: Vec<String>,
}

/// An indicator that objectives name.
#[derive(Debug)]
pub(crate) struct SliDraft {
    pub(crate) name: At<SloName>,
    pub(crate) indicator: IndicatorDraft,
}

#[derive(Debug)]
enum Measured {
    Here(IndicatorDraft),
    There(At<SloName>),
}

/// Reads one file of `slos/`; an objective whose indicator stands in another file is left out.
///
/// # Errors
/// Everything that this file alone shows to be wrong.
pub fn parse_slos(path: &str, text: &str) -> Result<Vec<Slo>, LoadError> {
    let faults = Faults::default();
    let mut drafts = SloDrafts::default();
    read(path, text, &mut drafts, &faults);
    let slos = drafts.slos.iter().filter(|slo| drafts.indicator(slo).is_some());
    let slos = slos.filter_map(|slo| slo.settle(&drafts, &faults)).collect();
    faults.settle(Some(slos))
}

pub(crate) fn read(path: &str, text: &str, into: &mut SloDrafts, faults: &Faults) {
    let text = Text::new(path, text);
    for node in documents(&text, faults).unwrap_or_default() {
        object(&node, into, faults);
    }
}

#[derive(Clone, Copy)]
enum Sort {
    Slo,
    Sli,
    Service,
    DataSource,
    Alerting,
}

/// The kinds of OpenSLO v1 ("General Schema").
const SORTS: &[(&str, Sort)] = &[
    ("SLO", Sort::Slo),
    ("SLI", Sort::Sli),
    ("Service", Sort::Service),
    ("DataSource", Sort::DataSource),
    ("AlertPolicy", Sort::Alerting),
    ("AlertCondition", Sort::Alerting),
    ("AlertNotificationTarget", Sort::Alerting),
];

/// `metadata`.
struct Head {
    name: At<SloName>,
    title: Option<String>,
}

fn object(node: &Node, into: &mut SloDrafts, faults: &Faults) -> Option<()> {
    let of = Members::of(node, "an object", faults)?;
    of.choice("apiVersion", &[(VERSION, ())]);
    let sort = of.choice("kind", SORTS);
    let head = of.need("metadata").and_then(|node| head(node, faults));
    let spec = of.need("spec");
    let place = of.maybe("kind").map(|node| node.place.clone());
    of.finish();
    match (sort?, head?, spec?) {
        (Sort::Slo, head, spec) => into.slos.extend(slo(head, spec, faults)),
        (Sort::Sli, Head { name, .. }, spec) => {
            into.slis.extend(indicator(spec, faults).map(|indicator| SliDraft { name, indicator }));
        }
        (Sort::Service, Head { name, .. }, spec) => {
            let of = Members::of(spec, "the service's `spec`", faults)?;
            described(&of);
            of.finish();
            into.services.push(At { value: name.value.as_str().parse().ok()?, place: name.place });
        }
        (Sort::DataSource, ..) => {
            let help = "name it under `[sources]` in `lineclear.toml`, without credentials, and refer to it by `metricSourceRef`";
            faults.at(&place?, "where telemetry lives is not said here", Some(help.into()));
        }
        // Read by what sends alerts, not by us.
        (Sort::Alerting, ..) => {}
    }
    Some(())
}

fn head(node: &Node, faults: &Faults) -> Option<Head> {
    let of = Members::of(node, "`metadata`", faults)?;
    let name = of.parsed::<SloName>("name");
    let title = titled(&of);
    // Read by people and by other programs, not by us.
    for free in ["labels", "annotations"] {
        of.maybe(free);
    }
    of.finish();
    let name = name?;
    if name.value.as_str().len() > NAME_MAX {
        faults.at(&name.place, format!("a name in OpenSLO has at most {NAME_MAX} characters (RFC 1123)"), None);
    }
    Some(Head { name, title })
}

/// `displayName`, which may be left out.
fn titled(of: &Members<'_>) -> Option<String> {
    of.maybe("displayName").and_then(|node| bounded(node, TITLE_MAX, of.faults()))
}

/// `description`, for people.
fn described(of: &Members<'_>) {
    of.maybe("description").map(|node| bounded(node, DESCRIPTION_MAX, of.faults()));
}

fn slo(head: Head, node: &Node, faults: &Faults) -> Option<SloDraft> {
    let of = Members::of(node, "the objective's `spec`", faults)?;
    described(&of);
    let service = of.parsed::<EntityName>("service");
    let measured = measured(&of);
    let window = one(of.items("timeWindow"), of.maybe("timeWindow"), faults).and_then(|node| window(node, faults));
    let method = of.choice("budgetingMethod", Method::WORDS);
    let goals = of.items("objectives");
    if goals.is_empty() || goals.len() > GOALS_MAX {
        let place = of.maybe("objectives").map_or_else(|| of.place(), |node| &node.place);
        faults.at(place, format!("an objective has 1 to {GOALS_MAX} goals, not {}", goals.len()), None);
    }
    let goals = method.map(|method| goals.iter().map(|node| goal(node, method, faults)).collect::<Option<Vec<_>>>());
    let alert_policies = of.maybe("alertPolicies").and_then(|node| list(node, faults)).unwrap_or(&[]);
    let alert_policies: Option<Vec<String>> = alert_policies.iter().map(|node| alert_policy(node, faults)).collect();
    of.finish();
    let title = head.title.unwrap_or_else(|| head.name.value.to_string());
    let (service, indicator) = (service?, measured?);
    Some(SloDraft { name: head.name, title, service, indicator, window: window?, goals: goals??, alert_policies: alert_policies? })
}

/// One of `indicator` and `indicatorRef` ("Notes (SLO)").
fn measured(of: &Members<'_>) -> Option<Measured> {
    let faults = of.faults();
    match (of.maybe("indicator"), of.maybe("indicatorRef")) {
        (Some(node), None) => {
            let inner = Members::of(node, "the indicator", faults)?;
            let named = inner.maybe("metadata").is_none_or(|node| head(node, faults).is_some());
            let spec = inner.need("spec").and_then(|node| indicator(node, faults));
            inner.finish();
            spec.filter(|_| named).map(Measured::Here)
        }
        (None, Some(node)) => crate::members::parsed::<SloName>(node, faults).map(Measured::There),
        (None, None) => {
            faults.at(of.place(), "the objective measures nothing", Some("add `indicator` or `indicatorRef`".into()));
            None
        }
        (Some(_), Some(second)) => {
            faults.at(&second.place, "the objective has two indicators", Some("keep one of `indicator` and `indicatorRef`".into()));
            None
        }
    }
}

/// The only item of a list.
fn one<'n>(items: &'n [Node], whole: Option<&Node>, faults: &Faults) -> Option<&'n Node> {
    let [item] = items else {
        if let Some(Node { kind: Kind::List(_), place }) = whole {
            faults.at(place, format!("exactly one time window is read, not {}", items.len()), None);
        }
        return None;
    };
    Some(item)
}

/// `name`, or `alertPolicyRef: name`; what is written out belongs into a file of the program that alerts.
fn alert_policy(node: &Node, faults: &Faults) -> Option<String> {
    let name = match &node.kind {
        Kind::Map(_) => {
            let of = Members::of(node, "an alert policy", faults)?;
            let name = of.need("alertPolicyRef");
            of.finish();
            name?
        }
        Kind::Nothing | Kind::Flag(_) | Kind::Integer(_) | Kind::Number | Kind::Text(_) | Kind::List(_) => node,
    };
    text(name, faults)?;
    bounded(name, TITLE_MAX, faults)
}

impl SloDrafts {
    /// The indicator of an objective, if it is among these.
    pub(crate) fn indicator<'d>(&'d self, slo: &'d SloDraft) -> Option<&'d IndicatorDraft> {
        match &slo.indicator {
            Measured::Here(indicator) => Some(indicator),
            Measured::There(name) => self.slis.iter().find(|sli| sli.name.value == name.value).map(|sli| &sli.indicator),
        }
    }

    /// Every indicator, with the places of the sources that it asks.
    pub(crate) fn indicators(&self) -> impl Iterator<Item = &IndicatorDraft> {
        let here = self.slos.iter().filter_map(|slo| match &slo.indicator {
            Measured::Here(indicator) => Some(indicator),
            Measured::There(_) => None,
        });
        here.chain(self.slis.iter().map(|sli| &sli.indicator))
    }
}

impl SloDraft {
    /// The objective with its indicator, once both are known to agree.
    pub(crate) fn settle(&self, drafts: &SloDrafts, faults: &Faults) -> Option<Slo> {
        let Some(indicator) = drafts.indicator(self) else {
            if let Measured::There(name) = &self.indicator {
                let help = suggest(name.value.as_str(), drafts.slis.iter().map(|sli| sli.name.value.as_str()));
                faults.at(&name.place, format!("`{}` is no SLI of this estate", name.value), help);
            }
            return None;
        };
        let threshold = matches!(indicator.indicator, Indicator::Threshold { .. });
        if let Some(second) = self.goals.get(1).filter(|_| threshold) {
            faults.at(&second.place, "a threshold has one goal (OpenSLO v1, \"Notes (SLO)\")", Some("write a second objective".into()));
        }
        let goals = self.goals.iter().filter_map(|goal| goal.settle(threshold, faults)).collect();
        // Burn rates look back three days; a shorter period would leave every change in reach blocked for want of a budget.
        if let Some(error) = self.goals.first().and_then(|goal| goal.objective(&self.window).err()) {
            let help = "make its `timeWindow` at least three days long";
            faults.at(self.place(), error.to_string(), Some(help.into()));
        }
        let service = EntityRef { kind: EntityKind::Service, name: self.service.value.clone() };
        Some(Slo {
            name: self.name.value.clone(),
            title: self.title.clone(),
            service,
            indicator: indicator.indicator.clone(),
            window: self.window.clone(),
            goals,
            alert_policies: self.alert_policies.clone(),
        })
    }

    /// Where the name stands.
    pub(crate) fn place(&self) -> &Place {
        &self.name.place
    }
}
