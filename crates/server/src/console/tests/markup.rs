//! Just enough of a reader of markup to say what a browser would see.

/// A start tag.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tag {
    /// Its name.
    pub name: String,
    /// Its attributes, in order.
    pub attributes: Vec<(String, String)>,
}

impl Tag {
    /// The value of an attribute.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }
}

/// Every start tag of a page. Every value must stand in double quotes, as our own renderer writes them.
pub(super) fn tags(page: &str) -> Vec<Tag> {
    let chars: Vec<char> = page.chars().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        if chars[at] != '<' {
            at += 1;
            continue;
        }
        at += 1;
        if chars[at] == '/' || chars[at] == '!' {
            while chars[at] != '>' {
                at += 1;
            }
            continue;
        }
        found.push(tag(&chars, &mut at));
    }
    found
}

fn tag(chars: &[char], at: &mut usize) -> Tag {
    let name = word(chars, at);
    assert!(!name.is_empty(), "a bare `<`");
    let mut attributes = Vec::new();
    loop {
        while chars[*at].is_whitespace() {
            *at += 1;
        }
        if chars[*at] == '>' {
            *at += 1;
            return Tag { name, attributes };
        }
        let attribute = word(chars, at);
        assert!(!attribute.is_empty(), "odd markup in `<{name}`");
        let mut value = String::new();
        if chars[*at] == '=' {
            assert_eq!(chars[*at + 1], '"', "a value without quotes in `<{name} {attribute}`");
            *at += 2;
            while chars[*at] != '"' {
                value.push(chars[*at]);
                *at += 1;
            }
            *at += 1;
        }
        attributes.push((attribute, value));
    }
}

fn word(chars: &[char], at: &mut usize) -> String {
    let start = *at;
    while !chars[*at].is_whitespace() && !matches!(chars[*at], '>' | '=' | '"' | '/') {
        *at += 1;
    }
    chars[start..*at].iter().collect()
}

#[test]
fn tags_are_read_with_their_attributes() {
    let found = tags("<!DOCTYPE html><p class=\"a b\" hidden>x &lt;b&gt;</p><br>");
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].get("class"), Some("a b"));
    assert_eq!(found[0].get("hidden"), Some(""));
    assert_eq!(found[1].name, "br");
}
