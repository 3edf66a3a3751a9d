//! What every kind of channel says alike: one title, and the lines as text.

use lineclear_core::notice::{Notice, Urgency};

use super::{Act, Parcel};

/// The title; for an edit, with what became of it.
pub(super) fn title(parcel: &Parcel<'_>) -> String {
    let notice = &parcel.order.notice;
    match &parcel.act {
        Act::Send => notice.title.clone(),
        Act::Edit { .. } => format!("{}: {}", settled(&parcel.act), notice.title),
    }
}

/// What became of it, in a few words; nothing for a message that is sent.
pub(super) fn settled(act: &Act<'_>) -> String {
    match act {
        Act::Send => String::new(),
        Act::Edit { settlement, by, .. } => {
            let word = settlement.how.word();
            let mut text: String = word.chars().take(1).flat_map(char::to_uppercase).chain(word.chars().skip(1)).collect();
            if let Some(by) = by {
                text.push_str(" by ");
                text.push_str(by);
            }
            text
        }
    }
}

/// The whole message as plain text.
pub(super) fn text(parcel: &Parcel<'_>, link: &str) -> String {
    let notice = &parcel.order.notice;
    let mut lines = Vec::new();
    if let Act::Edit { .. } = parcel.act {
        lines.push(format!("{}. There is nothing left to answer here.", settled(&parcel.act)));
        lines.push(String::new());
    }
    lines.extend(notice.lines.iter().map(|line| format!("{}: {}", line.label, line.text)));
    if let Some(words) = &notice.check_words {
        lines.push(format!("Check words: {words}"));
    }
    lines.push(String::new());
    lines.push(format!("{}: {link}", open(notice)));
    lines.join("\n")
}

/// What the link is for.
pub(super) fn open(notice: &Notice) -> &'static str {
    if notice.answer.is_some() || notice.check_words.is_some() { "Look and answer" } else { "Look" }
}

/// How severe that is in `PagerDuty`'s words.
pub(super) const fn severity(urgency: Urgency) -> &'static str {
    match urgency {
        Urgency::Low => "info",
        Urgency::Normal => "warning",
        Urgency::High => "critical",
    }
}
