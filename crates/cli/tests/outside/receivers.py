"""What the tests of notices send to: a real mail server (aiosmtpd), the reference library of Standard Webhooks, and fakes of
Slack, Teams, PagerDuty and ntfy that only keep what they are sent. One JSON document a line on standard output; the first
names the ports.

    receivers.py WEBHOOK_SECRET [CERTIFICATE KEY USER PASSWORD]

With a certificate the mail server demands STARTTLS and that account.
"""

import email
import email.policy
import json
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

LOCK = threading.Lock()


def say(**members):
    with LOCK:
        print(json.dumps(members), flush=True)


class Mail:
    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        say(
            to="mail",
            sender=envelope.mail_from,
            recipients=envelope.rcpt_tos,
            headers={name: str(value) for name, value in message.items()},
            text=message.get_content(),
            tls=session.ssl is not None,
            account=session.auth_data.decode() if session.auth_data else None,
        )
        return "250 kept"


class Fakes(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        part = self.path.split("/")[1]
        status, answer = 200, b"{}"
        members = {"to": part, "path": self.path, "authorization": self.headers.get("authorization")}
        if part == "hook":
            try:
                members["body"] = Webhook(sys.argv[1]).verify(body, dict(self.headers.items()))
                members["id"] = self.headers["webhook-id"]
            except WebhookVerificationError as error:
                status, members["refused"] = 400, str(error)
        else:
            members["body"] = json.loads(body)
        if part == "slack":
            answer = json.dumps({"ok": True, "channel": members["body"]["channel"], "ts": "1700000000.000100"}).encode()
        if part == "broken":
            status = 404
        say(**members)
        self.send_response(status)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


def check(server, session, envelope, mechanism, data):
    good = isinstance(data, LoginPassword) and [data.login.decode(), data.password.decode()] == sys.argv[4:6]
    return AuthResult(success=good, auth_data=data.login if good else None)


options = {}
if len(sys.argv) > 2:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(sys.argv[2], sys.argv[3])
    options = {"tls_context": context, "require_starttls": True, "auth_required": True, "authenticator": check}
fakes = ThreadingHTTPServer(("127.0.0.1", 0), Fakes)


class AnyPort(Controller):
    """The controller knocks at its own port before it is known: it must not knock at 0."""

    def _trigger_server(self):
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


mail = AnyPort(Mail(), hostname="127.0.0.1", port=0, **options)
mail.start()
say(smtp=mail.port, http=fakes.server_address[1])
fakes.serve_forever()
