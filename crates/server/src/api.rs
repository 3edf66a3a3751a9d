//! The face for programs: REST under `/api/v1`, webhooks, and what watches this process.

mod acts;
mod changes;
mod drafts;
mod emergencies;
mod events;
mod health;
mod hooks;
mod incidents;
mod installation;
mod ledger;
mod notices;
pub(crate) mod openapi;
mod page;
mod pages;
mod parameter;
mod proposal;
mod revisions;
mod runner;
mod runners;
#[cfg(test)]
mod tests;
mod votes;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

use crate::App;

pub(crate) use emergencies::scope as scope_of;
pub(crate) use events::STREAMS_MAX;
use revisions::PROPOSAL_MAX;

/// Every route of this face. Each is in the OpenAPI document, too; a test compares the two.
pub(crate) fn router() -> Router<App> {
    Router::new()
        .route("/api/v1/openapi.json", get(openapi::document))
        .route("/api/v1/changes", get(changes::list).post(changes::propose))
        .route("/api/v1/changes/{id}", get(changes::show))
        .route("/api/v1/changes/{id}/record", get(changes::record))
        .route("/api/v1/changes/{id}/explanation", get(changes::explanation))
        .route("/api/v1/changes/{id}/request", get(votes::request))
        .route("/api/v1/changes/{id}/withdraw", post(acts::withdraw))
        .route("/api/v1/changes/{id}/amend", post(acts::amend))
        .route("/api/v1/changes/{id}/declare", post(acts::declare))
        .route("/api/v1/changes/{id}/take-back", post(acts::take_back))
        .route("/api/v1/changes/{id}/resolve", post(acts::resolve))
        .route("/api/v1/changes/{id}/ask-again", post(pages::ask_again))
        .route("/api/v1/checks", post(changes::check))
        .route("/api/v1/actions", get(installation::actions))
        .route("/api/v1/approvals/{id}/statement", post(votes::statement))
        .route("/api/v1/approvals/{id}/votes", post(votes::vote))
        .route("/api/v1/incidents", get(incidents::list))
        .route("/api/v1/incidents/{id}", get(incidents::show))
        .route("/api/v1/incidents/{id}/acknowledge", post(incidents::acknowledge))
        .route("/api/v1/incidents/{id}/room", get(incidents::room))
        .route("/api/v1/incidents/{id}/merge", post(incidents::merge))
        .route("/api/v1/incidents/{id}/split", post(incidents::split))
        .route("/api/v1/incidents/{id}/close", post(incidents::close))
        .route("/api/v1/incidents/{id}/grade", post(incidents::grade))
        .route("/api/v1/incidents/{id}/roles", post(pages::role))
        .route("/api/v1/pages", get(pages::list))
        .route("/api/v1/pages/{id}", get(pages::show))
        .route("/api/v1/pages/{id}/acknowledge", post(pages::acknowledge))
        .route("/api/v1/pages/{id}/hand-over", post(pages::hand_over))
        .route("/api/v1/on-call", get(pages::on_call))
        .route("/on-call/{file}", get(pages::calendar))
        .route("/api/v1/posture", get(installation::posture).put(installation::set_posture))
        .route("/api/v1/estate", get(installation::estate))
        .route("/api/v1/estate/revisions", get(revisions::list).post(revisions::propose).layer(DefaultBodyLimit::max(PROPOSAL_MAX)))
        .route("/api/v1/estate/revisions/{id}", get(revisions::show))
        .route("/api/v1/estate/revisions/{id}/request", get(revisions::request))
        .route("/api/v1/estate/revisions/{id}/difference", get(revisions::difference))
        .route("/api/v1/estate/revisions/{id}/withdraw", post(revisions::withdraw))
        .route("/api/v1/estate/revisions/{id}/activate", post(revisions::activate))
        .route("/api/v1/notices", get(notices::list))
        .route("/api/v1/notices/{id}", get(notices::show))
        .route("/api/v1/notices/{id}/retry", post(notices::retry))
        .route("/api/v1/notices/{id}/dismiss", post(notices::dismiss))
        .route("/api/v1/channels", get(notices::channels))
        .route("/api/v1/channels/{name}/test", post(notices::test))
        .route("/api/v1/runbooks/drafts", get(drafts::list).post(drafts::offer))
        .route("/api/v1/runbooks/drafts/{id}", get(drafts::show))
        .route("/api/v1/runbooks/drafts/{id}/take-up", post(drafts::take_up))
        .route("/api/v1/runbooks/drafts/{id}/decline", post(drafts::decline))
        .route("/api/v1/events", get(events::events))
        .route("/api/v1/ledger/checkpoint", get(ledger::checkpoint))
        .route("/api/v1/ledger/entries", get(ledger::entries))
        .route("/api/v1/ledger/proof", get(ledger::proof))
        .route("/api/v1/ledger/consistency", get(ledger::consistency))
        .route("/api/v1/ledger/vkey", get(ledger::vkey))
        .route("/hooks/alertmanager", post(hooks::alertmanager))
        .route("/hooks/slack/{channel}", post(notices::slack))
        .route("/hooks/{source}", post(hooks::source))
        .route("/hooks/{source}/{*suffix}", post(hooks::suffixed))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .merge(of_emergencies())
        .merge(of_runners())
}

fn of_emergencies() -> Router<App> {
    Router::new()
        .route("/api/v1/emergencies", get(emergencies::list).post(emergencies::declare))
        .route("/api/v1/break-glass", post(emergencies::tell).layer(DefaultBodyLimit::max(emergencies::JOURNAL_BODY_MAX)))
        .route("/api/v1/emergencies/{id}", get(emergencies::show))
        .route("/api/v1/emergencies/{id}/end", post(emergencies::end))
        .route("/api/v1/emergencies/{id}/review", post(emergencies::review))
}

fn of_runners() -> Router<App> {
    Router::new()
        .route("/api/v1/runners", get(runners::list).post(runners::invite))
        .route("/api/v1/runners/{id}/drain", post(runners::drain))
        .route("/api/v1/runners/{id}/resume", post(runners::resume))
        .route("/api/v1/runners/{id}/revoke", post(runners::revoke))
        .route("/api/v1/runner/enrol", post(runner::enrol))
        .route("/api/v1/runner/poll", post(runner::poll))
        .route("/api/v1/runner/heartbeat", post(runner::heartbeat))
        .route("/api/v1/runner/report", post(runner::report))
        .route("/api/v1/runner/answer", post(runner::answer))
}
