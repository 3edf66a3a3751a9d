//! Text that others wrote, with nothing hidden in it. Markup is escaped; characters that cannot be seen, that turn the
//! reading direction, or that pass for others are shown as their code. Nothing is cut off.

use maud::Render;

/// Text that others wrote.
pub(super) struct Shown<'a>(pub &'a str);

impl Render for Shown<'_> {
    fn render_to(&self, page: &mut String) {
        let mut word = String::new();
        for c in self.0.chars() {
            if c.is_alphanumeric() {
                word.push(c);
                continue;
            }
            push_word(page, &word);
            word.clear();
            match Oddity::of(c) {
                None => push(page, c),
                Some(oddity) => push_odd(page, c, oddity),
            }
        }
        push_word(page, &word);
    }
}

/// Why a character is marked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Oddity {
    /// It cannot be seen.
    Unseen,
    /// It passes for another.
    Alike,
}

impl Oddity {
    fn of(c: char) -> Option<Self> {
        match c {
            '\n' | '\t' | ' ' => None,
            '\0'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{17b4}'
            | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffd}'
            | '\u{e000}'..='\u{f8ff}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{10ffff}'
            // Spaces that are none to a program.
            | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => Some(Self::Unseen),
            '\u{2010}'..='\u{2012}'
            | '\u{2024}'
            | '\u{2044}'
            | '\u{2212}'
            | '\u{2215}'
            | '\u{2216}'
            | '\u{2236}'
            | '\u{29f8}'
            | '\u{a789}'
            | '\u{ff00}'..='\u{ffef}' => Some(Self::Alike),
            _ => None,
        }
    }
}

/// A letter that is drawn for another: mathematical, full-width, enclosed.
fn is_costume(c: char) -> bool {
    matches!(c, '\u{ff10}'..='\u{ff5a}' | '\u{1d400}'..='\u{1d7ff}' | '\u{2460}'..='\u{24ff}' | '\u{2100}'..='\u{214f}' | '\u{1f130}'..='\u{1f189}')
}

/// A letter of a script that shares shapes with Latin: Greek, Cyrillic, Armenian, Cherokee.
fn is_lookalike(c: char) -> bool {
    matches!(c, '\u{370}'..='\u{3ff}' | '\u{400}'..='\u{52f}' | '\u{530}'..='\u{58f}' | '\u{13a0}'..='\u{13ff}' | '\u{1f00}'..='\u{1fff}' | '\u{2c80}'..='\u{2cff}' | '\u{ab70}'..='\u{abbf}')
}

/// Cyrillic and Greek letters that nobody tells from Latin ones.
const TWINS: &str = "АВЕЅІЈКМНОРСТУХасеоѕірхуіјһԁԛԝӏΑΒΕΖΗΙΚΜΝΟΡΤΥΧοναρυ";

/// A word of letters and digits. Letters of another script are marked where Latin ones or digits stand beside them, and
/// where a whole word is made of twins.
fn push_word(page: &mut String, word: &str) {
    let mixed = word.chars().any(|c| c.is_ascii_alphanumeric()) && word.chars().any(is_lookalike);
    let twins = !word.is_empty() && word.chars().all(|c| TWINS.contains(c));
    for c in word.chars() {
        if is_costume(c) || (is_lookalike(c) && (mixed || twins)) {
            push_odd(page, c, Oddity::Alike);
        } else if Oddity::of(c).is_some() {
            push_odd(page, c, Oddity::Unseen);
        } else {
            push(page, c);
        }
    }
}

fn push_odd(page: &mut String, c: char, oddity: Oddity) {
    let code = u32::from(c);
    let why = match oddity {
        Oddity::Unseen => "a character that cannot be seen",
        Oddity::Alike => "a character that looks like another",
    };
    page.extend(["<span class=\"odd\" title=\"", why, "\">"]);
    if oddity == Oddity::Alike {
        push(page, c);
        page.push(' ');
    }
    page.extend([format!("U+{code:04X}"), "</span>".to_owned()]);
}

fn push(page: &mut String, c: char) {
    match c {
        '&' => page.push_str("&amp;"),
        '<' => page.push_str("&lt;"),
        '>' => page.push_str("&gt;"),
        '"' => page.push_str("&quot;"),
        '\'' => page.push_str("&#39;"),
        c => page.push(c),
    }
}

/// The same for places that hold no markup, such as a page's title: odd characters by their code alone.
pub(super) fn flat(text: &str) -> String {
    let one = |c: char| if Oddity::of(c).is_some() || is_costume(c) { format!("[U+{:04X}]", u32::from(c)) } else { c.to_string() };
    text.chars().map(one).collect()
}

/// JSON on lines, for people, with what is odd in it marked.
pub(super) fn lines(value: &serde_json::Value) -> String {
    if let serde_json::Value::String(text) = value { text.clone() } else { serde_json::to_string_pretty(value).unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let plain = Shown(text)
            .render()
            .into_string()
            .replace("<span class=\"odd\" title=\"a character that cannot be seen\">", "[")
            .replace("<span class=\"odd\" title=\"a character that looks like another\">", "[~")
            .replace("</span>", "]");
        assert_eq!(plain, expected, "{text:?}");
    }

    #[test]
    fn markup_is_text() {
        check("<b onclick='x()'>&\"", "&lt;b onclick=&#39;x()&#39;&gt;&amp;&quot;");
        check("<!-- </script>", "&lt;!-- &lt;/script&gt;");
    }

    #[test]
    fn what_cannot_be_seen_is_shown() {
        check("abc\u{202e}fed", "abc[U+202E]fed");
        check("a\0b\u{1b}[0m\r\n", "a[U+0000]b[U+001B][0m[U+000D]\n");
        check("no\u{a0}break\u{200b}", "no[U+00A0]break[U+200B]");
        check("\u{feff}\u{2066}\u{e0041}\u{3164}", "[U+FEFF][U+2066][U+E0041][U+3164]");
    }

    #[test]
    fn what_passes_for_another_is_shown() {
        check("ex\u{430}mple.test", "ex[~\u{430} U+0430]mple.test");
        check("\u{440}\u{430}\u{443}", "[~\u{440} U+0440][~\u{430} U+0430][~\u{443} U+0443]");
        check("zone\u{2215}x", "zone[~\u{2215} U+2215]x");
        check("\u{ff41}\u{1d41a}", "[~\u{ff41} U+FF41][~\u{1d41a} U+1D41A]");
    }

    #[test]
    fn plain_words_of_any_language_stay_as_they_are() {
        for text in ["größer als nötig", "Привет мир", "Ωμέγα", "日本語のテキスト", "naïve – “quoted” … €5"]
        {
            check(text, text);
        }
    }
}
