//! Whether a step is tried again: how often, after which waits, and after what kind of failure.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::plan::EffectClass;
use crate::run::Applied;
use crate::time::Span;

/// A kind of failure after which a step may be tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryOn {
    /// Nothing was changed: the tool says so, or a look after the runner was fenced does.
    NotApplied,
    /// Something was, or may have been; only for calls whose end state is the same however often they are made.
    Partly,
}

/// When a step is tried again. An attempt that no runner ever started counts for nothing here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// How often it may be started, the first time included.
    pub attempts: u8,
    /// How long to wait before the second start, the third, and so on; the last wait stands for all later ones, none for no wait.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits: Vec<Span>,
    /// After which failures.
    #[serde(default = "clean", skip_serializing_if = "is_clean")]
    pub on: BTreeSet<RetryOn>,
}

fn clean() -> BTreeSet<RetryOn> {
    BTreeSet::from([RetryOn::NotApplied])
}

fn is_clean(on: &BTreeSet<RetryOn>) -> bool {
    *on == clean()
}

impl Default for Retry {
    /// Tried once.
    fn default() -> Self {
        Self::times(1)
    }
}

impl Retry {
    /// So many starts in all, at once one after the other, while nothing was changed.
    pub fn times(attempts: u8) -> Self {
        Self { attempts, waits: Vec::new(), on: clean() }
    }

    /// How long to wait when it was started so often.
    pub fn wait(&self, starts: u32) -> Span {
        let nth = usize::try_from(starts.saturating_sub(1)).unwrap_or(usize::MAX);
        self.waits.get(nth).or(self.waits.last()).copied().filter(|_| starts > 0).unwrap_or_default()
    }

    /// Whether this kind of failure is one of those. A call that nothing protects is never sent again while it may have been
    /// applied, whatever is written.
    pub fn covers(&self, applied: Applied, effect: EffectClass) -> bool {
        match applied {
            Applied::No => self.on.contains(&RetryOn::NotApplied),
            Applied::Partly => self.on.contains(&RetryOn::Partly) && matches!(effect, EffectClass::Converge | EffectClass::Read),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_wait_stands_for_all_later_ones() {
        let retry = Retry { waits: vec![Span::from_secs(1), Span::from_secs(5)], ..Retry::times(5) };
        assert_eq!([0, 1, 2, 3, 9].map(|starts| retry.wait(starts).as_secs()), [0, 1, 5, 5, 5]);
        assert_eq!(Retry::times(3).wait(2), Span::ZERO);
    }

    #[test]
    fn what_may_have_been_applied_is_sent_again_only_where_the_end_is_the_same() {
        let both = Retry { on: BTreeSet::from([RetryOn::NotApplied, RetryOn::Partly]), ..Retry::times(2) };
        for (effect, expected) in [
            (EffectClass::Read, true),
            (EffectClass::Converge, true),
            (EffectClass::Cas, false),
            (EffectClass::Keyed, false),
            (EffectClass::Once, false),
        ] {
            assert_eq!(both.covers(Applied::Partly, effect), expected, "{effect:?}");
            assert!(both.covers(Applied::No, effect), "{effect:?}");
            assert!(!Retry::times(2).covers(Applied::Partly, effect), "{effect:?}");
        }
        let never = Retry { on: BTreeSet::new(), ..Retry::times(2) };
        assert!(!never.covers(Applied::No, EffectClass::Read));
    }

    #[test]
    fn a_plain_retry_is_written_as_it_always_was() {
        assert_eq!(serde_json::to_value(Retry::times(2)).unwrap(), serde_json::json!({ "attempts": 2 }));
        assert_eq!(serde_json::from_value::<Retry>(serde_json::json!({ "attempts": 2 })).unwrap(), Retry::times(2));
    }
}
