//! References inside texts: `${target.name}`, `${target.kind}` and `${inputs.x}`, and nothing else.

use lineclear_core::name::InputName;

use crate::fault::{At, Faults, Place};
use crate::members::cut;

/// The inputs that a text refers to; a malformed or unknown reference is a fault.
pub(crate) fn references(text: &str, place: &Place, faults: &Faults) -> Vec<At<InputName>> {
    let (mut found, mut rest) = (Vec::new(), text);
    while let Some((_, after)) = rest.split_once("${") {
        let Some((path, tail)) = after.split_once('}') else {
            faults.at(place, "`${` without its closing brace", None);
            break;
        };
        match path.strip_prefix("inputs.").map(str::parse::<InputName>) {
            Some(Ok(value)) => found.push(At { value, place: place.clone() }),
            _ if matches!(path, "target.name" | "target.kind") => {}
            // What people sign is what runs: a value that nobody had seen then would be aimed by whoever answers the step before.
            _ if path.starts_with("steps.") => faults.at(
                place,
                format!("`${{{}}}` is known only while it runs, and a call takes nothing that was not seen before approval", cut(path)),
                Some("give it as an input, or look at it in a `when` with `step` and `output`".into()),
            ),
            _ => faults.at(
                place,
                format!("`${{{}}}` refers to nothing", cut(path)),
                Some("write `${inputs.…}`, `${target.name}`, `${target.kind}`, or `${item}` in a step with `for_each`".into()),
            ),
        }
        rest = tail;
    }
    found
}

/// Whether the whole text is one reference.
pub(crate) fn whole(text: &str) -> bool {
    text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')).is_some_and(|path| !path.contains(['$', '{', '}']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Text;

    fn check(text: &str, inputs: &[&str], faulty: usize) {
        let (faults, place) = (Faults::default(), Place::start(&Text::new("a.yaml", text)));
        let found: Vec<String> = references(text, &place, &faults).iter().map(|r| r.value.to_string()).collect();
        assert_eq!((found, faults.count()), (inputs.iter().map(|i| (*i).to_owned()).collect(), faulty), "{text}");
    }

    #[test]
    fn only_inputs_and_the_target_can_be_referred_to() {
        check("up{job=\"${target.name}\"} ${inputs.a}${inputs.b}", &["a", "b"], 0);
        check("${env.HOME}", &[], 1);
        check("${inputs.}", &[], 1);
        check("${target}", &[], 1);
        check("${steps.look.outputs.state}", &[], 1);
        check("a ${inputs.a", &[], 1);
        check("$5 {a}", &[], 0);
    }

    #[test]
    fn a_whole_reference_stands_alone() {
        assert!(whole("${inputs.a}"));
        for text in ["${inputs.a}b", "a${inputs.a}", "${inputs.a}${inputs.b}", "${", "a"] {
            assert!(!whole(text), "{text}");
        }
    }
}
