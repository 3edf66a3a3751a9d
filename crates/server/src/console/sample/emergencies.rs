//! Emergencies in samples: one in force with its banner, and one that waits for its review.

use lineclear_core::Span;
use lineclear_core::emergency::{Act, Emergency, Ending, Origin, Rules, Scope, State};
use lineclear_core::record::Stream;
use lineclear_core::situation::Actor;
use lineclear_engine::{EmergencyView, Moment};

use super::{Voice, after, before, frame, id};
use crate::console::emergency::{Line, List, One};
use crate::console::frame::{Alarm, Frame};
use crate::{Code, Problem};

/// The frame of every page while an emergency is in force.
pub(super) fn alarmed(voice: Voice) -> Frame {
    let alarm = Alarm {
        path: "/emergencies/emergency_0193f0c4a1007a3e8b11d2c300000001".into(),
        scope: voice.say("the whole estate"),
        by: voice.say("dave"),
        until: after(3_000),
    };
    Frame { emergencies: vec![alarm], reviews: 1, ..frame(voice) }
}

/// The list, after a declaration that was refused.
pub(super) fn the_emergencies(voice: Voice) -> List {
    let line = |number, word: &str, title: &str, ago| Line {
        id: id("emergency", number),
        word: word.into(),
        title: voice.say(title),
        begun: before(ago),
    };
    List {
        lines: vec![
            line(1, "in_force", "emergency for the whole estate", 600),
            line(2, "in_review", "glass broken for pool.drain_host on host/web-1", 90_000),
            line(3, "reviewed", "emergency for service/shop", 900_000),
        ],
        reviews: 2,
        rules: Some(Rules { longest: Span::from_secs(4 * 3_600), open_reviews: 2, roles: ["incident-commander".parse().unwrap()].into() }),
        services: vec!["service/shop".parse().unwrap(), "service/www".parse().unwrap()],
        notice: Some(Problem::with(
            Code::Unreviewed,
            voice.say("2 reviews of earlier emergencies are open, and this estate lets 2 stand open: close one first"),
        )),
    }
}

/// One in force, or one that is over and was begun by the reader.
pub(super) fn one_emergency(voice: Voice, over: bool) -> One {
    let ending = Ending::Ended { by: id("operator", 4), reason: voice.say("the shop answers again") };
    let emergency = Emergency {
        id: id("emergency", 1),
        by: id("operator", 4),
        justification: voice.say("checkout answers nobody, and the freeze holds the repair back"),
        origin: Origin::Declared {
            scope: Scope::Services { services: ["service/shop".parse().unwrap()].into() },
            incident: Some(id("incident", 1)),
        },
        begun: before(600),
        until: after(3_000),
        acts: vec![Act { change: id("change", 1), run: id("run", 1), at: before(300) }],
        lines: Vec::new(),
        state: if over { State::Over { ending } } else { State::InForce },
        since: before(if over { 60 } else { 600 }),
    };
    let moment = Moment {
        at: before(600),
        by: Actor::Operator(id("operator", 4)),
        name: voice.say("dave"),
        stream: Stream::Emergency(emergency.id),
        kind: "emergency.declared/1".into(),
        index: 41,
        says: voice.say("dave declared an emergency for service/shop, until 2026-11-22T03:04:07Z at the longest."),
    };
    let view =
        EmergencyView { word: if over { "in_review" } else { "in_force" }, name: voice.say("dave"), timeline: vec![moment], emergency };
    One { view, names: (over.then(|| voice.say("dave")), None), own: over, notice: None }
}
