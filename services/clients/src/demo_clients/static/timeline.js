"use strict";

// The server renders everything. This only puts in what it sends, and copies text.
(() => {
  const list = document.querySelector("[data-exchanges]");
  const state = document.querySelector("[data-live-state]");

  function say(text) {
    state.textContent = text;
  }

  function itemOf(html) {
    const template = document.createElement("template");
    template.innerHTML = html; // every value in it was escaped by the server's template
    addCopyButtons(template.content);
    return template.content.firstElementChild;
  }

  function insert(item) {
    list.append(item);
    document.querySelector("[data-empty]").hidden = true;
    count();
    const what = item.querySelector(".what").textContent.trim();
    const status = item.querySelector("summary .status");
    say(`Live. Newest: ${what}${status ? `, ${status.textContent}` : ""}.`);
  }

  // More is known of it now; one that is on an older page is complete there.
  function replace(id, item) {
    const former = list.querySelector(`[data-id="${id}"]`);
    if (former) {
      item.querySelector("details").open = former.open;
      former.closest("li").replaceWith(item);
    }
  }

  // The server keeps so many and numbers them from the oldest it has.
  function count() {
    if (Number(list.dataset.total) < Number(list.dataset.max)) {
      list.dataset.total = Number(list.dataset.total) + 1;
    } else if (list.start > 1) {
      list.start -= 1;
    } else {
      list.firstElementChild.remove();
    }
  }

  let drawing = 0;
  function redrawSoon() {
    clearTimeout(drawing);
    drawing = setTimeout(redraw, 300);
  }

  async function redraw() {
    const answer = await fetch("/timeline/diagram");
    if (answer.ok) {
      const box = document.querySelector("[data-diagram]");
      box.innerHTML = await answer.text();
      box.scrollTop = box.scrollHeight;
      document.querySelector("[data-diagram-card]").hidden = false;
    }
  }

  function follow() {
    const events = new EventSource(`/timeline/events?after=${list.dataset.lastId}`);
    events.addEventListener("open", () => say("Live."));
    events.addEventListener("error", () => {
      const gone = events.readyState === EventSource.CLOSED;
      say(gone ? "Not live any more. Reload to see what is new." : "Reconnecting …");
    });
    events.addEventListener("exchange", (event) => {
      const { html, replaces } = JSON.parse(event.data);
      if (replaces) {
        replace(replaces, itemOf(html));
      } else {
        insert(itemOf(html));
      }
      redrawSoon();
    });
  }

  function addCopyButtons(root) {
    for (const text of root.querySelectorAll("[data-copy]")) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "button second copy";
      button.textContent = "Copy";
      button.addEventListener("click", () => copy(text, button));
      text.before(button);
    }
  }

  async function copy(text, button) {
    try {
      await navigator.clipboard.writeText(text.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(text);
      button.textContent = "Selected: press Ctrl+C";
    }
  }

  const expand = document.querySelector("[data-expand]");
  expand.hidden = false;
  expand.addEventListener("click", () => {
    const open = expand.getAttribute("aria-expanded") !== "true";
    expand.setAttribute("aria-expanded", String(open));
    expand.textContent = open ? "Close all" : "Open all";
    for (const exchange of list.querySelectorAll("details.exchange")) {
      exchange.open = open;
    }
  });

  addCopyButtons(document);
  if ("follow" in list.dataset) {
    follow();
  }
})();
