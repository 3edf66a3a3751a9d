//! What stands around every page: head, navigation, banners, foot.

use lineclear_core::Timestamp;
use lineclear_core::posture::Posture;
use maud::{DOCTYPE, Markup, html};

use super::asset::address;
use super::moment;
use super::shown::{Shown, flat};

/// How htmx is set up: two extensions, no indicator styles, nothing evaluated. The event stream is closed while the tab
/// is hidden, and opened again with everything asked anew.
const HTMX: &str = r#"{"extensions":"hx-csp,sse","includeIndicatorCSS":false,"history":false}"#;

/// What a page knows of its reader and of the installation.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    /// The number that this response's scripts and htmx attributes carry.
    pub nonce: String,
    /// When the page is made.
    pub now: Timestamp,
    /// The reader's name.
    pub person: String,
    /// The estate's title.
    pub estate: String,
    /// The autonomy that remains.
    pub posture: Posture,
    /// Whether the estate is simulated.
    pub simulated: bool,
    /// The emergencies in force.
    pub emergencies: Vec<Alarm>,
    /// How many reviews are open of emergencies that are over.
    pub reviews: usize,
}

/// What every page says of an emergency in force.
#[derive(Debug, Clone)]
pub(super) struct Alarm {
    /// Where it is shown.
    pub path: String,
    /// What it covers.
    pub scope: String,
    /// Who declared it.
    pub by: String,
    /// Until when, at the longest.
    pub until: Timestamp,
}

/// Where a page stands in the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// What waits.
    Inbox,
    /// Incidents.
    Incidents,
    /// Emergencies.
    Emergencies,
    /// The ledger.
    Ledger,
    /// Policy, ladder, catalogue.
    Policy,
    /// The reader's own keys; reached by their name.
    Keys,
}

const PLACES: [(Place, &str, &str); 5] = [
    (Place::Inbox, "/", "Inbox"),
    (Place::Incidents, "/incidents", "Incidents"),
    (Place::Emergencies, "/emergencies", "Emergencies"),
    (Place::Ledger, "/ledger", "Ledger"),
    (Place::Policy, "/policy", "Policy"),
];

/// A whole page. `bar` is what stays fixed at its foot while somebody has to decide.
pub(super) fn page(frame: &Frame, place: Place, title: &str, body: &Markup, bar: Option<&Markup>) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (flat(title)) " · Lineclear" }
                link rel="icon" type="image/svg+xml" href=(address("icon.svg"));
                link rel="stylesheet" href=(address("console.css"));
                meta name="htmx-config" content=(HTMX);
                script nonce=(frame.nonce) src=(address("htmx.min.js")) defer {}
                script nonce=(frame.nonce) src=(address("hx-csp.min.js")) defer {}
                script nonce=(frame.nonce) src=(address("hx-sse.min.js")) defer {}
                script nonce=(frame.nonce) src=(address("passkey.js")) defer {}
            }
            body.deciding[bar.is_some()] {
                a.skip href="#main" { "Skip to the page" }
                (top(frame, place))
                (banners(frame))
                div #live hidden hx-nonce=(frame.nonce) hx-sse:connect="/api/v1/events" {}
                main #main tabindex="-1" { (body) }
                footer.foot {
                    "Made " (moment::exact(frame.now)) ". Times are UTC. This page is asked for again when something moves; without scripts, load it again yourself."
                }
                @if let Some(bar) = bar { (bar) }
            }
        }
    }
}

fn top(frame: &Frame, place: Place) -> Markup {
    html! {
        header.top {
            div.top-in {
                a.brand href="/" { img src=(address("icon.svg")) alt="" width="24" height="24"; "Lineclear" }
                nav aria-label="Pages" {
                    @for (this, path, name) in PLACES {
                        a href=(path) aria-current=[(this == place).then_some("page")] { (name) }
                    }
                }
                div.who {
                    a href="/keys" aria-current=[(place == Place::Keys).then_some("page")] title="Your keys" { (Shown(&frame.person)) }
                    form method="post" action="/sign-out" { button.plain type="submit" { "Sign out" } }
                }
            }
        }
    }
}

fn banners(frame: &Frame) -> Markup {
    html! {
        @if frame.simulated {
            p.banner.simulated { strong { "Simulated." } " " (Shown(&frame.estate)) " is not real; nothing here touches production." }
        }
        @for alarm in &frame.emergencies {
            p.banner.emergency role="alert" {
                strong { "Emergency in force" } " for " (Shown(&alarm.scope)) ", declared by " (Shown(&alarm.by)) ", until " (moment::exact(alarm.until)) ". Everything done under it is flagged. "
                a href=(alarm.path) { "Look at it, or end it" }
            }
        }
        @if frame.reviews > 0 {
            p.banner.posture role="status" {
                a href="/emergencies" { (frame.reviews) @if frame.reviews == 1 { " emergency waits" } @else { " emergencies wait" } " for a review" } " by somebody else than who began it."
            }
        }
        @match frame.posture {
            Posture::Full => {}
            Posture::RoutineOnly => { p.banner.posture role="status" { strong { "Posture: routine only." } " Everything that is not routine needs a person." } }
            Posture::AdviseOnly => { p.banner.posture role="status" { strong { "Posture: advise only." } " Agents propose; nothing starts without a person." } }
            Posture::Stopped => { p.banner.stopped role="status" { strong { "Posture: stopped." } " Nothing starts at all." } }
        }
    }
}

/// A page for somebody who is not signed in, or whose page could not be made: a title and words, nothing around them.
pub(crate) fn bare(title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (flat(title)) " · Lineclear" }
                link rel="icon" type="image/svg+xml" href=(address("icon.svg"));
                link rel="stylesheet" href=(address("console.css"));
            }
            body.plain-page {
                main #main {
                    h1 { (Shown(title)) }
                    (body)
                }
            }
        }
    }
}

/// A part of a page that asks for itself again: at once when the event stream (re)connects, when one of these streams
/// moves, and now and then, because ages grow while nothing moves.
pub(super) fn part(frame: &Frame, id: &str, path: &str, streams: &[String], body: &Markup) -> Markup {
    html! {
        div id=(id) hx-nonce=(frame.nonce) hx-get=(path) hx-trigger=(trigger(streams)) hx-swap="innerMorph" { (body) }
    }
}

/// When a part is asked for again; no names mean anything that moves.
pub(super) fn trigger(streams: &[String]) -> String {
    let moved = if streams.is_empty() { vec!["htmx:sse:after:message".to_owned()] } else { streams.to_vec() };
    let mut all: Vec<String> = moved.iter().chain([&"missed".to_owned()]).map(|name| format!("{name} from:#live throttle:1s")).collect();
    all.push("htmx:sse:after:connection from:#live".into());
    all.push("every 20s".into());
    all.join(", ")
}
