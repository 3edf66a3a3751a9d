//! What people are told outside the console: deliveries, dead letters, channels. People only: notices name people and say what
//! is asked of them.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use lineclear_connect::{Headers, ProofError, proof, tell::slack};
use lineclear_core::authority::Grade;
use lineclear_core::bundle::Bundle;
use lineclear_core::catalogue::Risk;
use lineclear_core::name::ChannelName;
use lineclear_core::notice::{Carrier, Kind, Urgency};
use lineclear_core::statement::{Decision, Signature};
use lineclear_core::{DeliveryId, Span};
use lineclear_engine::{Caller, DeliveryView};
use serde::Serialize;
use utoipa::ToSchema;

use super::acts::Reason;
use super::page::{Listed, Wanted};
use super::parameter::{Asked, Named};
use crate::json::{Strict, unread};
use crate::{App, Code, Person, Problem};

/// How old a press of a button in Slack may be: what Slack advises.
const REPLAY: Span = Span::from_secs(300);

type Shown = Result<Json<DeliveryView>, Problem>;

/// A channel through which people are told.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChannelLine {
    /// Its name.
    #[schema(value_type = String)]
    name: ChannelName,
    /// `slack`, `teams`, `mail`, `webhook`, `pagerduty` or `ntfy`.
    kind: &'static str,
    /// Whether it has a place that everybody reads.
    room: bool,
    /// The kinds of notice that the room is told; empty means every kind.
    #[schema(value_type = Vec<String>)]
    kinds: Vec<Kind>,
    /// The least urgency that it carries.
    #[schema(value_type = String)]
    urgency: Urgency,
    /// The logins of people who have a place in it.
    people: Vec<String>,
}

/// Every channel.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChannelList {
    /// By name; empty when people are told in the console only.
    items: Vec<ChannelLine>,
}

/// A test notice that was handed over.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Tried {
    /// Its delivery.
    #[schema(value_type = String)]
    delivery: DeliveryId,
}

/// Lists deliveries of notices, newest first; `state=dead` for the dead letters.
#[utoipa::path(get, path = "/api/v1/notices", tag = "notices", params(Wanted), responses((status = 200, description = "One page", body = Listed)))]
pub(super) async fn list(State(app): State<App>, _: Person, Asked(wanted): Asked<Wanted>) -> Result<Json<Listed>, Problem> {
    Ok(Json(app.engine.list(wanted.query("delivery")?).await?.into()))
}

/// Shows a delivery: what is said, to whom, through which channel, and every try.
#[utoipa::path(get, path = "/api/v1/notices/{id}", tag = "notices", params(("id" = String, Path, description = "The delivery")),
    responses((status = 200, description = "The delivery", body = Object)))]
pub(super) async fn show(State(app): State<App>, _: Person, Named(id): Named<DeliveryId>) -> Shown {
    Ok(Json(app.engine.delivery(id).await?))
}

/// Sets a dead letter going again. People only.
#[utoipa::path(post, path = "/api/v1/notices/{id}/retry", tag = "notices", params(("id" = String, Path, description = "The delivery")),
    responses((status = 200, description = "The delivery as it stands now", body = Object)))]
pub(super) async fn retry(State(app): State<App>, person: Person, Named(id): Named<DeliveryId>) -> Shown {
    app.engine.retry_delivery(&person.caller(), id).await?;
    Ok(Json(app.engine.delivery(id).await?))
}

/// Says that a notice need not arrive. People only.
#[utoipa::path(post, path = "/api/v1/notices/{id}/dismiss", tag = "notices", params(("id" = String, Path, description = "The delivery")),
    request_body = Reason, responses((status = 200, description = "The delivery as it stands now", body = Object)))]
pub(super) async fn dismiss(State(app): State<App>, person: Person, Named(id): Named<DeliveryId>, Strict(body): Strict<Reason>) -> Shown {
    app.engine.dismiss_delivery(&person.caller(), id, body.reason).await?;
    Ok(Json(app.engine.delivery(id).await?))
}

/// Lists the channels of the estate in force, without addresses and secrets.
#[utoipa::path(get, path = "/api/v1/channels", tag = "notices", operation_id = "channels", responses((status = 200, description = "The channels", body = ChannelList)))]
pub(super) async fn channels(State(app): State<App>, _: Person) -> Json<ChannelList> {
    let estate = app.engine.estate();
    let line = |(name, channel): (&ChannelName, &lineclear_core::notice::Channel)| ChannelLine {
        name: name.clone(),
        kind: channel.carrier.word(),
        room: channel.room.is_some() || !channel.carrier.finds_people(),
        kinds: channel.kinds.iter().copied().collect(),
        urgency: channel.least,
        people: estate.notices.people.iter().filter(|(_, places)| places.contains_key(name)).map(|(login, _)| login.to_string()).collect(),
    };
    Json(ChannelList { items: estate.notices.channels.iter().map(line).collect() })
}

/// Tries out a channel: a notice to yourself, or to its room where you have no place of your own. People only.
#[utoipa::path(post, path = "/api/v1/channels/{name}/test", tag = "notices", params(("name" = String, Path, description = "The channel")),
    responses((status = 200, description = "It was handed over", body = Tried)))]
pub(super) async fn test(State(app): State<App>, person: Person, Named(name): Named<ChannelName>) -> Result<Json<Tried>, Problem> {
    Ok(Json(Tried { delivery: app.engine.try_channel(&person.caller(), &name).await? }))
}

/// Takes what somebody pressed in Slack: signed by Slack, no older than five minutes, by a member whose place the estate gives to
/// one person. It counts as that person's answer of grade `session`, where policy is content with that and the risk is not high.
#[utoipa::path(post, path = "/hooks/slack/{channel}", tag = "notices", operation_id = "slack", params(("channel" = String, Path, description = "The channel's name")),
    request_body(content = String, content_type = "application/x-www-form-urlencoded", description = "Slack's interaction"),
    responses((status = 200, description = "Taken")))]
pub(super) async fn slack(
    State(app): State<App>,
    axum::extract::Path(name): axum::extract::Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Problem> {
    let stranger = || Problem::new(Code::Unauthenticated);
    let estate = app.engine.estate();
    // Whoever asks for a channel that is not there learns no more than whoever has no signature for one that is.
    let name: ChannelName = name.parse().map_err(|_| stranger())?;
    let carrier = estate.notices.channels.get(&name).map(|channel| &channel.carrier).ok_or_else(stranger)?;
    let Carrier::Slack { signing: Some(signing), team, .. } = carrier else { return Err(stranger()) };
    let secret = app.auth.secret(signing).ok_or_else(|| {
        tracing::error!(channel = %name, "the signing secret of a channel is not there; answers given in it are refused");
        stranger()
    })?;
    let body = body.map_err(|rejection| unread(&rejection))?;
    let pairs: Vec<(&str, &str)> = headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))).collect();
    if let Err(error) = proof::slack(&secret, Headers::new(&pairs), &body, app.engine.now(), REPLAY) {
        if error == ProofError::Stale {
            tracing::warn!(channel = %name, %error, "an answer given in Slack was refused");
        }
        return Err(stranger());
    }
    let pressed = slack::pressed(&body).map_err(|error| Problem::with(Code::BadWebhook, error.to_string()))?;
    let Some(pressed) = pressed else { return Ok(StatusCode::OK) };
    if team.as_ref().is_some_and(|team| *team != pressed.team) {
        tracing::warn!(channel = %name, "somebody of another workspace pressed a button; nothing was recorded");
        return Err(Problem::new(Code::Stranger));
    }
    let person = estate.notices.person_at(&name, &pressed.user, &estate.directory).ok_or_else(|| {
        tracing::warn!(channel = %name, "somebody whom the estate does not know pressed a button; nothing was recorded");
        Problem::new(Code::Stranger)
    })?;
    answer(&app, &Caller::Operator(person), pressed).await
}

async fn answer(app: &App, caller: &Caller, pressed: slack::Pressed) -> Result<StatusCode, Problem> {
    app.engine.known(caller)?;
    let request = app.engine.request_by_id(pressed.approval).await?.request;
    let bundle: Option<Bundle> = serde_json::from_str(&request.bundle).ok();
    let answerable = request.needs.grade <= Grade::Session && bundle.is_some_and(|bundle| bundle.risk != Risk::High);
    if pressed.decision == Decision::Approve && !answerable {
        return Err(Problem::with(Code::TooWeak, "this is approved on its page, where it is seen whole"));
    }
    if pressed.decision == Decision::Reject && pressed.reason.is_empty() {
        return Err(Problem::new(Code::Unreasoned));
    }
    let text = app.engine.statement(caller, request.id, pressed.decision, pressed.reason).await?;
    app.engine.vote(caller, request.id, text, Signature::Session).await?;
    Ok(StatusCode::OK)
}
