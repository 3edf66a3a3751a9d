//! Who is on call: at the minute of a hand-off, when clocks change, with a stand-in, and when nobody is.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn login(text: &str) -> Login {
    text.parse().unwrap()
}

/// alice, bob and carol, in turns from Monday 5 January 2026, nine in the morning in Vienna.
fn weekly(minutes: u32) -> Rotation {
    let people = ["alice", "bob", "carol"].map(login);
    Rotation {
        name: "shop-primary".parse().unwrap(),
        title: "Shop, first line".into(),
        zone: "Europe/Vienna".parse().unwrap(),
        shifts: Rotation::turns(&"2026-01-05 09:00:00".parse().unwrap(), minutes, &people),
        hours: None,
        overrides: Vec::new(),
    }
}

const WEEK: u32 = 7 * 24 * 60;
const DAY: u32 = 24 * 60;

fn check(rotation: &Rotation, time: &str, expected: &str) {
    let people = rotation.on_call(at(time)).iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    assert_eq!(people, expected, "{time}");
}

#[test]
fn a_hand_off_is_at_its_minute_and_not_before() {
    let rotation = weekly(WEEK);
    check(&rotation, "2026-01-05T07:59:59Z", "");
    check(&rotation, "2026-01-05T08:00:00Z", "alice");
    check(&rotation, "2026-01-12T07:59:59.999999Z", "alice");
    check(&rotation, "2026-01-12T08:00:00Z", "bob");
    check(&rotation, "2026-01-19T08:00:00Z", "carol");
    check(&rotation, "2026-01-26T08:00:00Z", "alice");
    assert_eq!(rotation.watch(at("2026-01-13T00:00:00Z")).until, Some(at("2026-01-19T08:00:00Z")));
}

#[test]
fn nine_in_the_morning_stays_nine_in_the_morning_when_clocks_change() {
    let rotation = weekly(DAY);
    // The last Sunday in March: clocks go forward at two.
    check(&rotation, "2026-03-28T08:00:00Z", "bob");
    check(&rotation, "2026-03-29T06:59:59Z", "bob");
    check(&rotation, "2026-03-29T07:00:00Z", "carol");
    // The last Sunday in October: they go back at three.
    check(&rotation, "2026-10-24T07:00:00Z", "bob");
    check(&rotation, "2026-10-25T07:59:59Z", "bob");
    check(&rotation, "2026-10-25T08:00:00Z", "carol");
    let lengths = |from: &str, days: u64| {
        let watches = rotation.watches(at(from), at(from) + crate::time::Span::from_secs(days * 86_400));
        watches.iter().take(3).map(|watch| watch.until.unwrap().since(watch.from).as_secs() / 3_600).collect::<Vec<_>>()
    };
    assert_eq!(lengths("2026-03-27T08:00:00Z", 3), [24, 23, 24]);
    assert_eq!(lengths("2026-10-23T07:00:00Z", 3), [24, 25, 24]);
}

#[test]
fn a_hand_off_in_the_hour_that_comes_twice_is_at_the_first_and_in_the_hour_that_is_skipped_after_it() {
    let people = ["alice", "bob"].map(login);
    let shifts = Rotation::turns(&"2026-01-01 02:30:00".parse().unwrap(), DAY, &people);
    let rotation = Rotation { shifts, ..weekly(DAY) };
    // Half past two in Vienna comes at 00:30 and at 01:30 in UTC.
    check(&rotation, "2026-10-25T00:29:59Z", "alice");
    check(&rotation, "2026-10-25T00:30:00Z", "bob");
    check(&rotation, "2026-10-25T01:29:00Z", "bob");
    check(&rotation, "2026-10-25T01:45:00Z", "bob");
    // Half past two does not come at all: it is half past three, at 01:30 in UTC.
    check(&rotation, "2026-03-29T01:29:59Z", "alice");
    check(&rotation, "2026-03-29T01:30:00Z", "bob");
}

#[test]
fn whoever_stands_in_is_on_call_and_nobody_else() {
    let stand_in = StandIn { person: login("dave"), from: at("2026-01-06T12:00:00Z"), until: at("2026-01-07T12:00:00Z") };
    let rotation = Rotation { overrides: vec![stand_in], ..weekly(WEEK) };
    check(&rotation, "2026-01-06T11:59:59Z", "alice");
    check(&rotation, "2026-01-06T12:00:00Z", "dave");
    check(&rotation, "2026-01-07T12:00:00Z", "alice");
    let watches = rotation.watches(at("2026-01-06T00:00:00Z"), at("2026-01-13T00:00:00Z"));
    let told: Vec<_> = watches.iter().map(|watch| watch.people.iter().map(ToString::to_string).collect::<String>()).collect();
    assert_eq!(told, ["alice", "dave", "alice", "bob"]);
}

#[test]
fn outside_its_hours_nobody_is_on_call() {
    let hours = Hours {
        days: [Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri].into(),
        from: "08:00".parse().unwrap(),
        until: "18:00".parse().unwrap(),
    };
    let rotation = Rotation { hours: Some(hours), ..weekly(WEEK) };
    check(&rotation, "2026-01-06T06:59:59Z", "");
    check(&rotation, "2026-01-06T07:00:00Z", "alice");
    check(&rotation, "2026-01-06T17:00:00Z", "");
    check(&rotation, "2026-01-10T12:00:00Z", "");
    assert_eq!(rotation.watch(at("2026-01-09T20:00:00Z")).until, Some(at("2026-01-12T07:00:00Z")), "until Monday");
    let night = Hours { days: [Day::Fri].into(), from: "22:00".parse().unwrap(), until: "06:00".parse().unwrap() };
    let rotation = Rotation { hours: Some(night), ..weekly(WEEK) };
    check(&rotation, "2026-01-09T21:00:00Z", "alice");
    check(&rotation, "2026-01-10T04:59:59Z", "alice");
    check(&rotation, "2026-01-10T05:00:00Z", "");
    check(&rotation, "2026-01-10T21:30:00Z", "");
}

#[test]
fn a_shift_of_a_calendar_ends_when_it_says_and_keeps_its_own_zone() {
    let shift = Shift {
        person: login("erin"),
        from: "2026-01-05 09:00:00".parse().unwrap(),
        until: "2026-01-05 17:00:00".parse().unwrap(),
        zone: Some("America/New_York".parse().unwrap()),
        every: Some(DAY),
        times: Some(3),
        last: None,
    };
    let rotation = Rotation { shifts: vec![shift.clone()], ..weekly(WEEK) };
    check(&rotation, "2026-01-05T13:59:59Z", "");
    check(&rotation, "2026-01-05T14:00:00Z", "erin");
    check(&rotation, "2026-01-07T21:59:59Z", "erin");
    check(&rotation, "2026-01-08T15:00:00Z", "");
    assert_eq!(rotation.watch(at("2026-01-08T15:00:00Z")).until, None, "and nothing follows");
    let last = Some(at("2026-01-06T14:00:00Z"));
    let rotation = Rotation { shifts: vec![Shift { times: None, last, ..shift }], ..weekly(WEEK) };
    check(&rotation, "2026-01-06T15:00:00Z", "erin");
    check(&rotation, "2026-01-07T15:00:00Z", "");
}

#[test]
fn a_calendar_names_every_stretch_and_folds_what_is_long() {
    let rotation = Rotation { title: "Shop; first line, ".repeat(6), ..weekly(WEEK) };
    let text = calendar(&rotation, "ledger.northwind.example/g1", at("2026-03-10T00:00:00Z"));
    assert!(text.lines().all(|line| line.len() <= 75), "{text}");
    assert!(text.ends_with("END:VCALENDAR\r\n") && !text.replace("\r\n", "").contains(['\r', '\n']));
    assert!(text.contains("SUMMARY:carol\r\n") && text.contains("NAME:Shop\\; first line\\, "));
    let uids = |now: &str| -> BTreeSet<String> {
        let text = calendar(&rotation, "ledger.northwind.example/g1", at(now)).replace("\r\n ", "");
        text.lines().filter(|line| line.starts_with("UID:")).map(str::to_owned).collect()
    };
    let (first, later) = (uids("2026-03-10T00:00:00Z"), uids("2026-03-11T00:00:00Z"));
    assert_eq!(first, later, "what is asked for again has the same identifiers");
}

#[test]
fn times_of_day_are_written_in_one_way() {
    for good in ["00:00", "08:30", "24:00"] {
        assert_eq!(good.parse::<Daytime>().unwrap().to_string(), good);
    }
    for bad in ["", "8:00", "08:60", "24:01", "08-00", "08:00:00", "aa:bb", "+8:00"] {
        assert!(bad.parse::<Daytime>().is_err(), "{bad:?}");
    }
}

proptest! {
    #[test]
    fn of_those_who_take_turns_there_is_always_exactly_one(second in 0_u64..60_000_000, minutes in prop::sample::select(vec![60_u32, 720, DAY, WEEK])) {
        let rotation = weekly(minutes);
        let now = at("2026-01-05T08:00:00Z") + crate::time::Span::from_secs(second);
        let people = rotation.on_call(now);
        prop_assert_eq!(people.len(), 1, "{}", now);
        let watch = rotation.watch(now);
        let until = watch.until.unwrap();
        prop_assert!(until > now);
        prop_assert_eq!(rotation.on_call(Timestamp::from_micros(until.as_micros() - 1)), people.clone());
        prop_assert_ne!(rotation.on_call(until), people);
    }
}
