/*
 * Passkeys (WebAuthn). Markup:
 *
 *   <form data-passkey-enrol data-done="/security?done=enrolled">       enrols one under the name in its field "name"
 *   <button data-passkey-sign-in data-next="/orders">                   signs in; the field with autocomplete "… webauthn" offers
 *                                                                       passkeys, too, where the browser can (conditional mediation)
 *
 * What is said when it fails stands in the element's data-cancelled, data-known, data-refused, data-failed and data-unable, and
 * is shown in the [data-passkey-told] of its form, or after it. The CSRF token is the page's, in a field of that name.
 */
(() => {
  "use strict";

  const PATIENCE_MS = 15_000;
  const able = "PublicKeyCredential" in window && Boolean(navigator.credentials);
  const token = () => document.querySelector("input[name='csrf_token']")?.value ?? "";

  const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (sign) => sign.charCodeAt(0));
  const text = (buffer) =>
    btoa(Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join("")).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  const listed = (items) => (items ?? []).map((item) => ({ ...item, id: bytes(item.id) }));

  async function post(address, body, more = {}) {
    const headers = { accept: "application/json", "content-type": "application/json", "x-csrf-token": token(), ...more };
    const answer = await fetch(address, { method: "POST", headers, body: JSON.stringify(body), signal: AbortSignal.timeout(PATIENCE_MS) });
    return { ok: answer.ok, status: answer.status, body: /json/.test(answer.headers.get("content-type") ?? "") ? await answer.json() : null };
  }

  function toldBy(element) {
    return element.closest("form")?.querySelector("[data-passkey-told]") ?? element.parentElement.querySelector("[data-passkey-told]");
  }

  function tell(element, words) {
    const told = toldBy(element);
    if (!told) return;
    told.textContent = words ?? "";
    told.hidden = !words;
  }

  /* What the browser says to why it did not work, in the element's own words. */
  function reason(element, error) {
    const words = element.dataset;
    if (error.name === "InvalidStateError") return words.known ?? words.failed;
    return error.name === "NotAllowedError" ? words.cancelled : words.failed;
  }

  function answerOf(credential) {
    const { response } = credential;
    const said = { clientDataJSON: text(response.clientDataJSON) };
    if (response.attestationObject) {
      said.attestationObject = text(response.attestationObject);
      said.transports = response.getTransports?.() ?? [];
    } else {
      said.authenticatorData = text(response.authenticatorData);
      said.signature = text(response.signature);
      said.userHandle = response.userHandle ? text(response.userHandle) : "";
    }
    return { id: credential.id, rawId: text(credential.rawId), type: credential.type, response: said, clientExtensionResults: {} };
  }

  async function enrol(form) {
    const asked = await post("/api/v1/me/passkeys/options", {});
    if (!asked.ok) return tell(form, asked.body?.title ?? form.dataset.failed);
    const { publicKey } = asked.body;
    const credential = await navigator.credentials.create({
      publicKey: {
        ...publicKey, challenge: bytes(publicKey.challenge), user: { ...publicKey.user, id: bytes(publicKey.user.id) },
        excludeCredentials: listed(publicKey.excludeCredentials),
      },
    });
    const name = form.elements.namedItem("name").value.trim();
    const made = await post("/api/v1/me/passkeys", { name, answer: answerOf(credential) }, { "idempotency-key": crypto.randomUUID() });
    if (!made.ok) return tell(form, made.body?.title ?? form.dataset.failed);
    location.assign(form.dataset.done);
  }

  function prepareEnrolment(form) {
    const button = form.querySelector("button[type='submit']");
    if (!able) {
      button.disabled = true;
      tell(form, form.dataset.unable);
    }
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (button.disabled || !form.reportValidity()) return;
      button.disabled = true;
      tell(form, "");
      try {
        await enrol(form);
      } catch (error) {
        tell(form, reason(form, error));
      } finally {
        button.disabled = false;
      }
    });
  }

  async function signIn(button, mediation, signal) {
    const asked = await post("/sign-in/passkey/options", {});
    if (!asked.ok) throw new Error("No options.");
    const { publicKey } = asked.body;
    const credential = await navigator.credentials.get({
      publicKey: { ...publicKey, challenge: bytes(publicKey.challenge), allowCredentials: listed(publicKey.allowCredentials) },
      mediation, signal,
    });
    const answer = await post("/sign-in/passkey", { answer: answerOf(credential), next: button.dataset.next ?? "" });
    if (!answer.ok) return tell(button, answer.status === 401 ? button.dataset.refused : (answer.body?.title ?? button.dataset.failed));
    location.assign(answer.body.go);
  }

  /* Passkeys in the list that the browser offers below the field, from when somebody first goes there. */
  async function offer(button, waiting) {
    if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
    try {
      await signIn(button, "conditional", waiting.signal);
    } catch {
      /* Nobody chose one, or the button was pressed instead: there is nothing to say. */
    }
  }

  function prepareSignIn(button) {
    if (!able) {
      button.hidden = true;
      return;
    }
    button.hidden = false;
    const waiting = new AbortController();
    const field = document.querySelector("input[autocomplete~='webauthn']");
    if (field === document.activeElement) offer(button, waiting);
    else field?.addEventListener("focus", () => offer(button, waiting), { once: true });
    button.addEventListener("click", async () => {
      if (button.getAttribute("aria-busy") === "true") return;
      waiting.abort();
      button.setAttribute("aria-busy", "true");
      tell(button, "");
      try {
        await signIn(button, "optional");
      } catch (error) {
        tell(button, reason(button, error));
      } finally {
        button.removeAttribute("aria-busy");
      }
    });
  }

  for (const form of document.querySelectorAll("[data-passkey-enrol]")) prepareEnrolment(form);
  for (const button of document.querySelectorAll("[data-passkey-sign-in]")) prepareSignIn(button);
})();
