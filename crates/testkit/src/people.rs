//! Keys of people: real Ed25519 SSH keys, drawn from their logins, so that every run of a story has the same ones.

use lineclear_core::Digest;
use lineclear_core::approval::Approval;
use lineclear_core::authority::Directory;
use lineclear_core::statement::{SSH_NAMESPACE, Signature};
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::{HashAlg, LineEnding, PrivateKey};

fn private_key(login: &str) -> PrivateKey {
    let pair = Ed25519Keypair::from_seed(Digest::of(login.as_bytes()).as_bytes());
    PrivateKey::new(KeypairData::from(pair), login).expect("a key pair makes a private key")
}

/// The OpenSSH public key of a person, on one line.
pub fn public_key(login: &str) -> String {
    private_key(login).public_key().to_openssh().expect("a public key has a text")
}

/// A person's signature over exactly this text, as `ssh-keygen -Y sign -n approval@lineclear` makes it.
pub fn sign(login: &str, text: &str) -> Signature {
    Signature::Ssh { armored: sign_in(login, SSH_NAMESPACE, text) }
}

/// The same in any namespace, armoured.
pub(crate) fn sign_in(login: &str, namespace: &str, text: &str) -> String {
    let signature = private_key(login).sign(namespace, HashAlg::Sha512, text.as_bytes()).expect("Ed25519 signs anything");
    signature.to_pem(LineEnding::LF).expect("a signature has an armour")
}

/// The login of one person of each team that still has to review what is asked.
pub(crate) fn unheard(asked: Option<&Approval>, directory: &Directory) -> Vec<String> {
    let Some(asked) = asked else { return Vec::new() };
    let said = asked.votes().iter().map(|vote| vote.by).collect();
    let needs = &asked.request.needs;
    let people = |team| needs.reviews.get(team).into_iter().flatten();
    let login = |team| people(team).find_map(|id| directory.operators.get(id)).map(|person| person.login.to_string());
    needs.unreviewed(&said).into_iter().filter_map(login).collect()
}
