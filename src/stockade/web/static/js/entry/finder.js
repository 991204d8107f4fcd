/*
 * Order entry, finder: a combobox that never makes anybody wait. Letters go into the field, answers come when they come.
 * Enter takes the option that is seen; if none is there yet, the typist goes on at once and the text is looked up behind
 * her: one exact or only match is taken, anything else is said at the field. No keystroke is lost, none overtakes another.
 *
 *   const find = entry.source(text => address)      looks up, and remembers
 *   entry.finder(input, {list, template, find, fill(option, found), typed(text), taken(found), unclear(found list, or null))
 */
(() => {
  "use strict";

  const entry = stockade.entry;
  const PAUSE_MS = 70;
  const MOST_REMEMBERED = 300;

  /* A look-up that asks once for each address; null if it could not be had. */
  entry.source = (addressOf) => {
    const remembered = new Map();
    return (text) => {
      const address = addressOf(text.trim());
      if (!remembered.has(address)) {
        if (remembered.size >= MOST_REMEMBERED) remembered.delete(remembered.keys().next().value);
        const asked = entry.call("GET", address).then(({ status, body }) => {
          if (status === 200) return body;
          remembered.delete(address);
          return null;
        });
        remembered.set(address, asked);
        setTimeout(() => remembered.delete(address), 60_000); // Stock changes.
      }
      return remembered.get(address);
    };
  };

  /* The one that is meant without anybody choosing: the only exact one, or the only one. */
  entry.meant = (found) => {
    const exact = found.filter((it) => it.exact);
    if (exact.length === 1) return exact[0];
    return found.length === 1 ? found[0] : null;
  };

  entry.finder = (input, { list, template, find, fill, typed, taken, unclear }) => {
    const choices = stockade.choices(input, list);
    let timer = 0;
    let shown = null; // The text whose options are seen.
    let options = [];
    let asked = null; // The text that is being looked up behind the typist.

    function close() {
      clearTimeout(timer);
      if (shown !== null) list.hidden = true;
      shown = null;
      options = [];
      input.setAttribute("aria-expanded", "false");
      input.removeAttribute("aria-activedescendant");
    }

    function open(text, found) {
      options = found;
      shown = text;
      list.replaceChildren(
        ...found.map((it, place) => {
          const option = template.content.firstElementChild.cloneNode(true);
          option.id = `entry-option-${place}`;
          option.dataset.place = place;
          fill(option, it);
          return option;
        }),
      );
      input.parentElement.append(list);
      list.hidden = found.length === 0;
      input.setAttribute("aria-expanded", String(found.length > 0));
      choices.mark(found.length > 0 ? list.firstElementChild : null);
      input.dispatchEvent(new CustomEvent("entry:found", { bubbles: true, detail: found.length }));
    }

    async function look() {
      const text = input.value;
      if (!text.trim()) return close();
      const found = await find(text);
      if (found && input.value === text && document.activeElement === input && input.dataset.taken !== text) open(text, found);
      return undefined;
    }

    function take(it) {
      close();
      taken(it);
      input.dataset.taken = input.value;
    }

    /* Leaving the field: what is seen and marked is taken, else the text is looked up while the typist goes on. */
    function settle(wantsMarked) {
      const text = input.value;
      if (!text.trim() || input.dataset.taken === text) return close();
      const marked = wantsMarked && shown === text && options[choices.current()?.dataset.place];
      if (marked) return take(marked);
      close();
      return resolve(text);
    }

    async function resolve(text) {
      if (asked === text) return;
      asked = text;
      unclear(undefined);
      const found = await find(text);
      asked = null;
      if (input.value !== text || input.dataset.taken === text) return;
      const one = found && entry.meant(found);
      if (one) take(one);
      else unclear(found);
    }

    input.addEventListener("input", () => {
      delete input.dataset.taken;
      typed(input.value);
      if (shown !== null && shown !== input.value) {
        shown = ""; // Old options stay to be looked at, but none of them is taken blindly.
        choices.mark(null);
      }
      clearTimeout(timer);
      timer = setTimeout(look, PAUSE_MS);
    });

    input.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      if (shown !== null && options.length > 0 && choices.key(event)) {
        shown = input.value;
      } else if (event.key === "Escape" && shown !== null) {
        event.preventDefault();
        close();
      } else if (event.key === "ArrowDown" && event.altKey) {
        event.preventDefault();
        delete input.dataset.taken;
        look();
      }
    });

    input.addEventListener("blur", () => settle(false));
    list.addEventListener("pointerdown", (event) => {
      const option = event.target.closest("[role='option']");
      if (!option || input.parentElement !== list.parentElement) return;
      event.preventDefault(); // The focus stays where it is.
      take(options[option.dataset.place]);
      input.dispatchEvent(new CustomEvent("entry:next", { bubbles: true }));
    });

    return { settle, close, look, resolve };
  };
})();
