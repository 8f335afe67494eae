// Draws a document with its marks and reports what the mouse selects.
const draw = (root, data) => {
  const flat = units(data.text, data.marks.flatMap((m) => [m.start, m.end]));
  const marks = data.marks.map((m, i) => ({ ...m, from: flat[2 * i], to: flat[2 * i + 1] }));
  let first = null;
  pieces(root, data.text, flat, (a, b) => {
    const own = marks.find((m) => m.from <= a && m.to >= b);
    if (!own) return null;
    const mark = document.createElement("mark");
    mark.className = `grade${own.grade}`;
    mark.title = own.title;
    if (own.focus && !first) first = mark;
    return mark;
  });
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
  root.onmouseup = () => {
    const span = selectedIn(root, parentElement, data.text);
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
