//! A person's own keys: what may sign for them now, and how a passkey is made. Making one gives a line for the estate and nothing else:
//! it signs for its person once people have let that line into force.

use axum::Json;
use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use lineclear_core::OperatorId;
use lineclear_core::passkey::Passkey;
use maud::{Markup, html};
use serde::{Deserialize, Serialize};

use super::frame::{Frame, Place, page};
use super::shown::{Shown, flat};
use super::visitor::{Failure, Visitor};
use crate::json::Strict;
use crate::{App, Code, Person, Problem};

/// What the page shows.
#[derive(Debug, Clone)]
pub(super) struct Page {
    /// Who.
    pub person: OperatorId,
    /// Their login.
    pub login: String,
    /// Their name.
    pub name: String,
    /// The lines of their key file.
    pub keys: Vec<String>,
    /// Where this console is reached.
    pub origin: String,
    /// Whether browsers make passkeys for pages under that origin.
    pub able: bool,
}

/// A passkey as the browser made it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Made {
    credential: String,
    key: String,
    synced: bool,
}

/// The line for the person's key file.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    line: String,
}

/// The passkeys of a person that sign on pages of this origin.
pub(super) fn passkeys(app: &App, person: OperatorId) -> Vec<Passkey> {
    let estate = app.engine.estate();
    let keys = estate.directory.operators.get(&person).map(|person| person.keys.as_slice()).unwrap_or_default();
    keys.iter().filter_map(|line| line.parse::<Passkey>().ok()).filter(|key| key.origin() == app.settings.public_url()).collect()
}

/// The page.
pub(super) async fn show(State(app): State<App>, visitor: Visitor) -> Result<Markup, Failure> {
    let estate = app.engine.estate();
    let person = estate.directory.operators.get(&visitor.id).ok_or_else(|| Failure::from(Problem::new(Code::NotFound)))?;
    let origin = app.settings.public_url().to_owned();
    let page = Page {
        person: person.id,
        login: person.login.to_string(),
        name: person.name.clone(),
        keys: person.keys.clone(),
        able: Passkey::able(&origin),
        origin,
    };
    Ok(render(&visitor.frame, &page))
}

/// Turns what a browser made into the line of a key file. Nothing is recorded: nobody gains anything by asking.
pub(super) async fn line(State(app): State<App>, _: Person, Strict(made): Strict<Made>) -> Result<Json<Line>, Problem> {
    let bad = |member: &str| Problem::with(Code::Malformed, format!("the {member} is no base64")).at(format!("/{member}"));
    let credential = URL_SAFE_NO_PAD.decode(&made.credential).map_err(|_| bad("credential"))?;
    let key = STANDARD.decode(&made.key).map_err(|_| bad("key"))?;
    let passkey = Passkey::new(app.settings.public_url(), made.synced, &credential, &key)
        .map_err(|error| Problem::with(Code::Malformed, error.to_string()))?;
    Ok(Json(Line { line: passkey.to_string() }))
}

pub(super) fn render(frame: &Frame, it: &Page) -> Markup {
    let ids: Vec<String> = it.keys.iter().filter_map(|line| line.parse::<Passkey>().ok()).map(|key| key.credential()).collect();
    let body = html! {
        h1 { "Your keys" }
        p.lead { "What signs for " (Shown(&it.name)) " in the estate in force. A key counts once it stands in the estate; a runner counts it once it stands in the runner’s own file, too." }
        @if it.keys.is_empty() {
            p { "No key signs for you. What needs a signature, others have to answer." }
        } @else {
            ul.keys { @for key in &it.keys { li { (one(key, &it.origin)) } } }
        }
        section aria-labelledby="make" {
            h2 #make { "Make a passkey" }
            @if it.able {
                p { "Your device asks for your finger, face or PIN. The key stays there; what you get is a line for " code { "keys/" (it.login) ".pub" } "." }
                form method="post" action="/keys" data-passkey="make" data-person=(it.person.to_string()) data-login=(it.login) data-name=(flat(&it.name)) data-passkeys=(ids.join(" ")) {
                    button type="submit" { "Make a passkey for this site" }
                    p.refused role="alert" {}
                }
                div #made tabindex="-1" hidden {
                    h3 { "Made. It signs nothing yet." }
                    ol {
                        li { "Add this line to " code { "keys/" (it.login) ".pub" } " of the estate:" pre { code #made-line {} } }
                        li { "Propose that version of the estate; people of the rung that activates have to agree that it is you." }
                        li { "Add the same line to your " code { "keys" } " in the " code { "runner.toml" } " of each runner that shall count it." }
                    }
                }
            } @else {
                p { "Browsers make passkeys for a name under HTTPS, or for " code { "localhost" } ". This console is reached as " code { (it.origin) } "; sign with an SSH key, or start it with a " code { "--public-url" } " that has a name." }
            }
        }
    };
    page(frame, Place::Keys, "Your keys", &body, None)
}

fn one(line: &str, origin: &str) -> Markup {
    let Ok(key) = line.parse::<Passkey>() else {
        return html! { strong { "SSH key" } " " code.key { (Shown(line)) } };
    };
    html! {
        strong { "Passkey" } " for " code { (key.origin()) } ", "
        @if key.synced() { "synced: it may be on several of your devices" } @else { "on one device" }
        @if key.origin() != origin { " (signs nothing here: this console is another site)" }
    }
}
