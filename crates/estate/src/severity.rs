//! `severity.yaml`: how severity follows from customers, duration, regions, security and revenue, and what always pages.
//! What is read here grades incidents, beside their signals and people.

use lineclear_core::Span;
use lineclear_core::incident::Severity;
use lineclear_core::name::PathName;
use lineclear_core::severity::{Doubt, Level, Line, Loss, PageRule, SeverityTable};

use crate::fault::{At, Faults, LoadError, Text};
use crate::members::{Members, choice, duration_between, integer, list};
use crate::yaml::{Node, document};

/// Most lines for one severity, and most rules that page: a table is read at a glance or not at all.
const LINES_MAX: usize = 12;
/// The longest that a line may ask for: after a day it is bad whatever it is.
const LASTING_MAX: Span = Span::from_secs(24 * 3_600);

/// The words for security.
pub(crate) const DOUBTS: &[(&str, Doubt)] = &[("suspected", Doubt::Suspected), ("confirmed", Doubt::Confirmed)];
/// The words for revenue.
pub(crate) const LOSSES: &[(&str, Loss)] = &[("reduced", Loss::Reduced), ("stopped", Loss::Stopped)];

/// The table with the places of the paths that it names.
#[derive(Debug)]
pub(crate) struct SeverityDraft {
    pub(crate) table: SeverityTable,
    pub(crate) paths: Vec<At<PathName>>,
}

/// Reads `severity.yaml`.
///
/// # Errors
/// Everything that this file alone shows to be wrong.
pub fn parse_severity(path: &str, text: &str) -> Result<SeverityTable, LoadError> {
    let faults = Faults::default();
    let draft = read(path, text, &faults);
    faults.settle(draft.map(|draft| draft.table))
}

pub(crate) fn read(path: &str, text: &str, faults: &Faults) -> Option<SeverityDraft> {
    let text = Text::new(path, text);
    let node = document(&text, faults)?;
    let of = Members::of(&node, "the table", faults)?;
    let levels: Vec<At<Level>> = of.items("levels").iter().filter_map(|node| level(node, faults)).collect();
    let otherwise = severity(&of, "otherwise");
    let rules = of.maybe("pages").and_then(|node| list(node, faults)).unwrap_or(&[]);
    let rules: Vec<(PageRule, At<PathName>)> = rules.iter().filter_map(|node| rule(node, faults)).collect();
    if rules.len() > LINES_MAX {
        faults.at(of.place(), format!("at most {LINES_MAX} rules page, not {}", rules.len()), None);
    }
    of.finish();
    let otherwise = otherwise?;
    for (before, after) in levels.iter().zip(levels.iter().skip(1)) {
        if before.value.severity >= after.value.severity {
            let help = "write the worst first, and each severity once";
            let message = format!("severity {} stands below {}", after.value.severity.number(), before.value.severity.number());
            faults.at(&after.place, message, Some(help.into()));
        }
    }
    if let Some(last) = levels.last().filter(|last| last.value.severity >= otherwise.value) {
        let message = format!("what no level speaks of is milder than severity {}", last.value.severity.number());
        faults.at(&otherwise.place, message, None);
    }
    let (pages, paths) = rules.into_iter().unzip();
    let levels = levels.into_iter().map(|level| level.value).collect();
    Some(SeverityDraft { table: SeverityTable { levels, otherwise: otherwise.value, pages }, paths })
}

fn severity(of: &Members<'_>, name: &'static str) -> Option<At<Severity>> {
    let node = of.need(name)?;
    let number = u8::try_from(integer(node, 1, 5, of.faults())?).ok()?;
    Some(At { value: Severity::try_from(number).ok()?, place: node.place.clone() })
}

fn level(node: &Node, faults: &Faults) -> Option<At<Level>> {
    let of = Members::of(node, "a level", faults)?;
    let severity = severity(&of, "severity");
    let title = of.title();
    let any = lines(&of);
    of.finish();
    let severity = severity?;
    Some(At { value: Level { severity: severity.value, title: title?, any: any? }, place: severity.place })
}

fn rule(node: &Node, faults: &Faults) -> Option<(PageRule, At<PathName>)> {
    let of = Members::of(node, "a rule", faults)?;
    let title = of.title();
    let any = lines(&of);
    let path = of.parsed::<PathName>("path");
    of.finish();
    let path = path?;
    Some((PageRule { title: title?, any: any?, path: path.value.clone() }, path))
}

/// `any`: at least one line.
fn lines(of: &Members<'_>) -> Option<Vec<Line>> {
    let faults = of.faults();
    let items = of.items("any");
    if let Some(node) = of.maybe("any").filter(|_| items.is_empty() || items.len() > LINES_MAX) {
        faults.at(&node.place, format!("1 to {LINES_MAX} lines stand here, not {}", items.len()), None);
    }
    items.iter().map(|node| line(node, faults)).collect()
}

fn line(node: &Node, faults: &Faults) -> Option<Line> {
    let before = faults.count();
    let of = Members::of(node, "a line", faults)?;
    let count = |name| {
        let count = of.maybe(name).and_then(|node| integer(node, 1, i64::from(i32::MAX), faults));
        count.and_then(|count| u32::try_from(count).ok())
    };
    let line = Line {
        customers: count("customers"),
        lasting: of.maybe("lasting").and_then(|node| duration_between(node, Span::from_secs(60), LASTING_MAX, faults)),
        regions: count("regions"),
        security: of.maybe("security").and_then(|node| choice(node, DOUBTS, faults)),
        revenue: of.maybe("revenue").and_then(|node| choice(node, LOSSES, faults)),
    };
    of.finish();
    if faults.count() == before && !line.says_something() {
        faults.at(&node.place, "the line is true of everything", Some("name how many customers, how long or the like".into()));
    }
    (faults.count() == before).then_some(line)
}
