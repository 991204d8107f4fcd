/*
 * Forms: sent once, never lost. Markup: templates/components/form.html.
 *
 *   data-guard         asks before a page with something typed is left, and makes sure of the session before it is sent
 *   data-keep="name"   what is typed is kept in this browser under the person, the tenant and the name: it outlives a reload,
 *                      a lost connection and an ended session, and is forgotten once it was taken
 *   data-again         the server shows the form again with what is wrong with it
 *
 * The idempotency key in a form is the real defence against sending twice; it is kept with the rest, so that what was sent
 * into a breaking connection can be sent again. A page that adds fields by script listens for "keep:restore" (detail: the
 * names and values) and adds them before they are filled.
 */
(() => {
  "use strict";

  const DAYS = 7;
  const UNKEPT = ["csrf_token"];
  const room = document.getElementById("toasts");
  const timers = new WeakMap();

  const record = (form) => `form ${form.dataset.keep}`;
  const keepers = () => [...document.querySelectorAll("form[data-keep]")];

  function fieldsOf(form) {
    return [...form.elements].filter(
      (field) => field.name && !UNKEPT.includes(field.name) && !["file", "password", "submit", "button"].includes(field.type) && field.tagName !== "FIELDSET",
    );
  }

  const valueOf = (field) => (["checkbox", "radio"].includes(field.type) ? field.checked : field.value);

  function keep(form, more = {}) {
    const fields = fieldsOf(form).map((field) => [field.name, valueOf(field)]);
    stockade.kept.set(record(form), { at: Date.now(), fields, ...more });
  }

  function restore(form) {
    const held = stockade.kept.get(record(form));
    if (!held) return;
    form.dispatchEvent(new CustomEvent("keep:restore", { bubbles: true, detail: held.fields }));
    const waiting = Map.groupBy(held.fields, ([name]) => name);
    let changed = false;
    for (const field of fieldsOf(form)) {
      const next = waiting.get(field.name)?.shift();
      if (!next || valueOf(field) === next[1]) continue;
      if (typeof next[1] === "boolean") field.checked = next[1];
      else field.value = next[1];
      if (field.type !== "hidden") changed = true;
    }
    if (!changed) return;
    form.dataset.dirty = "";
    form.dispatchEvent(new CustomEvent("keep:restored", { bubbles: true }));
    stockade.toast?.("info", room.dataset.restored, { label: room.dataset.forget, run: () => forget(form) });
  }

  function forget(form) {
    stockade.kept.set(record(form), null);
    delete form.dataset.dirty;
    location.reload();
  }

  /*
   * What was sent is forgotten when the next page shows that it was taken: any page but the form shown again, an error, or
   * the same form opened afresh without word of success (the connection broke before there was an answer).
   */
  function settle() {
    const here = new Map(keepers().map((form) => [record(form), form]));
    const done = new URL(location.href).searchParams.has("done");
    for (const name of stockade.kept.names("form ")) {
      const held = stockade.kept.get(name);
      const old = !held || Date.now() - held.at > DAYS * 86_400_000;
      const taken = held?.sent && !document.querySelector("[data-problem]") && (done || !here.has(name)) && !here.get(name)?.matches("[data-again]");
      if (old || taken) stockade.kept.set(name, null);
      else if (held.sent) stockade.kept.set(name, { ...held, sent: false });
    }
  }

  function typed(event) {
    const form = event.target.form ?? event.target.closest?.("form");
    if (!form?.matches("[data-guard], [data-keep]")) return;
    form.dataset.dirty = "";
    if (!form.dataset.keep) return;
    clearTimeout(timers.get(form));
    timers.set(form, setTimeout(() => keep(form), 250));
  }

  document.addEventListener("input", typed);
  document.addEventListener("change", typed);
  document.addEventListener("picker:chosen", typed);
  window.addEventListener("pagehide", () => {
    for (const form of keepers()) if (form.dataset.dirty !== undefined && !form.dataset.sending) keep(form);
  });

  window.addEventListener("beforeunload", (event) => {
    if ([...document.querySelectorAll("form[data-guard][data-dirty]")].some((form) => !form.dataset.sending)) event.preventDefault();
  });

  /* A picker with text but no record cannot be meant. */
  function unchosen(form) {
    return [...form.querySelectorAll("[data-picker]")].find(
      (host) => host.querySelector("[data-picker-text]").value.trim() && !host.querySelector("[data-picker-value]").value,
    );
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || event.defaultPrevented) return;
    if (form.dataset.sending) return event.preventDefault();
    const loose = unchosen(form)?.querySelector("[data-picker-text]");
    if (loose) {
      event.preventDefault();
      loose.setAttribute("aria-invalid", "true");
      return loose.focus();
    }
    form.dataset.sending = "true";
    if (form.matches("[data-guard], [data-keep]") && stockade.ask && !form.dataset.sure) {
      event.preventDefault();
      return sendSurely(form, event.submitter);
    }
    delete form.dataset.sure;
    if (form.dataset.keep) keep(form, { sent: true });
    return undefined;
  });

  /* Ask first whether there is anybody to take it: a page of typing is not thrown at a sign-in. */
  async function sendSurely(form, submitter) {
    const state = await stockade.ask();
    delete form.dataset.sending;
    if (state === "ended") return stockade.sessionEnded();
    if (state === "offline") return undefined;
    form.dataset.sure = "true";
    return form.requestSubmit(submitter);
  }

  /* In a conflict: what the other wrote, into the field. */
  document.addEventListener("click", (event) => {
    const take = event.target.closest("[data-take]");
    if (!take) return;
    const field = document.getElementById(take.dataset.take);
    if (field.type === "checkbox") field.checked = take.value !== "";
    else field.value = take.value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    take.closest(".field-theirs").hidden = true;
    field.focus();
  });

  /* The list of what is wrong names the fields, and its links go to them. */
  function nameErrors() {
    for (const link of document.querySelectorAll("a[data-error-link]")) {
      const field = document.getElementById(link.hash.slice(1));
      const label = field?.labels?.[0] ?? field?.querySelector("legend");
      if (!label) continue;
      link.prepend(`${label.textContent.replace(/\*$/, "").trim()}: `);
      link.removeAttribute("data-error-link");
    }
    document.querySelector("form[data-again] [aria-invalid='true']")?.focus();
  }

  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sending]")) delete form.dataset.sending;
  });

  settle();
  nameErrors();
  for (const form of keepers()) if (!form.matches("[data-again]")) restore(form);
})();
