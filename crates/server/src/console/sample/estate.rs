//! The estate and proposed versions of it, in samples.

use lineclear_core::approval::{Approval, Request, State as Asked};
use lineclear_core::authority::Grade;
use lineclear_core::bundle::Needs;
use lineclear_core::installation::Tenure;
use lineclear_core::machine::Machine as _;
use lineclear_core::record::Stream;
use lineclear_core::revision::{Beside, Changed, How, Kind, Obligation, Proof, Proofs, Report, Review, Revision, State, Told};
use lineclear_core::situation::Actor;
use lineclear_core::subject::Subject;
use lineclear_engine::{Moment, RevisionView};
use maud::Markup;

use super::dossier::digest;
use super::{Voice, after, before, frame, id};
use crate::console::estate::{self, Line};
use crate::console::revision::{self, Page};
use crate::difference::Differing;
use crate::{Code, Problem};

fn the_estate(voice: Voice) -> estate::Page {
    let line = |number, word: &str, ago| Line {
        id: id("revision", number),
        word: if voice.hostile { voice.say("") } else { word.into() },
        title: voice.say("9f8a11c04e21"),
        begun: before(ago),
    };
    estate::Page {
        version: digest("estate"),
        tenure: Some(Tenure { since: before(86_400), revision: Some(id("revision", 1)), by: Some(id("operator", 5)) }),
        by: Some(voice.say("Erin Eder")),
        asks: "2 people, among them security-officer, each with an SSH key of their own".into(),
        lines: vec![line(3, "awaiting_approval", 120), line(2, "unfit", 4_000), line(1, "activated", 90_000)],
    }
}

fn report(voice: Voice) -> Report {
    let obligation = |name: &str, says: &str, status, told: Option<&str>| Obligation {
        name: name.into(),
        says: voice.say(says),
        status,
        told: told.map(|told| voice.say(told)),
    };
    let kind = |environment: &str, sentence: &str| Kind { environment: voice.say(environment), sentence: voice.say(sentence) };
    let beside = |widens, says: &str| Beside { says: voice.say(says), widens };
    let changed = |path: &str, how| Changed { path: voice.say(path), how };
    Report {
        faults: Vec::new(),
        warnings: vec![voice.say("policy `freeze-holds`: no story tells of it")],
        cases: Told { total: 193, failed: Vec::new() },
        rehearsals: Some(Told { total: 41, failed: Vec::new() }),
        proofs: Proofs::Ran {
            obligations: vec![
                obligation("errors", "no policy can end in an error", Proof::Proved, None),
                obligation("invariant-dns", "no DNS change without two people", Proof::Proved, None),
            ],
        },
        opened: vec![kind(
            "an agent, `cache.purge` on a service",
            "An agent may purge the cache of `service/www` by itself with a confidence of 80 %; it needed one operator before.",
        )],
        closed: vec![kind(
            "an agent, `pool.drain_host` on a host",
            "An agent may no longer drain `host/web-1` by itself while its budget burns.",
        )],
        unknown: Vec::new(),
        beside: vec![
            beside(true, "less is asked of what is to become routine"),
            beside(false, "action `certificate.rotate` moves from medium to high risk"),
        ],
        files: vec![changed("policies/low.cedar", How::Changed), changed("authority.yaml", How::Changed)],
        reviews: vec![Review {
            team: "edge".parse().unwrap(),
            runbooks: ["purge-cache".parse().unwrap()].into(),
            people: [id("operator", 1)].into(),
        }],
    }
}

fn unfit(voice: Voice) -> Report {
    let mut report = report(voice);
    report.cases.failed = vec![voice.say("policies/cases/dns.toml:14 nobody changes DNS alone: expected two-signed, found one-operator")];
    report.rehearsals = None;
    report.proofs = Proofs::Ran {
        obligations: vec![Obligation {
            name: "invariant-dns".into(),
            says: voice.say("no DNS change without two people"),
            status: Proof::Refuted,
            told: Some(voice.say("An agent changes `zone/example.test` with one approval while there is no freeze.")),
        }],
    };
    report
}

fn asked(voice: Voice) -> Approval {
    let request = Request {
        id: id("approval", 7),
        about: Subject::Revision { revision: id("revision", 3), estate_digest: digest("proposed") },
        bundle: voice.say("{}"),
        digest: digest("report"),
        policy: digest("estate"),
        evidence: digest("report"),
        audience: "ledger.example/northwind/g1".into(),
        needs: Needs {
            rung: "two-with-security".parse().unwrap(),
            humans: 2,
            roles: ["security-officer".parse().unwrap()].into(),
            owner: false,
            grade: Grade::Ssh,
            reviews: [("edge".parse().unwrap(), [id("operator", 1)].into())].into(),
        },
        recused: [id("operator", 2)].into(),
        single_operator: false,
        asked: before(100),
        until: after(80_000),
    };
    Approval { request, state: Asked::Open { votes: Vec::new() } }
}

fn view(voice: Voice, state: State, report: Option<Report>, approval: Option<Approval>) -> RevisionView {
    let obstacles = report.as_ref().map(Report::obstacles).unwrap_or_default();
    let revision = Revision {
        id: id("revision", 3),
        by: id("operator", 2),
        base: digest("estate"),
        estate: digest("proposed"),
        note: voice.say("Purging a cache has been routine for months; nobody learned anything from being asked at night."),
        proposed: before(120),
        rounds: 1,
        report: report.map(Box::new),
        state,
        since: before(100),
    };
    let timeline = vec![Moment {
        at: before(120),
        by: Actor::Operator(id("operator", 2)),
        name: voice.say("bob"),
        stream: Stream::Revision(revision.id),
        kind: "revision.proposed/1".into(),
        index: 71,
        says: voice.say("bob proposed another version of the estate."),
    }];
    RevisionView { word: revision.word(), revision, in_force: false, obstacles, approval, timeline }
}

fn on_page(voice: Voice, view: RevisionView) -> Page {
    let file = |path: &str, how, text: &str, cut| Differing { path: voice.say(path), how, text: voice.say(text), cut };
    Page {
        view,
        by: voice.say("Bob Berger"),
        reader: id("operator", 1),
        files: Some(vec![
            file("authority.yaml", How::Changed, "@@ -18 +18 @@\n-routine: { runs: 5 }\n+routine: { runs: 4 }\n", false),
            file("policies/low.cedar", How::Changed, "@@ -1,3 +1,3 @@\n permit (\n-  principal,\n+  principal is Agent,\n", true),
        ]),
        refused: None,
    }
}

/// Every page of the estate and of versions of it, by name.
pub(super) fn pages(voice: Voice) -> Vec<(&'static str, Markup)> {
    let plain = frame(voice);
    let approval = id("approval", 7);
    let waits = on_page(voice, view(voice, State::Asked { approval }, Some(report(voice)), Some(asked(voice))));
    let granted = on_page(voice, view(voice, State::Granted { approval }, Some(report(voice)), Some(asked(voice))));
    let unfit = Page { files: None, ..on_page(voice, view(voice, State::Unfit, Some(unfit(voice)), None)) };
    let young = on_page(voice, view(voice, State::Proposed, None, None));
    let problem = Problem::with(Code::Mismatch, voice.say("what is asked now is not what was on your screen; nothing was recorded"));
    let refused = Page { refused: Some((problem, "I would rather not".into())), ..waits.clone() };
    let bare = estate::Page { tenure: None, by: None, lines: Vec::new(), ..the_estate(voice) };
    vec![
        ("estate", estate::render(&plain, &the_estate(voice))),
        ("estate_bare", estate::render(&plain, &bare)),
        ("revision", revision::render(&plain, &waits)),
        ("revision_granted", revision::render(&plain, &granted)),
        ("revision_unfit", revision::render(&plain, &unfit)),
        ("revision_proposed", revision::render(&plain, &young)),
        ("revision_refused", revision::render(&plain, &refused)),
    ]
}
