//! The face for people: pages that the binary renders. They show what the engine knows, hand over what people say, and
//! decide nothing. Every page works without scripts; with them, parts of it are asked for again when something moved.

mod act;
mod asset;
mod change;
mod draft;
mod emergency;
mod estate;
mod frame;
mod graph;
mod inbox;
mod incident;
mod keys;
mod ladder;
mod ledger;
mod moment;
mod notices;
mod on_call;
mod pager;
mod policy;
mod revision;
mod runners;
#[cfg(test)]
mod sample;
mod shown;
#[cfg(test)]
mod tests;
mod visitor;

use axum::Router;
use axum::routing::get;

use crate::App;

pub(crate) use frame::bare;

/// The routes of this face, to be merged at the root.
pub fn router(app: &App) -> Router {
    Router::new()
        .route("/", get(inbox::show))
        .route("/live", get(inbox::live))
        .route("/changes/{id}", get(change::show))
        .route("/changes/{id}/live", get(change::live))
        .route("/changes/{id}/decide", get(change::decide))
        .route("/changes/{id}/approve", get(act::back_to_change).post(act::approve))
        .route("/changes/{id}/reject", get(act::back_to_change).post(act::reject))
        .route("/changes/{id}/declare", get(act::back_to_change).post(act::declare))
        .route("/changes/{id}/take-back", get(act::back_to_change).post(act::take_back))
        .route("/changes/{id}/ask-again", get(act::back_to_change).post(act::ask_again))
        .route("/changes/{id}/resolve", get(act::back_to_change).post(act::resolve))
        .route("/incidents", get(incident::list))
        .route("/incidents/live", get(incident::list_live))
        .route("/incidents/{id}", get(incident::show))
        .route("/incidents/{id}/live", get(incident::live))
        .route("/incidents/{id}/take", get(act::back_to_incident).post(act::take))
        .route("/incidents/{id}/close", get(act::back_to_incident).post(act::close))
        .route("/incidents/{id}/role", get(act::back_to_incident).post(act::role))
        .route("/on-call", get(on_call::show))
        .route("/on-call/live", get(on_call::live))
        .route("/pages/{id}", get(pager::show))
        .route("/pages/{id}/live", get(pager::live))
        .route("/pages/{id}/answer", get(pager::back).post(pager::answer))
        .route("/pages/{id}/hand-over", get(pager::back).post(pager::hand_over))
        .route("/keys", get(keys::show))
        .route("/keys/line", axum::routing::post(keys::line))
        .route("/incidents/{id}/merge", get(act::back_to_incident).post(act::merge))
        .route("/incidents/{id}/split", get(act::back_to_incident).post(act::split))
        .route("/ledger", get(ledger::list))
        .route("/ledger/{index}", get(ledger::show))
        .route("/policy", get(policy::show))
        .route("/estate", get(estate::show))
        .route("/estate/live", get(estate::live))
        .route("/estate/revisions/{id}", get(revision::show))
        .route("/estate/revisions/{id}/live", get(revision::live))
        .route("/estate/revisions/{id}/decide", get(revision::decide))
        .route("/estate/revisions/{id}/approve", get(revision::act::back).post(revision::act::approve))
        .route("/estate/revisions/{id}/reject", get(revision::act::back).post(revision::act::reject))
        .route("/estate/revisions/{id}/withdraw", get(revision::act::back).post(revision::act::withdraw))
        .route("/estate/revisions/{id}/activate", get(revision::act::back).post(revision::act::activate))
        .route("/notices", get(notices::show))
        .route("/notices/live", get(notices::live))
        .route("/notices/test", get(notices::back).post(notices::test))
        .route("/notices/{id}/retry", get(notices::back).post(notices::retry))
        .route("/notices/{id}/dismiss", get(notices::back).post(notices::dismiss))
        .route("/runners", get(runners::show))
        .route("/runners/live", get(runners::live))
        .route("/runners/{id}/drain", get(runners::back).post(runners::drain))
        .route("/runners/{id}/resume", get(runners::back).post(runners::resume))
        .route("/runners/{id}/revoke", get(runners::back).post(runners::revoke))
        .route("/runbooks/drafts", get(draft::list))
        .route("/runbooks/drafts/{id}", get(draft::show))
        .route("/runbooks/drafts/{id}/take-up", get(draft::back).post(draft::take_up))
        .route("/runbooks/drafts/{id}/decline", get(draft::back).post(draft::decline))
        .route("/emergencies", get(emergency::list).post(emergency::declare))
        .route("/emergencies/live", get(emergency::list_live))
        .route("/emergencies/{id}", get(emergency::show))
        .route("/emergencies/{id}/live", get(emergency::live))
        .route("/emergencies/{id}/end", get(emergency::back).post(emergency::end))
        .route("/emergencies/{id}/review", get(emergency::back).post(emergency::review))
        .route("/posture", get(act::back_to_policy).post(act::posture))
        .route("/assets/{name}", get(asset::newest))
        .route("/assets/{version}/{name}", get(asset::versioned))
        .with_state(app.clone())
}
