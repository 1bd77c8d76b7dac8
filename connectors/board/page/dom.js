// Elements as values, and the least change that makes the page show them: focus, scroll and animations stay.
const SVG = "http://www.w3.org/2000/svg";
const SVG_TAGS = new Set(["svg", "use", "path", "g"]);

export function h(tag, attributes = {}, ...children) {
  return { tag, attributes, children: children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false) };
}

export function show(parent, children) {
  patchChildren(parent, [children].flat(Infinity).filter(Boolean));
}

function patchChildren(parent, wanted) {
  const keyed = new Map([...parent.childNodes].filter((n) => n.key).map((n) => [n.key, n]));
  wanted.forEach((value, index) => {
    let node = parent.childNodes[index];
    const key = value.attributes?.key;
    if (key && node?.key !== key) {
      node = parent.insertBefore(keyed.get(key) ?? make(value), node ?? null);
    } else if (!node || !fits(node, value)) {
      const made = make(value);
      if (node && !node.key) parent.replaceChild(made, node);
      else parent.insertBefore(made, node ?? null);
      node = made;
    }
    patch(node, value);
  });
  while (parent.childNodes.length > wanted.length) parent.lastChild.remove();
}

function fits(node, value) {
  if (typeof value !== "object") return node.nodeType === Node.TEXT_NODE;
  return node.nodeType === Node.ELEMENT_NODE && node.localName === value.tag && (node.key ?? undefined) === value.attributes.key;
}

function make(value) {
  if (typeof value !== "object") return document.createTextNode(String(value));
  const node = SVG_TAGS.has(value.tag) ? document.createElementNS(SVG, value.tag) : document.createElement(value.tag);
  if (value.attributes.key) node.key = value.attributes.key;
  return node;
}

function patch(node, value) {
  if (typeof value !== "object") {
    if (node.data !== String(value)) node.data = String(value);
    return;
  }
  const wanted = new Map();
  for (const [name, given] of Object.entries(value.attributes)) {
    if (name === "key" || given === null || given === undefined || given === false) continue;
    if (name.startsWith("on")) node[name] = given;
    else wanted.set(name, given === true ? "" : String(given));
  }
  for (const { name } of [...node.attributes]) if (!wanted.has(name)) node.removeAttribute(name);
  for (const [name, given] of wanted) if (node.getAttribute(name) !== given) node.setAttribute(name, given);
  patchChildren(node, value.children);
}
