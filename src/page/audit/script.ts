/**
 * The review: a list that draws only what is in view, one row beside it, and decisions by keyboard. Decisions are lines
 * that are only ever added (an undo is a line, too); they are kept by the browser under the data's key, and downloaded.
 */
export const auditScript = `
const { kinds, ...data } = JSON.parse(document.getElementById('data').textContent);
const height = 76;
const list = document.querySelector('.list'), inner = list.firstElementChild, detail = document.querySelector('.detail');
const filter = document.querySelector('#kind'), status = document.querySelector('#status'), who = document.querySelector('#who');
const store = 'wherefore-audit ' + data.key;
let lines = [];
try { lines = JSON.parse(localStorage.getItem(store) || '[]'); } catch { lines = []; }
const stacks = new Map();
const apply = (line) => {
  const stack = stacks.get(line.id) || [];
  if (line.action === 'undo') stack.pop(); else stack.push(line);
  stacks.set(line.id, stack);
};
lines.forEach(apply);
const decisionOf = (row) => (stacks.get(row.id) || []).at(-1);
let rows = data.rows, at = 0;
const make = (tag, className, text) => {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
};
const name = (k) => k < 0 ? 'none' : data.classes[k];
const number = (value) => value === undefined ? '' : Math.abs(value) >= 0.01 && Math.abs(value) < 1e4 ? String(Number(value.toPrecision(3))) : value.toExponential(1);
const image = (row, large) => {
  const view = data.views[row];
  if (!view || view.sheet === undefined) return undefined;
  const tile = make('div', 'tile' + (large ? ' large' : ''));
  const size = large ? 192 : data.side;
  tile.style.backgroundImage = 'url(' + data.sheets[view.sheet] + ')';
  tile.style.backgroundSize = data.aside * size + 'px auto';
  tile.style.backgroundPosition = -(view.tile % data.aside) * size + 'px ' + -Math.floor(view.tile / data.aside) * size + 'px';
  return tile;
};
const words = (text) => text.toLowerCase().match(/[\\p{L}\\p{N}]+/gu) || [];
const writing = (row, beside) => {
  const view = data.views[row];
  if (!view) return make('span');
  if (view.text !== undefined) {
    const paragraph = make('p');
    const known = beside === undefined ? undefined : new Set(words(data.views[beside].text));
    for (const part of view.text.split(/([\\p{L}\\p{N}]+)/u)) {
      const differs = known && /[\\p{L}\\p{N}]/u.test(part) && !known.has(part.toLowerCase());
      paragraph.append(differs ? make('span', 'differs', part) : part);
    }
    return paragraph;
  }
  return make('span');
};
const title = (row) => {
  const view = data.views[row.row];
  const seen = view && view.text !== undefined ? view.text : view && view.values ? view.values.join(', ') : row.from;
  return seen.length > 160 ? seen.slice(0, 160) + '…' : seen;
};
const kindText = (row) => row.problems.map(({ kind }) => kinds[kind].title).filter((text, i, all) => all.indexOf(text) === i).join(', ');
const decided = (decision) => decision && (decision.action === 'relabel' ? '→ ' + decision.label : decision.action === 'drop' ? 'dropped' : 'kept');
function draw() {
  const first = Math.max(0, Math.floor(list.scrollTop / height) - 4);
  const last = Math.min(rows.length, first + Math.ceil(list.clientHeight / height) + 8);
  inner.replaceChildren();
  for (let i = first; i < last; i++) {
    const row = rows[i], entry = make('button', 'entry');
    entry.style.top = i * height + 'px';
    entry.setAttribute('role', 'option');
    entry.setAttribute('aria-selected', String(i === at));
    entry.tabIndex = -1;
    const tile = image(row.row);
    if (tile) entry.append(tile);
    const text = make('span', 'words');
    text.append(make('span', '', title(row)), make('span', 'kind', kindText(row)));
    if (row.label && row.problems.some(({ kind }) => kind === 'label')) text.append(make('span', 'quiet', name(row.label.given) + ' → ' + name(row.label.suggested) + '?'));
    const decision = decisionOf(row);
    if (decision) text.append(make('span', 'done', decided(decision)));
    entry.append(text);
    entry.addEventListener('click', () => select(i));
    inner.append(entry);
  }
}
function line(table, head, value) {
  const row = table.insertRow();
  row.append(make('th', '', head), make('td', '', value));
}
function show() {
  detail.replaceChildren();
  const row = rows[at];
  if (!row) { detail.append(make('p', 'quiet', 'Nothing of this kind.')); return; }
  detail.append(make('h2', '', row.from));
  const tile = image(row.row, true);
  if (tile) detail.append(tile); else detail.append(writing(row.row));
  for (const problem of row.problems) {
    const extra = problem.kind === 'outlier' ? ' (' + number(problem.distance / problem.median) + ' times as far from its neighbours as the median row)' : problem.heldOut !== undefined ? ' (held-out row ' + (problem.heldOut + 1) + (problem.conflict ? ', with another label' : '') + ')' : '';
    const paragraph = make('p');
    paragraph.append(make('strong', '', kinds[problem.kind].title), ': ' + kinds[problem.kind].advice + extra + '.');
    detail.append(paragraph);
  }
  const facts = make('table');
  if (row.label) {
    const l = row.label;
    line(facts, 'label', name(l.given) + ', probability ' + number(l.probability));
    line(facts, 'fits better', name(l.suggested) + ', probability ' + number(l.suggestedProbability));
    line(facts, 'training loss', number(l.loss) + ' nats, rank ' + l.lossRank + ' of all rows');
    line(facts, 'confident learning', 'margin ' + number(l.margin) + ', place ' + l.confidentRank);
    if (l.agreement !== undefined) line(facts, 'neighbours', Math.round(100 * l.agreement) + ' % have the label');
  }
  if (row.influence !== undefined) line(facts, 'influence', number(row.influence) + ' on the held-out rows' + (row.influence < 0 ? ': it harms' : ''));
  detail.append(facts);
  const values = data.views[row.row] && data.views[row.row].values;
  if (values) {
    const other = row.neighbours[0] && data.views[row.neighbours[0].row];
    const table = make('table');
    const head = table.insertRow();
    head.append(make('th', '', 'column'), make('th', '', 'this row'), make('th', '', 'nearest row'));
    values.forEach((value, j) => {
      const one = table.insertRow(), beside = other ? other.values[j] : '';
      if (other && beside !== value) one.className = 'differs';
      one.append(make('td', '', data.columns ? data.columns[j] : String(j)), make('td', '', value), make('td', '', beside));
    });
    detail.append(table);
  }
  const actions = make('div', 'actions');
  for (const [key, text, act] of commands(row)) {
    const button = make('button');
    button.append(text + ' ', make('kbd', '', key));
    button.addEventListener('click', act);
    actions.append(button);
  }
  detail.append(actions);
  if (row.neighbours.length) detail.append(make('h3', '', 'Nearest rows'));
  const around = make('div', 'around');
  for (const { row: other, distance, label } of row.neighbours) {
    const figure = make('figure'), seen = image(other);
    if (seen) figure.append(seen); else { figure.className = 'texts'; figure.append(writing(other, data.views[row.row].text === undefined ? undefined : row.row)); }
    figure.append(make('figcaption', '', (label === undefined ? '' : name(label) + ', ') + 'distance ' + number(distance)));
    around.append(figure);
  }
  detail.append(around);
}
function decide(action, label) {
  const row = rows[at];
  if (!row) return;
  if (action === 'undo' && !decisionOf(row)) return;
  const made = { id: row.id, action, ...(label !== undefined && { label }), ...(who.value && { who: who.value }), when: new Date().toISOString() };
  lines.push(made);
  apply(made);
  try { localStorage.setItem(store, JSON.stringify(lines)); } catch { status.dataset.lost = 'yes'; }
  if (action !== 'undo' && at < rows.length - 1) select(at + 1); else { draw(); show(); }
  count();
}
const commands = (row) => [
  ['k', 'Keep', () => decide('keep')],
  ...(row.label && row.label.suggested >= 0 ? [['r', 'Relabel ' + name(row.label.suggested), () => decide('relabel', name(row.label.suggested))]] : []),
  ['d', 'Drop', () => decide('drop')],
  ['u', 'Undo', () => decide('undo')],
];
function select(i) {
  at = Math.max(0, Math.min(rows.length - 1, i));
  const top = at * height;
  if (top < list.scrollTop) list.scrollTop = top;
  else if (top + height > list.scrollTop + list.clientHeight) list.scrollTop = top + height - list.clientHeight;
  draw();
  show();
}
function count() {
  let made = 0;
  for (const stack of stacks.values()) if (stack.length) made++;
  status.textContent = made + ' of ' + data.rows.length + ' rows decided' + (status.dataset.lost ? '. The browser keeps nothing here: download before you close the page' : '');
}
function choose() {
  rows = filter.value === '' ? data.rows : data.rows.filter((row) => row.problems.some(({ kind }) => kind === filter.value));
  inner.style.height = rows.length * height + 'px';
  list.scrollTop = 0;
  select(0);
}
document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
  const move = { ArrowDown: 1, j: 1, ArrowUp: -1, i: -1, PageDown: 8, PageUp: -8 }[event.key];
  const go = event.key === 'Home' ? 0 : event.key === 'End' ? rows.length - 1 : move === undefined ? undefined : at + move;
  const command = rows[at] && commands(rows[at]).find(([key]) => key === event.key);
  if (go !== undefined) select(go);
  else if (command) command[2]();
  else return;
  event.preventDefault();
});
let waiting = false;
list.addEventListener('scroll', () => { if (waiting) return; waiting = true; requestAnimationFrame(() => { waiting = false; draw(); }); });
filter.addEventListener('change', choose);
document.querySelector('#save').addEventListener('click', () => {
  const link = make('a');
  link.href = URL.createObjectURL(new Blob(lines.map((one) => JSON.stringify(one) + '\\n'), { type: 'application/jsonl' }));
  link.download = 'decisions.jsonl';
  link.click();
  URL.revokeObjectURL(link.href);
});
choose();
count();
`;
