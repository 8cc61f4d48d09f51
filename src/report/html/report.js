(() => {
'use strict';
// Moves the playhead and fills the panels. Texts are set as text, never as markup.
const root = document.documentElement;
const data = JSON.parse(document.getElementById('data').textContent);
const NS = document.querySelector('svg').namespaceURI;
root.classList.add('js');

const el = (tag, name, text) => {
  const it = document.createElement(tag);
  if (name) it.className = name;
  if (text !== undefined) it.textContent = text;
  return it;
};
const glyph = (number) => {
  const svg = document.createElementNS(NS, 'svg');
  svg.setAttribute('class', 'glyph');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS(NS, 'use');
  use.setAttribute('href', '#g' + number);
  svg.append(use);
  return svg;
};
const decimal = (amount, unit) => String(Math.floor(amount * 1000 / unit) / 1000);
const lasting = (us) => {
  if (us < 1e3) return us + ' µs';
  if (us < 1e6) return decimal(us, 1e3) + ' ms';
  if (us < 6e7) return decimal(us, 1e6) + ' s';
  const parts = [];
  const s = Math.floor(us / 1e6);
  const add = (n, word) => { if (n > 0) parts.push(n + ' ' + word); };
  add(Math.floor(s / 3600), 'h');
  add(Math.floor(s / 60) % 60, 'min');
  if (us % 6e7) parts.push(decimal(us % 6e7, 1e6) + ' s');
  return parts.join(' ');
};
const ROWS_SHOWN = 10;
/** A name that may be broken after each of its slashes. */
const named = (it, name) => {
  for (const part of name.split(/(?<=\/)/)) it.append(part, document.createElement('wbr'));
  return it;
};

class Run {
  constructor(told, section) {
    this.told = told;
    this.section = section;
    this.step = told.start;
    this.lanes = new Map(told.of);
    const find = (selector) => section.querySelector(selector);
    this.parts = {
      when: find('.when'), now: find('.now'), around: find('.around'), still: find('.still'),
      locks: find('.locks'), rows: find('.rows'), slider: find('input[type=range]'),
      count: find('.stepno'), graphs: [...find('.graphs').children],
      frames: [...section.querySelectorAll('.story button')],
      heads: [...section.querySelectorAll('.playhead')],
      clips: [...section.querySelectorAll('.clip')],
      chapters: [...section.querySelectorAll('.chapter')],
      plots: [...section.querySelectorAll('.plot')],
    };
    this.listen(find);
  }

  listen(find) {
    const { slider, frames, plots } = this.parts;
    find('.do-back').onclick = () => this.go(this.step - 1);
    find('.do-on').onclick = () => this.go(this.step + 1);
    find('.do-hide').onchange = (event) => { choice.hide = event.target.checked; update(); };
    const fold = find('.do-fold');
    if (fold) fold.onchange = () => { choice.fold = fold.checked; update(); };
    slider.oninput = () => this.go(this.near(this.at(slider.value / 1000)));
    slider.onkeydown = (event) => {
      const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
      const chapters = this.told.chapters;
      let to = by && this.step + by;
      if (event.key === 'Home') to = 0;
      if (event.key === 'End') to = this.told.steps.length - 1;
      if (event.key === 'PageDown') to = chapters.find((it) => it > this.step);
      if (event.key === 'PageUp') to = chapters.filter((it) => it < this.step).pop();
      if (by || ['Home', 'End', 'PageUp', 'PageDown'].includes(event.key)) {
        event.preventDefault();
        if (to !== undefined) this.go(to);
      }
    };
    for (const button of frames) {
      button.onclick = () => { this.go(+button.dataset.step); this.show(); };
    }
    for (const button of this.section.querySelectorAll('[data-event]')) {
      const event = button.dataset.event;
      button.onclick = () => {
        this.go(event === 'last' ? this.told.steps.length - 1 : this.covering(+event));
      };
    }
    plots.forEach((plot, index) => plot.onclick = (event) => {
      const chapter = event.target.closest('.chapter');
      if (chapter) return this.go(+chapter.dataset.step);
      const box = plot.firstElementChild.getBoundingClientRect();
      const x = (event.clientX - box.left) / box.width * 1180;
      if (x >= this.told.left) this.go(this.near(x));
      return index;
    });
  }

  /** Brings the timeline into sight. */
  show() { this.section.querySelector('.tl').scrollIntoView({ block: 'start' }); }

  /** Which of the drawn timelines is seen. */
  seen() { return this.parts.plots.length > 1 && !choice.fold ? 1 : 0; }

  x(step) { return this.told.steps[step][7][this.seen()]; }

  at(share) { return this.told.left + share * (this.told.right - this.told.left); }

  /** The step nearest to a position. */
  near(x) {
    let best = 0;
    this.told.steps.forEach((_, at) => {
      if (Math.abs(this.x(at) - x) <= Math.abs(this.x(best) - x)) best = at;
    });
    return best;
  }

  /** The step that covers an event: the first that is not before it. */
  covering(event) {
    const at = this.told.steps.findIndex((it) => it[0] >= event);
    return at < 0 ? this.told.steps.length - 1 : at;
  }

  go(step) {
    this.step = Math.max(0, Math.min(this.told.steps.length - 1, step));
    update();
  }

  /** What holds after a step: the last whole state before it, and the changes since. */
  state(step) {
    const state = { locks: new Map(), rows: new Map(), pending: new Map(), down: new Map() };
    const apply = ([kind, a, b, ...rest]) => {
      if (kind === 0 || kind === 1) state.locks.set(a + ' ' + b, [kind, a, b, ...rest]);
      if (kind === 2) state.locks.delete(a + ' ' + b);
      if (kind === 3) b === null ? state.rows.delete(a) : state.rows.set(a, b);
      if (kind === 4) state.pending.set(a + ' ' + b, [a, b, rest[0]]);
      if (kind === 5) state.pending.delete(a + ' ' + b);
      if (kind === 6) b === null ? state.down.delete(a) : state.down.set(a, b);
    };
    const { keys, every, changes } = this.told;
    const key = keys.length ? Math.floor(step / every) : -1;
    if (key >= 0) keys[key].forEach(apply);
    const from = key >= 0 ? key * every + 1 : 0;
    for (let at = from; at <= step; at++) changes[at].forEach(apply);
    return state;
  }

  badge(lane) {
    const [letters, name, hue] = this.told.lanes[lane] || ['?', 'somebody', 0];
    const badge = el('span', 'bd h' + hue, letters);
    badge.title = name;
    return badge;
  }

  draw() {
    const { told, step, parts } = this;
    if (!told.steps.length) return;
    const [, , moment, lane, , text] = told.steps[step];
    const state = this.state(step);
    this.section.classList.toggle('flat', this.seen() === 1);
    this.section.classList.toggle('hiding', choice.hide);
    for (const part of ['.verdict', '.frames', '.all']) this.section.querySelector(part).hidden = choice.hide;
    this.playhead(moment);
    parts.when.textContent = 'At ' + moment;
    if (parts.now.textContent !== text) {
      parts.now.replaceChildren(text);
      if (lane >= 0) parts.now.prepend(this.badge(lane), ' ');
    }
    this.around();
    parts.count.textContent = 'step ' + (step + 1) + ' of ' + told.steps.length;
    const graph = told.steps[step][6];
    parts.graphs.forEach((it, at) => { it.hidden = at !== graph; });
    parts.still.hidden = graph >= 0;
    this.locks(state);
    this.rows(state);
    for (const frame of parts.frames) {
      frame.setAttribute('aria-current', String(+frame.dataset.step === step));
    }
  }

  playhead(moment) {
    const { told, step, parts } = this;
    const x = this.x(step);
    for (const head of parts.heads) {
      head.setAttribute('transform', 'translate(' + x + ' 0)');
      const flag = head.querySelector('.flag');
      const half = +flag.dataset.half;
      const shown = Math.max(told.left + half - 20, Math.min(1180 - half, x));
      flag.setAttribute('transform', 'translate(' + (shown - x) + ' 0)');
      flag.querySelector('text').textContent = moment;
    }
    for (const clip of parts.clips) clip.setAttribute('width', choice.hide ? x : 1180);
    for (const chapter of parts.chapters) {
      chapter.classList.toggle('later', +chapter.dataset.step > step);
    }
    parts.slider.value = (x - told.left) / (told.right - told.left) * 1000;
    parts.slider.setAttribute('aria-valuetext',
      moment + ', step ' + (step + 1) + ' of ' + told.steps.length + ': ' + told.steps[step][5]);
    const hide = this.section.querySelector('.do-hide');
    hide.checked = choice.hide;
    const fold = this.section.querySelector('.do-fold');
    if (fold) fold.checked = choice.fold;
  }

  /** The step before and the step after. */
  around() {
    const { told, step, parts } = this;
    const line = (at, mark, word) => {
      const it = told.steps[at];
      if (!it) return [];
      const hidden = choice.hide && at > step;
      const row = el('div', 'nx');
      const when = el('span', '', mark + ' ');
      when.append(el('span', 'sr', word + ', '), hidden ? 'next' : it[2]);
      row.append(when, el('span', '', hidden ? 'hidden' : it[5]));
      return [row];
    };
    parts.around.replaceChildren(...line(step - 1, '◀', 'before'), ...line(step + 1, '▶', 'next'));
  }

  table(heads, rows, more) {
    const table = el('table');
    const head = el('tr');
    for (const [text, name] of heads) head.append(el('th', name, text));
    const top = el('thead');
    top.append(head);
    const body = el('tbody');
    body.append(...rows.slice(0, ROWS_SHOWN));
    table.append(top, body);
    const hidden = rows.length - ROWS_SHOWN;
    return hidden > 0 ? [table, el('p', 'muted', 'and ' + hidden + ' more ' + more)] : [table];
  }

  locks(state) {
    const { told, step, parts } = this;
    const now = told.steps[step][1];
    const locks = [...state.locks.values()];
    const wanted = new Set(locks.filter((it) => it[0] === 1).map((it) => it[1]));
    locks.sort((p, q) => wanted.has(q[1]) - wanted.has(p[1]) || p[1] - q[1] || p[0] - q[0]);
    const rows = locks.map(([kind, lock, by, mode, since, behind]) => {
      const row = el('tr');
      const [name, mark] = told.locks[lock];
      const what = el('td');
      const both = el('span', 'both');
      if (mark >= 0) both.append(glyph(mark));
      both.append(named(el('span'), name));
      what.append(both);
      const who = el('td');
      who.append(this.badge(this.lanes.get(by)));
      const how = el('td');
      if (kind === 0) {
        how.append(el('span', 'tag', 'holds, ' + mode));
      } else {
        const other = told.lanes[this.lanes.get(behind)];
        how.append(el('span', 'tag w', 'waits' + (other ? ' for ' + other[0] : '') + ', ' + mode));
      }
      row.append(what, who, how, el('td', 'num', lasting(now - since)));
      return row;
    });
    const heads = [['Lock', ''], ['Who', ''], ['State', ''], ['For', 'num']];
    parts.locks.replaceChildren(...(rows.length ? this.table(heads, rows, 'locks')
      : [el('p', 'muted', 'No row is locked at this moment.')]));
  }

  /** The rows, those of one name beside one another, an instance a column. */
  rows(state) {
    const { told, parts } = this;
    const lines = new Map();
    told.rows.forEach(([name, instance], at) => {
      const pending = [...state.pending.values()].filter((it) => it[0] === at);
      const line = lines.get(name) || new Map();
      lines.set(name, line);
      line.set(instance, { told: state.rows.get(at), pending });
    });
    const columns = [...new Set(told.rows.map((it) => it[1]))].sort((p, q) => p - q);
    const rows = [];
    for (const [name, line] of lines) {
      const cells = [...line.values()];
      if (!cells.some((it) => it.told !== undefined || it.pending.length)) continue;
      const row = el('tr');
      row.append(named(el('td'), name));
      const first = line.get(Math.min(...line.keys())).told;
      for (const column of columns) {
        const cell = line.get(column);
        const td = el('td');
        if (cell) {
          const differs = cells.length > 1 && cell.told !== first;
          td.append(el('span', differs ? 'diff' : '', cell.told === undefined ? 'missing' : cell.told));
          for (const [, by, text] of cell.pending) {
            const pend = el('span', 'pend');
            pend.append(this.badge(this.lanes.get(by)), ' ' + text);
            td.append(pend);
          }
        }
        row.append(td);
      }
      rows.push(row);
    }
    const heads = [['Row', ''], ...columns.map((it) => [told.instances[it], ''])];
    const shown = rows.length ? this.table(heads, rows, 'rows')
      : [el('p', 'muted', 'No row that this run writes is there yet.')];
    const pending = state.pending.size > 0;
    if (pending) shown.push(el('p', 'muted note', 'Dashed: written, not yet committed.'));
    for (const [instance, word] of state.down) {
      shown.push(el('p', 'down note', told.instances[instance] + ' is ' + word + '.'));
    }
    parts.rows.replaceChildren(...shown);
  }
}

const choice = { run: 0, hide: false, fold: true };
const runs = data.runs.map((told, at) => new Run(told, document.getElementById('run-' + at)));
const tabs = [...document.querySelectorAll('[role=tab]')];
const theme = document.getElementById('theme');

const isDark = () => root.dataset.theme
  ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme:dark)').matches;

/** Reads the choices from the address. */
function read() {
  const asked = new URLSearchParams(location.hash.slice(1));
  const run = data.runs.findIndex((it) => it.id === asked.get('v'));
  if (run >= 0) choice.run = run;
  if (asked.has('t') && runs[choice.run]) {
    runs[choice.run].step = runs[choice.run].covering(+asked.get('t'));
  }
  if (asked.has('hide')) choice.hide = asked.get('hide') === '1';
  if (asked.has('fold')) choice.fold = asked.get('fold') !== '0';
  if (['dark', 'light'].includes(asked.get('theme'))) root.dataset.theme = asked.get('theme');
}

/** Writes the choices to the address, so that it can be passed on. */
function write() {
  const run = runs[choice.run];
  if (!run || !run.told.steps.length) return;
  const address = new URLSearchParams({ v: run.told.id, t: run.told.steps[run.step][0] });
  if (choice.hide) address.set('hide', '1');
  if (!choice.fold) address.set('fold', '0');
  if (root.dataset.theme) address.set('theme', root.dataset.theme);
  history.replaceState(null, '', '#' + address);
}

function update() {
  runs.forEach((run, at) => { run.section.hidden = at !== choice.run; });
  tabs.forEach((tab, at) => {
    tab.setAttribute('aria-selected', String(at === choice.run));
    tab.tabIndex = at === choice.run ? 0 : -1;
    tab.querySelector('.ic').style.visibility = choice.hide ? 'hidden' : '';
  });
  theme.textContent = isDark() ? 'Light' : 'Dark';
  if (runs[choice.run]) runs[choice.run].draw();
  write();
}

tabs.forEach((tab, at) => {
  tab.onclick = () => { choice.run = at; update(); };
  tab.onkeydown = (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    choice.run = (at + by + tabs.length) % tabs.length;
    update();
    tabs[choice.run].focus();
  };
});
theme.onclick = () => { root.dataset.theme = isDark() ? 'light' : 'dark'; update(); };
document.getElementById('print').onclick = () => print();
addEventListener('beforeprint', () => {
  for (const it of document.querySelectorAll('details')) it.open = true;
});
addEventListener('hashchange', () => { read(); update(); runs[choice.run]?.show(); });
read();
update();
})();
