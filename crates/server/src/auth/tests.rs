//! Links, sessions and tokens: each stands for one caller, once or for a while.

use http::HeaderMap;
use http::header::{AUTHORIZATION, COOKIE, HeaderValue};
use lineclear_core::{Digest, OperatorId, Span, Timestamp};

use super::*;

const NOW: Timestamp = Timestamp::from_micros(1_795_400_047_000_000);

fn alice() -> OperatorId {
    "operator_0193f0c4a1007a3e8b11d2c3b4a50001".parse().unwrap()
}

fn auth() -> Auth {
    let agent = "agent_0193f0c4a1007a3e8b11d2c3b4a60001".parse().unwrap();
    let token = |text: &str, expires| AgentToken { agent, hash: Digest::of(text.as_bytes()), expires };
    Auth::new(Issued { agents: vec![token("good", NOW + Span::from_secs(1)), token("old", NOW)], ..Issued::default() })
}

#[test]
fn what_was_taken_back_or_is_over_works_no_more() {
    let at = |seconds| NOW + Span::from_secs(seconds);
    let webhook = |text: &str| WebhookToken { hash: Digest::of(text.as_bytes()), expires: at(10) };
    let operator = |text: &str| OperatorToken { operator: alice(), hash: Digest::of(text.as_bytes()), expires: at(10) };
    let auth = auth();
    let minted = auth.operator_token(alice(), NOW, [7; 32]);
    auth.reissue(Issued { agents: Vec::new(), operators: vec![operator("lens")], webhooks: vec![webhook("bell"), webhook("gong")] });
    assert_eq!(auth.agent("good", NOW), None, "it was taken back");
    assert_eq!([9, 10].map(|later| auth.webhook("bell", at(later))), [true, false]);
    assert_eq!([9, 10].map(|later| auth.operator("lens", at(later))), [Some(alice()), None]);
    assert!(!auth.webhook("lens", NOW) && auth.operator("bell", NOW).is_none() && !auth.webhook("", NOW));
    auth.reissue(Issued::default());
    assert!(!auth.webhook("gong", NOW) && auth.operator("lens", NOW).is_none());
    assert_eq!(auth.operator(&minted, NOW), Some(alice()), "a token of this process is not in the file");
}

fn token_of(link: &str) -> &str {
    link.strip_prefix("/sign-in/").unwrap()
}

#[test]
fn a_link_signs_one_person_in_once() {
    let auth = auth();
    let link = auth.invite(alice(), NOW, [1; 32]);
    let cookie = auth.redeem(token_of(&link), NOW, [2; 32]).unwrap();
    assert_eq!(auth.session(&cookie, NOW).map(|session| session.operator), Some(alice()));
    assert_eq!(auth.redeem(token_of(&link), NOW, [3; 32]), None);
    assert_eq!(auth.redeem("", NOW, [3; 32]), None);
}

#[test]
fn a_link_that_waited_too_long_signs_nobody_in() {
    let auth = auth();
    let link = auth.invite(alice(), NOW, [1; 32]);
    assert_eq!(auth.redeem(token_of(&link), NOW + INVITE_TTL, [2; 32]), None);
    let link = auth.invite(alice(), NOW, [1; 32]);
    assert!(auth.redeem(token_of(&link), NOW + INVITE_TTL - Span::from_millis(1), [2; 32]).is_some());
}

#[test]
fn a_session_ends_with_the_shift_or_when_its_person_says_so() {
    let auth = auth();
    let link = auth.invite(alice(), NOW, [1; 32]);
    let cookie = auth.redeem(token_of(&link), NOW, [2; 32]).unwrap();
    assert!(auth.session(&cookie, NOW + SESSION_TTL - Span::from_millis(1)).is_some());
    assert_eq!(auth.session(&cookie, NOW + SESSION_TTL), None);
    auth.end(&cookie, NOW);
    assert_eq!(auth.session(&cookie, NOW), None);
}

#[test]
fn one_kind_of_secret_is_not_another() {
    let auth = auth();
    let link = auth.invite(alice(), NOW, [1; 32]);
    assert_eq!(auth.session(token_of(&link), NOW), None);
    assert_eq!(auth.operator(token_of(&link), NOW), None);
    let token = auth.operator_token(alice(), NOW, [4; 32]);
    assert_eq!(auth.operator(&token, NOW), Some(alice()));
    assert_eq!(auth.operator(&token, NOW + TOKEN_TTL), None);
    assert_eq!((auth.session(&token, NOW), auth.agent(&token, NOW)), (None, None));
    assert_eq!(auth.redeem(&token, NOW, [5; 32]), None);
}

#[test]
fn an_agents_token_works_until_it_expires_and_only_whole() {
    let auth = auth();
    assert!(auth.agent("good", NOW).is_some());
    for bad in ["old", "goo", "good ", "", "GOOD"] {
        assert_eq!(auth.agent(bad, NOW), None, "{bad:?}");
    }
    assert_eq!(auth.agent("good", NOW + Span::from_secs(1)), None);
}

#[test]
fn sessions_are_bounded_and_the_oldest_goes() {
    let auth = auth();
    let cookies: Vec<String> = (0..1_025_u16)
        .map(|number| {
            let mut secret = [0; 32];
            secret[..2].copy_from_slice(&number.to_be_bytes());
            let link = auth.invite(alice(), NOW, secret);
            auth.redeem(token_of(&link), NOW, secret).unwrap()
        })
        .collect();
    assert_eq!(auth.session(&cookies[0], NOW), None);
    assert!(auth.session(&cookies[1], NOW).is_some() && auth.session(&cookies[1_024], NOW).is_some());
}

#[test]
fn nothing_secret_is_printed() {
    let auth = auth();
    auth.operator_token(alice(), NOW, [9; 32]);
    assert_eq!(format!("{auth:?}"), "Auth { agents: 2, .. }");
}

fn check_bearer(given: &[&str], expected: Option<&str>) {
    let mut headers = HeaderMap::new();
    for value in given {
        headers.append(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
    }
    assert_eq!(bearer(&headers), expected, "{given:?}");
}

#[test]
fn a_bearer_token_is_given_once() {
    check_bearer(&["Bearer abc"], Some("abc"));
    check_bearer(&["bearer abc"], Some("abc"));
    check_bearer(&[], None);
    check_bearer(&["Basic abc"], None);
    check_bearer(&["Bearer"], None);
    check_bearer(&["Bearer "], None);
    check_bearer(&["Bearer abc", "Bearer def"], None);
}

fn check_cookie(given: &[&str], expected: Option<&str>) {
    let mut headers = HeaderMap::new();
    for value in given {
        headers.append(COOKIE, HeaderValue::from_str(value).unwrap());
    }
    assert_eq!(cookie(&headers, "lineclear"), expected, "{given:?}");
}

#[test]
fn a_cookie_that_is_there_twice_is_nobodys() {
    check_cookie(&["lineclear=abc"], Some("abc"));
    check_cookie(&["a=b; lineclear=abc; c=d"], Some("abc"));
    check_cookie(&["lineclear=abc; lineclear=def"], None);
    check_cookie(&["lineclear=abc", "lineclear=def"], None);
    check_cookie(&["__Host-lineclear=abc", "xlineclear=abc"], None);
    check_cookie(&["lineclear"], None);
}
