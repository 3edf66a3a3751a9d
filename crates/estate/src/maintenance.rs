//! `maintenance.yaml`: windows in which somebody expects signals, so that they page nobody.

use std::collections::BTreeMap;

use lineclear_core::maintenance::Maintenance;
use lineclear_core::name::Login;
use lineclear_core::topology::EntityRef;
use lineclear_core::{Span, Timestamp};

use crate::fault::{At, Faults, LoadError, Text};
use crate::members::{Members, bounded};
use crate::yaml::{Node, document};

/// Longest window: whatever is expected for longer is how things are, and is mended where it is measured.
const LENGTH_MAX: Span = Span::from_secs(7 * 86_400);
/// Longest label or value, in characters.
const LABEL_MAX: usize = 200;

/// A window with the places of whom and what it names.
#[derive(Debug)]
pub(crate) struct MaintenanceDraft {
    pub(crate) window: Maintenance,
    pub(crate) by: At<Login>,
    pub(crate) targets: Vec<At<EntityRef>>,
}

/// Reads `maintenance.yaml`.
///
/// # Errors
/// Everything that this file alone shows to be wrong.
pub fn parse_maintenance(path: &str, text: &str) -> Result<Vec<Maintenance>, LoadError> {
    let faults = Faults::default();
    let drafts = read(path, text, &faults);
    faults.settle(Some(drafts.into_iter().map(|draft| draft.window).collect()))
}

pub(crate) fn read(path: &str, text: &str, faults: &Faults) -> Vec<MaintenanceDraft> {
    let text = Text::new(path, text);
    let Some(node) = document(&text, faults) else { return Vec::new() };
    let Some(of) = Members::of(&node, "the file", faults) else { return Vec::new() };
    let drafts = of.items("windows").iter().filter_map(|item| window(item, faults)).collect();
    of.finish();
    drafts
}

fn window(node: &Node, faults: &Faults) -> Option<MaintenanceDraft> {
    let of = Members::of(node, "a window", faults)?;
    let title = of.title();
    let by = of.parsed::<Login>("by");
    let (from, until) = (of.parsed::<Timestamp>("from"), of.parsed::<Timestamp>("until"));
    let targets = of.names::<EntityRef>("targets");
    let labels: BTreeMap<String, String> =
        of.named::<String>("labels").into_iter().filter_map(|(name, (_, node))| Some((name, bounded(node, LABEL_MAX, faults)?))).collect();
    of.finish();
    let (from, until, by) = (from?, until?, by?);
    if from.value >= until.value {
        faults.at(&until.place, "the window ends before it begins", Some("set `until` after `from`".into()));
    } else if until.value.since(from.value) > LENGTH_MAX {
        faults.at(&until.place, "a window lasts at most 7 days", Some("mend what is expected for longer where it is measured".into()));
    }
    if targets.is_empty() && labels.is_empty() {
        faults.at(&node.place, "the window covers nothing", Some("name `targets`, or `labels` that its signals carry".into()));
    }
    let names = targets.iter().map(|target| target.value.clone()).collect();
    let window = Maintenance { title: title?, by: by.value.clone(), from: from.value, until: until.value, targets: names, labels };
    Some(MaintenanceDraft { window, by, targets })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(rest: &str) -> String {
        format!("windows:\n  - {{ title: t, by: dave, {rest} }}\n")
    }

    fn check(rest: &str, said: &str) {
        let told = parse_maintenance("maintenance.yaml", &window(rest)).map(drop).map_err(|error| error.to_string());
        assert!(told.as_ref().is_err_and(|told| told.contains(said)), "{rest}: {told:?}");
    }

    #[test]
    fn a_window_is_read_and_a_careless_one_is_refused() {
        let hours = "from: \"2026-11-25T08:00:00Z\", until: \"2026-11-25T10:00:00Z\"";
        let read =
            parse_maintenance("maintenance.yaml", &window(&format!("{hours}, targets: [service/shop], labels: {{ site: eu }}"))).unwrap();
        assert_eq!((read.len(), read[0].targets.len(), read[0].labels["site"].as_str()), (1, 1, "eu"));
        check(hours, "the window covers nothing");
        check("from: \"2026-11-25T08:00:00Z\", until: \"2026-11-25T08:00:00Z\", targets: [service/shop]", "ends before it begins");
        check("from: \"2026-11-25T08:00:00Z\", until: \"2026-12-25T08:00:00Z\", targets: [service/shop]", "at most 7 days");
        check("until: \"2026-12-25T08:00:00Z\", targets: [service/shop]", "lacks `from`");
    }
}
