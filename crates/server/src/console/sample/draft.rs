//! Drafted runbooks, in samples.

use lineclear_core::patch::{self, Patch, Played, Review};
use lineclear_core::permission::Permissions;
use lineclear_core::record::Stream;
use lineclear_core::revision::How;
use lineclear_core::situation::Actor;
use lineclear_engine::{Moment, PatchView};
use maud::Markup;

use super::dossier::digest;
use super::{Voice, before, frame, id};
use crate::console::draft::{self, Line, Page};
use crate::console::frame::{Place, page};
use crate::difference::Differing;

/// A draft of which one test does not hold, with everything that its drafter wrote.
fn the_draft(voice: Voice) -> Page {
    let mut permissions = Permissions::none();
    permissions.add(&"http".parse().unwrap(), "service", voice.say("caches"));
    let played = |name: &str, fault: Option<&str>| Played {
        name: voice.say(name),
        fault: fault.map(|fault| voice.say(fault)),
        plan: vec![voice.say("warm: http method=\"POST\" path=\"/caches/www/warm\" service=\"caches\"")],
    };
    let review = Review {
        runbook: "warm-cache".parse().unwrap(),
        title: voice.say("Warm a cache"),
        owner: "edge".parse().unwrap(),
        digest: digest("runbook"),
        permissions,
        warnings: vec![voice.say("no action uses it")],
        tests: vec![played("it warms", None), played("it stays cold", Some("expected `undone`, found `done`"))],
        unrehearsed: vec!["warm".parse().unwrap()],
    };
    let text = voice.say("runbook: v1\nid: warm-cache\ndeadline: 5m\n");
    let patch = Patch {
        id: id("patch", 1),
        by: Actor::Agent(id("agent", 1)),
        how: How::Changed,
        base: digest("estate"),
        text: text.clone(),
        note: voice.say("the third time this week"),
        incident: Some(id("incident", 1)),
        review: Box::new(review),
        offered: before(900),
        state: patch::State::Offered,
        since: before(900),
    };
    let file = Differing { path: voice.say("runbooks/warm-cache.yaml"), how: How::Changed, text, cut: true };
    let moment = Moment {
        at: before(900),
        by: patch.by,
        name: voice.say("triage-agent"),
        stream: Stream::Patch(patch.id),
        kind: "patch.offered/1".into(),
        index: 41,
        says: voice.say("triage-agent drafted runbook `warm-cache` with 2 tests, of which 1 hold. Nothing runs it."),
    };
    let view = PatchView { word: "offered", replaces: Some(voice.say("runbook: v1")), timeline: vec![moment], patch };
    Page { by: voice.say("triage-agent"), file: Some(file), refused: None, view }
}

/// Every page about drafts, by name.
pub(super) fn pages(voice: Voice) -> Vec<(&'static str, Markup)> {
    let plain = frame(voice);
    let line = |number, word: &str| Line {
        id: id("patch", number),
        word: word.into(),
        title: voice.say("draft of runbook `warm-cache`"),
        begun: before(900),
    };
    let drafts = [line(1, "offered"), line(2, "taken_up"), line(3, "declined"), line(4, "lapsed")];
    let listed = |lines: &[Line]| page(&plain, Place::Policy, "Drafted runbooks", &draft::listed(&plain, lines), None);
    vec![("drafts", listed(&drafts)), ("drafts_none", listed(&[])), ("draft", draft::render(&plain, &the_draft(voice)))]
}
