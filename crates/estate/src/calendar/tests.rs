//! Calendars as others write them, and what is refused in them.

use super::*;

fn calendar(event: &str) -> String {
    let event = event.replace('\n', "\r\n");
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VTIMEZONE\r\nTZID:Europe/Vienna\r\nBEGIN:STANDARD\r\nDTSTART:19701025T030000\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT\r\n{event}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

const SHIFT: &str = "UID:1\nDTSTART;TZID=Europe/Vienna:20260105T090000\nDTEND;TZID=Europe/Vienna:20260112T090000\nSUMMARY:carol";

fn check(event: &str, said: &str) {
    let told = parse_calendar("rotations/a.ics", &calendar(event)).map(drop).map_err(|error| error.to_string());
    assert!(told.as_ref().is_err_and(|told| told.contains(said)), "{event}: {told:?}");
}

#[test]
fn an_event_is_a_shift_of_whoever_it_is_titled_with() {
    let read = parse_calendar(
        "rotations/a.ics",
        &calendar(&format!("{SHIFT}\nRRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO;WKST=MO\nBEGIN:VALARM\nTRIGGER:-PT15M\nEND:VALARM")),
    )
    .unwrap();
    let [(name, shift)] = &read[..] else { panic!("one event") };
    assert_eq!((name.as_str(), shift.from.as_str(), shift.until.as_str()), ("carol", "2026-01-05 09:00:00", "2026-01-12 09:00:00"));
    assert_eq!((shift.every, shift.times, shift.zone.as_ref().unwrap().as_str()), (Some(2 * 7 * 24 * 60), None, "Europe/Vienna"));
}

#[test]
fn long_lines_are_put_together_and_escaped_text_is_read() {
    let folded = SHIFT.replace("SUMMARY:carol", "SUMMARY;LANGUAGE=\"de:x;y\":Carol\n  Castro\\, first li\n ne");
    let read = parse_calendar("rotations/a.ics", &calendar(&folded)).unwrap();
    assert_eq!(read[0].0, "Carol Castro, first line");
}

#[test]
fn a_whole_day_and_a_day_of_utc_are_read() {
    let day = "DTSTART;VALUE=DATE:20260105\nDTEND;VALUE=DATE:20260106\nSUMMARY:carol\nRRULE:FREQ=DAILY;COUNT=3";
    let read = parse_calendar("rotations/a.ics", &calendar(day)).unwrap();
    assert_eq!((read[0].1.zone.clone(), read[0].1.times), (None, Some(3)));
    let utc = "DTSTART:20260105T090000Z\nDTEND:20260105T170000Z\nSUMMARY:carol\nRRULE:FREQ=DAILY;UNTIL=20260110T090000Z";
    let read = parse_calendar("rotations/a.ics", &calendar(utc)).unwrap();
    assert_eq!(read[0].1.last, Some("2026-01-10T09:00:00Z".parse().unwrap()));
    assert!(parse_calendar("rotations/a.ics", &calendar(&format!("{utc}\nSTATUS:CANCELLED"))).is_err(), "nothing is left of it");
}

#[test]
fn what_would_be_half_understood_is_refused() {
    check(&SHIFT.replace("SUMMARY:carol", "SUMMARY: "), "names nobody");
    check(&SHIFT.replace("DTEND;", "DTENT;"), "the event lacks `DTEND`");
    check(&SHIFT.replace("20260112T", "20260105T"), "ends before it begins");
    check(&SHIFT.replace("20260112T090000", "20260230T090000"), "is no time of a calendar");
    check(&SHIFT.replace("Europe/Vienna:20260112", "Europe/Rome:20260112"), "on different clocks");
    check(&SHIFT.replace("Europe/Vienna", "Europe/Atlantis"), "no time zone that is known here");
    check(&format!("{SHIFT}\nEXDATE:20260119T080000Z"), "`EXDATE` is not understood here");
    check(&format!("{SHIFT}\nRRULE:FREQ=MONTHLY"), "`FREQ=MONTHLY` is not understood here");
    check(&format!("{SHIFT}\nRRULE:FREQ=WEEKLY;BYDAY=MO,TU"), "`BYDAY=MO,TU` is not understood here");
    check(&format!("{SHIFT}\nRRULE:FREQ=DAILY"), "comes again before it has ended");
    check(&format!("{SHIFT}\nRRULE:COUNT=3"), "does not say how often");
    let told = |text: &str| parse_calendar("rotations/a.ics", text).unwrap_err().to_string();
    assert!(told("BEGIN:VCALENDAR\nBEGIN:VEVENT\n").contains("does not end"));
    assert!(told("BEGIN:VCALENDAR\nEND:VEVENT\n").contains("ends nothing that was begun"));
    assert!(told("").contains("has no event"));
}

#[test]
fn what_a_rotation_is_written_as_is_read_as_the_same_rotation() {
    let people = ["alice", "bob"].map(|login| login.parse::<Login>().unwrap());
    let rotation = lineclear_core::rotation::Rotation {
        name: "shop".parse().unwrap(),
        title: "Shop".into(),
        zone: "Europe/Vienna".parse().unwrap(),
        shifts: lineclear_core::rotation::Rotation::turns(&"2026-03-01 09:00:00".parse().unwrap(), 24 * 60, &people),
        hours: None,
        overrides: Vec::new(),
    };
    // Over the night in which clocks go forward.
    let now: Timestamp = "2026-03-20T00:00:00Z".parse().unwrap();
    let text = lineclear_core::rotation::calendar(&rotation, "ledger.example/g1", now);
    let events = parse_calendar("rotations/shop.ics", &text).unwrap();
    let shifts = events.into_iter().map(|(name, shift)| Shift { person: name.parse().unwrap(), ..shift }).collect();
    let read = lineclear_core::rotation::Rotation { shifts, ..rotation.clone() };
    for hour in 0..24 * 20 {
        let at = now + lineclear_core::Span::from_secs(hour * 3_600);
        assert_eq!(read.on_call(at), rotation.on_call(at), "{at}");
    }
}
