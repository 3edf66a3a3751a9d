//! Which notices an event owes, and to whom: to those who can answer, with the facts of gate 2 in short.

use std::collections::BTreeSet;

use lineclear_core::approval::{self, Request};
use lineclear_core::authority::{Grade, Operator};
use lineclear_core::dossier::Dossier;
use lineclear_core::estate::Estate;
use lineclear_core::fact::Worth;
use lineclear_core::notice::{Kind, Notice, Urgency};
use lineclear_core::page::Step;
use lineclear_core::posture::Posture;
use lineclear_core::record::{Event, Happened, Stream};
use lineclear_core::revision::Report;
use lineclear_core::situation::Actor;
use lineclear_core::subject::Subject;
use lineclear_core::{OperatorId, catalogue, change, emergency, incident, installation, page, revision, run};
use lineclear_store::Append;

type Names<'a> = &'a dyn Fn(Actor) -> String;

/// Every notice that these events owe, with the people whom it is for.
pub(super) fn owed(appends: &[Append], estate: &Estate, names: Names<'_>) -> Vec<(Notice, BTreeSet<OperatorId>)> {
    let all = appends.iter().flat_map(|append| append.events.iter().map(move |happened| (append, happened)));
    all.filter_map(|(append, happened)| one(appends, append, happened, estate, names)).collect()
}

/// Whether an event may overtake what people were told.
pub(super) fn decides(event: &Event) -> bool {
    match event {
        Event::Approval(
            approval::Event::Granted { .. }
            | approval::Event::Rejected { .. }
            | approval::Event::Lapsed
            | approval::Event::Withdrawn { .. },
        )
        | Event::Run(run::Event::Resolved { .. } | run::Event::Ended { .. })
        | Event::Change(change::Event::Declared { .. } | change::Event::TakenBack { .. })
        | Event::Incident(
            incident::Event::Acknowledged { .. }
            | incident::Event::Resolved { .. }
            | incident::Event::Closed { .. }
            | incident::Event::Merged { .. },
        )
        | Event::Page(page::Event::Acknowledged { .. } | page::Event::Ended { .. }) => true,
        Event::Approval(_)
        | Event::Run(_)
        | Event::Change(_)
        | Event::Incident(_)
        | Event::Delivery(_)
        | Event::Emergency(_)
        | Event::Deployment(_)
        | Event::Installation(_)
        | Event::Lane(_)
        | Event::Runner(_)
        | Event::Page(_)
        | Event::Patch(_)
        | Event::Revision(_) => false,
    }
}

fn one(
    appends: &[Append],
    append: &Append,
    happened: &Happened,
    estate: &Estate,
    names: Names<'_>,
) -> Option<(Notice, BTreeSet<OperatorId>)> {
    let occasion = happened.id.to_string();
    match &happened.event {
        Event::Approval(approval::Event::Asked { request }) => {
            let notice = asked(appends, request, &occasion, estate, names);
            Some((notice, who_may_answer(appends, request, estate)))
        }
        Event::Approval(approval::Event::Lapsed) => {
            let path = page_of(&append.row.key);
            let title = format!("Nobody answered in time: {}", title_of(appends, &append.row.key));
            let notice = Notice::new(Kind::Lapsed, append.stream, &occasion, &title, &path);
            let notice = notice.line("Now", "nothing was done; propose it again for fresh facts, if it is still wanted");
            Some((notice, everybody(estate)))
        }
        Event::Run(run::Event::GotStuck { why, .. }) => {
            let title = format!("Stuck: {}", append.row.title);
            let notice = Notice::new(Kind::Stuck, append.stream, &occasion, &title, &format!("/changes/{}", append.row.key));
            let notice = notice.line("Why", why).line("Now", "a person says how it goes on; nothing is repeated meanwhile");
            Some((notice.urgency(Urgency::High), everybody(estate)))
        }
        Event::Change(change::Event::Judged { .. } | change::Event::RunEnded { .. }) if append.row.word == "escalated" => {
            let title = format!("Did it help? {}", append.row.title);
            let notice = Notice::new(Kind::Verify, append.stream, &occasion, &title, &format!("/changes/{}", append.stream));
            let found = if let Event::Change(change::Event::Judged { judgement, .. }) = &happened.event {
                judgement.word()
            } else {
                "the run was left as it stands"
            };
            Some((notice.line("Found", found).line("Now", "a person declares the outcome"), everybody(estate)))
        }
        Event::Installation(installation::Event::PostureSet { posture, by, reason, .. }) => {
            let notice = Notice::new(Kind::Posture, Stream::Installation, &occasion, &format!("Posture: {posture}"), "/");
            let notice = notice.line("By", &names(*by)).line("Why", reason);
            let urgency = if *posture <= Posture::AdviseOnly { Urgency::High } else { Urgency::Normal };
            Some((notice.urgency(urgency), everybody(estate)))
        }
        Event::Page(event) => paged(append, event, &occasion),
        Event::Emergency(event) => Some((declared(event, append, &occasion, names)?, everybody(estate))),
        Event::Approval(_)
        | Event::Run(_)
        | Event::Change(_)
        | Event::Incident(_)
        | Event::Installation(_)
        | Event::Delivery(_)
        | Event::Deployment(_)
        | Event::Lane(_)
        | Event::Runner(_)
        | Event::Patch(_)
        | Event::Revision(_) => None,
    }
}

/// Whom a page tells: the people of its step, with the page where they answer. The link carries no authority. Of a request its
/// first tier has heard already, as everybody who may answer it.
fn paged(append: &Append, event: &page::Event, occasion: &str) -> Option<(Notice, BTreeSet<OperatorId>)> {
    let request = append.row.key.starts_with("approval_");
    let (people, step, until) = match event {
        page::Event::Told { step, .. } if request && *step == Step::FIRST => return None,
        page::Event::Told { people, step, until, .. } => (people.clone(), crate::story::at(*step), Some(*until)),
        page::Event::Reminded { people, step, .. } => (people.clone(), crate::story::at(*step), None),
        page::Event::HandedOver { to, until, .. } => (BTreeSet::from([*to]), "handed over to you".into(), Some(*until)),
        page::Event::Opened { .. }
        | page::Event::Acknowledged { .. }
        | page::Event::AnsweredLate { .. }
        | page::Event::Acted { .. }
        | page::Event::Forgotten { .. }
        | page::Event::CommanderLeft { .. }
        | page::Event::Regraded { .. }
        | page::Event::Rerouted { .. }
        | page::Event::Rested { .. }
        | page::Event::Resumed { .. }
        | page::Event::Ended { .. } => return None,
    };
    if people.is_empty() {
        return None;
    }
    let (urgency, asks) = if request { (Urgency::Normal, "Still to be approved") } else { (Urgency::High, "You are needed") };
    let title = format!("{asks}: {}", append.row.title);
    let notice =
        Notice::new(Kind::Page, append.stream, occasion, &title, &format!("/pages/{}", append.stream)).urgency(urgency).line("Told", &step);
    let notice = match until {
        Some(until) => notice.line("Then", &format!("it climbs on at {until} if nobody answers")).until(until),
        None => notice,
    };
    Some((notice, people))
}

/// What moves how much ceremony is asked is told like a posture that moved, and at once.
fn declared(event: &emergency::Event, append: &Append, occasion: &str, names: Names<'_>) -> Option<Notice> {
    let (title, by, why) = match event {
        emergency::Event::Declared { by, justification, scope, .. } => (format!("Emergency for {scope}"), by, justification),
        emergency::Event::GlassBroken { glass, .. } => {
            let said = &glass.statement;
            (format!("Glass broken: {} on {}", said.action, said.target), &said.person, &said.justification)
        }
        emergency::Event::Told { .. }
        | emergency::Event::Acted { .. }
        | emergency::Event::Ended { .. }
        | emergency::Event::Expired { .. }
        | emergency::Event::Reviewed { .. } => return None,
    };
    let notice = Notice::new(Kind::Posture, append.stream, occasion, &title, &format!("/emergencies/{}", append.stream));
    Some(notice.line("By", &names(Actor::Operator(*by))).line("Why", why).urgency(Urgency::High))
}

fn everybody(estate: &Estate) -> BTreeSet<OperatorId> {
    estate.directory.operators.keys().copied().collect()
}

/// The dossier, when these events ask people about a change.
fn dossier(appends: &[Append]) -> Option<(&Dossier, &lineclear_core::bundle::Bundle, usize)> {
    appends.iter().flat_map(|append| &append.events).find_map(|happened| match &happened.event {
        Event::Change(change::Event::Asked { dossier, bundle, differences, .. }) => Some((&**dossier, &**bundle, differences.len())),
        Event::Approval(_)
        | Event::Run(_)
        | Event::Change(_)
        | Event::Incident(_)
        | Event::Installation(_)
        | Event::Delivery(_)
        | Event::Emergency(_)
        | Event::Deployment(_)
        | Event::Lane(_)
        | Event::Runner(_)
        | Event::Page(_)
        | Event::Patch(_)
        | Event::Revision(_) => None,
    })
}

fn report(appends: &[Append]) -> Option<&Report> {
    appends.iter().flat_map(|append| &append.events).find_map(|happened| {
        if let Event::Revision(revision::Event::Asked { report, .. }) = &happened.event { Some(&**report) } else { None }
    })
}

/// The title of what has this id, when it is in the same transaction.
fn title_of(appends: &[Append], id: &str) -> String {
    let row = appends.iter().map(|append| &append.row).find(|row| row.stream.to_string() == id);
    row.map_or_else(|| id.to_owned(), |row| row.title.clone())
}

fn page_of(id: &str) -> String {
    if id.starts_with("revision_") { format!("/estate/revisions/{id}") } else { format!("/changes/{id}") }
}

/// People whose answer can count: with one of the roles asked for or of the owning team, and not recused.
fn who_may_answer(appends: &[Append], request: &Request, estate: &Estate) -> BTreeSet<OperatorId> {
    let owners = dossier(appends).map(|(dossier, ..)| &dossier.owners);
    let needs = &request.needs;
    let may = |person: &&Operator| {
        let recused = request.recused.contains(&person.id) && !request.single_operator;
        let held = needs.roles.is_empty() || !person.roles.is_disjoint(&needs.roles);
        let owner = needs.owner && owners.is_some_and(|owners| owners.contains(&person.id));
        let reviewer = needs.reviews.values().any(|team| team.contains(&person.id));
        !recused && (held || owner || reviewer)
    };
    estate.directory.operators.values().filter(may).map(|person| person.id).collect()
}

fn asked(appends: &[Append], request: &Request, occasion: &str, estate: &Estate, names: Names<'_>) -> Notice {
    let about = Stream::Approval(request.id);
    let needs = &request.needs;
    let humans = if needs.humans == 1 { "1 person".to_owned() } else { format!("{} people", needs.humans) };
    let people = format!("{humans} of rung `{}`, grade {}", needs.rung, needs.grade);
    let until = request.until.to_string();
    let notice = match (request.about, dossier(appends), report(appends)) {
        (Subject::Change { change }, Some((dossier, bundle, differences)), _) => {
            let title = format!("Approve? {} on {}", bundle.action, bundle.target);
            let what =
                estate.catalogue.actions.get(&bundle.action).map_or_else(|| bundle.action.to_string(), |action| action.title.clone());
            let notice = Notice::new(Kind::Asked, about, occasion, &title, &format!("/changes/{change}"))
                .line("What", &format!("{what}, on {}", bundle.target))
                .line("Proposed by", &names(bundle.proposer))
                .line("Risk", &risk(dossier))
                .line("Worst case", &dossier.worst_case)
                .line("Evidence", &evidence(dossier));
            if differences > 0 {
                notice.line("Asked again", &format!("{differences} things differ from what was asked before"))
            } else {
                notice
            }
        }
        (Subject::Change { change }, None, _) => {
            Notice::new(Kind::Asked, about, occasion, "Approve a change?", &format!("/changes/{change}"))
        }
        (Subject::Revision { revision, estate_digest }, _, report) => {
            let title = format!("Approve? Estate {}", estate_digest.short());
            let notice = Notice::new(Kind::Asked, about, occasion, &title, &format!("/estate/revisions/{revision}"));
            match report {
                Some(report) => notice
                    .line("What", &format!("another version of the estate, {} files differ", report.files.len()))
                    .line("Opens", &format!("{} kinds of request, closes {}", report.opened.len(), report.closed.len()))
                    .line("Proved", &format!("{} of {}", report.proved(), report.obligations())),
                None => notice,
            }
        }
    };
    let notice = notice.line("Needs", &people).line("Until", &until).until(request.until).check_words(request.digest.check_words());
    // What the console asks to be typed before an approval cannot be pressed in a chat.
    let high = dossier(appends).is_none_or(|(dossier, ..)| dossier.risk == catalogue::Risk::High);
    if needs.grade <= Grade::Session && !high { notice.answer(request.id) } else { notice }
}

fn risk(dossier: &Dossier) -> String {
    let back = match dossier.reversibility {
        catalogue::Reversibility::Reversible => "can be taken back",
        catalogue::Reversibility::Partly => "can be taken back in part",
        catalogue::Reversibility::Irreversible => "cannot be taken back",
    };
    format!("{}, {back}", dossier.risk)
}

fn evidence(dossier: &Dossier) -> String {
    let (mut confirm, mut contradict, mut other) = (0, 0, 0);
    for fact in dossier.facts.values() {
        match fact.worth(dossier.at) {
            Worth::Confirms => confirm += 1,
            Worth::Contradicts => contradict += 1,
            Worth::Stale(_) | Worth::Missing(_) => other += 1,
        }
    }
    format!("{confirm} facts confirm, {contradict} contradict, {other} stale or missing")
}
