//! Channels as people write them, and what is said of those that are wrong; never a secret.

use lineclear_core::notice::{Carrier, Kind, Urgency};
use lineclear_core::signal::SecretName;

use crate::parse_settings;

const HEAD: &str = "title = \"t\"\norigin = \"ledger.test/g1\"\nposture = \"full\"\n\n";

fn told(text: &str) -> String {
    parse_settings("lineclear.toml", &format!("{HEAD}{text}")).map_or_else(|error| error.to_string(), |_| "fine".into())
}

fn channel(text: &str) -> String {
    told(&format!("[notices.channels.a]\n{text}"))
}

#[test]
fn channels_and_places_are_read() {
    let text = "[notices.channels.chat]
kind = \"slack\"
secret_file = \"slack.token\"
signing_env = \"SLACK_SIGNING\"
team = \"T0123\"
room = \"C0123\"
kinds = [\"asked\", \"stuck\"]
urgency = \"normal\"

[notices.channels.post]
kind = \"mail\"
server = \"smtp://mail.example.test:587\"
from = \"lineclear@example.test\"

[notices.people.alice]
chat = \"U0ALICE\"
post = \"alice@example.test\"
";
    let read = parse_settings("lineclear.toml", &format!("{HEAD}{text}")).unwrap().notices;
    let chat = &read.channels[&"chat".parse().unwrap()];
    assert_eq!((chat.room.as_deref(), chat.least), (Some("C0123"), Urgency::Normal));
    assert_eq!(chat.kinds, [Kind::Asked, Kind::Stuck].into());
    let Carrier::Slack { api, token, signing, team } = &chat.carrier else { panic!("{chat:?}") };
    assert_eq!((api.as_str(), token), ("https://slack.com/api", &SecretName::File("slack.token".into())));
    assert_eq!((signing, team.as_deref()), (&Some(SecretName::Env("SLACK_SIGNING".into())), Some("T0123")));
    assert_eq!(read.people[&"alice".parse().unwrap()].len(), 2);
}

#[test]
fn every_kind_is_read_with_what_it_needs_and_nothing_else() {
    for good in [
        "kind = \"slack\"\nsecret_file = \"a\"\n",
        "kind = \"teams\"\nsecret_file = \"a\"\n",
        "kind = \"mail\"\nserver = \"smtps://m.test:465\"\nfrom = \"a@b.test\"\nuser = \"u\"\nsecret_env = \"P\"\n",
        "kind = \"mail\"\nserver = \"smtp+plain://127.0.0.1:2525\"\nfrom = \"a@b.test\"\n",
        "kind = \"webhook\"\nurl = \"https://x.test/hook\"\nsecret_file = \"a\"\n",
        "kind = \"webhook\"\nurl = \"http://127.0.0.1:1/hook\"\nsecret_file = \"a\"\n",
        "kind = \"pagerduty\"\nsecret_file = \"a\"\n",
        "kind = \"ntfy\"\nroom = \"ops\"\n",
    ] {
        assert_eq!(channel(good), "fine", "{good}");
    }
}

#[test]
fn what_is_wrong_with_a_channel_is_said() {
    let check = |text: &str, said: &str| assert!(channel(text).contains(said), "{text}: {}", channel(text));
    check("kind = \"slck\"\n", "`slck` is no kind of channel");
    check("kind = \"slack\"\n", "a channel of kind `slack` needs a `secret`");
    check("kind = \"teams\"\nsecret_file = \"a\"\nurl = \"https://x.test\"\n", "a channel of kind `teams` has no `url`");
    check("kind = \"webhook\"\nsecret_file = \"a\"\n", "needs a `url`");
    check("kind = \"mail\"\nfrom = \"a@b.test\"\n", "needs a `server`");
    check("kind = \"mail\"\nserver = \"smtp+plain://mail.test:25\"\nfrom = \"a@b.test\"\n", "this is no mail server");
    check("kind = \"mail\"\nserver = \"smtps://m.test:465\"\nfrom = \"A <a@b.test>\"\n", "is no mail address");
    check("kind = \"ntfy\"\nroom = \"two words\"\n", "is no place in a channel of kind `ntfy`");
    check("kind = \"ntfy\"\nkinds = [\"askd\"]\n", "`askd` is no kind of notice");
    check("kind = \"ntfy\"\nurgency = \"now\"\n", "`now` is no urgency");
    check("kind = \"ntfy\"\ntoken = \"abc\"\n", "unknown field `token`");
    check("kind = \"slack\"\nsecret_file = \"a\"\nsecret_env = \"A\"\n", "not in both");
}

#[test]
fn an_address_that_could_be_a_secret_or_leads_into_the_open_is_refused_and_not_repeated() {
    for url in [
        "http://x.test/hook",
        "https://user:S3cr3t@x.test/",
        "https://x.test/?key=S3cr3t",
        "ftp://x.test",
        "https://",
        "http://127.0.0.1.x.test/",
    ] {
        let told = channel(&format!("kind = \"webhook\"\nurl = \"{url}\"\nsecret_file = \"a\"\n"));
        assert!(told.contains("no address that a channel can use") && !told.contains("S3cr3t"), "{url}: {told}");
    }
    let told = channel("kind = \"teams\"\nsecret_file = \"https://prod.test/S3cr3t\"\n");
    assert!(told.contains("this is no name of a secret") && !told.contains("S3cr3t"), "{told}");
}

#[test]
fn a_place_names_a_channel_that_finds_people() {
    let hook = "[notices.channels.hook]\nkind = \"webhook\"\nurl = \"https://x.test\"\nsecret_file = \"a\"\n\n[notices.people.alice]\n";
    assert!(told(&format!("{hook}hook = \"x\"\n")).contains("has one place for everybody"));
    assert!(told(&format!("{hook}hok = \"x\"\n")).contains("there is no channel `hok`"));
    let mail = "[notices.channels.m]\nkind = \"mail\"\nserver = \"smtps://m.test:465\"\nfrom = \"a@b.test\"\n\n[notices.people.alice]\n";
    for bad in ["alice", "a@b.test, c@d.test", "a@b.test\\r\\nBcc: x@y.test", "a@b@c"] {
        assert!(told(&format!("{mail}m = \"{bad}\"\n")).contains("is no place in a channel of kind `mail`"), "{bad}");
    }
}

#[test]
fn what_the_page_and_the_example_show_is_read() {
    let page = include_str!("../../../../docs/notices.md");
    let block = page.split_once("```toml\n").unwrap().1.split_once("```").unwrap().0;
    assert_eq!(told(block), "fine");
    let example = include_str!("../../../../estate/example/lineclear.toml");
    let commented = example.split_once("# [notices.channels.ops-chat]").unwrap().1;
    let lines: Vec<&str> = commented.lines().map(|line| line.trim_start_matches('#').trim_start()).collect();
    assert_eq!(told(&format!("[notices.channels.ops-chat]{}", lines.join("\n"))), "fine");
}
