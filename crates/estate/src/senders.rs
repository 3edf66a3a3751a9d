//! `[signals.NAME]` in `lineclear.toml`: who may send signals, what they speak, and how they show that they are the one.

use lineclear_core::Span;
use lineclear_core::name::SourceName;
use lineclear_core::signal::{Proof, SecretName, SignalSource, SourceKind};
use serde::Deserialize;
use toml::Spanned;

use crate::duration::{DURATION_FORM, duration};
use crate::fault::{At, Faults};
use crate::members::cut;
use crate::suggest::suggest;

/// Most senders: several for each product of a large house.
pub(crate) const SENDERS_MAX: usize = 100;
/// How old a signed message may be, when nothing is said.
const REPLAY: Span = Span::from_secs(300);
/// The longest that may be said: a captured message is worth something for so long.
const REPLAY_MAX: Span = Span::from_secs(3_600);
/// Most topics of one sender.
const TOPICS_MAX: usize = 50;
/// Longest name of a secret, and longest topic, in bytes.
const NAME_MAX: usize = 200;
/// The words for `proof`.
const PROOFS: [&str; 4] = ["token", "secret", "signature", "none"];

/// A sender as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawSender {
    kind: Spanned<String>,
    proof: Option<Spanned<String>>,
    secret_file: Option<Spanned<String>>,
    secret_env: Option<Spanned<String>>,
    replay: Option<Spanned<String>>,
    mapping: Option<Spanned<String>>,
    pages: Option<bool>,
    topics: Option<Vec<Spanned<String>>>,
}

/// A sender, with the place of the mapping that it names.
#[derive(Debug, Clone)]
pub(crate) struct Sender {
    pub(crate) source: SignalSource,
    pub(crate) mapping: Option<At<String>>,
}

pub(crate) fn read(
    name: &At<String>,
    raw: &RawSender,
    at: &dyn Fn(&Spanned<String>) -> At<String>,
    faults: &Faults,
) -> Option<(SourceName, Sender)> {
    let named = match name.value.parse::<SourceName>() {
        Ok(named) => Some(named),
        Err(error) => {
            faults.at(&name.place, error.to_string(), None);
            None
        }
    };
    let word = at(&raw.kind);
    let kind = SourceKind::ALL.iter().find(|(known, _)| *known == word.value).map(|(_, kind)| *kind);
    if kind.is_none() {
        let help = suggest(&word.value, SourceKind::ALL.iter().map(|(word, _)| *word));
        faults.at(&word.place, format!("`{}` is no format that signals come in", cut(&word.value)), help);
    }
    let mapping = raw.mapping.as_ref().map(at);
    match (kind, &mapping) {
        (Some(SourceKind::Json), None) => {
            faults.at(
                &word.place,
                "nothing says how this JSON is read",
                Some("name a mapping of `signals/*.yaml`: `mapping = \"…\"`".into()),
            );
        }
        (Some(kind), Some(mapping)) if !matches!(kind, SourceKind::Json | SourceKind::Cloudevents) => {
            faults.at(&mapping.place, format!("`{kind}` is read without a mapping"), None);
        }
        (_, _) => {}
    }
    let proof = proof(raw, name, kind, at, faults);
    let replay = raw.replay.as_ref().map(at).map_or(Some(REPLAY), |given| match duration(&given.value) {
        Some(span) if span <= REPLAY_MAX && span >= Span::from_secs(1) => Some(span),
        _ => {
            faults.at(&given.place, format!("`{}` is not between `1s` and `1h`", cut(&given.value)), Some(DURATION_FORM.into()));
            None
        }
    });
    let topics = topics(raw, kind, at, faults);
    let source = SignalSource {
        kind: kind?,
        proof: proof?,
        replay: replay?,
        mapping: mapping.as_ref().map(|at| at.value.clone()),
        pages: raw.pages.unwrap_or(true),
        topics,
    };
    Some((named?, Sender { source, mapping }))
}

fn topics(raw: &RawSender, kind: Option<SourceKind>, at: &dyn Fn(&Spanned<String>) -> At<String>, faults: &Faults) -> Vec<String> {
    let topics: Vec<At<String>> = raw.topics.iter().flatten().map(at).collect();
    for topic in &topics {
        if kind != Some(SourceKind::Cloudwatch) {
            faults.at(&topic.place, "only `cloudwatch` has topics", None);
        } else if !topic.value.starts_with("arn:") || topic.value.len() > NAME_MAX || topics.len() > TOPICS_MAX {
            faults.at(&topic.place, format!("`{}` is no topic", cut(&topic.value)), Some("write `arn:aws:sns:region:account:name`".into()));
        }
    }
    topics.into_iter().map(|topic| topic.value).collect()
}

fn proof(
    raw: &RawSender,
    name: &At<String>,
    kind: Option<SourceKind>,
    at: &dyn Fn(&Spanned<String>) -> At<String>,
    faults: &Faults,
) -> Option<Proof> {
    let secret = match (raw.secret_file.as_ref().map(at), raw.secret_env.as_ref().map(at)) {
        (Some(_), Some(env)) => {
            faults.at(&env.place, "a secret lies in a file or in the environment, not in both", None);
            return None;
        }
        (Some(file), None) => Some((SecretName::File(plain(&file, false, faults)?), file)),
        (None, Some(env)) => Some((SecretName::Env(plain(&env, true, faults)?), env)),
        (None, None) => None,
    };
    let word = raw.proof.as_ref().map(at);
    let place = word.as_ref().map_or(&name.place, |word| &word.place);
    let given = word.as_ref().map_or(if secret.is_some() { "secret" } else { "token" }, |word| word.value.as_str());
    match (given, secret) {
        ("token", None) => Some(Proof::Token),
        ("none", None) => Some(Proof::Nothing),
        ("secret", Some((secret, _))) => Some(Proof::Secret { secret }),
        ("signature", Some(_)) if kind == Some(SourceKind::Cloudwatch) => {
            faults.at(
                place,
                "the signatures of SNS are not checked",
                Some("use `secret`, and put it into the address that SNS calls: `https://any:SECRET@…`".into()),
            );
            None
        }
        ("signature", Some((secret, _))) => Some(Proof::Signature { secret }),
        ("secret" | "signature", None) => {
            faults.at(place, "nothing says where the secret lies", Some("add `secret_file = \"name\"` or `secret_env = \"NAME\"`".into()));
            None
        }
        ("token" | "none", Some((_, at))) => {
            faults.at(
                &at.place,
                format!("`proof = \"{given}\"` uses no secret"),
                Some("leave the secret out, or write `proof = \"secret\"`".into()),
            );
            None
        }
        (other, _) => {
            faults.at(place, format!("`{}` is no proof", cut(other)), suggest(other, PROOFS));
            None
        }
    }
}

/// The name of a secret: never a path, never the secret itself.
pub(crate) fn plain(name: &At<String>, env: bool, faults: &Faults) -> Option<String> {
    let letters = |b: u8| if env { b.is_ascii_uppercase() } else { b.is_ascii_lowercase() || matches!(b, b'-' | b'.') };
    let fit = |b: u8| letters(b) || b.is_ascii_digit() || b == b'_';
    let good = !name.value.is_empty() && name.value.len() <= NAME_MAX && name.value.bytes().all(fit) && !name.value.starts_with('.');
    if !good {
        // Without what was written: it may be the secret.
        let help = if env {
            "write the variable's name, as in `PAGER_SECRET`"
        } else {
            "write a file's name, as in `pager.secret`; it lies in `secrets` of the data directory"
        };
        faults.at(&name.place, "this is no name of a secret", Some(help.into()));
    }
    good.then(|| name.value.clone())
}

#[cfg(test)]
mod tests {
    use lineclear_core::Span;
    use lineclear_core::signal::{Proof, SecretName, SourceKind};

    use crate::parse_settings;

    const HEAD: &str = "title = \"t\"\norigin = \"ledger.test/g1\"\nposture = \"full\"\n\n[signals.pager]\n";

    fn check(text: &str, expected: Result<(), &str>) {
        let read = parse_settings("lineclear.toml", &format!("{HEAD}{text}"));
        let told = read.map(drop).map_err(|error| error.to_string());
        match expected {
            Ok(()) => assert_eq!(told, Ok(()), "{text}"),
            Err(said) => assert!(told.as_ref().is_err_and(|told| told.contains(said)), "{text}: {told:?}"),
        }
    }

    #[test]
    fn a_sender_is_read_with_its_proof() {
        let read = |text: &str| parse_settings("lineclear.toml", &format!("{HEAD}{text}")).unwrap().signals.into_values().next().unwrap();
        let plain = read("kind = \"alertmanager\"\n");
        assert_eq!(
            (plain.kind, plain.proof, plain.replay, plain.pages),
            (SourceKind::Alertmanager, Proof::Token, Span::from_secs(300), true)
        );
        let secret = read("kind = \"pagerduty\"\nsecret_file = \"pager.secret\"\npages = false\n");
        assert_eq!((secret.proof, secret.pages), (Proof::Secret { secret: SecretName::File("pager.secret".into()) }, false));
        let signed = read("kind = \"github\"\nproof = \"signature\"\nsecret_env = \"CODE_SECRET\"\nreplay = \"1m\"\n");
        assert_eq!(
            (signed.proof, signed.replay),
            (Proof::Signature { secret: SecretName::Env("CODE_SECRET".into()) }, Span::from_secs(60))
        );
        assert_eq!(read("kind = \"checkly\"\nproof = \"none\"\n").proof, Proof::Nothing);
    }

    #[test]
    fn what_is_wrong_with_a_sender_is_said_and_never_the_secret() {
        check("kind = \"pagerdty\"\n", Err("`pagerdty` is no format that signals come in"));
        check("kind = \"json\"\n", Err("nothing says how this JSON is read"));
        check("kind = \"sentry\"\nmapping = \"m\"\n", Err("`sentry` is read without a mapping"));
        check("kind = \"github\"\nproof = \"signature\"\n", Err("nothing says where the secret lies"));
        check("kind = \"github\"\nproof = \"token\"\nsecret_file = \"a\"\n", Err("uses no secret"));
        check("kind = \"github\"\nproof = \"hmac\"\nsecret_file = \"a\"\n", Err("`hmac` is no proof"));
        check("kind = \"github\"\nsecret_file = \"a\"\nsecret_env = \"A\"\n", Err("not in both"));
        check("kind = \"cloudwatch\"\nproof = \"signature\"\nsecret_file = \"a\"\n", Err("the signatures of SNS are not checked"));
        check("kind = \"github\"\ntopics = [\"arn:a\"]\n", Err("only `cloudwatch` has topics"));
        check("kind = \"cloudwatch\"\ntopics = [\"alarms\"]\n", Err("`alarms` is no topic"));
        check("kind = \"github\"\nreplay = \"2h\"\n", Err("is not between `1s` and `1h`"));
        check("kind = \"github\"\nsecret = \"a\"\n", Err("unknown field `secret`"));
        for path in ["../keys/log.seed", "/etc/passwd", ".hidden", "S3cr3t value", ""] {
            let told =
                parse_settings("lineclear.toml", &format!("{HEAD}kind = \"github\"\nsecret_file = {path:?}\n")).unwrap_err().to_string();
            assert!(told.contains("this is no name of a secret") && (path.is_empty() || !told.contains(path)), "{told}");
        }
    }
}
