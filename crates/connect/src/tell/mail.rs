//! Mail: plain text, one message to one address, never with anything that answers when it is opened. The `Message-ID` follows
//! from the delivery, so that a repetition is known as one, and everything about one thing is one thread.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::AsyncSmtpTransport;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncTransport as _, Tokio1Executor};
use lineclear_core::Timestamp;
use lineclear_core::delivery::{Receipt, Undelivered, Why};
use lineclear_core::notice::Urgency;

use super::{Parcel, render, webhook};

/// Longest wait for any one answer of the server.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) fn message(from: &str, parcel: &Parcel<'_>, link: &str) -> Result<Message, Undelivered> {
    let bad = |what: &str| Undelivered::new(Why::Refused, what);
    let notice = &parcel.order.notice;
    let address = |text: &str| text.parse::<Mailbox>().map_err(|_| bad("an address of it is none"));
    let from = address(from)?;
    let domain = from.email.domain().to_owned();
    let thread = format!("<{}@{domain}>", notice.about);
    let built = Message::builder()
        .from(from)
        .to(address(parcel.place)?)
        .date(moment(parcel.queued))
        .message_id(Some(format!("<{}@{domain}>", webhook::id(parcel))))
        .in_reply_to(thread.clone())
        .references(thread)
        .subject(render::title(parcel))
        .header(ContentType::TEXT_PLAIN)
        .body(render::text(parcel, link));
    let mut message = built.map_err(|_| bad("it makes no message"))?;
    let mut raw = |name: &'static str, value: &str| {
        if let Ok(name) = HeaderName::new_from_ascii(name.into()) {
            message.headers_mut().insert_raw(HeaderValue::new(name, value.to_owned()));
        }
    };
    // RFC 3834 §5: no holiday message answers what a machine wrote.
    raw("Auto-Submitted", "auto-generated");
    if notice.urgency == Urgency::High {
        raw("Importance", "high");
    }
    Ok(message)
}

fn moment(at: Timestamp) -> SystemTime {
    UNIX_EPOCH + Duration::from_micros(u64::try_from(at.as_micros()).unwrap_or(0))
}

fn transport(server: &str, account: Option<(&str, &str)>, hello: &str) -> Result<AsyncSmtpTransport<Tokio1Executor>, Undelivered> {
    let bad = || Undelivered::new(Why::Refused, "its server is none");
    let (scheme, rest) = server.split_once("://").ok_or_else(bad)?;
    let (host, port) = rest.rsplit_once(':').ok_or_else(bad)?;
    let port = port.parse().map_err(|_| bad())?;
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let no_tls = |_| Undelivered::new(Why::Refused, "there can be no TLS connection");
    let builder = match scheme {
        "smtps" => AsyncSmtpTransport::<Tokio1Executor>::relay(bare).map_err(no_tls)?,
        // STARTTLS or nothing: a server that does not offer it is refused.
        "smtp" => AsyncSmtpTransport::<Tokio1Executor>::starttls_relay(bare).map_err(no_tls)?,
        "smtp+plain" => AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(bare),
        _ => return Err(bad()),
    };
    let builder = builder.port(port).timeout(Some(PATIENCE)).hello_name(ClientId::Domain(hello.to_owned()));
    Ok(match account {
        Some((user, password)) => builder.credentials(Credentials::new(user.to_owned(), password.to_owned())).build(),
        None => builder.build(),
    })
}

pub(super) async fn tell(
    server: &str,
    from: &str,
    account: Option<(&str, &str)>,
    parcel: &Parcel<'_>,
    link: &str,
) -> Result<Receipt, Undelivered> {
    let message = message(from, parcel, link)?;
    let hello = from.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
    transport(server, account, hello)?.send(message).await.map_err(|error| why(&error))?;
    Ok(Receipt::default())
}

/// Only the code of an answer is repeated: its text is the server's, and may hold anything.
fn why(error: &lettre::transport::smtp::Error) -> Undelivered {
    let said = error.status().map(|code| format!("the server answered {code}"));
    if error.is_permanent() {
        Undelivered::new(Why::Refused, &said.unwrap_or_else(|| "the server refuses it".into()))
    } else if error.is_transient() {
        Undelivered::new(Why::Busy, &said.unwrap_or_else(|| "the server is busy".into()))
    } else if error.is_tls() {
        Undelivered::new(Why::Unreachable, "no safe connection to the server")
    } else if error.is_timeout() {
        Undelivered::new(Why::Unreachable, "the server did not answer in time")
    } else if error.is_client() {
        Undelivered::new(Why::Refused, "the server offers no way to sign in, or no STARTTLS")
    } else {
        Undelivered::new(Why::Unreachable, "the server cannot be reached")
    }
}
