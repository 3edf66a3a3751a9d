use proptest::prelude::*;
use serde_json::json;

use super::authenticator::{ORIGIN, any_key, edwards, keys};
use super::*;
use crate::signature::{VoteFault, genuine};

const STATEMENT: &str = "{\n  \"decision\": \"approve\"\n}";

#[test]
fn every_algorithm_signs_its_statement_and_no_other() {
    for (algorithm, key) in keys() {
        let (passkey, assertion) = (key.passkey(), key.asserts(STATEMENT, PRESENT | VERIFIED, |_| ()));
        assert_eq!(passkey.algorithm(), algorithm);
        assert_eq!(check_assertion(&passkey, STATEMENT, &assertion), Ok(()), "{algorithm:?}");
        assert_eq!(check_assertion(&passkey, "{}", &assertion), Err(AssertionFault::Challenge), "{algorithm:?}");
        let line = format!("{passkey} alice’s phone");
        assert_eq!(line.parse(), Ok(passkey));
        let signature = lineclear_core::statement::Signature::Passkey(assertion);
        assert!(genuine(STATEMENT, &signature, &["rubbish".into(), line]), "{algorithm:?}");
        assert!(!genuine(STATEMENT, &signature, &[any_key().passkey().to_string()]), "{algorithm:?}");
    }
}

#[test]
fn each_thing_that_a_browser_or_authenticator_says_is_checked() {
    fn check(fault: AssertionFault, flags: u8, change: impl FnOnce(&mut serde_json::Value)) {
        let key = any_key();
        assert_eq!(check_assertion(&key.passkey(), STATEMENT, &key.asserts(STATEMENT, flags, change)), Err(fault));
    }
    let good = PRESENT | VERIFIED;
    check(AssertionFault::Type, good, |client| client["type"] = "webauthn.create".into());
    check(AssertionFault::Origin, good, |client| client["origin"] = "https://evil.example.test".into());
    check(AssertionFault::Origin, good, |client| client["origin"] = format!("{ORIGIN}:444").into());
    check(AssertionFault::Origin, good, |client| client["crossOrigin"] = true.into());
    check(AssertionFault::Origin, good, |client| client["topOrigin"] = ORIGIN.into());
    check(AssertionFault::Challenge, good, |client| client["challenge"] = URL_SAFE_NO_PAD.encode([7; 32]).into());
    // What would sign somebody in signs nothing: a random challenge is not over a statement.
    check(AssertionFault::Challenge, good, |client| client["challenge"] = URL_SAFE_NO_PAD.encode(Sha256::digest(STATEMENT)).into());
    check(AssertionFault::Shape("challenge"), good, |client| client["challenge"] = "".into());
    check(AssertionFault::Shape("client_data"), good, |client| client["origin"] = 1.into());
    check(AssertionFault::Shape("client_data"), good, |client| *client = json!([]));
    check(AssertionFault::Shape("client_data"), good, |client| client["other"] = "x".repeat(CLIENT_MAX).into());
    check(AssertionFault::Absent, VERIFIED, |_| ());
    check(AssertionFault::Unverified, PRESENT, |_| ());
    check(AssertionFault::Kind, good | BACKUP_ELIGIBLE, |_| ());
}

#[test]
fn a_signature_is_only_good_with_its_own_key_site_and_credential() {
    let (key, other) = (any_key(), any_key());
    let good = key.asserts(STATEMENT, PRESENT | VERIFIED, |_| ());
    assert_eq!(check_assertion(&other.passkey(), STATEMENT, &good), Err(AssertionFault::Signature));
    let mut data = Sha256::digest("evil.example.test").to_vec();
    data.extend([PRESENT | VERIFIED, 0, 0, 0, 0]);
    assert_eq!(check_assertion(&key.passkey(), STATEMENT, &key.seal(good.client_data.clone(), &data)), Err(AssertionFault::Site));
    let cut = key.seal(good.client_data.clone(), data.split_at(36).0);
    assert_eq!(check_assertion(&key.passkey(), STATEMENT, &cut), Err(AssertionFault::Shape("authenticator_data")));
    let stranger = Assertion { credential: URL_SAFE_NO_PAD.encode(b"another"), ..good };
    assert_eq!(check_assertion(&key.passkey(), STATEMENT, &stranger), Err(AssertionFault::Stranger));
    let fault = VoteFault::from(AssertionFault::Stranger);
    assert_eq!(fault.to_string(), "no passkey of this person made the assertion");
}

proptest! {
    #[test]
    fn no_changed_byte_of_statement_or_assertion_passes(at in 0_usize..10_000, bit in 0_u8..8, part in 0_usize..4) {
        let key = edwards(9);
        let mut assertion = key.asserts(STATEMENT, PRESENT | VERIFIED, |_| ());
        let mut text = STATEMENT.to_owned();
        let field = match part {
            0 => &mut text,
            1 => &mut assertion.authenticator_data,
            2 => &mut assertion.client_data,
            _ => &mut assertion.signature,
        };
        let mut bytes = field.clone().into_bytes();
        let index = at % bytes.len();
        bytes[index] ^= 1 << bit;
        let Ok(changed) = String::from_utf8(bytes) else { return Ok(()) };
        // The last character of base64 holds bits that stand for nothing; the decoder refuses them, too.
        *field = changed;
        prop_assert!(check_assertion(&key.passkey(), &text, &assertion).is_err());
    }

    #[test]
    fn any_text_is_answered(client in ".{0,200}", data in "[A-Za-z0-9_=-]{0,80}") {
        let assertion = Assertion { credential: "Y3JlZGVudGlhbA".into(), authenticator_data: data.clone(), client_data: client, signature: data };
        prop_assert!(check_assertion(&any_key().passkey(), "x", &assertion).is_err());
    }
}
