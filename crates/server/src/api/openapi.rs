//! The API's description, made from the handlers themselves.

use axum::Json;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, ResponseBuilder};
use utoipa::{Modify, OpenApi as _};

use super::{
    acts, changes, drafts, emergencies, events, health, hooks, incidents, installation, ledger, notices, pages, revisions, runner, runners,
    votes,
};
use crate::problem::{Document, MEDIA};

#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "Lineclear", description = "The control plane between AI agents and production hosting: agents propose, policy and named people answer."),
    components(schemas(Document)),
    security(("bearer" = []), ("session" = [])),
    modifiers(&Finish),
    paths(
        document, changes::propose, changes::list, changes::show, changes::record, changes::explanation, changes::check, votes::request, votes::statement,
        votes::vote, acts::withdraw, acts::amend, acts::declare, acts::take_back, acts::resolve, incidents::list, incidents::show,
        incidents::acknowledge, incidents::close, incidents::grade, incidents::room, incidents::merge, incidents::split, pages::role,
        pages::list, pages::show, pages::acknowledge, pages::hand_over, pages::on_call, pages::calendar, pages::ask_again,
        emergencies::list, emergencies::declare, emergencies::show, emergencies::end, emergencies::review, emergencies::tell, installation::actions, installation::estate,
        revisions::propose, revisions::list, revisions::show, revisions::request, revisions::difference, revisions::withdraw,
        revisions::activate, drafts::offer, drafts::list, drafts::show, drafts::take_up, drafts::decline, runners::list, runners::invite, runners::drain, runners::resume, runners::revoke, runner::enrol, runner::poll,
        runner::heartbeat, runner::report, runner::answer, installation::posture, installation::set_posture, events::events, ledger::checkpoint, ledger::entries, ledger::proof,
        ledger::consistency, ledger::vkey, notices::list, notices::show, notices::retry, notices::dismiss, notices::channels, notices::test, notices::slack, hooks::alertmanager, hooks::source, hooks::suffixed, health::alive, health::ready, health::metrics,
    )
)]
struct Described;

/// Adds what every operation has in common: how to authenticate, and what a problem looks like.
struct Finish;

impl Modify for Finish {
    fn modify(&self, api: &mut OpenApi) {
        let components = api.components.get_or_insert_default();
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        let session = ApiKeyValue::with_description("lineclear", "`__Host-lineclear` where TLS is used");
        components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(session)));
        let runner = ApiKeyValue::with_description(
            lineclear_warrant::request::SIGNATURE_HEADER,
            "An Ed25519 signature in base64 by the runner's key, with `lineclear-runner`, `lineclear-time` and `lineclear-nonce`: see docs/runners.md",
        );
        components.add_security_scheme("runner", SecurityScheme::ApiKey(ApiKey::Header(runner)));
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        let problem = ResponseBuilder::new().description("A problem document (RFC 9457)").content(MEDIA, content).build();
        for item in api.paths.paths.values_mut() {
            let each: [Option<&mut Operation>; 3] = [item.get.as_mut(), item.post.as_mut(), item.put.as_mut()];
            for operation in each.into_iter().flatten() {
                operation.responses.responses.insert("default".into(), RefOr::T(problem.clone()));
                // Handlers of two nouns may share a verb; together with the noun it is said once.
                let noun = operation.tags.iter().flatten().next().cloned().unwrap_or_default();
                operation.operation_id = operation.operation_id.take().map(|verb| format!("{noun}_{verb}"));
            }
        }
    }
}

/// The API's description, OpenAPI 3.1.
pub(crate) fn described() -> OpenApi {
    Described::openapi()
}

/// The API's description as JSON, OpenAPI 3.1: the text of `docs/openapi.json`.
pub fn text() -> String {
    // Strings, lists and maps of strings: this always has a JSON form.
    described().to_pretty_json().map(|text| text + "\n").unwrap_or_default()
}

/// This description.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "description", responses((status = 200, description = "OpenAPI 3.1", body = Object)), security(()))]
pub(super) async fn document() -> Json<OpenApi> {
    Json(described())
}
