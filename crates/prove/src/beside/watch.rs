//! What is watched and promised, and who is told: facts, objectives, severity, escalation paths, freezes, signals.

use std::collections::BTreeMap;
use std::fmt::Display;

use lineclear_core::escalation::EscalationPath;
use lineclear_core::estate::Freeze;
use lineclear_core::fact::FactSpec;
use lineclear_core::maintenance::Maintenance;
use lineclear_core::notice::Channels;
use lineclear_core::severity::SeverityTable;
use lineclear_core::slo::Slo;

use super::{Shift, gone, keyed, moved, narrower, wider};

/// What facts are judged by.
pub(super) fn facts<K: Ord + Display>(old: &BTreeMap<K, FactSpec>, new: &BTreeMap<K, FactSpec>, shifts: &mut Vec<Shift>) {
    keyed(
        old,
        new,
        shifts,
        |name| narrower(format!("fact `{name}` is new")),
        |name, was, is, shifts| {
            let before = shifts.len();
            moved(&format!("the age up to which `{name}` counts"), &was.limit, &is.limit, is.limit > was.limit, shifts);
            moved(&format!("what confirms `{name}`"), &was.holds, &is.holds, true, shifts);
            if (&was.source, &was.query) != (&is.source, &is.query) {
                shifts.push(wider(format!("fact `{name}` is asked for otherwise")));
            }
            if shifts.len() == before {
                shifts.push(narrower(format!("fact `{name}` has another title")));
            }
        },
    );
    shifts.extend(gone(old, new, |name| narrower(format!("fact `{name}` is gone"))));
}

/// Where facts are asked.
pub(super) fn sources(old: &BTreeMap<String, String>, new: &BTreeMap<String, String>, shifts: &mut Vec<Shift>) {
    keyed(
        old,
        new,
        shifts,
        |name| narrower(format!("the source `{name}` of facts is new")),
        |name, _, is, shifts| {
            shifts.push(wider(format!("facts of the source `{name}` are asked at `{is}`")));
        },
    );
    shifts.extend(gone(old, new, |name| narrower(format!("the source `{name}` of facts is gone"))));
}

/// What is promised. Without an objective a budget reads untouched.
pub(super) fn objectives<K: Ord + Display>(old: &BTreeMap<K, Slo>, new: &BTreeMap<K, Slo>, shifts: &mut Vec<Shift>) {
    keyed(
        old,
        new,
        shifts,
        |name| narrower(format!("the objective `{name}` is new")),
        |name, was, is, shifts| {
            let before = shifts.len();
            if was.goals != is.goals {
                shifts.push(wider(format!("the objective `{name}` promises something else")));
            }
            if was.window != is.window {
                shifts.push(wider(format!("the objective `{name}` is counted over another window")));
            }
            if was.indicator != is.indicator || was.service != is.service {
                shifts.push(wider(format!("the objective `{name}` measures something else")));
            }
            if shifts.len() == before {
                shifts.push(narrower(format!("the objective `{name}` has another title or other alerts")));
            }
        },
    );
    shifts.extend(gone(old, new, |name| wider(format!("the objective `{name}` is gone, so its budget can no longer be used up"))));
}

/// How bad what is. Policies see the severity, and some open by it.
pub(super) fn severity(old: Option<&SeverityTable>, new: Option<&SeverityTable>, shifts: &mut Vec<Shift>) {
    let (old, new) = match (old, new) {
        (None, None) => return,
        (None, Some(_)) => return shifts.push(wider("severity now follows from a table".into())),
        (Some(_), None) => return shifts.push(wider("there is no table of severities any more".into())),
        (Some(old), Some(new)) => (old, new),
    };
    let levels = |table: &SeverityTable| -> BTreeMap<u8, _> {
        table.levels.iter().map(|level| (level.severity.number(), level.any.clone())).collect()
    };
    let (was, is) = (levels(old), levels(new));
    keyed(
        &was,
        &is,
        shifts,
        |number| wider(format!("the table knows severity {number} now")),
        |number, _, _, shifts| {
            shifts.push(wider(format!("what counts as severity {number} changed")));
        },
    );
    shifts.extend(gone(&was, &is, |number| wider(format!("the table knows no severity {number} any more"))));
    moved("the severity of what the table does not name", &old.otherwise.number(), &new.otherwise.number(), true, shifts);
    let pages = |table: &SeverityTable| -> BTreeMap<String, _> {
        table.pages.iter().map(|rule| (rule.title.clone(), (rule.any.clone(), rule.path.clone()))).collect()
    };
    let (was, is) = (pages(old), pages(new));
    keyed(
        &was,
        &is,
        shifts,
        |title| narrower(format!("“{title}” now always pages somebody")),
        |title, _, _, shifts| {
            shifts.push(narrower(format!("what always pages somebody changed: “{title}”")));
        },
    );
    shifts.extend(gone(&was, &is, |title| narrower(format!("“{title}” no longer pages somebody whatever its severity"))));
}

/// Who is told, in which order: no authority, and yet what people rely on.
pub(super) fn paths<K: Ord + Display>(old: &BTreeMap<K, EscalationPath>, new: &BTreeMap<K, EscalationPath>, shifts: &mut Vec<Shift>) {
    keyed(
        old,
        new,
        shifts,
        |name| narrower(format!("the escalation path `{name}` is new")),
        |name, was, is, shifts| {
            let before = shifts.len();
            if was.targets != is.targets {
                shifts.push(narrower(format!("the escalation path `{name}` is for other things")));
            }
            moved(&format!("the number of tiers of the escalation path `{name}`"), &was.tiers.len(), &is.tiers.len(), false, shifts);
            for (number, (was, is)) in (1..).zip(was.tiers.iter().zip(&is.tiers)) {
                let tier = format!("tier {number} of the escalation path `{name}`");
                if was.whom != is.whom {
                    shifts.push(narrower(format!("{tier} tells other people")));
                }
                moved(&format!("the time that {tier} has to answer"), &was.within, &is.within, false, shifts);
            }
            moved(&format!("how often the escalation path `{name}` is walked again"), &was.repeat, &is.repeat, false, shifts);
            let act = format!("how long whoever answered by the escalation path `{name}` may do nothing");
            moved(&act, &was.act_within, &is.act_within, false, shifts);
            if was.last_resort != is.last_resort {
                shifts.push(narrower(format!("the last resort of the escalation path `{name}` is another one")));
            }
            if was.quiet != is.quiet {
                shifts.push(narrower(format!("the quiet hours of the escalation path `{name}` are other ones")));
            }
            if was.otherwise != is.otherwise {
                let says = if is.otherwise { "now" } else { "no longer" };
                shifts.push(narrower(format!("the escalation path `{name}` is {says} for everything that has none")));
            }
            if shifts.len() == before {
                shifts.push(narrower(format!("the escalation path `{name}` has other titles")));
            }
        },
    );
    shifts.extend(gone(old, new, |name| narrower(format!("the escalation path `{name}` is gone"))));
}

/// Who is on call, in turns.
pub(super) fn rotations<K: Ord + Display, V: PartialEq>(old: &BTreeMap<K, V>, new: &BTreeMap<K, V>, shifts: &mut Vec<Shift>) {
    keyed(
        old,
        new,
        shifts,
        |name| narrower(format!("the rotation `{name}` is new")),
        |name, _, _, shifts| {
            shifts.push(narrower(format!("other people are on call in the rotation `{name}`, or at other times")));
        },
    );
    shifts.extend(gone(old, new, |name| narrower(format!("the rotation `{name}` is gone"))));
}

/// When people want nothing to move.
pub(super) fn freezes(old: &[Freeze], new: &[Freeze], shifts: &mut Vec<Shift>) {
    for freeze in old.iter().filter(|freeze| !new.contains(freeze)) {
        shifts.push(wider(format!("the freeze window `{}` is gone or another one", freeze.title)));
    }
    let titles: Vec<&String> = old.iter().map(|freeze| &freeze.title).collect();
    for freeze in new.iter().filter(|freeze| !titles.contains(&&freeze.title)) {
        shifts.push(narrower(format!("the freeze window `{}` is new", freeze.title)));
    }
}

/// Who may send signals.
pub(super) fn signals<K: Ord + Display, V: PartialEq>(old: &BTreeMap<K, V>, new: &BTreeMap<K, V>, shifts: &mut Vec<Shift>) {
    keyed(
        old,
        new,
        shifts,
        |name| wider(format!("`{name}` may now send signals")),
        |name, _, _, shifts| {
            shifts.push(wider(format!("how `{name}` sends signals changed")));
        },
    );
    shifts.extend(gone(old, new, |name| narrower(format!("`{name}` may no longer send signals"))));
}

/// How signals of no known format are read.
pub(super) fn mappings<V: PartialEq>(old: &BTreeMap<String, V>, new: &BTreeMap<String, V>, shifts: &mut Vec<Shift>) {
    keyed(
        old,
        new,
        shifts,
        |name| narrower(format!("the mapping `{name}` of signals is new")),
        |name, _, _, shifts| {
            shifts.push(wider(format!("the mapping `{name}` reads signals otherwise")));
        },
    );
    shifts.extend(gone(old, new, |name| narrower(format!("the mapping `{name}` of signals is gone"))));
}

/// When signals are expected and page nobody.
pub(super) fn maintenance(old: &[Maintenance], new: &[Maintenance], shifts: &mut Vec<Shift>) {
    for window in new.iter().filter(|window| !old.contains(window)) {
        shifts.push(narrower(format!("in the maintenance window `{}` signals page nobody", window.title)));
    }
    for window in old.iter().filter(|window| !new.contains(window)) {
        shifts.push(narrower(format!("the maintenance window `{}` is gone or another one", window.title)));
    }
}

/// Through which channels people are told. One that takes answers in place is another way for a person to say yes.
pub(super) fn notices(old: &Channels, new: &Channels, shifts: &mut Vec<Shift>) {
    keyed(
        &old.channels,
        &new.channels,
        shifts,
        |name| wider(format!("people are told by a new channel `{name}`")),
        |name, _, _, shifts| shifts.push(wider(format!("the channel `{name}` of notices is another one"))),
    );
    shifts.extend(gone(&old.channels, &new.channels, |name| narrower(format!("people are no longer told by `{name}`"))));
    keyed(
        &old.people,
        &new.people,
        shifts,
        |login| wider(format!("`{login}` has places in channels of notices")),
        |login, _, _, shifts| shifts.push(wider(format!("`{login}` has other places in channels of notices"))),
    );
    shifts.extend(gone(&old.people, &new.people, |login| narrower(format!("`{login}` has no place in any channel of notices"))));
}
