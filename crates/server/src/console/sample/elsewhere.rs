//! Every other page, in samples.

use std::collections::BTreeMap;

use lineclear_core::catalogue::{Action, Closing, Reversibility, Risk};
use lineclear_core::deployment::{Kind as DeploymentKind, Progress, Report};
use lineclear_core::escalation::{EscalationPath, Tier, Whom};
use lineclear_core::incident::{Attention, Incident, Kept, Severity, State};
use lineclear_core::label::Labels;
use lineclear_core::page::{About, Page as Search, Plan, State as SearchState, Step};
use lineclear_core::posture::Posture;
use lineclear_core::record::Stream;
use lineclear_core::run::{AttemptKey, Direction, Phase};
use lineclear_core::runner::RunnerKey;
use lineclear_core::severity::{Doubt, Impact, Loss};
use lineclear_core::signal::{Signal, SignalState};
use lineclear_core::situation::Actor;
use lineclear_core::topology::EntityKind;
use lineclear_core::{Span, Timestamp};
use lineclear_engine::{Holding, Moment, OnCall, PageView, Recent, RoomView, RunnerView};
use lineclear_policy::PolicyText;
use maud::Markup;

use super::change::rungs;
use super::dossier::digest;
use super::emergencies::{alarmed, one_emergency, the_emergencies};
use super::notices::the_notices;
use super::{Voice, after, before, frame, id};
use crate::console::inbox::{self, Inbox, IncidentLine, Line};
use crate::console::ladder::steps;
use crate::console::visitor::failure;
use crate::console::{emergency, incident, keys, ledger, notices, on_call, pager, policy, runners};
use crate::{Code, Problem};

fn line(voice: Voice, number: u32, word: &str, action: &str, target: &str, risk: Risk) -> Line {
    Line {
        id: id("change", number),
        word: if voice.hostile { voice.say("") } else { word.into() },
        action: voice.say(action),
        target: voice.say(target),
        risk: Some(risk),
        proposer: Some(voice.say("triage-agent")),
        severity: None,
        until: None,
        asks: None,
        begun: before(u64::from(number) * 100),
    }
}

fn the_inbox(voice: Voice) -> Inbox {
    let asked = |line: Line, severity, until: Timestamp, asks: &str| Line { severity, until: Some(until), asks: Some(asks.into()), ..line };
    let done = |number, word, action, target, risk| Line { proposer: None, ..line(voice, number, word, action, target, risk) };
    Inbox {
        waiting: vec![
            Line { severity: Some(1), ..line(voice, 9, "stuck", "pool.drain_host", "host/web-3", Risk::Medium) },
            asked(
                line(voice, 1, "awaiting_approval", "dns.update", "zone/example.test", Risk::High),
                Some(2),
                after(842),
                "asks 2 people, 1 so far",
            ),
            asked(line(voice, 2, "awaiting_approval", "service.scale", "service/shop", Risk::Medium), None, after(190), "asks 1 person"),
            Line {
                until: Some(after(3_000)),
                ..line(voice, 4, "blocked", "certificate.renew", "certificate/a-very-long-name.of-something.example.test", Risk::High)
            },
        ],
        running: vec![line(voice, 5, "verifying", "cache.purge", "cache/www", Risk::Medium)],
        recent: vec![
            done(20, "succeeded", "telemetry.gather", "service/shop", Risk::Low),
            done(21, "rejected", "waf.bypass_rule", "service/www", Risk::High),
            done(22, "lapsed", "service.scale", "service/shop", Risk::Medium),
        ],
        undelivered: 2,
        incidents: vec![IncidentLine {
            id: id("incident", 1),
            title: voice.say("www.example.test does not answer"),
            severity: 2,
            word: "open".into(),
            commander: None,
            opened: before(300),
        }],
        more: true,
    }
}

/// An incident with two signals.
pub(super) fn incident(voice: Voice) -> Incident {
    let signal = |number, title: &str, state| Kept {
        id: id("signal", number),
        signal: Signal {
            source: voice.say("alertmanager"),
            fingerprint: voice.say("a1b2c3"),
            group: voice.say("www"),
            state,
            title: voice.say(title),
            stated_severity: voice.say("critical"),
            severity: None,
            service: Some(voice.say("www")),
            starts: before(310),
            labels: BTreeMap::from([(voice.say("job"), voice.say("http")), (voice.say("instance"), voice.say("www.example.test"))]),
            annotations: BTreeMap::from([(voice.say("summary"), voice.say("Nothing has answered for five minutes."))]),
        },
        subject: Some("service/www".parse().unwrap()),
        at: before(290),
        turns: Vec::new(),
        flapping: false,
    };
    Incident {
        id: id("incident", 1),
        title: voice.say("www.example.test does not answer"),
        group: voice.say("www"),
        severity: Severity::try_from(2).unwrap(),
        impact: None,
        found: Severity::try_from(2).unwrap(),
        heard: 2,
        overflow: 7,
        attention: Attention::Paged { at: before(280) },
        apart: [].into(),
        absorbed: [].into(),
        merged: None,
        path: None,
        ruled: false,
        gap: None,
        roles: [].into(),
        last: before(290),
        signals: BTreeMap::from([
            ("a".into(), signal(1, "no answer on port 443", SignalState::Firing)),
            ("b".into(), signal(2, "error ratio above 5 %", SignalState::Resolved)),
        ]),
        commander: None,
        state: State::Open,
        opened: before(300),
    }
}

/// The paths of an estate.
fn path(voice: Voice) -> EscalationPath {
    let whom = Whom { on_call: ["shop-primary".parse().unwrap()].into(), owner: true, ..Whom::default() };
    let last = Whom { people: ["frank".parse().unwrap()].into(), ..Whom::default() };
    EscalationPath {
        name: "money".parse().unwrap(),
        title: voice.say("No orders, or no payments"),
        targets: [].into(),
        otherwise: false,
        tiers: vec![Tier { title: voice.say("whoever is on call"), whom, within: Span::from_secs(300) }],
        repeat: 1,
        act_within: Span::from_secs(1_200),
        last_resort: Some(last),
        quiet: Vec::new(),
    }
}

/// A search for a person, in its first tier.
fn search(voice: Voice, incident: lineclear_core::IncidentId) -> PageView {
    let about = About::Incident { incident };
    let people = [id("operator", 2)].into();
    let page = Search {
        id: about.page(),
        about,
        title: voice.say("www.example.test does not answer"),
        plan: Plan::for_incident(&path(voice)),
        severity: Some(Severity::try_from(2).unwrap()),
        state: SearchState::Calling { step: Step::FIRST, people, since: before(60), until: after(240), reminded: false },
        told: [id("operator", 2)].into(),
        gap: None,
        late: 0,
        answers: 0,
        opened: before(60),
    };
    let moment = Moment {
        at: before(60),
        by: Actor::Engine,
        name: voice.say("lineclear"),
        stream: Stream::Page(page.id),
        kind: "page.told/1".into(),
        index: 44,
        says: voice.say("Tier 1: told bob, who have until 02:18."),
    };
    PageView {
        word: "calling",
        step: "Tier 1".into(),
        asked: vec![voice.say("bob")],
        holder: None,
        climbs: Some(after(240)),
        next: vec![voice.say("alice"), voice.say("frank")],
        timeline: vec![moment],
        page,
    }
}

fn the_rotations(voice: Voice) -> on_call::Page {
    let rotation = |name: &str, people: Vec<String>| OnCall {
        rotation: name.parse().unwrap(),
        title: voice.say("Shop, first line"),
        zone: "Europe/Vienna".into(),
        until: Some(after(30_000)),
        next: vec![voice.say("carol")],
        people,
    };
    let now = vec![rotation("shop-primary", vec![voice.say("frank")]), rotation("platform-days", Vec::new())];
    on_call::Page { now, paths: vec![path(voice)], open: vec![search(voice, id("incident", 1))] }
}

/// The room of that incident.
fn room(voice: Voice, commander: Option<String>) -> RoomView {
    let report = Report {
        source: voice.say("github"),
        fingerprint: "deployment/9".into(),
        kind: DeploymentKind::Deployment,
        title: voice.say("www: cache for longer"),
        service: Some(voice.say("www")),
        environment: Some(voice.say("production")),
        revision: Some(voice.say("4f2c9ab1d0")),
        author: Some(voice.say("carol")),
        link: Some("https://ci.example.test/runs/9".into()),
        progress: Progress::Succeeded,
        at: before(900),
    };
    let recent = |title: &str, word: &str, change, report| Recent {
        title: voice.say(title),
        word: word.into(),
        thing: voice.say("service/www"),
        at: before(900),
        change,
        report,
    };
    let moment = |ago, by, name: &str, index, says: &str| Moment {
        at: before(ago),
        by,
        name: voice.say(name),
        stream: Stream::Incident(id("incident", 1)),
        kind: "incident.opened/1".into(),
        index,
        says: voice.say(says),
    };
    RoomView {
        incident: incident(voice),
        roles: commander.iter().map(|name| (lineclear_core::incident::Role::Commander, name.clone())).collect(),
        page: Some(search(voice, id("incident", 1))),
        looking: vec![voice.say("erin")],
        commander,
        impact: Impact { customers: 2_500, lasting: Span::from_secs(300), regions: 3, security: Doubt::None, revenue: Loss::Reduced },
        by_table: Some(Severity::try_from(2).unwrap()),
        path: Some("money".parse().unwrap()),
        recent: vec![
            recent("www: cache for longer", "succeeded", None, Some(report)),
            recent("service.scale on service/www", "succeeded", Some(id("change", 20)), None),
        ],
        timeline: vec![
            moment(300, Actor::Engine, "lineclear", 41, "Opened at severity 2 by a signal of alertmanager."),
            moment(
                280,
                Actor::Engine,
                "lineclear",
                43,
                "It asks for a person, by escalation path `money`, at severity 2: a signal asks for a person.",
            ),
        ],
        moments: 2,
    }
}

fn entry(voice: Voice, index: u64, kind: &str, stream: &str) -> ledger::Line {
    ledger::Line { index, kind: voice.say(kind), at: Some(before(100 - index)), by: voice.say("triage-agent"), stream: voice.say(stream) }
}

fn the_ledger(voice: Voice) -> ledger::Page {
    ledger::Page {
        size: 45,
        root: "9f".repeat(32),
        note: voice.say("ledger.example/northwind/g1\n45\nn5+fn5+fn5+fn5+fn5+fn5+fn5+fn5+fn5+fn5+fn58=\n\n— ledger.example/northwind/g1 Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"),
        key: voice.say("ledger.example/northwind/g1+c7f8a2d1+AXh1bnRlcnN0dXR0ZXJrZXlrZXlrZXlrZXlrZXk"),
        newest: Some(before(20)),
        lines: vec![
            entry(voice, 44, "approval.voted/1", "approval_0193f0c4a1007a3e8b11d2c300000001"),
            entry(voice, 43, "change.asked/1", "change_0193f0c4a1007a3e8b11d2c300000001"),
            entry(voice, 42, "incident.opened/1", "incident_0193f0c4a1007a3e8b11d2c300000001"),
            entry(voice, 41, "installation.started/1", "installation"),
        ],
        older: Some(41),
    }
}

fn one_entry(voice: Voice) -> ledger::One {
    ledger::One {
        line: entry(voice, 43, "change.asked/1", "change_0193f0c4a1007a3e8b11d2c300000001"),
        text: voice.say(r#"{"body":{"action":"dns.update","confidence_bp":9250},"by":{"id":"engine","kind":"engine"},"kind":"change.asked/1","log":"ledger.example/northwind/g1","seq":1,"v":1}"#),
        leaf: "3c".repeat(32),
        ticket: voice.say("c2sp.org/tlog-proof@v1\nindex 43\nn5+fn5+fn5+fn5+fn5+fn5+fn5+fn5+fn5+fn5+fn58=\n"),
        size: 45,
        key: voice.say("ledger.example/northwind/g1+c7f8a2d1+AXh1bnRlcnN0dXR0ZXJrZXlrZXlrZXlrZXlrZXk"),
    }
}

fn the_policy(voice: Voice) -> policy::Page {
    let action = |name: &str, title: &str, risk, reversibility, runbook: Option<&str>, drilled| policy::Kind {
        action: Action {
            name: name.parse().unwrap(),
            title: voice.say(title),
            risk,
            reversibility,
            resource: EntityKind::Zone,
            inputs: BTreeMap::new(),
            runbook: runbook.map(|name| name.parse().unwrap()),
            facts: Vec::new(),
            never_routine: risk == Risk::High,
            closes: Closing::Person,
            sandbox: None,
        },
        drilled,
    };
    policy::Page {
        version: digest("estate"),
        ladder: steps(&rungs(voice), None, &|_| None),
        single_operator: false,
        routine: Some(lineclear_core::routine::Standard {
            runs: 5,
            within: lineclear_core::Span::from_secs(90 * 86_400),
            spread: lineclear_core::Span::from_secs(12 * 3_600),
        }),
        actions: vec![
            action("dns.update", "Point a DNS record elsewhere", Risk::High, Reversibility::Reversible, Some("update-dns"), Some(before(3 * 86_400))),
            action("cache.purge", "Purge a cache", Risk::Medium, Reversibility::Partly, Some("purge-cache"), None),
            action("telemetry.gather", "Gather telemetry", Risk::Low, Reversibility::Reversible, None, None),
        ],
        policies: vec![PolicyText {
            id: "freeze".parse().unwrap(),
            title: voice.say("In a freeze nothing changes, but for two people in a declared emergency"),
            text: voice.say("@id(\"freeze\")\nforbid (principal, action, resource)\nwhen { context.freeze }\nunless { context.emergency && context.approvals.humans >= 2 };"),
            path: voice.say("policies/guards.cedar"),
        }],
        freezes: vec![(voice.say("Quarter end"), before(3_600), after(86_400))],
    }
}

fn the_keys(voice: Voice) -> keys::Page {
    let passkey =
        |origin: &str| format!("passkey {origin} synced Y3JlZGVudGlhbA MCowBQYDK2VwAyEABQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU= phone");
    keys::Page {
        person: id("operator", 1),
        login: "alice".into(),
        name: voice.say("Alice Amsel"),
        keys: vec![
            voice.say("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f alice@laptop"),
            passkey("https://ops.example.test"),
            passkey("http://localhost:7171"),
        ],
        origin: "https://ops.example.test".into(),
        able: true,
    }
}

fn the_runners(voice: Voice) -> runners::Page {
    let holding = Holding {
        change: id("change", 1),
        attempt: AttemptKey { run: id("run", 1), step: "drain".parse().unwrap(), direction: Direction::Do, number: 2 },
        phase: Phase::Started,
    };
    let berlin = RunnerView {
        id: id("runner", 1),
        name: Some("ber-1".parse().unwrap()),
        state: "active",
        labels: "site=ber, zone=b".parse().unwrap(),
        connected: true,
        heard: Some(before(4)),
        version: Some(voice.say("0.1.0")),
        sandbox: Some(voice.say("limits, landlock 7, seccomp, control group")),
        stopping: false,
        head: Some(1_204),
        holds: vec![holding],
        key: Some(RunnerKey::from_bytes([0xab; 32])),
        invited_by: Some(voice.say("Frank Falk")),
        invited: Some(before(86_400)),
        until: None,
        token_shown_again: false,
    };
    let another = |number, name: &str, state| RunnerView {
        id: id("runner", number),
        name: Some(name.parse().unwrap()),
        state,
        connected: false,
        holds: Vec::new(),
        ..berlin.clone()
    };
    let munich = RunnerView { token_shown_again: true, stopping: true, ..another(2, "muc-1", "draining") };
    let waiting = RunnerView {
        key: None,
        heard: None,
        head: None,
        version: None,
        sandbox: None,
        until: Some(after(3_000)),
        ..another(3, "muc-2", "invited")
    };
    let gone = RunnerView { key: None, ..another(4, "muc-0", "revoked") };
    let here = RunnerView {
        name: None,
        invited_by: None,
        invited: None,
        key: None,
        connected: true,
        labels: Labels::default(),
        ..another(5, "x", "embedded")
    };
    let refused = Some(Problem::with(Code::Unreasoned, "say why: a runner is not drained, resumed or revoked without a reason"));
    runners::Page { runners: vec![berlin, munich, waiting, gone, here], size: 1_210, refused }
}

/// Every other page, by name.
pub(super) fn pages(voice: Voice) -> Vec<(&'static str, Markup)> {
    let plain = frame(voice);
    let mut stopped = plain.clone();
    stopped.posture = Posture::Stopped;
    let open = the_inbox(voice).incidents;
    let people = vec![voice.say("alice"), voice.say("bob")];
    let it = incident::Page { room: room(voice, None), others: open.clone(), people: people.clone(), notice: None };
    let asked = pager::Page { view: search(voice, id("incident", 1)), people, notice: None };
    let closed = Problem::with(Code::IncidentClosed, voice.say("incident `incident_0193` is closed"));
    let refused = incident::Page { notice: Some(closed), room: room(voice, Some(voice.say("Dave Dahl"))), ..it.clone() };
    vec![
        ("inbox", inbox::render(&plain, &the_inbox(voice))),
        ("inbox_empty", inbox::render(&stopped, &Inbox::default())),
        ("notices", notices::render(&plain, &the_notices(voice))),
        ("notices_empty", notices::render(&plain, &notices::Page::default())),
        ("incidents", incident::render_list(&plain, &open, &[])),
        ("incident", incident::render(&plain, &it)),
        ("incident_refused", incident::render(&plain, &refused)),
        ("on_call", on_call::render(&plain, &the_rotations(voice))),
        ("page", pager::render(&plain, &asked)),
        ("ledger", ledger::render(&plain, &the_ledger(voice))),
        ("ledger_entry", ledger::render_one(&plain, &one_entry(voice))),
        ("policy", policy::render(&plain, &the_policy(voice))),
        ("runners", runners::render(&plain, &the_runners(voice))),
        ("runners_none", runners::render(&plain, &runners::Page { runners: Vec::new(), size: 0, refused: None })),
        ("keys", keys::render(&plain, &the_keys(voice))),
        ("emergencies", emergency::render_list(&alarmed(voice), &the_emergencies(voice))),
        ("emergency", emergency::render(&alarmed(voice), &one_emergency(voice, false))),
        ("emergency_over", emergency::render(&plain, &one_emergency(voice, true))),
        ("signed_out", failure(&Problem::new(Code::Unauthenticated))),
        ("not_found", failure(&Problem::with(Code::NotFound, voice.say("there is no change `change_7` here")))),
    ]
}
