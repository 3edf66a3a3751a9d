// Signs an approval with a passkey, and makes passkeys. The page computes the challenge from the statement itself and compares what
// it is asked to sign with what it shows, before the authenticator is asked: what was altered on the way signs nothing.
"use strict";
(() => {
  const utf8 = new TextEncoder();
  const DOMAIN = utf8.encode("lineclear-approval-v1\0");
  const MINUTES = 5 * 60 * 1000;

  const toText = (buffer) => {
    let text = "";
    for (const byte of new Uint8Array(buffer)) text += String.fromCharCode(byte);
    return btoa(text);
  };
  const toUrl = (buffer) => toText(buffer).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  const fromUrl = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));

  async function challenge(statement) {
    const body = utf8.encode(statement);
    const all = new Uint8Array(DOMAIN.length + 8 + body.length);
    all.set(DOMAIN);
    new DataView(all.buffer).setBigUint64(DOMAIN.length, BigInt(body.length));
    all.set(body, DOMAIN.length + 8);
    return crypto.subtle.digest("SHA-256", all);
  }

  async function ask(path, body) {
    const headers = { "content-type": "application/json", accept: "application/json" };
    const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
    const said = await answer.json().catch(() => ({}));
    if (answer.ok) return said;
    throw new Error(said.detail || said.title || `the server answered ${answer.status}`);
  }

  function sameAsShown(statement, form, reason) {
    const said = JSON.parse(statement);
    const shown = {
      _type: "lineclear.approval/1",
      audience: form.dataset.audience,
      change: form.dataset.change,
      approval: form.elements.approval.value,
      bundle_digest: form.elements.digest.value,
      decision: "approve",
      approver: form.dataset.person,
      reason,
    };
    for (const [member, value] of Object.entries(shown)) {
      if (said[member] !== value) {
        throw new Error(`the server asks you to sign another ${member} than this page shows. Nothing was signed. Load the page again; if it says so again, tell somebody`);
      }
    }
  }

  async function approve(form) {
    const confirm = form.elements.confirm;
    if (confirm && confirm.value.trim() !== form.dataset.target) throw new Error("type the target’s name to approve");
    const reason = form.elements.reason.value.replaceAll("\r\n", "\n").trim();
    const path = `/api/v1/approvals/${form.elements.approval.value}`;
    const { statement } = await ask(`${path}/statement`, { decision: "approve", reason });
    sameAsShown(statement, form, reason);
    const given = await navigator.credentials.get({
      publicKey: {
        challenge: await challenge(statement),
        allowCredentials: form.dataset.passkeys.split(" ").map((id) => ({ type: "public-key", id: fromUrl(id) })),
        userVerification: "required",
        timeout: MINUTES,
      },
    });
    const signature = {
      grade: "passkey",
      credential: toUrl(given.rawId),
      authenticator_data: toUrl(given.response.authenticatorData),
      client_data: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(given.response.clientDataJSON),
      signature: toUrl(given.response.signature),
    };
    await ask(`${path}/votes`, { statement, signature });
    location.reload();
  }

  async function make(form) {
    const made = await navigator.credentials.create({
      publicKey: {
        rp: { name: "Lineclear" },
        user: { id: utf8.encode(form.dataset.person), name: form.dataset.login, displayName: form.dataset.name },
        challenge: crypto.getRandomValues(new Uint8Array(32)),
        pubKeyCredParams: [-7, -35, -8, -257].map((alg) => ({ type: "public-key", alg })),
        excludeCredentials: form.dataset.passkeys.split(" ").filter(Boolean).map((id) => ({ type: "public-key", id: fromUrl(id) })),
        authenticatorSelection: { userVerification: "required", residentKey: "preferred" },
        attestation: "none",
        timeout: MINUTES,
      },
    });
    const key = made.response.getPublicKey();
    const flags = new Uint8Array(made.response.getAuthenticatorData())[32];
    if (!key) throw new Error("this authenticator signs with an algorithm that Lineclear does not check");
    if (!(flags & 0x04)) throw new Error("this authenticator did not verify you, so its signature would count for nothing");
    const { line } = await ask("/keys/line", { credential: toUrl(made.rawId), key: toText(key), synced: (flags & 0x08) !== 0 });
    const shown = document.getElementById("made");
    document.getElementById("made-line").textContent = line;
    shown.hidden = false;
    shown.focus();
  }

  const refused = (error) => {
    if (error.name === "NotAllowedError") return "No passkey signed: it was cancelled, it took too long, or this device has none for this site.";
    if (error.name === "InvalidStateError") return "This authenticator holds a passkey of yours for this site already.";
    return `${error.message.charAt(0).toUpperCase()}${error.message.slice(1)}.`;
  };

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    const act = { approve, make }[form.dataset.passkey];
    if (!act) return;
    event.preventDefault();
    const button = form.querySelector("button:not([hidden])");
    const said = form.querySelector("[role=alert]");
    button.disabled = true;
    said.textContent = "";
    try {
      await act(form);
    } catch (error) {
      said.textContent = refused(error);
    }
    button.disabled = false;
  });
})();
