//! What the protocol calls a server: one per request, holding nothing but the app. Who speaks comes with each request.

use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use lineclear_core::patch::Played;
use lineclear_core::{AgentId, ChangeId};
use lineclear_engine::{Caller, ChangeView, Sketch};
use rmcp::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ErrorData, Implementation, JsonObject, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::{RequestContext, RoleServer};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::answer::Answer;
use super::arguments::{
    ChangeArguments, DraftArguments, NoArguments, ProposalArguments, Until, WaitArguments, WithdrawArguments, arguments,
};
use super::finding::{Finding, clip, told};
use super::offer::Offer;
use super::refusal::refusal;
use super::tools::{INSTRUCTIONS, tools};
use crate::{App, Code, Machine, Problem};

/// How long a proposal waits for gate 1: facts and plan take up to this long, and agents should not wait much longer.
const SETTLE: Duration = Duration::from_secs(10);
/// Most calls that wait at once; further ones are answered at once with what is known. Half of the server's places, so that
/// waiting agents never keep people out.
const WAITS_MAX: usize = 256;

/// The face for agents.
#[derive(Clone)]
pub(super) struct Agents {
    app: App,
    tools: Arc<Vec<Tool>>,
    waits: Arc<Semaphore>,
}

/// Who calls, and whether they still listen.
struct Call {
    agent: AgentId,
    given_up: CancellationToken,
}

impl Call {
    fn of(context: &RequestContext<RoleServer>) -> Option<Self> {
        let machine = context.extensions.get::<Parts>()?.extensions.get::<Machine>()?;
        Some(Self { agent: machine.0, given_up: context.ct.clone() })
    }

    const fn caller(&self) -> Caller {
        Caller::Agent(self.agent)
    }
}

impl Agents {
    /// For this app.
    pub fn new(app: App) -> Self {
        Self { app, tools: Arc::new(tools()), waits: Arc::new(Semaphore::new(WAITS_MAX)) }
    }

    /// Calls a tool; none when there is no such tool.
    async fn call(&self, name: &str, given: Option<JsonObject>, call: &Call) -> Option<Result<Value, Problem>> {
        Some(match name {
            "check_policy" => self.check(given, call).await,
            "draft_runbook" => self.draft(given, call).await,
            "get_change" => self.get(given, call).await,
            "list_actions" => self.list(given),
            "propose_change" => self.propose(given, call).await,
            "wait_for_decision" => self.wait(given, call).await,
            "withdraw_change" => self.withdraw(given, call).await,
            _ => return None,
        })
    }

    async fn propose(&self, given: Option<JsonObject>, call: &Call) -> Result<Value, Problem> {
        let (ask, key) = arguments::<ProposalArguments>(given)?.split()?;
        let proposed = self.app.engine.propose(&call.caller(), ask, key).await?;
        let view = self.watch(proposed.change, Until::Settled, SETTLE, call).await?;
        shown(&self.answer(&view, call).repeated(proposed.repeated))
    }

    async fn check(&self, given: Option<JsonObject>, call: &Call) -> Result<Value, Problem> {
        // A key means nothing here; it is taken so that the very arguments of a proposal can be checked.
        let (ask, _) = arguments::<ProposalArguments>(given)?.split()?;
        let found = self.app.engine.check(&call.caller(), ask).await?;
        let mut value = shown(&Finding::of(&found.dossier, &self.app.engine.estate()))?;
        if let Some(members) = value.as_object_mut() {
            members.insert("explanation".into(), told(found.explanation.as_ref()).into());
            members.insert("recorded".into(), false.into());
            let next = "Nothing was recorded and nobody was asked. Call `propose_change` if you want this to happen.";
            members.insert("next".into(), next.into());
        }
        Ok(value)
    }

    async fn draft(&self, given: Option<JsonObject>, call: &Call) -> Result<Value, Problem> {
        let DraftArguments { text, note, incident } = arguments(given)?;
        let id = self.app.engine.draft_runbook(&call.caller(), Sketch { text, note, incident }).await?;
        let view = self.app.engine.patch(id).await?;
        let review = &view.patch.review;
        let failing = |test: &&Played| test.fault.is_some();
        let told = |test: &Played| json!({ "test": clip(&test.name), "fault": test.fault.as_deref().map(clip) });
        Ok(json!({
            "draft": id, "runbook": review.runbook, "owner": review.owner, "status": "offered", "tests": review.tests.len(), "holding": review.holding(),
            "failing": review.tests.iter().filter(failing).map(told).collect::<Vec<_>>(), "warnings": review.warnings.iter().map(|said| clip(said)).collect::<Vec<_>>(),
            "unrehearsed": review.unrehearsed, "url": format!("{}/runbooks/drafts/{id}", self.app.settings.public_url()),
            "next": "Show the url to the person you work for. Nothing runs a draft, and only a person can take it up.",
        }))
    }

    async fn get(&self, given: Option<JsonObject>, call: &Call) -> Result<Value, Problem> {
        let ChangeArguments { change } = arguments(given)?;
        let view = self.app.engine.view(change).await?;
        let found = view.change.dossier().and_then(|dossier| self.app.engine.explanation(&view.change.proposal, dossier));
        shown(&self.answer(&view, call).with_timeline(&view.timeline).explained(told(found.as_ref())))
    }

    async fn wait(&self, given: Option<JsonObject>, call: &Call) -> Result<Value, Problem> {
        let asked: WaitArguments = arguments(given)?;
        let view = self.watch(asked.change, asked.until, asked.wait()?, call).await?;
        shown(&self.answer(&view, call))
    }

    async fn withdraw(&self, given: Option<JsonObject>, call: &Call) -> Result<Value, Problem> {
        let asked: WithdrawArguments = arguments(given)?;
        let change = asked.change;
        self.app.engine.withdraw(&call.caller(), change, asked.reason()?).await?;
        shown(&self.answer(&self.app.engine.view(change).await?, call))
    }

    fn list(&self, given: Option<JsonObject>) -> Result<Value, Problem> {
        let NoArguments {} = arguments(given)?;
        shown(&Offer::of(&self.app.engine.estate(), self.app.settings.simulated))
    }

    fn answer(&self, view: &ChangeView, call: &Call) -> Answer {
        let url = format!("{}/changes/{}", self.app.settings.public_url(), view.change.id);
        Answer::of(view, call.agent, &self.app.engine, url)
    }

    /// Waits for a change; not longer than somebody listens, and not once the server stops.
    async fn watch(&self, change: ChangeId, until: Until, wait: Duration, call: &Call) -> Result<ChangeView, Problem> {
        let engine = &self.app.engine;
        let place = self.waits.try_acquire();
        let wait = if place.is_ok() { wait } else { Duration::ZERO };
        let looking = async {
            match until {
                Until::Settled => engine.settled(change, wait).await,
                Until::Decided => engine.decided(change, wait).await,
                Until::Finished => engine.finished(change, wait).await,
            }
        };
        tokio::select! {
            view = looking => return Ok(view?),
            () = self.app.stop.cancelled() => {}
            () = call.given_up.cancelled() => {}
        }
        Ok(engine.view(change).await?)
    }
}

fn shown(value: &impl Serialize) -> Result<Value, Problem> {
    serde_json::to_value(value).map_err(|error| {
        tracing::error!(%error, "an answer to an agent has no JSON form");
        Problem::new(Code::Fault)
    })
}

impl ServerHandler for Agents {
    fn get_info(&self) -> ServerConfig {
        let server = Implementation::new("lineclear", env!("CARGO_PKG_VERSION")).with_title("Lineclear");
        let simulated = if self.app.settings.simulated { "\nThis estate is simulated." } else { "" };
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(server)
            .with_instructions(format!("{INSTRUCTIONS}{simulated}"))
    }

    async fn list_tools(&self, _: Option<PaginatedRequestParams>, _: RequestContext<RoleServer>) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(self.tools.to_vec()))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.tools.iter().find(|tool| tool.name == name).cloned()
    }

    async fn call_tool(&self, request: CallToolRequestParams, context: RequestContext<RoleServer>) -> Result<CallToolResponse, ErrorData> {
        let call = Call::of(&context).ok_or_else(|| ErrorData::internal_error("nobody known is speaking", None))?;
        let outcome = self.call(&request.name, request.arguments, &call).await;
        let Some(outcome) = outcome else {
            return Err(ErrorData::invalid_params("there is no such tool", Some(json!({ "tools": super::tools::NAMES }))));
        };
        let result = match outcome {
            Ok(value) => CallToolResult::structured(value),
            Err(problem) => CallToolResult::structured_error(refusal(&problem, self.app.settings.public_url())),
        };
        Ok(result.into())
    }
}
