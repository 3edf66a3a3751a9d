//! A proposed version of the estate on one page: what it opens first, in plain words; then everything else; then who must answer.

pub(super) mod act;

use axum::extract::{Path, State};
use lineclear_core::OperatorId;
use lineclear_core::RevisionId;
use lineclear_core::approval::Approval;
use lineclear_core::authority::Grade;
use lineclear_core::bundle::Needs;
use lineclear_core::id::IdError;
use lineclear_core::name::RoleName;
use lineclear_core::revision::{How, Kind, Obligation, Proof, Proofs, Report, State as Standing, Told};
use lineclear_engine::RevisionView;
use maud::{Markup, html};

use super::frame::{Frame, Place, page, part, trigger};
use super::ladder::grade;
use super::moment;
use super::shown::Shown;
use super::visitor::{Failure, Visitor, heading, said};
use crate::difference::{Differing, differences};
use crate::{App, Code, Problem};

/// What the page shows.
#[derive(Debug, Clone)]
pub(super) struct Page {
    /// Everything there is to see of it.
    pub view: RevisionView,
    /// The proposer's name.
    pub by: String,
    /// Who reads it.
    pub reader: OperatorId,
    /// How the files differ; none when they cannot be had.
    pub files: Option<Vec<Differing>>,
    /// What was refused just now, and what was typed.
    pub refused: Option<(Problem, String)>,
}

/// The id in a path.
pub(super) fn named(text: &str) -> Result<RevisionId, Problem> {
    text.parse().map_err(|error: IdError| Problem::with(Code::BadParameter, error))
}

/// Looks everything up.
pub(super) async fn look(app: &App, visitor: &Visitor, id: RevisionId) -> Result<Page, Failure> {
    let view = app.engine.revision(id).await?;
    let by = app.engine.name(lineclear_core::situation::Actor::Operator(view.revision.by));
    let files = match (app.engine.estate_files(view.revision.base).await, app.engine.estate_files(view.revision.estate).await) {
        (Ok(before), Ok(after)) => Some(differences(&before, &after)),
        (_, _) => None,
    };
    Ok(Page { view, by, reader: visitor.id, files, refused: None })
}

/// The page.
pub(super) async fn show(State(app): State<App>, visitor: Visitor, Path(id): Path<String>) -> Result<Markup, Failure> {
    let it = look(&app, &visitor, named(&id)?).await?;
    Ok(render(&visitor.frame, &it))
}

/// What moves on it.
pub(super) async fn live(State(app): State<App>, visitor: Visitor, Path(id): Path<String>) -> Result<Markup, Failure> {
    let it = look(&app, &visitor, named(&id)?).await?;
    Ok(body(&visitor.frame, &it))
}

/// What stands at its foot.
pub(super) async fn decide(State(app): State<App>, visitor: Visitor, Path(id): Path<String>) -> Result<Markup, Failure> {
    let it = look(&app, &visitor, named(&id)?).await?;
    Ok(bar(&visitor.frame, &it))
}

/// The whole page.
pub(super) fn render(frame: &Frame, it: &Page) -> Markup {
    let path = format!("{}/live", super::estate::path(it.view.revision.id));
    let moves = part(frame, "revision", &path, &streams(it), &body(frame, it));
    let whole = html! {
        @if let Some((problem, _)) = &it.refused { div.alert role="alert" { p { strong { (Shown(&heading(problem))) } } (said(problem)) } }
        (moves)
    };
    page(frame, Place::Policy, "Proposed estate", &whole, Some(&bar(frame, it)))
}

fn streams(it: &Page) -> Vec<String> {
    let approval = it.view.approval.as_ref().map(|asked| asked.request.id.to_string());
    std::iter::once(it.view.revision.id.to_string()).chain(approval).collect()
}

/// A state's word in words for people.
fn words(word: &str) -> &str {
    match word {
        "proposed" => "being examined",
        "awaiting_approval" => "waits for people",
        "granted" => "approved, not in force",
        "activated" => "came into force",
        "unfit" => "cannot come into force",
        other => other,
    }
}

/// A state as a chip.
pub(super) fn chip(word: &str) -> Markup {
    let class = match word {
        "awaiting_approval" | "granted" => "wait",
        "proposed" => "go",
        "unfit" => "stop",
        "activated" => "done",
        _ => "over",
    };
    html! { span class=(format!("chip {class}")) { (Shown(words(word))) } }
}

/// Whose word is needed, in words.
pub(super) fn asks(needs: &Needs) -> String {
    let roles: Vec<&str> = needs.roles.iter().map(RoleName::as_str).collect();
    let among = if roles.is_empty() { String::new() } else { format!(", among them {}", roles.join(" and ")) };
    let teams: Vec<String> = needs.reviews.keys().map(|team| format!(", and somebody of team {team}, whose runbooks change")).collect();
    format!("{}{among}, {}{}", super::estate::people(needs.humans), grade(needs.grade), teams.concat())
}

fn body(frame: &Frame, it: &Page) -> Markup {
    html! {
        (head(frame, it))
        @if let Some(report) = &it.view.revision.report {
            (obstacles(it))
            (opens(report))
            (moves(report))
            (findings(report))
            (files(it))
        } @else {
            section aria-labelledby="wait" { h2 #wait { "Being examined" } p { "It is read, its stories are told, its laws are proved, and it is compared with the estate in force. That takes some seconds." } }
        }
        (timeline(it))
    }
}

fn head(frame: &Frame, it: &Page) -> Markup {
    let revision = &it.view.revision;
    let until = it.view.approval.as_ref().filter(|_| matches!(revision.state, Standing::Asked { .. } | Standing::Granted { .. }));
    html! {
        div.head {
            p.crumbs { a href="/policy" { "Policy" } " / " a href="/estate" { "Estate" } " / " code { (revision.id.to_string()) } }
            h1 { "Proposed estate " code { (revision.estate.short()) } }
            ul.chips {
                li { (chip(it.view.word)) }
                @if it.view.in_force { li { span.chip.done { "in force" } } }
                @if let Some(asked) = until { li { span.chip { (moment::left(frame.now, asked.request.until)) } } }
            }
            p.sentence { (Shown(&it.by)) " proposed it " (moment::ago(frame.now, revision.proposed)) ", to replace " code { (revision.base.short()) } "." }
            @if !revision.note.is_empty() { p.said-by { "In their words:" } blockquote.said { (Shown(&revision.note)) } }
            @if let Some(asked) = &it.view.approval { p { "It asks " (asks(&asked.request.needs)) "; " (asked.votes().len()) " so far." } }
        }
    }
}

fn obstacles(it: &Page) -> Markup {
    html! {
        @if !it.view.obstacles.is_empty() {
            section.alarm aria-labelledby="obstacles" {
                h2 #obstacles { "Why it cannot come into force" }
                ul { @for obstacle in &it.view.obstacles { li { (Shown(obstacle)) } } }
            }
        }
    }
}

fn opens(report: &Report) -> Markup {
    html! {
        section.alarm[!report.opened.is_empty()] aria-labelledby="opens" {
            h2 #opens { "What it permits that is not permitted now" }
            (kinds(&report.opened, "Nothing that the policies decide."))
        }
        section aria-labelledby="closes" {
            h2 #closes { "What it refuses that is permitted now" }
            (kinds(&report.closed, "Nothing that the policies decide."))
        }
    }
}

fn kinds(all: &[Kind], none: &str) -> Markup {
    html! {
        @if all.is_empty() { p.none { (none) } }
        @for kind in all {
            div.step { p { (Shown(&kind.sentence)) } p.small.soft { (Shown(&kind.environment)) } }
        }
    }
}

fn moves(report: &Report) -> Markup {
    html! {
        section aria-labelledby="beside" {
            h2 #beside { "What else moves" }
            @if report.beside.is_empty() { p.none { "Nothing beside the policies." } }
            @else {
                ul {
                    @for one in &report.beside {
                        li { @if one.widens { strong.warn { "may open something: " } } (Shown(&one.says)) }
                    }
                }
            }
        }
    }
}

fn findings(report: &Report) -> Markup {
    html! {
        section aria-labelledby="proofs" {
            h2 #proofs { "Proofs" }
            @match &report.proofs {
                Proofs::NotRun { why } => p { strong.bad { "Not proved. " } (Shown(why)) },
                Proofs::Ran { obligations } => {
                    p { (report.proved()) " of " (obligations.len()) " obligations proved, checked by an SMT solver." }
                    @for one in obligations.iter().filter(|one| one.status != Proof::Proved) { (obligation(one)) }
                    details {
                        summary { "Every obligation" }
                        ul { @for one in obligations { li { (status(one.status)) " " (Shown(&one.says)) } } }
                    }
                }
            }
        }
        section aria-labelledby="stories" {
            h2 #stories { "Stories and tests" }
            (told("Stories of policies/cases", Some(&report.cases)))
            (told("Tests of runbooks", report.rehearsals.as_ref()))
            @if !report.warnings.is_empty() {
                details {
                    summary { "What is allowed and looks careless: " (report.warnings.len()) }
                    ul { @for warning in &report.warnings { li { (Shown(warning)) } } }
                }
            }
        }
    }
}

fn status(proof: Proof) -> Markup {
    html! {
        @match proof {
            Proof::Proved => span.good { "proved" },
            Proof::Refuted => span.bad { "refuted" },
            Proof::NotProved => span.bad { "not proved" },
        }
    }
}

fn obligation(one: &Obligation) -> Markup {
    html! {
        div.step {
            p { (status(one.status)) " " (Shown(&one.says)) }
            @if let Some(told) = &one.told { p.small { (Shown(told)) } }
        }
    }
}

fn told(what: &str, told: Option<&Told>) -> Markup {
    html! {
        @match told {
            None => p.soft { (what) ": not run." },
            Some(told) => {
                p { (what) ": " (told.total) " told, " @if told.failed.is_empty() { span.good { "all hold" } } @else { span.bad { (told.failed.len()) " fail" } } "." }
                @if !told.failed.is_empty() { ul { @for story in &told.failed { li { (Shown(story)) } } } }
            }
        }
    }
}

fn files(it: &Page) -> Markup {
    html! {
        section aria-labelledby="files" {
            h2 #files { "Files" }
            @match &it.files {
                None => p.warn { "The files cannot be shown: they are not kept here any more, or are not what they were." },
                Some(files) if files.is_empty() => p.none { "None differs." },
                Some(files) => {
                    @for file in files {
                        details.step {
                            summary { code { (Shown(&file.path)) } " " span.soft { (how(file.how)) } }
                            pre { code { (Shown(&file.text)) } }
                            @if file.cut { p.warn { "It is longer than what is shown." } }
                        }
                    }
                }
            }
        }
    }
}

const fn how(how: How) -> &'static str {
    match how {
        How::Added => "new",
        How::Removed => "gone",
        How::Changed => "changed",
    }
}

fn timeline(it: &Page) -> Markup {
    html! {
        section aria-labelledby="timeline" {
            h2 #timeline { "What has happened" }
            ol.timeline aria-live="polite" aria-relevant="additions" reversed {
                @for moment in it.view.timeline.iter().rev() {
                    li id=(format!("entry-{}", moment.index)) {
                        span.when { (moment::clock(moment.at)) }
                        span { (Shown(&moment.says)) " " span.by { (Shown(&moment.name)) ", " a href=(format!("/ledger/{}", moment.index)) { "entry " (moment.index) } } }
                    }
                }
            }
        }
    }
}

fn bar(frame: &Frame, it: &Page) -> Markup {
    let path = format!("{}/decide", super::estate::path(it.view.revision.id));
    let choices = choices(it);
    html! {
        aside #decide .bar[choices.is_some()] aria-label="Decide" hx-nonce=(frame.nonce) hx-get=(path) hx-trigger=(trigger(&streams(it))) hx-swap="outerHTML" {
            @if let Some(choices) = &choices { div.bar-in { (choices) } }
        }
    }
}

fn choices(it: &Page) -> Option<Markup> {
    let asked = it.view.approval.as_ref();
    match (it.view.revision.state, asked) {
        (Standing::Asked { .. }, Some(asked)) => Some(html! {
            p.ask { (asking(it, asked)) }
            div.choices {
                @if may_approve(it, asked) { (approve(it, asked)) }
                (reasoned(it, "reject", "Reject…", "Why not (needed; the proposer reads it)", "Reject it", Some(asked)))
                (reasoned(it, "withdraw", "Withdraw…", "Why (needed)", "Take it back", None))
            }
        }),
        (Standing::Granted { .. }, Some(asked)) => Some(html! {
            p.ask { strong { "Enough people approved." } " It comes into force when somebody says so. Changes that wait are asked again; what runs finishes by the version it began under." }
            div.choices {
                form method="post" action=(action(it, "activate")) { button.yes type="submit" { "Bring it into force" } }
                (reasoned(it, "reject", "Reject…", "Why not (needed; the proposer reads it)", "Reject it", Some(asked)))
                (reasoned(it, "withdraw", "Withdraw…", "Why (needed)", "Take it back", None))
            }
        }),
        (Standing::Proposed, _) => {
            Some(html! { div.choices { (reasoned(it, "withdraw", "Withdraw…", "Why (needed)", "Take it back", None)) } })
        }
        (_, _) => None,
    }
}

fn may_approve(it: &Page, asked: &Approval) -> bool {
    let recused = asked.request.recused.contains(&it.reader) && !asked.request.single_operator;
    !recused && !asked.votes().iter().any(|vote| vote.by == it.reader)
}

fn asking(it: &Page, asked: &Approval) -> Markup {
    html! {
        @if may_approve(it, asked) { strong { "Your answer?" } " Read what it opens first." }
        @else if asked.votes().iter().any(|vote| vote.by == it.reader) { strong { "You approved." } " Others have to answer, too. You may still reject." }
        @else { strong { "You may reject." } " You propose it, so your approval would count for nothing." }
    }
}

fn action(it: &Page, what: &str) -> String {
    format!("{}/{what}", super::estate::path(it.view.revision.id))
}

fn binding(asked: &Approval) -> Markup {
    html! {
        input type="hidden" name="approval" value=(asked.request.id.to_string());
        input type="hidden" name="digest" value=(asked.request.digest.to_string());
    }
}

fn approve(it: &Page, asked: &Approval) -> Markup {
    html! {
        details name="act" {
            summary.yes { "Approve…" }
            @if asked.request.needs.grade > Grade::Session {
                div.signing {
                    p { "On a machine that holds your SSH key:" }
                    pre { code { "lineclear estate approve " (it.view.revision.id.to_string()) " --key FILE" } }
                    p { "It says “You would sign sha256:…”. The first digits must be " strong.check { (asked.request.digest.short()) } ". If they are not, sign nothing, and tell somebody." }
                }
            } @else {
                form method="post" action=(action(it, "approve")) autocomplete="off" {
                    (binding(asked))
                    label for="approve-why" { "Why (optional; it is recorded)" }
                    textarea #approve-why name="reason" rows="2" maxlength="2000" {}
                    button.yes type="submit" { "Approve exactly this" }
                }
            }
        }
    }
}

fn reasoned(it: &Page, what: &str, summary: &str, label: &str, button: &str, asked: Option<&Approval>) -> Markup {
    let typed = it.refused.as_ref().map(|(_, typed)| typed.as_str()).unwrap_or_default();
    let id = format!("{what}-why");
    html! {
        details name="act" {
            summary.no { (summary) }
            form method="post" action=(action(it, what)) autocomplete="off" {
                @if let Some(asked) = asked { (binding(asked)) }
                label for=(id) { (label) }
                textarea id=(id) name="reason" rows="2" maxlength="2000" required { (typed) }
                button.no type="submit" { (button) }
            }
        }
    }
}
