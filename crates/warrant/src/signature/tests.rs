use ed25519_dalek::{Signer as _, SigningKey};
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};
use ssh_key::public::{Ed25519PublicKey, SkEd25519};
use ssh_key::{HashAlg, LineEnding};

use super::*;
use crate::check::fixture::{ssh_line, ssh_sign};

fn check(text: &str, signature: &Signature, keys: &[String], expected: &Result<(), VoteFault>) {
    assert_eq!(&check_signature(text, signature, keys), expected);
    assert_eq!(genuine(text, signature, keys), expected.is_ok());
}

#[test]
fn a_signature_counts_for_its_text_its_key_and_its_purpose() {
    let (signature, keys) = (ssh_sign(1, SSH_NAMESPACE, "yes"), [ssh_line(2), "rubbish".into(), ssh_line(1)]);
    check("yes", &signature, &keys, &Ok(()));
    check("no", &signature, &keys, &Err(VoteFault::Signature));
    check("yes", &signature, &[ssh_line(2)], &Err(VoteFault::Stranger));
    check("yes", &signature, &[], &Err(VoteFault::Stranger));
    check("yes", &ssh_sign(1, "git", "yes"), &keys, &Err(VoteFault::Namespace("git".into(), SSH_NAMESPACE)));
    check("yes", &Signature::Session, &[], &Ok(()));
    let late: Vec<String> = std::iter::repeat_n(ssh_line(2), KEYS_MAX).chain([ssh_line(1)]).collect();
    check("yes", &signature, &late, &Err(VoteFault::Stranger));
}

#[test]
fn rubbish_is_no_signature() {
    for armored in ["", "x", "-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n", &"x".repeat(ARMOR_MAX + 1)] {
        check("yes", &Signature::Ssh { armored: armored.into() }, &[ssh_line(1)], &Err(VoteFault::Armor));
    }
}

/// What a security key signs (OpenSSH PROTOCOL.u2f), with these flags.
fn touched_with(flags: u8) -> (Signature, String) {
    let secret = SigningKey::from_bytes(&[5; 32]);
    let public = KeyData::SkEd25519(SkEd25519::new(Ed25519PublicKey(secret.verifying_key().to_bytes()), "ssh:"));
    let message = SshSig::signed_data(SSH_NAMESPACE, HashAlg::Sha512, b"yes").unwrap();
    let trailer = [flags, 0, 0, 0, 7];
    let mut signed = Sha256::digest("ssh:").to_vec();
    signed.extend(trailer);
    signed.extend(Sha256::digest(&message));
    let mut bytes = secret.sign(&signed).to_bytes().to_vec();
    bytes.extend(trailer);
    let inner = ssh_key::Signature::new(Algorithm::SkEd25519, bytes).unwrap();
    let armored = SshSig::new(public.clone(), SSH_NAMESPACE, HashAlg::Sha512, inner).unwrap().to_pem(LineEnding::LF).unwrap();
    (Signature::Ssh { armored }, PublicKey::from(public).to_openssh().unwrap())
}

#[test]
fn a_security_key_counts_only_when_somebody_touched_it() {
    let (signature, line) = touched_with(0x01);
    check("yes", &signature, std::slice::from_ref(&line), &Ok(()));
    check("no", &signature, std::slice::from_ref(&line), &Err(VoteFault::Signature));
    let (signature, line) = touched_with(0x05);
    check("yes", &signature, &[line], &Ok(()));
    for flags in [0x00, 0x04] {
        let (signature, line) = touched_with(flags);
        check("yes", &signature, &[line], &Err(VoteFault::Untouched));
    }
}

#[test]
fn a_key_that_anybody_can_sign_for_is_no_key() {
    let weak = PublicKey::from(KeyData::Ed25519(Ed25519PublicKey([0; 32]))).to_openssh().unwrap();
    assert!(key_data(&weak).is_none());
    assert!(key_data(&ssh_line(1)).is_some());
    assert!(key_data(&format!("{} {}", ssh_line(1), "x".repeat(2_000))).is_none());
}

proptest! {
    #[test]
    fn no_changed_byte_of_an_armoured_signature_counts_for_another_text(at in 0_usize..10_000, flip in 1_u8..128) {
        let Signature::Ssh { armored } = ssh_sign(1, SSH_NAMESPACE, "yes") else { panic!("an SSH signature") };
        let mut bytes = armored.into_bytes();
        let at = at % bytes.len();
        bytes[at] ^= flip;
        if let Ok(armored) = String::from_utf8(bytes) {
            let counts = genuine("no", &Signature::Ssh { armored }, &[ssh_line(1)]);
            prop_assert!(!counts);
        }
    }

    #[test]
    fn arbitrary_armour_is_answered(body in "[A-Za-z0-9+/=\n]{0,400}") {
        let armored = format!("-----BEGIN SSH SIGNATURE-----\n{body}\n-----END SSH SIGNATURE-----\n");
        let counts = genuine("yes", &Signature::Ssh { armored }, &[ssh_line(1)]);
        prop_assert!(!counts);
    }
}
