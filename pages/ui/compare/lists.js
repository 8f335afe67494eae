// Draws two ranked lists and the lines between them. All text goes through text nodes, so nothing in
// a document can run. A click on a card opens its whole text; pointing at one shows its lines.
const SVG = "http://www.w3.org/2000/svg";

const element = (tag, css, text) => {
  const node = document.createElement(tag);
  node.className = css;
  if (text !== undefined) node.textContent = text;
  return node;
};

const cardOf = (card) => {
  const node = element("article", `card${card.found ? " found" : ""}${card.alone ? " alone" : ""}${card.apart ? " apart" : ""}`);
  node.tabIndex = 0;
  const head = element("div", "head");
  const where = element("span", "where", card.where);
  where.title = card.where;
  head.append(element("span", "rank", String(card.rank)), where, element("span", "other", card.other));
  const body = element("div", "body");
  for (const [text, css] of card.parts) {
    if (css) body.append(element("mark", css, text));
    else body.append(document.createTextNode(text));
  }
  node.append(head, body);
  return node;
};

const columnOf = (side) => {
  const column = element("section", "column");
  const title = element("h4", "title", side.title);
  title.title = side.title;
  column.append(title, element("p", "note", side.note));
  const cards = side.cards.map(cardOf);
  column.append(...cards);
  return { column, cards };
};

const connect = (root, svg, cards, lines) => {
  const frame = root.getBoundingClientRect();
  svg.setAttribute("width", frame.width);
  svg.setAttribute("height", frame.height);
  svg.replaceChildren();
  for (const [left, right] of lines) {
    const a = cards[0][left].getBoundingClientRect();
    const b = cards[1][right].getBoundingClientRect();
    const [x, y] = [a.right - frame.left, a.top - frame.top + 15];
    const [u, v] = [b.left - frame.left, b.top - frame.top + 15];
    const middle = (x + u) / 2;
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", `M ${x} ${y} C ${middle} ${y}, ${middle} ${v}, ${u} ${v}`);
    const found = cards[0][left].classList.contains("found") && cards[1][right].classList.contains("found");
    path.setAttribute("class", found ? "found" : "");
    path.dataset.ends = `0-${left} 1-${right}`;
    svg.append(path);
  }
};

const point = (root, svg, cards, lines, ends) => {
  const near = new Set(ends ? [ends] : []);
  for (const [left, right] of lines) {
    const own = [`0-${left}`, `1-${right}`];
    if (own.includes(ends)) own.forEach((e) => near.add(e));
  }
  root.classList.toggle("pointed", near.size > 1);
  cards.forEach((side, s) => side.forEach((c, i) => c.classList.toggle("near", near.has(`${s}-${i}`))));
  svg.querySelectorAll("path").forEach((p) => p.classList.toggle("near", p.dataset.ends.split(" ").includes(ends)));
};

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".lists");
  const shown = JSON.stringify(data);
  if (root.dataset.shown === shown) return;
  root.dataset.shown = shown;
  root.observer?.disconnect();
  const sides = data.sides.map(columnOf);
  const cards = sides.map((side) => side.cards);
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("aria-hidden", "true");
  root.replaceChildren(sides[0].column, sides[1].column, svg);
  const again = () => connect(root, svg, cards, data.lines);
  cards.forEach((side, s) => side.forEach((card, i) => {
    const open = () => { card.classList.toggle("open"); again(); };
    card.onclick = () => { if (!String(getSelection())) open(); };
    card.onkeydown = (event) => {
      if (event.target === card && (event.key === "Enter" || event.key === " ")) { event.preventDefault(); open(); }
    };
    card.onmouseenter = card.onfocus = () => point(root, svg, cards, data.lines, `${s}-${i}`);
    card.onmouseleave = card.onblur = () => point(root, svg, cards, data.lines, "");
  }));
  root.observer = new ResizeObserver(again);
  root.observer.observe(root);
  return () => root.observer?.disconnect();
}
