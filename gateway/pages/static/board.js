// Keeps the room board up to date, and says plainly when it is not. No script, no harm: the page then reloads by itself.
"use strict";
(() => {
  const PATIENCE_MS = 40000; // two beats of the server and some
  const AGAIN_MS = 5000;
  const board = document.getElementById("board");
  const lost = document.getElementById("lost");
  let source = null, patience = 0;

  const shownAt = () => board.querySelector("time").textContent;

  function say(text) {
    const full = text.replace("{at}", shownAt());
    if (lost.textContent !== full) lost.textContent = full;
    lost.hidden = false;
    document.body.classList.add("stale");
  }

  function heard() {
    clearTimeout(patience);
    patience = setTimeout(quiet, PATIENCE_MS);
    lost.hidden = true;
    lost.textContent = "";
    document.body.classList.remove("stale");
    board.dataset.heard = "";
  }

  function quiet() {
    say(board.dataset.lost);
    source.close();
    connect();
  }

  function show(html) {
    const focused = document.activeElement;
    const way = board.contains(focused) ? focused.getAttribute("href") : null;
    board.innerHTML = html;
    if (way !== null) {
      for (const link of board.querySelectorAll("a")) if (link.getAttribute("href") === way) link.focus();
    }
  }

  function end() {
    clearTimeout(patience);
    source.close();
    say(board.dataset.ended);
    document.querySelector(".again").hidden = false;
  }

  // A stream that was refused for good: signed out, or too many listen.
  async function again() {
    try {
      const answer = await fetch(board.dataset.events, { method: "HEAD", redirect: "manual" });
      if (answer.type === "opaqueredirect" || answer.status === 403) return end();
    } catch { /* no link: try again */ }
    setTimeout(connect, AGAIN_MS);
  }

  function connect() {
    source = new EventSource(board.dataset.events);
    source.addEventListener("board", (event) => { show(event.data); heard(); });
    source.addEventListener("beat", (event) => { board.querySelector("time").textContent = event.data; heard(); });
    source.addEventListener("ended", end);
    source.addEventListener("error", () => {
      clearTimeout(patience);
      say(board.dataset.lost);
      if (source.readyState === EventSource.CLOSED) again();
    });
  }

  addEventListener("pagehide", () => { clearTimeout(patience); source.close(); });
  addEventListener("pageshow", (event) => { if (event.persisted) connect(); }); // the browser kept it, and shows it again
  connect();
})();
