//! `invariants/*.cedar`: what must never be permitted. Each is a `forbid` that describes what is bad; here they are held to all
//! that policies are held to (syntax, `@id`, `@title`, types, names of the estate), and elsewhere a solver proves them.

use std::sync::Arc;

use lineclear_core::estate::Estate;
use lineclear_policy::{Policies, PolicyText, Source};

use crate::fault::{Fault, LoadError, Place, Text};
use crate::load::told;

/// Checks the invariants against the estate that they are about.
///
/// # Errors
/// Everything that is wrong with them.
pub(crate) fn check(estate: &Arc<Estate>, sources: &[Source]) -> Result<(), LoadError> {
    if sources.is_empty() {
        return Ok(());
    }
    let read = Policies::load(Arc::clone(estate), sources);
    let read = read.map_err(|found| LoadError::new(found.iter().map(|one| told(one, sources)).collect()))?;
    let permits: Vec<Fault> = read.list().iter().filter(|policy| !forbids(&policy.text)).map(|policy| permit(policy, sources)).collect();
    if permits.is_empty() { Ok(()) } else { Err(LoadError::new(permits)) }
}

fn permit(policy: &PolicyText, sources: &[Source]) -> Fault {
    let message = format!("invariant `{}` is a `permit`", policy.id);
    let help = Some("describe what must never be permitted, as a `forbid`".to_owned());
    let Some(source) = sources.iter().find(|source| source.path == policy.path) else {
        return Fault::of_file(&policy.path, message, help);
    };
    let id = format!("\"{}\"", policy.id);
    let at = source.text.find(&id).unwrap_or(0);
    Fault::at(&Place::new(&Text::new(&source.path, &source.text), at..at + id.len()), message, help)
}

/// Whether a policy as Cedar prints it forbids: the first word behind its annotations, whose texts may say anything.
fn forbids(policy: &str) -> bool {
    let mut rest = policy.trim_start();
    while let Some(annotation) = rest.strip_prefix('@') {
        let Some((_, text)) = annotation.split_once('"') else { return false };
        let mut escaped = false;
        let end = text.find(|c| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        let behind = end.and_then(|end| text.get(end + 1..)).map(str::trim_start);
        rest = behind.and_then(|behind| behind.strip_prefix(')')).unwrap_or("").trim_start();
    }
    rest.starts_with("forbid")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_annotation_says_is_no_effect() {
        let check = |text: &str, expected: bool| assert_eq!(forbids(text), expected, "{text}");
        check("forbid (principal, action, resource);", true);
        check("permit (principal, action, resource);", false);
        check("@id(\"a\")\n@title(\"permit \\\") forbid\")\nforbid (principal, action, resource);", true);
        check("@id(\"forbid\")\n@title(\"forbid (\")\npermit (principal, action, resource);", false);
        check("@id(\"a", false);
    }
}
