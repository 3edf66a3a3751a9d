//! Notices, in samples.

use super::{Voice, before, id};
use crate::console::notices::{ChannelLine, Line, Page};
use crate::{Code, Problem};

fn line(voice: Voice, number: u32, word: &str, channel: &str, to: Option<&str>, failure: Option<&str>) -> Line {
    Line {
        id: id("delivery", number),
        word: word.into(),
        title: voice.say("Approve? dns.update on zone/example.test"),
        path: "/changes/change_0193f0c4a1007a3e8b11d2c300000001".into(),
        kind: "asked",
        channel: channel.into(),
        to: to.map(|to| voice.say(to)),
        failure: failure.map(|failure| voice.say(failure)),
        queued: before(u64::from(number) * 60),
    }
}

fn channel(name: &str, kind: &'static str, room: bool, people: usize) -> ChannelLine {
    ChannelLine { name: name.into(), kind, room, people }
}

pub(super) fn the_notices(voice: Voice) -> Page {
    Page {
        dead: vec![
            line(voice, 1, "dead", "mail", Some("bob"), Some("refused: the server answered 550")),
            line(voice, 2, "dead", "ops-teams", None, Some("no_secret: its secret cannot be read")),
        ],
        waiting: vec![line(voice, 3, "failed", "ops-chat", Some("alice"), Some("busy: Slack says `ratelimited`"))],
        over: vec![line(voice, 4, "sent", "ops-chat", Some("erin"), None), line(voice, 5, "closed", "ops-chat", None, None)],
        channels: vec![
            channel("mail", "mail", false, 4),
            channel("ops-chat", "slack", true, 3),
            channel("ops-teams", "teams", true, 0),
            channel("push", "ntfy", false, 0),
        ],
        notice: Some(Problem::with(Code::WrongState, voice.say("delivery `delivery_0193` is sent; only a dead letter can be tried again"))),
    }
}
