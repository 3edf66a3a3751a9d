//! What is read, what is refused and with which words, for every format; and the examples of the document.

use super::*;

const ROW: &str = r#"{"time":"2026-03-01T10:00:00Z","incident":"INC-1","action":"pool.drain_host","target":"host/web-1","principal":"agent","evidence":["backend_down"],"confidence":90,"waited_minutes":12,"outcome":"improved"}"#;
const HEADER: &str = "time,incident,action,target,principal,evidence,confidence,waited_minutes,outcome";
const RECORD: &str = "2026-03-01T10:00:00Z,INC-1,pool.drain_host,host/web-1,agent,backend_down,90,12,improved";

#[test]
fn the_same_row_reads_the_same_in_every_format() {
    let read = |text: &str, format| {
        let mut rows = read_rows(text, format).unwrap();
        for row in &mut rows {
            row.place = Place::Line(0);
        }
        rows
    };
    let expected = read(ROW, Format::JsonLines);
    assert_eq!(read(&format!("[{ROW}]"), Format::Json), expected);
    assert_eq!(read(&format!("{HEADER}\r\n{RECORD}\r\n"), Format::Csv), expected);
    assert_eq!(read(&format!("\u{feff}{HEADER}\n{RECORD}"), Format::Csv), expected);
    let quoted = RECORD.replace("INC-1", "\"INC-1\"").replace("backend_down", "\" backend_down \"");
    assert_eq!(read(&format!("{HEADER}\n{quoted}"), Format::Csv), expected);
    assert_eq!(expected[0].acted.as_ref().unwrap().confidence.basis_points(), 9_000);
}

#[test]
fn quotes_hold_commas_quotes_and_lines() {
    let text = format!("{HEADER}\n2026-03-01T10:00:00Z,\"a, \"\"b\"\"\",,,,,,7,\n{RECORD}\n");
    let rows = read_rows(&text, Format::Csv).unwrap();
    assert_eq!((rows[0].incident.as_str(), rows[0].waited_minutes, &rows[0].acted), ("a, \"b\"", Some(7), &None));
    assert_eq!(rows[1].place, Place::Line(3));
}

#[test]
fn a_bad_row_is_told_with_its_place_and_nothing_counts() {
    let check = |text: &str, format: Format, expected: &str| {
        assert_eq!(read_rows(text, format).unwrap_err().to_string(), expected, "{text}");
    };
    let line = |from: &str, to: &str, expected: &str| {
        assert!(ROW.contains(from));
        check(&format!("{ROW}\n{}", ROW.replace(from, to)), Format::JsonLines, &format!("line 2: {expected}"));
    };
    line(
        r#""time":"2026-03-01T10:00:00Z""#,
        r#""time":"yesterday""#,
        "`yesterday` is no RFC 3339 time such as `2026-11-22T02:14:07.123456Z`, at column 19",
    );
    line(r#","principal":"agent""#, "", "`action`, `target`, `principal`, `confidence` and `outcome` stand together or not at all");
    line("\"agent\"", "\"robot\"", "unknown variant `robot`, expected `agent` or `operator`, at column 118");
    line("host/web-1", "web-1", "`web-1` names nothing: write kind and name, as in `service/shop`, at column 93");
    line("90", "101", "`confidence` is 0 to 100, in percent");
    line("90", "-1", "`confidence` is 0 to 100, in percent");
    line("90", "1.5", "invalid type: floating point `1.5`, expected a whole number, at column 163");
    line("INC-1", "", "`incident` has 1 to 200 characters");
    line("INC-1", "a\\nb", "`incident` holds a control character");
    line("12", "999999", "`waited_minutes` is 0 to 527040, a year");
    line(
        "\"incident\"",
        "\"incdent\"",
        "unknown field `incdent`, expected one of `time`, `incident`, `action`, `target`, `principal`, `evidence`, `conflicting`, `confidence`, `severity`, `freeze`, `routine`, `undo_drilled`, `waited_minutes`, `outcome`, `automatic`, at column 40",
    );
    line("\"outcome\"", "\"severity\":9,\"outcome\"", "`severity` is 1 (worst) to 5, or 0 for none");
    check("\n\n", Format::JsonLines, "line 1: there is no row");
    check(&format!("[{ROW},{{}}]"), Format::Json, "`/1`: missing field `time`, at column 2");
    check("[1", Format::Json, "line 1: EOF while parsing a list");
    check("", Format::Csv, "line 1: there is no row");
    check("time,when\n", Format::Csv, "line 1: column `when` is not known");
    check("time,time\n", Format::Csv, "line 1: column `time` stands there twice");
    let csv = |record: &str, expected: &str| check(&format!("{HEADER}\n{RECORD}\n{record}\n"), Format::Csv, expected);
    csv("a,b", "line 3: 2 fields, and the header has 9");
    csv(&RECORD.replace(",90,", ",ninety,"), "line 3: `confidence` is a whole number");
    csv(&RECORD.replace("improved", "better"), "line 3: unknown variant `better`, expected one of `improved`, `worse`, `unchanged`");
    csv(&RECORD.replace("INC-1", "\"INC-1"), "line 3: a quote that never ends");
    csv(&RECORD.replace("INC-1", "\"INC\"-1"), "line 3: text after the end of a field");
    csv(&RECORD.replace("INC-1", "INC\"1"), "line 3: a quote within a field that does not begin with one");
    csv(&RECORD.replace("INC-1", "INC\r1"), "line 3: text after the end of a field");
}

#[test]
fn a_statuspage_export_gives_times_and_nothing_else() {
    let text = r#"{"page":{"id":"x","name":"Northwind"},"incidents":[
        {"id":"p31","name":"Slow shop","status":"postmortem","created_at":"2026-05-14T14:22:39.441-06:00","resolved_at":"2026-05-14T15:40:00.000-06:00","impact":"minor",
         "incident_updates":[
            {"status":"resolved","created_at":"2026-05-14T15:40:00.000-06:00"},
            {"status":"monitoring","created_at":"2026-05-14T15:01:00.000-06:00","display_at":"2026-05-14T14:52:39.441-06:00"},
            {"status":"investigating","created_at":"2026-05-14T14:22:39.441-06:00"}]},
        {"id":"p32","name":"Open","created_at":"2026-05-15T00:00:00Z","resolved_at":null}]}"#;
    let rows = read_rows(text, Format::Json).unwrap();
    let told: Vec<_> = rows.iter().map(|row| (row.incident.as_str(), row.waited_minutes, row.acted.is_none())).collect();
    assert_eq!(told, [("p31 Slow shop", Some(30), true), ("p32 Open", None, true)]);
    let check = |text: String, expected: &str| assert_eq!(read_rows(&text, Format::Json).unwrap_err().to_string(), expected);
    check(
        text.replace("T15:40:00.000-06:00\",\"impact\"", "T13:00:00.000-06:00\",\"impact\""),
        "`/incidents/0`: it was fixed before it began",
    );
    check(
        text.replace("2026-05-15T00:00:00Z", "soon"),
        "`/incidents/1`: `soon` is no RFC 3339 time such as `2026-11-22T02:14:07.123456Z`, at column 45",
    );
    check(r#"{"page":{}}"#.into(), "line 1: missing field `incidents`");
}

proptest::proptest! {
    #[test]
    fn arbitrary_text_is_answered(text in "([\\[\\]{}\",:\\n\\r]|time|incident|incidents|2026-03-01T10:00:00Z|x|\\PC){0,40}") {
        for format in [Format::JsonLines, Format::Json, Format::Csv] {
            let _ = read_rows(&text, format);
        }
    }
}
