// Judging: the query, a passage in its document, keys. The next items are here already; what is
// judged goes into an outbox that outlives the page and is emptied through the server's own routes.
const AHEAD = 5;
const IDLE_MS = 1500;
const BACKOFF_MS = [400, 800, 1600, 3200, 6000];

const el = (tag, css, text) => {
  const node = document.createElement(tag);
  if (css) node.className = css;
  if (text !== undefined) node.textContent = text;
  return node;
};
const fill = (sentence, values) => sentence.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
const unique = () => crypto.randomUUID?.() ?? `${Date.now()}-${Math.random().toString(36).slice(2)}`;

class Refused extends Error {}

const post = async (name, body, extra = {}) => {
  const response = await fetch(`/api/label/${name}`, {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body), ...extra,
  });
  if (response.status === 400 || response.status === 403) throw new Refused((await response.json()).error);
  if (!response.ok) throw new Error(`${response.status}`);
  return response.json();
};

// What is judged and not yet known to be on the server's disk; kept in the browser until it is.
class Outbox {
  constructor(owner, changed) {
    this.name = `pizza-outbox-${owner}`;
    this.changed = changed;
    this.rows = JSON.parse(localStorage.getItem(this.name) || "[]");
    this.saved = 0; this.failing = false; this.refused = ""; this.busy = false; this.tries = 0;
    this.empty();
  }
  put(row) { this.rows.push(row); this.keep(); this.empty(); }
  keep() { localStorage.setItem(this.name, JSON.stringify(this.rows)); this.changed(); }
  async empty() {
    if (this.busy) return;
    this.busy = true;
    while (this.rows.length) {
      const row = this.rows[0];
      const begun = performance.now();
      try {
        await post("save", row);
        this.saved++; this.failing = false; this.tries = 0;
        (window.__pizzaSaved ??= []).push(performance.now() - begun);
      } catch (error) {
        if (!(error instanceof Refused)) {
          this.failing = true; this.changed();
          await new Promise((r) => setTimeout(r, BACKOFF_MS[Math.min(this.tries++, BACKOFF_MS.length - 1)]));
          continue;
        }
        this.refused = error.message;
      }
      this.rows.shift(); this.keep();
    }
    this.busy = false;
  }
}

class Desk {
  constructor(parent, data) {
    this.parent = parent; this.data = data;
    this.root = parent.querySelector(".desk");
    this.tab = sessionStorage.getItem("pizza-tab") || unique();
    sessionStorage.setItem("pizza-tab", this.tab);
    this.items = []; this.at = 0; this.left = 0; this.drafts = new Map(); this.history = []; this.panel = "";
    this.hits = null; this.message = ""; this.loading = false; this.exhausted = false;
    this.build();
    this.outbox = new Outbox(data.owner, () => this.status());
    this.fetchMore();
    this.timer = setInterval(() => {
      if (!this.root.isConnected) return this.stop();
      if (this.ahead() < 1 && !document.hidden) this.fetchMore();
    }, IDLE_MS);
    this.onKey = (event) => this.key(event);
    this.onHide = () => navigator.sendBeacon("/api/label/release",
      new Blob([JSON.stringify({ token: data.token, tab: this.tab })], { type: "application/json" }));
    this.onLeave = (event) => { if (this.outbox.rows.length) event.preventDefault(); };
    document.addEventListener("keydown", this.onKey);
    window.addEventListener("pagehide", this.onHide);
    window.addEventListener("beforeunload", this.onLeave);
  }
  stop() {
    clearInterval(this.timer);
    document.removeEventListener("keydown", this.onKey);
    window.removeEventListener("pagehide", this.onHide);
    window.removeEventListener("beforeunload", this.onLeave);
    this.onHide();
  }
  word(name, values = {}) { return fill(this.data.words[name] ?? name, values); }
  get item() { return this.items[this.at]; }
  get empty() { return !this.item || Boolean(this.item.done && this.exhausted); }
  ahead() { return this.items.length - this.at - 1 + (this.item && !this.item.done ? 1 : 0); }
  get draft() {
    const id = this.item.item;
    if (!this.drafts.has(id)) {
      const kept = JSON.parse(localStorage.getItem(`pizza-draft-${this.data.owner}-${id}`) || "null");
      const mine = kept ?? this.item.label ?? {};
      this.drafts.set(id, { grade: mine.grade ?? null, spans: mine.spans ?? [], note: mine.note ?? "", since: Date.now() });
    }
    return this.drafts.get(id);
  }
  keepDraft() {
    const { grade, spans, note } = this.draft;
    localStorage.setItem(`pizza-draft-${this.data.owner}-${this.item.item}`, JSON.stringify({ grade, spans, note }));
  }
  dropDraft(id) { localStorage.removeItem(`pizza-draft-${this.data.owner}-${id}`); }

  async fetchMore() {
    if (this.loading) return;
    this.loading = true;
    try {
      const { items, left } = await post("next", {
        token: this.data.token, tab: this.tab, number: AHEAD, at: this.item?.query ?? "",
      });
      const known = new Set(this.items.filter((i) => !i.done || i.action === "grade").map((i) => i.item));
      const wasEmpty = this.ahead() < 1;
      for (const item of items) if (!known.has(item.item)) this.items.push(item);
      this.exhausted = this.ahead() < 1;
      this.left = left + this.outbox.saved;
      this.message = "";
      if (wasEmpty && this.ahead() > 0) {
        if (this.item?.done) this.at = Math.min(this.at + 1, this.items.length - 1);
        this.show();
      } else if (!this.items.length) this.show();
    } catch (error) {
      this.message = error instanceof Refused ? error.message : this.word("no_server");
      this.status();
    }
    this.loading = false;
    this.status();
  }

  build() {
    const r = this.root;
    r.replaceChildren();
    this.top = el("div", "top");
    this.query = el("div", "query");
    this.where = el("div", "where");
    this.text = el("div", "text");
    this.text.tabIndex = 0;
    this.gradesRow = el("div", "grades");
    this.foot = el("div", "foot");
    this.side = el("div", "panel");
    this.statusLine = el("div", "status");
    this.top.append(this.query, this.statusLine);
    r.append(this.top, this.where, this.text, this.gradesRow, this.foot, this.side);
    this.text.onmouseup = () => {
      const span = selectedIn(this.text, this.parent, this.item.text);
      if (span) this.mark(span.from, span.to);
    };
  }

  // --- what is on the screen -------------------------------------------------------------------
  show() {
    this.root.classList.toggle("empty", this.empty);
    if (this.empty) {
      this.query.textContent = this.word("nothing_left");
      this.where.textContent = this.word("nothing_hint");
      this.text.replaceChildren(); this.gradesRow.replaceChildren(); this.foot.replaceChildren();
      this.status();
      return;
    }
    this.cursor = null; this.anchor = null;
    this.query.textContent = this.item.wording;
    this.where.textContent = this.item.title && this.item.title !== this.item.document
      ? `${this.item.document} · ${this.item.title}` : this.item.document;
    this.text.classList.toggle("mono", this.item.mono);
    this.drawText(true);
    this.drawGrades();
    this.drawFoot();
    this.drawPanel();
    this.status();
  }

  words() {
    if (this.item.words) return this.item.words;
    const words = [];
    const [low, high] = this.bounds();
    if (Intl.Segmenter) {
      const cut = new Intl.Segmenter(undefined, { granularity: "word" });
      for (const s of cut.segment(this.item.text.slice(low, high)))
        if (s.isWordLike) words.push([low + s.index, low + s.index + s.segment.length]);
    } else for (const m of this.item.text.slice(low, high).matchAll(/\S+/g)) words.push([low + m.index, low + m.index + m[0].length]);
    return (this.item.words = words);
  }
  bounds() {
    const { text, base, start, end } = this.item;
    return units(text, [start - base, end - base]);
  }
  pending() {
    if (this.cursor === null || this.anchor === null || this.anchor === this.cursor && !this.extending) return null;
    const words = this.words();
    const [a, b] = [Math.min(this.anchor, this.cursor), Math.max(this.anchor, this.cursor)];
    return [words[a][0], words[b][1]];
  }
  drawText(scroll = false) {
    const { text, base } = this.item;
    const [low, high] = this.bounds();
    const flat = units(text, this.draft.spans.flatMap(([a, b]) => [a - base, b - base]));
    const marks = this.draft.spans.map((_, i) => [flat[2 * i], flat[2 * i + 1]]);
    const pending = this.pending();
    const word = this.cursor === null ? null : this.words()[this.cursor];
    const edges = [low, high, ...flat, ...(pending ?? []), ...(word ?? [])];
    let at = null, first = null;
    pieces(this.text, text, edges, (a, b) => {
      const inside = a >= low && b <= high;
      const which = marks.findIndex(([x, y]) => x <= a && y >= b);
      const held = pending && pending[0] <= a && pending[1] >= b;
      const here = word && word[0] <= a && word[1] >= b;
      const node = el(which >= 0 || held ? "mark" : "span", [inside ? "in" : "out", held ? "pending" : "", here ? "cursor" : ""].join(" "));
      if (which >= 0 && !held) { node.title = this.word("click_removes"); node.onclick = () => this.unmark(which); }
      if (inside && !first) first = node;
      if (here) at = node;
      return node;
    });
    if (scroll) this.text.scrollTop = first ? Math.max(0, first.offsetTop - this.text.offsetTop - 70) : 0;
    else if (at) at.scrollIntoView({ block: "nearest" });
  }
  drawGrades() {
    this.gradesRow.replaceChildren();
    const aliases = ["A", "S", "D", "F"];
    this.data.grades.forEach((meaning, grade) => {
      const button = el("button", `grade g${grade}${this.draft.grade === grade ? " on" : ""}`);
      button.type = "button";
      button.append(el("kbd", "", `${grade}`), el("span", "", meaning));
      button.title = aliases[grade] ? `${grade} · ${aliases[grade]}` : `${grade}`;
      button.onclick = () => { this.grade(grade); };
      this.gradesRow.append(button);
    });
    const submit = el("button", "go", this.word("submit"));
    submit.type = "button";
    submit.prepend(el("kbd", "", "⏎"));
    submit.disabled = this.draft.grade === null;
    submit.onclick = () => this.submit();
    this.gradesRow.append(submit);
  }
  drawFoot() {
    this.foot.replaceChildren();
    const act = (key, name, run) => {
      const button = el("button", "link");
      button.type = "button";
      button.append(el("kbd", "", key), el("span", "", this.word(name)));
      button.onclick = run;
      this.foot.append(button);
    };
    act("U", "undo", () => this.undo());
    act("L", "later", () => this.pass("later"));
    act("N", "skip", () => this.pass("skip"));
    act("X", "cannot_tell", () => this.open("cannot"));
    act("E", "more_context", () => this.more());
    act("/", "search", () => this.open("search"));
    act("?", "keys", () => this.open("keys"));
    const n = this.draft.spans.length;
    const hint = this.draft.grade === null ? "hint_grade"
      : this.draft.grade >= this.data.answers_from ? (n ? "hint_marked" : "hint_whole") : "hint_enter";
    this.foot.append(el("span", "hint", this.word(hint, { n })));
  }
  status() {
    const s = this.outbox, waiting = s?.rows.length ?? 0;
    const line = this.statusLine;
    line.className = "status" + (s?.failing || s?.refused || this.message ? " bad" : waiting ? " busy" : "");
    line.textContent = s?.failing ? this.word("offline", { n: waiting })
      : this.message || (s?.refused ? this.word("refused", { why: s.refused })
      : waiting ? this.word("saving", { n: waiting, saved: s.saved })
      : this.word("saved", { saved: s?.saved ?? 0, left: Math.max(0, this.left - (s?.saved ?? 0)) }));
    line.dataset.saved = s?.saved ?? 0;
    line.dataset.waiting = waiting;
  }
  flash(name) {
    const hint = this.foot.querySelector(".hint");
    if (hint) { hint.textContent = this.word(name); hint.classList.remove("flash"); void hint.offsetWidth; hint.classList.add("flash"); }
  }

  // --- panels: the reason, the search, the keys ------------------------------------------------
  open(panel) { this.panel = this.panel === panel ? "" : panel; this.drawPanel(); }
  drawPanel() {
    const p = this.side;
    p.replaceChildren();
    p.className = `panel ${this.panel}`;
    if (this.panel === "keys") {
      const list = el("dl", "sheet");
      for (const [keys, name] of this.data.sheet) list.append(el("dt", "", keys), el("dd", "", this.word(name)));
      p.append(list);
    } else if (this.panel === "cannot") {
      const input = el("input");
      input.placeholder = this.word("why_not");
      input.maxLength = 2000;
      input.onkeydown = (e) => {
        if (e.isComposing) return;
        if (e.key === "Escape") this.open("cannot");
        if (e.key === "Enter" && input.value.trim()) { this.panel = ""; this.send("cannot_tell", null, [], input.value.trim()); }
      };
      p.append(input);
      input.focus();
    } else if (this.panel === "search") this.drawSearch(p);
  }
  drawSearch(p) {
    const row = el("div", "find"), input = el("input"), list = el("div", "hits");
    input.placeholder = this.word("search_hint");
    input.value = this.asked ?? "";
    const label = el("label"), regex = el("input");
    regex.type = "checkbox"; regex.checked = Boolean(this.regex);
    regex.onchange = () => { this.regex = regex.checked; };
    label.append(regex, document.createTextNode(this.word("regex")));
    const none = el("button", "link", this.word("no_answer"));
    none.type = "button";
    none.onclick = async () => {
      try { await post("no-answer", { token: this.data.token, query: this.item.query }); none.textContent = this.word("no_answer_said"); none.disabled = true; }
      catch (error) { list.replaceChildren(el("div", "bad", error.message)); }
    };
    row.append(input, label, none);
    p.append(row, list);
    input.onkeydown = async (e) => {
      if (e.isComposing) return;
      if (e.key === "Escape") return this.open("search");
      if (e.key !== "Enter") return;
      this.asked = input.value;
      try {
        const { hits } = await post("search", { token: this.data.token, words: input.value, regex: regex.checked });
        list.replaceChildren(...(hits.length ? hits.map((h) => this.hit(h)) : [el("div", "quiet", this.word("nothing_found"))]));
      } catch (error) { list.replaceChildren(el("div", "bad", error.message)); }
    };
    input.focus();
  }
  hit(h) {
    const row = el("button", "hit"), body = el("span", "body");
    row.type = "button";
    const flat = units(h.text, h.matches.flat());
    pieces(body, h.text, flat, (a, b) => flat.some((x, i) => i % 2 === 0 && x <= a && flat[i + 1] >= b) ? el("mark") : null);
    row.append(el("b", "", h.title || h.document), body);
    row.onclick = async () => {
      try {
        const { item } = await post("take", { token: this.data.token, tab: this.tab, query: this.item.query, document: h.document, start: h.start, end: h.end });
        this.panel = "";
        const old = this.items.findIndex((i) => i.item === item.item);
        if (old >= 0) this.at = old; else this.items.splice(this.at, 0, item);
        this.show();
      } catch (error) { row.replaceChildren(el("span", "bad", error.message)); }
    };
    return row;
  }

  // --- what a rater does -----------------------------------------------------------------------
  remember() { const d = this.draft; this.history.push({ item: this.item.item, before: { grade: d.grade, spans: [...d.spans] } }); }
  grade(value) {
    if (value >= this.data.grades.length) return;
    if (this.draft.grade === value && !this.item.done) return this.submit();
    this.remember();
    this.draft.grade = value;
    this.changed();
  }
  mark(from, to) {
    const { text, base } = this.item;
    let a = base + points(text, from), b = base + points(text, to);
    this.remember();
    this.draft.spans = this.draft.spans.filter(([x, y]) => {
      if (y < a || x > b) return true;
      a = Math.min(a, x); b = Math.max(b, y);
      return false;
    }).concat([[a, b]]).sort((x, y) => x[0] - y[0]);
    this.changed();
  }
  unmark(which) { this.remember(); this.draft.spans = this.draft.spans.filter((_, i) => i !== which); this.changed(); }
  changed() { this.keepDraft(); this.drawText(); this.drawGrades(); this.drawFoot(); }
  submit() {
    if (this.draft.grade === null) return this.flash("grade_first");
    this.send("grade", this.draft.grade, this.draft.spans, this.draft.note);
  }
  pass(action) { this.send(action, null, []); }
  send(action, grade, spans, note = "") {
    const item = this.item;
    this.outbox.put({
      lease: item.lease, key: unique(), action, grade, spans, note,
      seconds: Math.min((Date.now() - this.draft.since) / 1000, 3600),
    });
    this.history.push({ item: item.item, sent: true });
    item.done = true; item.action = action;
    this.dropDraft(item.item);
    this.forward();
  }
  forward() {
    const next = this.items.findIndex((i, n) => n > this.at && !i.done);
    const back = this.items.findIndex((i) => !i.done);
    if (next >= 0) this.at = next; else if (back >= 0) this.at = back; else this.exhausted = true;
    this.panel = "";
    this.show();
    if (this.items.filter((i) => !i.done).length < 3) this.fetchMore();
  }
  undo() {
    const last = this.history.pop();
    if (!last) return this.flash("nothing_to_undo");
    const at = this.items.findIndex((i) => i.item === last.item);
    if (at < 0) return;
    this.at = at;
    this.exhausted = false;
    if (last.sent) {
      this.item.done = false;
      this.outbox.put({ lease: this.item.lease, key: unique(), action: "undo", grade: null, spans: [], note: "" });
    } else Object.assign(this.draft, last.before);
    this.keepDraft();
    this.show();
  }
  step(by) {
    const to = this.at + by;
    if (to < 0 || to >= this.items.length) return;
    this.at = to; this.panel = "";
    this.show();
  }
  walk(by, extend) {
    const words = this.words();
    if (!words.length) return;
    if (this.cursor === null) { this.cursor = 0; this.anchor = extend ? 0 : null; this.extending = extend; return this.drawText(); }
    if (extend && this.anchor === null) { this.anchor = this.cursor; this.extending = true; }
    else {
      if (!extend) this.settle();
      this.cursor = Math.min(Math.max(this.cursor + by, 0), words.length - 1);
    }
    this.drawText();
  }
  settle() {
    const pending = this.pending();
    this.anchor = null; this.extending = false;
    if (pending) this.mark(...pending);
  }
  async more() {
    const i = this.item, wide = 3000;
    try {
      const { text, base } = await post("more", { lease: i.lease, start: i.base - wide, end: i.base + Array.from(i.text).length + wide });
      Object.assign(i, { text, base, words: null });
      this.cursor = this.anchor = null;
      this.drawText(true);
    } catch (error) { this.message = error.message; this.status(); }
  }

  key(event) {
    const target = event.composedPath()[0];
    if (!this.root.isConnected || event.defaultPrevented || event.isComposing) return;
    if (target.closest?.("input, textarea, select, [contenteditable=true], [role=textbox], [role=combobox]")) return;
    const undo = (event.ctrlKey || event.metaKey) && event.code === "KeyZ";
    if ((event.ctrlKey || event.metaKey || event.altKey) && !undo) return;
    const run = this.meaning(event, undo);
    if (!run || !this.item) return;
    event.preventDefault();
    event.stopPropagation();
    run();
  }
  // By the key's place, not its letter: with a Korean keyboard A is still A.
  meaning(event, undo) {
    const { code, shiftKey, key } = event;
    if (key === "?") return () => this.open("keys");
    if (key === "Escape") return () => { this.panel = ""; this.cursor = this.anchor = null; this.drawPanel(); this.drawText(); };
    if (this.empty && !undo && code !== "KeyU") return null;  // no passage is shown that they could mean
    if (code === "ArrowRight") return () => this.walk(1, shiftKey);
    if (code === "ArrowLeft") return () => this.walk(-1, shiftKey);
    const plain = {
      ArrowDown: () => this.step(1), ArrowUp: () => this.step(-1),
      Enter: () => this.submit(), NumpadEnter: () => this.submit(),
      KeyA: () => this.grade(0), KeyS: () => this.grade(1), KeyD: () => this.grade(2), KeyF: () => this.grade(3),
      KeyN: () => this.pass("skip"), KeyL: () => this.pass("later"), KeyX: () => this.open("cannot"),
      KeyU: () => this.undo(), KeyE: () => this.more(), Slash: () => this.open("search"),
      Backspace: () => this.draft.spans.length && this.unmark(this.draft.spans.length - 1),
    };
    const digit = /^(?:Digit|Numpad)(\d)$/.exec(code);
    const act = undo ? () => this.undo() : digit ? () => this.grade(Number(digit[1])) : plain[code];
    if (!act || (shiftKey && !undo)) return null;
    return () => { if (code !== "Backspace") this.settle(); act(); };
  }
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".desk");
  const same = root.__desk && root.__desk.data.token === data.token;
  if (same) {
    const desk = root.__desk;
    const words = desk.data.words !== data.words;
    desk.data = data;
    if (words && desk.item) desk.show();
  } else {
    root.__desk?.stop();
    root.__desk = new Desk(parentElement, data);
  }
  return () => { root.__desk?.stop(); root.__desk = null; };
}
