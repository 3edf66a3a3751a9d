//! What people decide in a rehearsal, and the words for it.

use lineclear_core::run::Resolution;

/// What a person does when a run waits for one, or is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// About a stuck run.
    Resolve(Resolution),
    /// Take back a run that is done.
    TakeBack,
}

impl Decision {
    /// Every decision with its word.
    pub(super) const WORDS: [(&'static str, Self); 9] = [
        ("retry", Self::Resolve(Resolution::Retry)),
        ("mark_applied", Self::Resolve(Resolution::MarkApplied)),
        ("mark_not_applied", Self::Resolve(Resolution::MarkNotApplied)),
        ("skip", Self::Resolve(Resolution::Skip)),
        ("continue", Self::Resolve(Resolution::Continue)),
        ("undo", Self::Resolve(Resolution::Undo)),
        ("abort", Self::Resolve(Resolution::Abort)),
        ("hand_over", Self::Resolve(Resolution::HandOver)),
        ("take_back", Self::TakeBack),
    ];

    /// As it is written.
    pub(super) fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, known)| *known == self).map_or("", |(word, _)| word)
    }
}

/// The word for what was decided about a stuck run.
pub(super) fn decided(resolution: Resolution) -> &'static str {
    Decision::Resolve(resolution).word()
}
