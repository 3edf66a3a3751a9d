//! How far a program is boxed in.

use std::fmt;

use lineclear_core::sandbox::Sandbox;
use serde::{Deserialize, Serialize};

/// The least landlock that bounds files, TCP and signals: Linux 6.12. Below it some of the three are open.
const LANDLOCK_WHOLE: u8 = 6;

/// What holds for a program that the runner starts. Each member is a fact that was tried, never a wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// No core files, bounded files and open files, and no privileges by set-user-id programs.
    pub limits: bool,
    /// The landlock version that is enforced: files from 1, TCP ports from 4, signals and abstract sockets from 6; 0 is none.
    pub landlock: u8,
    /// System calls that administer the machine, and sockets that are not allowed, are refused.
    pub seccomp: bool,
    /// A control group of its own (version 2), which ends with everything in it.
    pub cgroup: bool,
}

impl Level {
    /// Nothing at all.
    pub const NONE: Self = Self { limits: false, landlock: 0, seccomp: false, cgroup: false };

    /// Whether everything holds that this version knows.
    pub const fn whole(self) -> bool {
        self.limits && self.landlock >= LANDLOCK_WHOLE && self.seccomp && self.cgroup
    }

    /// Whether it is at least what is demanded.
    pub const fn meets(self, demand: Sandbox) -> bool {
        match demand {
            Sandbox::Limited => self.limits,
            Sandbox::Confined => self.limits && self.landlock >= LANDLOCK_WHOLE && self.seccomp,
            Sandbox::Whole => self.whole(),
        }
    }

    /// Whether all of `other` holds here too.
    pub const fn covers(self, other: Self) -> bool {
        (self.limits || !other.limits)
            && self.landlock >= other.landlock
            && (self.seccomp || !other.seccomp)
            && (self.cgroup || !other.cgroup)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let landlock = (self.landlock > 0).then(|| format!("landlock {}", self.landlock));
        let word = |holds: bool, word: &str| holds.then(|| word.to_owned());
        let parts = [word(self.limits, "limits"), landlock, word(self.seccomp, "seccomp"), word(self.cgroup, "control group")];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        f.write_str(&if parts.is_empty() { "none".to_owned() } else { parts.join(", ") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_demand_is_met_by_what_holds_and_by_nothing_less() {
        let confined = Level { limits: true, landlock: 6, seccomp: true, cgroup: false };
        let met = |level: Level| Sandbox::WORDS.map(|(_, demand)| level.meets(demand));
        assert_eq!(met(Level::NONE), [false, false, false]);
        assert_eq!(met(Level { limits: true, ..Level::NONE }), [true, false, false]);
        assert_eq!(met(Level { landlock: 5, ..confined }), [true, false, false]);
        assert_eq!(met(Level { seccomp: false, ..confined }), [true, false, false]);
        assert_eq!(met(confined), [true, true, false]);
        assert_eq!(met(Level { cgroup: true, ..confined }), [true, true, true]);
        assert_eq!(met(Level { limits: false, cgroup: true, ..confined }), [false, false, false]);
    }

    #[test]
    fn a_level_covers_what_is_not_more() {
        let full = Level { limits: true, landlock: 7, seccomp: true, cgroup: true };
        assert!(full.whole() && full.covers(full) && full.covers(Level::NONE) && !Level::NONE.covers(full));
        for less in [
            Level { limits: false, ..full },
            Level { landlock: 5, ..full },
            Level { seccomp: false, ..full },
            Level { cgroup: false, ..full },
        ] {
            assert!(!less.whole() && !less.covers(full) && full.covers(less), "{less}");
        }
        assert_eq!(full.to_string(), "limits, landlock 7, seccomp, control group");
        assert_eq!(Level::NONE.to_string(), "none");
    }
}
