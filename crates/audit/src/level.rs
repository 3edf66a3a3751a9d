//! How much human authority an answer asks for, comparable between estates whose ladders differ.

use lineclear_core::authority::{Authority, Rung};
use lineclear_core::name::RungName;
use lineclear_core::verdict::Verdict;

/// Where on the ladder an answer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// This rung, counted from the lowest.
    Rung(usize),
    /// No rung at all: denied.
    Never,
}

/// How an answer of today stands to one of then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Course {
    /// Today asks for less: autonomy grew.
    Wider,
    /// Neither asks for all that the other does: the ladders differ.
    Sideways,
    /// Today asks for more.
    Narrower,
}

impl Level {
    /// Where a verdict stands; none when the ladder has no such rung.
    pub fn of(verdict: &Verdict, authority: &Authority) -> Option<Self> {
        match verdict {
            Verdict::Clear { .. } => Some(Self::Rung(0)),
            Verdict::NeedsApproval { rung, .. } => Self::named(rung, authority),
            Verdict::Denied { .. } => Some(Self::Never),
        }
    }

    fn named(rung: &RungName, authority: &Authority) -> Option<Self> {
        authority.rungs.iter().position(|one| one.name == *rung).map(Self::Rung)
    }

    /// What people read: the rung's name.
    pub fn word(self, authority: &Authority) -> String {
        match self {
            Self::Rung(at) => authority.rungs.get(at).map_or_else(|| format!("rung {at}"), |rung| rung.name.to_string()),
            Self::Never => "denied".into(),
        }
    }

    /// The rung that is asked for; none when no approval helps.
    fn rung(self, authority: &Authority) -> Option<&Rung> {
        match self {
            Self::Rung(at) => authority.rungs.get(at),
            Self::Never => None,
        }
    }
}

/// How today's level under today's ladder stands to that of then; none when they ask for the same.
pub(crate) fn course(then: (Level, &Authority), now: (Level, &Authority)) -> Option<Course> {
    match (then.0.rung(then.1), now.0.rung(now.1)) {
        (None, None) => None,
        (None, Some(_)) => Some(Course::Wider),
        (Some(_), None) => Some(Course::Narrower),
        (Some(then), Some(now)) => match (now.met_by(&then.brings()), then.met_by(&now.brings())) {
            (true, true) => None,
            (true, false) => Some(Course::Wider),
            (false, true) => Some(Course::Narrower),
            (false, false) => Some(Course::Sideways),
        },
    }
}

impl std::fmt::Display for Course {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Wider => "wider",
            Self::Sideways => "sideways",
            Self::Narrower => "narrower",
        })
    }
}
