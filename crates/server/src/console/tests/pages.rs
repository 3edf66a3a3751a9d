//! Every page from its samples: as it is, and under attack.

use super::markup::{Tag, tags};
use crate::console::sample::{HOSTILE, Voice, pages};

const PLAIN: Voice = Voice { hostile: false };
const ATTACKED: Voice = Voice { hostile: true };

/// One tag on a line, so that a difference can be read; versions of assets move with every edit of a style.
fn on_lines(page: &str) -> String {
    let version = crate::console::asset::address("").replace("/assets/", "").replace('/', "");
    page.replace("><", ">\n<").replace(&version, "VERSION")
}

#[test]
fn every_page_looks_as_it_did() {
    for (name, page) in pages(PLAIN) {
        insta::assert_snapshot!(name, on_lines(&page.into_string()));
    }
}

fn check_tag(page: &str, tag: &Tag) {
    for (name, value) in &tag.attributes {
        assert!(name != "style" && !name.starts_with("on"), "{page}: <{} {name}=\"{value}\">", tag.name);
        assert!(!value.contains(['<', '>']), "{page}: <{} {name}=\"{value}\">", tag.name);
        let leads = matches!(name.as_str(), "href" | "src" | "action" | "hx-get" | "hx-sse:connect");
        assert!(!leads || value.starts_with(['/', '#']) || value.is_empty(), "{page}: <{} {name}=\"{value}\">", tag.name);
    }
    assert!(tag.name != "style", "{page}");
    if tag.name == "script" {
        assert!(tag.get("nonce") == Some("5eed5eed") && tag.get("src").is_some(), "{page}: {tag:?}");
    }
    if tag.attributes.iter().any(|(name, _)| name.starts_with("hx-")) {
        assert_eq!(tag.get("hx-nonce"), Some("5eed5eed"), "{page}: {tag:?}");
    }
}

#[test]
fn no_text_of_others_becomes_markup_on_any_page() {
    for ((name, plain), (_, attacked)) in pages(PLAIN).into_iter().zip(pages(ATTACKED)) {
        let attacked = attacked.into_string();
        assert!(!attacked.contains(HOSTILE) && !attacked.contains("alert(1)</script>"), "{name}");
        for odd in ['\u{202e}', '\0', '\u{200b}'] {
            assert!(!attacked.contains(odd), "{name} holds {odd:?}");
        }
        for tag in tags(&attacked) {
            check_tag(name, &tag);
            assert!(tag.name != "img" || tag.get("src").is_some_and(|src| src.ends_with("/icon.svg")), "{name}: {tag:?}");
        }
        assert_eq!(
            tags(&attacked).iter().filter(|tag| tag.name == "script").count(),
            tags(&plain.into_string()).iter().filter(|tag| tag.name == "script").count()
        );
    }
}

#[test]
fn every_page_can_be_read_without_seeing_it() {
    for (name, page) in pages(PLAIN) {
        let page = page.into_string();
        let all = tags(&page);
        let ids: Vec<&str> = all.iter().filter_map(|tag| tag.get("id")).collect();
        assert_eq!(ids.len(), ids.iter().collect::<std::collections::BTreeSet<_>>().len(), "{name}: an id is there twice");
        for tag in &all {
            for points in ["aria-labelledby", "for"] {
                assert!(tag.get(points).is_none_or(|id| ids.contains(&id)), "{name}: {tag:?}");
            }
            let control = matches!(tag.name.as_str(), "textarea") || (tag.name == "input" && tag.get("type") == Some("text"));
            assert!(!control || all.iter().any(|label| label.name == "label" && label.get("for") == tag.get("id")), "{name}: {tag:?}");
            assert!(tag.name != "section" || tag.get("aria-labelledby").is_some(), "{name}: {tag:?}");
        }
        assert_eq!(all.iter().filter(|tag| tag.name == "h1").count(), 1, "{name}");
        assert_eq!(all.iter().filter(|tag| tag.name == "main").count(), 1, "{name}");
    }
}

#[test]
fn no_button_is_pressed_by_enter_and_rejecting_is_always_possible() {
    for name in ["change_signed", "change_session", "change_recused", "change_again"] {
        let page = pages(PLAIN).into_iter().find(|(given, _)| *given == name).unwrap().1.into_string();
        assert!(page.contains("/reject\""), "{name}");
        let (_, bar) = page.split_once("id=\"decide\"").unwrap();
        for form in bar.split("<form").skip(1) {
            let form = form.split("</form>").next().unwrap();
            let first = tags(form.split_once('>').unwrap().1).into_iter().find(|tag| tag.name == "button").unwrap();
            let typed = form.contains("type=\"text\"");
            assert!(!typed || first.attributes.iter().any(|(name, _)| name == "disabled"), "{name}: {form}");
        }
    }
}

#[test]
fn who_may_not_approve_finds_no_button_for_it() {
    let page = |name: &str| pages(PLAIN).into_iter().find(|(given, _)| *given == name).unwrap().1.into_string();
    assert!(!page("change_recused").contains("/approve\""));
    assert!(!page("change_signed").contains("/approve\""), "a signature is asked, and a page cannot give one");
    assert!(page("change_signed").contains("lineclear approve change_0193f0c4a1007a3e8b11d2c300000001 --key FILE"));
    assert!(page("change_session").contains("/approve\"") && !page("change_session").contains("name=\"confirm\""));
    assert!(page("change_refused").contains("name=\"confirm\"") && page("change_refused").contains("seen it myself"));
}

/// Writes every page with its assets into the temporary directory `lineclear-console`, for people to look at in a browser.
#[test]
fn console_gallery() {
    let gallery = std::env::temp_dir().join("lineclear-console");
    std::fs::create_dir_all(&gallery).unwrap();
    let assets = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets");
    for name in ["console.css", "icon.svg"] {
        std::fs::copy(assets.join(name), gallery.join(name)).unwrap();
    }
    for (voice, prefix) in [(PLAIN, ""), (ATTACKED, "attacked_")] {
        for (name, page) in pages(voice) {
            let page = page.into_string().replace(&crate::console::asset::address(""), "");
            std::fs::write(gallery.join(format!("{prefix}{name}.html")), page).unwrap();
        }
    }
    println!("{} pages in {}", 2 * pages(PLAIN).len(), gallery.display());
}
