/*
 * Forms about money: an amount typed for an invoice chooses "these invoices"; a button fills in what is open, or takes it
 * away again; a customer that is picked leads on; arrow keys go from one line of a bank to the next. What it all comes to
 * is said by the server (htmx).
 */
(() => {
  "use strict";

  document.addEventListener("input", (event) => {
    const name = event.target.dataset?.chooses;
    if (!name || !event.target.value.trim()) return;
    const chosen = event.target.form?.querySelector(`input[type="radio"][name="${name}"][value="chosen"]`);
    if (chosen) chosen.checked = true;
  });

  document.addEventListener("click", (event) => {
    const fill = event.target.closest("[data-fill]");
    if (fill) {
      const field = document.getElementById(fill.dataset.fill);
      field.value = field.value.trim() ? "" : fill.value;
      field.dispatchEvent(new Event("input", { bubbles: true }));
      return;
    }
    const focus = event.target.closest("[data-focus]");
    if (focus) {
      const field = document.getElementById(focus.dataset.focus);
      field.focus();
      field.select();
    }
  });

  document.addEventListener("picker:chosen", (event) => {
    const host = event.target.closest("[data-go]");
    if (host && event.detail) location.assign(host.dataset.go + encodeURIComponent(event.detail.id));
  });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    if (stockade.typing(event.target) || stockade.covered() || event.target.matches?.("[role='option'], [popover] *")) return;
    const link = document.querySelector(event.key === "ArrowDown" ? "a[data-line-next]" : "a[data-line-previous]");
    if (!link) return;
    event.preventDefault();
    link.click();
  });
})();
