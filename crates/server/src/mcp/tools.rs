//! The tools: what a model reads before it calls one, and honest annotations. This list is closed, and none of it
//! approves.

use rmcp::model::{Tool, ToolAnnotations};

use super::arguments::{ChangeArguments, DraftArguments, NoArguments, ProposalArguments, WaitArguments, WithdrawArguments};

/// What every agent reads when it connects.
pub(super) const INSTRUCTIONS: &str = "\
Lineclear stands between you and a hosting estate. You hold no key to anything in it: you propose a change, policy and \
people answer, and Lineclear itself carries the change out and watches the result.\n\
1. `list_actions` tells what may be proposed, on what, with which inputs and facts.\n\
2. `check_policy` tells what policy would say now. Nothing is recorded, nobody is asked.\n\
3. `propose_change` records a proposal and answers within about 10 seconds: cleared, denied, blocked, or waiting for people.\n\
4. While `status` is `pending_approval`, a named person has to answer at `url`. Tell the person you work for, with the url; \
then call `wait_for_decision` again and again until `status` is another. People may take many minutes. Nobody answering is \
neither yes nor no: the request lapses.\n\
5. Once it is cleared there is nothing to do but wait: `wait_for_decision` with `until` = `finished` tells how it ended.\n\
No tool approves, and you cannot approve in any other way. A refusal is an answer: read its reasons, and do not send the same \
proposal again. Never carry out by other means what was not cleared.";

/// Every tool, by name.
pub(super) const NAMES: [&str; 7] =
    ["check_policy", "draft_runbook", "get_change", "list_actions", "propose_change", "wait_for_decision", "withdraw_change"];

const PROPOSE: &str = "\
Proposes one change to the estate and waits up to 10 seconds for the first answer. The proposal is recorded for ever, with \
your name on it. You carry nothing out yourself: once policy clears it, or people approve it, Lineclear runs it without \
another call from you, so propose only what you want to happen.\n\
The answer holds `change` (its name from now on), `state`, `status`, the `verdict` with its reasons, `faults`, the \
`blast_radius` in one sentence, `url` (where people look at it) and `next` (what you should do now). By `status`:\n\
- `pending_approval`: a named person has to answer at `url`. Show the url to the person you work for, then call \
`wait_for_decision` with `change` until `status` differs. No tool can approve.\n\
- `in_progress`: it was cleared and is carried out; wait with `until` = `finished`.\n\
- `blocked`: a fact that the gate needs is missing or stale, see `faults`. It is looked at again by itself: wait, or \
withdraw it. Do not propose it a second time.\n\
- `needs_person`: it got stuck or nobody knows yet whether it helped; a person decides.\n\
- `finished`: over, and `state` says how: `denied`, `rejected`, `lapsed`, `withdrawn`, `advised`, `succeeded`, `undone`, `failed`.\n\
A proposal that fits nothing in the estate is an error with `code` and `help`; it is recorded as well. Send an \
`idempotency_key` when you may have to repeat the call.";

const CHECK: &str = "\
Tells what the gate would find and what policy would say of a proposal now; takes the same arguments as `propose_change`. \
Nothing is recorded, nobody is asked, nothing is carried out. It reads facts and the live system, so it can take 10 seconds. \
The answer may be another one when you propose, because facts move.";

const DRAFT: &str = "\
Keeps a runbook that you drafted, with its tests, for people to review. It is read against this estate, linted, and its tests are \
played; what has a fault, or no test, is refused with every fault and its place, and nothing is kept: mend it and send it again. \
Nothing runs a draft. The answer holds `draft`, what was found out about it, and `url`, where people look at it; a person may take it up, \
and then its owners and others have to approve it before it can ever be called. You cannot take it up, approve or activate it.";

const GET: &str = "\
Tells where a change stands: state, verdict with reasons, faults, who is asked, how it ended, and its timeline. You may read \
changes of others, too. It does not wait; use `wait_for_decision` for that.";

const WAIT: &str = "\
Waits until a change is decided, at most 50 seconds, and answers like `propose_change`. When the time is up first, the \
answer still says `status` = `pending_approval` or `blocked`: that is no refusal, call again. People may take many minutes, so keep \
calling, or tell the person you work for that you are waiting and come back later; the change keeps its place. With `until` = \
`finished` it waits for the end of a change that was cleared.";

const WITHDRAW: &str = "\
Takes back a change that you proposed yourself, before it runs; whoever is asked need not answer any more. A change of somebody \
else, or one that runs already, cannot be withdrawn here. It is final: to have it after all, propose it again.";

const LIST: &str = "\
Lists what may be proposed in this estate: each action with its title, risk, what kind of thing it acts on, the inputs it takes, \
and the facts that its gate measures; and the things there are, by kind, for `target`.";

/// Every tool, in order of name.
pub(super) fn tools() -> Vec<Tool> {
    let reads = || ToolAnnotations::new().read_only(true).destructive(false).idempotent(true);
    let writes = || ToolAnnotations::new().read_only(false).destructive(false);
    let [check, draft, get, list, propose, wait, withdraw] = NAMES;
    vec![
        tool(check, "Check a proposal against policy", CHECK, reads().open_world(true)).with_input_schema::<ProposalArguments>(),
        tool(draft, "Draft a runbook", DRAFT, writes().idempotent(false).open_world(false)).with_input_schema::<DraftArguments>(),
        tool(get, "Look at a change", GET, reads().open_world(false)).with_input_schema::<ChangeArguments>(),
        tool(list, "List actions and targets", LIST, reads().open_world(false)).with_input_schema::<NoArguments>(),
        // Idempotent only with a key, and a hint cannot say so.
        tool(propose, "Propose a change", PROPOSE, writes().idempotent(false).open_world(true)).with_input_schema::<ProposalArguments>(),
        tool(wait, "Wait for a decision", WAIT, reads().open_world(false)).with_input_schema::<WaitArguments>(),
        tool(withdraw, "Withdraw your change", WITHDRAW, writes().idempotent(true).open_world(false))
            .with_input_schema::<WithdrawArguments>(),
    ]
}

fn tool(name: &'static str, title: &str, description: &'static str, annotations: ToolAnnotations) -> Tool {
    Tool::new(name, description, rmcp::model::JsonObject::new()).with_title(title).with_annotations(annotations)
}
