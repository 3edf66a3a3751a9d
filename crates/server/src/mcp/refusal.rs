//! Why a tool did nothing, as a model reads it: the same codes as everywhere, with help in terms of tools.

use serde_json::{Value, json};

use crate::Problem;

/// The structured part of an error result. `base` is the public URL.
pub(super) fn refusal(problem: &Problem, base: &str) -> Value {
    let help = problem.code().help().replace("`GET /api/v1/actions`", "`list_actions`");
    let mut said = json!({ "code": problem.code().word(), "message": problem.detail(), "help": help });
    if let Some(members) = said.as_object_mut() {
        if let Some(pointer) = problem.pointer() {
            members.insert("pointer".into(), pointer.into());
        }
        if let Some(change) = problem.change() {
            members.insert("change".into(), change.to_string().into());
            members.insert("url".into(), format!("{base}/changes/{change}").into());
        }
    }
    said
}
