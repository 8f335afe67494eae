// Shared by the components that show documents. Offsets cross the boundary as code points; inside
// they are UTF-16 units. All text goes through text nodes, so nothing in a document can run.
const units = (text, points) => {
  if (!/[\ud800-\udbff]/.test(text)) return points;
  let at = 0;
  const where = [];
  for (const character of text) { where.push(at); at += character.length; }
  where.push(at);
  return points.map((p) => where[Math.max(0, Math.min(p, where.length - 1))]);
};
const points = (text, unit) => Array.from(text.slice(0, unit)).length;

// What the mouse selected within `root`, in units of its text, without white space at its ends.
const selectedIn = (root, parentElement, text) => {
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
  const offset = (node, at) => {
    const before = document.createRange();
    before.setStart(root, 0);
    before.setEnd(node, at);
    return before.toString().length;
  };
  let from = offset(range.startContainer, range.startOffset);
  let to = offset(range.endContainer, range.endOffset);
  while (from < to && /\s/.test(text[from])) from++;
  while (to > from && /\s/.test(text[to - 1])) to--;
  selection.removeAllRanges();
  return to > from ? { from, to } : null;
};

// Cut [0, text.length) at `edges` and append each piece to `root`, in what `wrap` gives for it.
const pieces = (root, text, edges, wrap) => {
  const cuts = [...new Set([0, text.length, ...edges])].filter((e) => e >= 0 && e <= text.length);
  cuts.sort((a, b) => a - b);
  root.replaceChildren();
  for (let i = 0; i + 1 < cuts.length; i++) {
    const node = document.createTextNode(text.slice(cuts[i], cuts[i + 1]));
    const around = wrap(cuts[i], cuts[i + 1]);
    if (around) { around.append(node); root.append(around); } else root.append(node);
  }
};
