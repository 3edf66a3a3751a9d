//! Every code that a problem can have: status, title, and what to do next. Codes are never renamed.

use http::StatusCode;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $word:literal $status:ident, $title:literal, $help:literal;)+) => {
        /// A stable code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Code {
            $($(#[$doc])* $name,)+
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The word that programs look at.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }

            /// The HTTP status.
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)+ }
            }

            /// What kind of problem it is, as a fragment.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)+ }
            }

            /// What to do next.
            pub const fn help(self) -> &'static str {
                match self { $(Self::$name => $help,)+ }
            }
        }
    };
}

codes! {
    /// No session and no bearer token that counts.
    Unauthenticated = "unauthenticated" UNAUTHORIZED, "nobody known is speaking",
        "send a bearer token, or sign in with a fresh link from `lineclear sign-in`";
    /// Something for people only.
    PeopleOnly = "people_only" FORBIDDEN, "only a named person can do this",
        "an agent cannot approve, declare or take back: show the change to an operator and wait for the decision";
    /// Something for agents only.
    AgentsOnly = "agents_only" FORBIDDEN, "only an agent can do this", "use an agent's bearer token here";
    /// Known by token, but not in the estate's directory.
    Stranger = "stranger" FORBIDDEN, "the caller is not in this estate's directory",
        "add the caller to the estate's directory and activate it";
    /// A write by a browser from somewhere else.
    CrossSite = "cross_site" FORBIDDEN, "a write with a cookie must come from this site's own pages",
        "send a bearer token instead of the cookie, or use the console";
    /// A `Host` that is not ours.
    UnknownHost = "unknown_host" MISDIRECTED_REQUEST, "this host name is not this installation's",
        "open the public URL that this installation was started with";
    /// No such route, or nothing there.
    NotFound = "not_found" NOT_FOUND, "there is no such thing here", "look it up in the list it comes from";
    /// The route exists, for other methods.
    MethodNotAllowed = "method_not_allowed" METHOD_NOT_ALLOWED, "this method does not apply here",
        "see `/api/v1/openapi.json` for the methods of each path";
    /// A query, path or header member that cannot be read.
    BadParameter = "bad_parameter" BAD_REQUEST, "a part of the path, query or headers cannot be read",
        "see `/api/v1/openapi.json` for what is read";
    /// Not `application/json`.
    UnsupportedMediaType = "unsupported_media_type" UNSUPPORTED_MEDIA_TYPE, "the body is not sent as JSON",
        "send `Content-Type: application/json`";
    /// More than the body limit.
    TooLarge = "too_large" PAYLOAD_TOO_LARGE, "the body is too large", "send at most 1 MiB in one request";
    /// Took too long to arrive or to be answered.
    TooSlow = "too_slow" REQUEST_TIMEOUT, "the request took too long",
        "repeat it, with the same idempotency key if it had one";
    /// No JSON at all.
    NotJson = "not_json" BAD_REQUEST, "the body is no JSON", "send one JSON object in UTF-8 and nothing after it";
    /// A member is there twice.
    DuplicateMember = "duplicate_member" BAD_REQUEST, "a member is there twice", "send each member once";
    /// Nested too deep.
    TooDeep = "too_deep" BAD_REQUEST, "the body is nested too deep", "send at most 32 levels";
    /// JSON of another shape.
    Malformed = "malformed" UNPROCESSABLE_ENTITY, "the request does not have the asked shape",
        "correct the member that `pointer` names; see `/api/v1/openapi.json`";
    /// The idempotency key was used for something else.
    KeyReused = "key_reused" UNPROCESSABLE_ENTITY, "this idempotency key was used before for something else",
        "draw a new key for a new request; keep the old one only for repeating the same bytes";
    /// Others were faster.
    Busy = "busy" SERVICE_UNAVAILABLE, "others are changing the same thing", "repeat the request in a second";
    /// Our fault.
    Fault = "fault" INTERNAL_SERVER_ERROR, "something is wrong on our side",
        "repeat it later, with the same idempotency key if it had one; the log of the server says more";
    /// The server stops.
    ShuttingDown = "shutting_down" SERVICE_UNAVAILABLE, "the server is stopping", "repeat the request once it is back";
    /// The proposal names no action of the catalogue.
    UnknownAction = "unknown_action" UNPROCESSABLE_ENTITY, "the catalogue holds no such action",
        "choose an action from `GET /api/v1/actions`; the refusal is recorded";
    /// The proposal names nothing of the estate.
    UnknownTarget = "unknown_target" UNPROCESSABLE_ENTITY, "the estate holds no such target",
        "name a target as `kind/name` as the estate knows it; the refusal is recorded";
    /// The target is of another kind.
    WrongKind = "wrong_kind" UNPROCESSABLE_ENTITY, "the action acts on another kind of target",
        "choose a target of the action's kind from `GET /api/v1/actions`; the refusal is recorded";
    /// An input is unknown, missing or of another kind.
    BadInputs = "bad_inputs" UNPROCESSABLE_ENTITY, "the inputs do not fit the action",
        "send exactly the inputs that `GET /api/v1/actions` lists for the action";
    /// The proposer is not in the directory.
    UnknownProposer = "unknown_proposer" FORBIDDEN, "the proposer is not in this estate's directory",
        "add the proposer to the estate's directory and activate it";
    /// A vote on a request that has ended.
    NotOpen = "not_open" CONFLICT, "the request is no longer open", "read the change again: what is asked now may be another request";
    /// A vote after the request's time.
    Late = "late" CONFLICT, "the request lapsed before the vote", "propose it again; silence and late votes are neither yes nor no";
    /// The proposer, or the owner of the proposing agent, votes.
    SelfApproval = "self_approval" FORBIDDEN, "who proposes cannot approve", "ask somebody who neither proposed it nor owns the agent that did";
    /// Somebody votes again.
    Twice = "twice" CONFLICT, "this person has voted already", "ask somebody else: a quorum is of distinct people";
    /// The statement is about something else.
    Mismatch = "mismatch" CONFLICT, "the statement is about something else than what is asked now",
        "fetch the statement again, read what changed, and sign what you see";
    /// The statement is by somebody else.
    NotYours = "not_yours" FORBIDDEN, "the statement is by somebody else", "fetch a statement of your own and sign it";
    /// The signature does not hold.
    BadSignature = "bad_signature" FORBIDDEN, "the signature is not by a key of this person over these bytes",
        "sign the exact bytes with `ssh-keygen -Y sign -n approval@lineclear` and a key that the estate's directory lists for you";
    /// The signature is too weak.
    TooWeak = "too_weak" FORBIDDEN, "policy asks for a stronger signature", "sign the statement with your SSH key: `lineclear approve`";
    /// Too many votes.
    Full = "full" CONFLICT, "the request holds as many votes as it takes", "nothing more is needed of you";
    /// A voter the directory does not know.
    UnknownPerson = "unknown_person" FORBIDDEN, "this person is not in the estate's directory",
        "add the person to the estate's directory and activate it";
    /// The machine is in another state.
    WrongState = "wrong_state" CONFLICT, "this does not apply in the present state", "read it again and choose what applies now";
    /// Another agent's change.
    NotYourChange = "not_your_change" FORBIDDEN, "the change was proposed by somebody else",
        "an agent may withdraw or amend only what it proposed itself; ask an operator";
    /// Another version of the estate came into force.
    BaseMoved = "base_moved" CONFLICT, "another version of the estate came into force meanwhile",
        "read it again: it is examined against the one in force, and people are asked anew";
    /// A version of the estate cannot be had or used.
    UnusableEstate = "unusable_estate" CONFLICT, "this version of the estate cannot be had, or cannot come into force here",
        "read `detail`; propose it again once that is mended";
    /// A draft that is no runbook of the estate.
    UnfitDraft = "unfit_draft" UNPROCESSABLE_ENTITY, "the draft is no runbook of this estate",
        "read `detail`: each fault has its place; mend the text and send it again, nothing was kept";
    /// No reason was given.
    Unreasoned = "unreasoned" UNPROCESSABLE_ENTITY, "a reason is missing", "say why in `reason`; it is recorded";
    /// The request for approval has ended or was used.
    ApprovalEnded = "approval_ended" CONFLICT, "the request for approval has ended or was used", "read the change again";
    /// A report about another attempt.
    OtherAttempt = "other_attempt" CONFLICT, "the run is at another attempt", "read the run again";
    /// An override that says that something took effect, without evidence.
    Unproven = "unproven" UNPROCESSABLE_ENTITY, "evidence is missing", "say in `evidence` what you saw; it is recorded";
    /// Handing over to nobody.
    NoTaker = "no_taker" UNPROCESSABLE_ENTITY, "nobody is named", "name in `to` the operator who takes it";
    /// An override that needs a second person.
    NeedsAnother = "needs_another" CONFLICT, "a second person has to ask for it", "have somebody else ask for the same";
    /// An override that only applies when nothing may have been changed.
    InDoubt = "in_doubt" CONFLICT, "something of the step may have been changed",
        "say first what became of it: `mark_applied`, `mark_not_applied` or `undo`";
    /// A run that began under a meaning that this engine does not know.
    NotUnderstood = "not_understood" CONFLICT, "this engine does not know what the run's runbook meant when it began",
        "abort it, hand it over, or start the version that began it";
    /// Another run holds the concurrency key.
    Held = "held" CONFLICT, "another run holds what this one needs for itself", "wait until that run is over, and try again";
    /// A role that another person holds.
    RoleHeld = "role_held" CONFLICT, "somebody else holds this role", "let them hand it over, or say in `reason` why you take it";
    /// A role that the person does not hold.
    RoleNotHeld = "role_not_held" CONFLICT, "this role is not yours", "take it first";
    /// A page that is over.
    PageOver = "page_over" CONFLICT, "nobody is looked for any more", "read what it is about";
    /// A page of somebody else.
    NotYourPage = "not_your_page" FORBIDDEN, "the page is not yours to hand over", "answer it first";
    /// Somebody who may not approve wants to answer for it.
    PageRecused = "page_recused" FORBIDDEN, "the page asks for somebody who may approve", "leave it to somebody who neither proposed it nor owns the agent that did";
    /// A page that was answered too often.
    PageFull = "page_full" CONFLICT, "the page was answered as often as it can be", "close what it is about, or act on it";
    /// A machine wanted to lower a severity.
    LoweredByMachine = "lowered_by_machine" FORBIDDEN, "only a person lowers a severity", "ask an operator to grade the incident";
    /// The incident is closed.
    IncidentClosed = "incident_closed" CONFLICT, "the incident is closed", "what fires again opens a new incident";
    /// The incident is part of another one.
    IncidentMerged = "incident_merged" CONFLICT, "the incident is part of another one", "act on the incident that it is part of";
    /// Signals that cannot be split off, or an incident that cannot be joined.
    Unsplittable = "unsplittable" UNPROCESSABLE_ENTITY, "these cannot be split or joined",
        "choose some of the incident's own signals, and never an incident and itself";
    /// A machine wanted to raise the posture.
    RaisedByMachine = "raised_by_machine" FORBIDDEN, "only a person raises the posture", "ask an operator";
    /// The estate has no emergencies.
    NoEmergencies = "no_emergencies" CONFLICT, "this estate lists no emergencies",
        "say in `emergencies` of `authority.yaml` whether and how one may be declared, and activate it";
    /// The person holds no role that declares.
    NotYourEmergency = "not_your_emergency" FORBIDDEN, "this person may not declare an emergency", "ask somebody who holds one of the roles that `detail` names";
    /// Too many reviews are open.
    Unreviewed = "unreviewed" CONFLICT, "too many emergencies stand unreviewed",
        "have somebody else than who declared them close a review: `lineclear emergency list --open`";
    /// Whoever began it reviews it.
    OwnReview = "own_review" FORBIDDEN, "who began an emergency does not close its review", "ask somebody else to look at it";
    /// The journal of a broken glass that is not whole or not signed.
    BadJournal = "bad_journal" UNPROCESSABLE_ENTITY, "the journal is not to be believed",
        "nothing was recorded and nothing is lost: keep the file as it is, and find out with `detail` who touched it";
    /// Another journal of the same session.
    OtherJournal = "other_journal" CONFLICT, "another journal of this session was told before",
        "keep both files: one of them was written by somebody else";
    /// A runner's head is of another ledger.
    ForeignHead = "foreign_head" CONFLICT, "the runner has seen another ledger",
        "find out which of the two is the true one before anything runs: a restored database is the likely cause";
    /// The runner is not enrolled.
    UnknownRunner = "unknown_runner" FORBIDDEN, "the runner is not enrolled here",
        "invite it with `lineclear runner invite` and enrol it with the token; one that was revoked needs a new invitation";
    /// A request of a runner without the headers that sign it.
    UnsignedRequest = "unsigned_request" UNAUTHORIZED, "the request is not signed by a runner",
        "send `lineclear-runner`, `lineclear-time`, `lineclear-nonce` and `lineclear-signature`, each once";
    /// A request whose signature does not hold.
    ForgedRequest = "forged_request" FORBIDDEN, "the signature is not by this runner's key over this request",
        "sign exactly what is sent, with the key that this runner enrolled with";
    /// A request from another time.
    StaleRequest = "stale_request" FORBIDDEN, "the request was signed at another time", "set the clock right, and sign it again";
    /// A request that was sent before.
    ReplayedRequest = "replayed_request" CONFLICT, "this request was sent before", "sign it again with a fresh nonce";
    /// An answer by somebody who was not asked.
    NotAsked = "not_asked" FORBIDDEN, "this runner was not asked", "answer only what a poll of your own brought";
    /// A token that enrols nobody.
    NoInvitation = "no_invitation" FORBIDDEN, "this token enrols nobody",
        "ask for a fresh one with `lineclear runner invite`; if this one was used and not by you, have that runner revoked";
    /// A runner's name that is taken.
    NameTaken = "name_taken" CONFLICT, "another runner has this name", "choose another name, or revoke the one that has it";
    /// No room for another runner.
    TooManyRunners = "too_many_runners" CONFLICT, "there are as many runners as there can be", "revoke one that is not needed any more";
    /// A webhook body that is not understood.
    BadWebhook = "bad_webhook" UNPROCESSABLE_ENTITY, "the webhook's body is not understood",
        "send the format that this source is configured for; nothing of the body was taken";
    /// Too many streams.
    TooManyStreams = "too_many_streams" SERVICE_UNAVAILABLE, "too many event streams are open", "close one, or try again later";
    /// A sign-in link that does not work any more.
    DeadLink = "dead_link" GONE, "this link does not sign anybody in", "ask for a fresh link: each works once, for 15 minutes";
}

impl Code {
    /// Whether the same request may be repeated at once.
    pub const fn may_repeat(self) -> bool {
        matches!(self, Self::Busy | Self::ShuttingDown | Self::TooManyStreams)
    }
}
