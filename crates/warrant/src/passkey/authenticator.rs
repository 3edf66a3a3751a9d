//! An authenticator without a screen, for tests: it signs what it is told.

use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _,
    RSA_PKCS1_SHA256, RsaKeyPair,
};
use serde_json::{Value, json};

use super::*;

/// Where it signs.
pub(crate) const ORIGIN: &str = "https://ops.example.test";
/// An RSA key that signs nothing but these tests.
const RSA_KEY: &[u8] = include_bytes!("rsa-for-tests.pk8");

/// What it holds.
pub(crate) enum Key {
    Ec(EcdsaKeyPair, &'static [u8]),
    Edwards(Ed25519KeyPair),
    Rsa(Box<RsaKeyPair>),
}

/// The beginning of a `SubjectPublicKeyInfo`, up to the point (RFC 5480, RFC 8410).
const P256_HEAD: &[u8] = b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00";
pub(crate) const P384_HEAD: &[u8] = b"\x30\x76\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22\x03\x62\x00";
const EDWARDS_HEAD: &[u8] = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";
const RSA_HEAD: &[u8] = b"\x30\x82\x01\x22\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00\x03\x82\x01\x0f\x00";

pub(crate) fn ec(algorithm: &'static EcdsaSigningAlgorithm, head: &'static [u8]) -> Key {
    let random = SystemRandom::new();
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
    Key::Ec(EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap(), head)
}

pub(crate) fn keys() -> Vec<(Algorithm, Key)> {
    vec![
        (Algorithm::Es256, ec(&ECDSA_P256_SHA256_ASN1_SIGNING, P256_HEAD)),
        (Algorithm::Es384, ec(&ECDSA_P384_SHA384_ASN1_SIGNING, P384_HEAD)),
        (Algorithm::EdDsa, edwards(3)),
        (Algorithm::Rs256, Key::Rsa(Box::new(RsaKeyPair::from_pkcs8(RSA_KEY).unwrap()))),
    ]
}

impl Key {
    pub(crate) fn spki(&self) -> Vec<u8> {
        match self {
            Self::Ec(key, head) => [head, key.public_key().as_ref()].concat(),
            Self::Edwards(key) => [EDWARDS_HEAD, key.public_key().as_ref()].concat(),
            Self::Rsa(key) => [RSA_HEAD, key.public_key().as_ref()].concat(),
        }
    }

    pub(crate) fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Ec(key, _) => key.sign(&random, bytes).unwrap().as_ref().to_vec(),
            Self::Edwards(key) => key.sign(bytes).as_ref().to_vec(),
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, bytes, &mut signature).unwrap();
                signature
            }
        }
    }

    pub(crate) fn passkey(&self) -> Passkey {
        Passkey::new(ORIGIN, false, b"credential", &self.spki()).unwrap()
    }

    /// What a browser sends, after `change` had its way with what it says.
    pub(crate) fn asserts(&self, text: &str, flags: u8, change: impl FnOnce(&mut Value)) -> Assertion {
        let mut client = json!({
            "type": "webauthn.get", "challenge": URL_SAFE_NO_PAD.encode(challenge(text)), "origin": ORIGIN, "crossOrigin": false,
            "other": "browsers add members",
        });
        change(&mut client);
        let client = client.to_string();
        let mut data = Sha256::digest("ops.example.test").to_vec();
        data.push(flags);
        data.extend([0, 0, 0, 0]);
        self.seal(client, &data)
    }

    pub(crate) fn seal(&self, client_data: String, data: &[u8]) -> Assertion {
        let signed = [data, Sha256::digest(&client_data).as_slice()].concat();
        Assertion {
            credential: URL_SAFE_NO_PAD.encode(b"credential"),
            authenticator_data: URL_SAFE_NO_PAD.encode(data),
            client_data,
            signature: URL_SAFE_NO_PAD.encode(self.sign(&signed)),
        }
    }
}

pub(crate) fn any_key() -> Key {
    ec(&ECDSA_P256_SHA256_ASN1_SIGNING, P256_HEAD)
}

/// Always the same key, so that somebody can be known by it.
pub(crate) fn edwards(seed: u8) -> Key {
    Key::Edwards(Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap())
}
