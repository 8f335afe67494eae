// Draws a document with its marks and reports what the mouse selects. All text goes through text
// nodes, so nothing in a document can run. Offsets cross the boundary as code points.
const units = (text, points) => {
  if (!/[\ud800-\udbff]/.test(text)) return points;
  let at = 0;
  const where = [];
  for (const character of text) { where.push(at); at += character.length; }
  where.push(at);
  return points.map((p) => where[Math.min(p, where.length - 1)]);
};
const points = (text, unit) => Array.from(text.slice(0, unit)).length;

const draw = (root, data) => {
  const text = data.text;
  const flat = units(text, data.marks.flatMap((m) => [m.start, m.end]));
  const marks = data.marks.map((m, i) => ({ ...m, from: flat[2 * i], to: flat[2 * i + 1] }));
  const edges = [...new Set([0, text.length, ...flat])].filter((e) => e <= text.length).sort((a, b) => a - b);
  root.replaceChildren();
  let first = null;
  for (let i = 0; i + 1 < edges.length; i++) {
    const [a, b] = [edges[i], edges[i + 1]];
    const own = marks.find((m) => m.from <= a && m.to >= b);
    const node = document.createTextNode(text.slice(a, b));
    if (!own) { root.append(node); continue; }
    const mark = document.createElement("mark");
    mark.className = `grade${own.grade}`;
    mark.title = own.title;
    mark.append(node);
    root.append(mark);
    if (own.focus && !first) first = mark;
  }
  return first;
};

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".spans");
  root.classList.toggle("mono", Boolean(data.mono));
  const shown = `${data.document} ${data.focus}`;
  const first = draw(root, data);
  if (root.dataset.shown !== shown) {
    root.dataset.shown = shown;
    root.scrollTop = first ? first.offsetTop - root.offsetTop - root.clientHeight / 3 : 0;
  }
  const offset = (node, at) => {
    const range = document.createRange();
    range.setStart(root, 0);
    range.setEnd(node, at);
    return range.toString().length;
  };
  const selected = () => {
    const selection = parentElement.getSelection ? parentElement.getSelection() : document.getSelection();
    if (!selection || selection.isCollapsed || !selection.rangeCount) return null;
    let range = selection.getRangeAt(0);
    if (selection.getComposedRanges && !root.contains(range.startContainer)) {
      const [composed] = selection.getComposedRanges({ shadowRoots: [parentElement] });
      range = document.createRange();
      range.setStart(composed.startContainer, composed.startOffset);
      range.setEnd(composed.endContainer, composed.endOffset);
    }
    if (!root.contains(range.startContainer) || !root.contains(range.endContainer)) return null;
    let from = offset(range.startContainer, range.startOffset);
    let to = offset(range.endContainer, range.endOffset);
    while (from < to && /\s/.test(data.text[from])) from++;
    while (to > from && /\s/.test(data.text[to - 1])) to--;
    selection.removeAllRanges();
    return to > from ? { from, to } : null;
  };
  root.onmouseup = () => {
    const span = selected();
    if (!span) return;
    setTriggerValue("marked", {
      document: data.document,
      start: points(data.text, span.from),
      end: points(data.text, span.to),
      exact: data.text.slice(span.from, span.to),
      nonce: `${Date.now()}-${Math.random()}`,
    });
  };
}
