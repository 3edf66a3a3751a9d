//! Text from strangers: bounded, and without the characters that make a screen show what is not there.
//!
//! Control characters could forge a log line or move a cursor, bidirectional controls reorder what a person reads, and
//! invisible ones smuggle text past a person to a model. Each becomes U+FFFD, so that its place stays visible. The
//! zero-width joiner and non-joiner stay: Persian, Hindi and family emoji are written with them.

/// Stands where a character was taken out.
const REPLACEMENT: char = '\u{fffd}';
/// Ends a text that was cut.
const CUT: char = '…';

/// The text on one line of at most `max` characters: line breaks and tabs become blanks. A longer one ends in `…`.
pub fn one_line(text: &str, max: usize) -> String {
    bounded(text.chars().map(|c| if c.is_whitespace() { ' ' } else { harmless(c) }), max)
}

/// The text with its line breaks, of at most `max` characters. A longer one ends in `…`.
pub fn paragraph(text: &str, max: usize) -> String {
    let text = text.replace("\r\n", "\n");
    let shown = text.chars().map(|c| match c {
        '\n' => c,
        '\t' => ' ',
        other => harmless(other),
    });
    bounded(shown, max)
}

/// Whether the text would stay as it is on one line of at most `max` characters.
pub fn is_plain(text: &str, max: usize) -> bool {
    text.chars().nth(max).is_none() && text.chars().all(|c| harmless(c) == c)
}

fn bounded(mut chars: impl Iterator<Item = char>, max: usize) -> String {
    let mut text: String = chars.by_ref().take(max).collect();
    if chars.next().is_some() {
        text.pop();
        text.push(CUT);
    }
    text
}

fn harmless(c: char) -> char {
    if is_deceptive(c) { REPLACEMENT } else { c }
}

fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(input: &str, expected: &str) {
        assert_eq!(one_line(input, 10), expected, "{input:?}");
    }

    #[test]
    fn what_deceives_the_eye_is_replaced_and_what_is_too_long_is_cut() {
        check("plain", "plain");
        check("0123456789", "0123456789");
        check("0123456789a", "012345678…");
        check("a\nb\tc", "a b c");
        check("a\u{1b}[2J", "a\u{fffd}[2J");
        check("\u{202e}txt.exe", "\u{fffd}txt.exe");
        check("\u{e0041}\u{2066}\u{feff}", "\u{fffd}\u{fffd}\u{fffd}");
        check("می\u{200c}خواهم", "می\u{200c}خواهم");
    }

    #[test]
    fn a_paragraph_keeps_its_line_breaks_and_no_other_control() {
        assert_eq!(paragraph("a\r\nb\n\tc\rd\u{7}", 100), "a\nb\n c\u{fffd}d\u{fffd}");
    }

    proptest! {
        #[test]
        fn any_text_comes_out_short_and_plain(input in any::<String>(), max in 1_usize..40) {
            prop_assert!(is_plain(&one_line(&input, max), max));
            prop_assert!(is_plain(&paragraph(&input, max).replace('\n', " "), max));
        }
    }
}
