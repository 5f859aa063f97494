// The page at /: a picture in, Markdown out.
import { health, modelName, readPage } from './client.js';
import { languages, wordsOf } from './texts.js';
import { cutPictures, drawBoxes, listBlocks, renderMarkdown, withoutTags } from './view.js';

const find = (id) => document.getElementById(id);
const sizes = ['auto', 'tiny', 'small', 'base', 'large', 'gundam'];
// Tasks that ask for one more word, and the field of /api/ocr that takes it.
const details = { find_ref: { field: 'find_term', name: 'term' }, freeform: { field: 'prompt', name: 'prompt' } };
const views = ['markdown', 'source', 'blocks', 'json'];

let language = languages.find((each) => navigator.language.startsWith(each)) ?? 'en';
let words = wordsOf(language);
let file; // the page to read
let answer; // of /api/ocr
let text = ''; // what has come so far
let reading; // the AbortController of the request in progress
let model;
let view = 'markdown';

function showWords() {
  words = wordsOf(language);
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : language;
  for (const element of document.querySelectorAll('[data-text]')) {
    element.textContent = words[element.dataset.text];
  }
  find('hint').textContent = words.hint;
  find('language').textContent = language === 'zh' ? 'English' : '中文';
  find('language').lang = language === 'zh' ? 'en' : 'zh';
  fillSelect(find('task'), Object.entries(words.tasks));
  fillSelect(find('mode'), sizes.map((size) => [size, size === 'auto' ? words.auto : size]));
  showDetail();
}

function fillSelect(select, options) {
  const { value } = select;
  select.replaceChildren(...options.map(([key, name]) => new Option(name, key)));
  if (value) select.value = value;
}

function showDetail() {
  const detail = details[find('task').value];
  find('detail-label').hidden = !detail;
  if (detail) find('detail-name').textContent = words[detail.name];
}

function say(message) {
  find('figures').textContent = message;
}

function showError(message) {
  find('error').hidden = !message;
  find('error').textContent = message ?? '';
}

function setFile(chosen) {
  if (!chosen || reading) return;
  file = chosen;
  const picture = find('picture');
  URL.revokeObjectURL(picture.src);
  picture.src = URL.createObjectURL(file);
  picture.alt = file.name ?? '';
  find('boxes').replaceChildren();
  find('sheet').hidden = false;
  find('hint').hidden = true;
  find('drop').classList.add('filled');
  find('run').disabled = false;
  showError();
}

function setReading(controller) {
  reading = controller;
  find('run').hidden = Boolean(controller);
  find('stop').hidden = !controller;
  find('view-markdown').classList.toggle('busy', Boolean(controller));
  find('result').setAttribute('aria-busy', String(Boolean(controller)));
  const hasResult = !controller && Boolean(answer);
  find('copy').disabled = !hasResult;
  find('download').disabled = !hasResult;
}

let isDrawing = false;
// At most once a frame, however fast the pieces come.
function drawSoon() {
  if (isDrawing) return;
  isDrawing = true;
  requestAnimationFrame(() => {
    isDrawing = false;
    if (reading) {
      find('view-markdown').replaceChildren(renderMarkdown(withoutTags(text), new Map()));
      find('view-source').textContent = text;
    }
  });
}

function showAnswer() {
  const boxes = answer.boxes ?? [];
  const pictures = cutPictures(boxes, find('picture'));
  find('view-markdown').replaceChildren(renderMarkdown(answer.text, pictures));
  find('view-source').textContent = answer.text;
  find('view-json').textContent = JSON.stringify(answer, null, 2);
  drawBoxes(find('boxes'), boxes, answer.image_dims);
  listBlocks(find('view-blocks'), boxes);
  if (!boxes.length) find('view-blocks').textContent = words.noBlocks;
}

function summary(seconds) {
  const { metadata = {} } = answer;
  const parts = [words.done(metadata.tokens?.output ?? 0, seconds.toFixed(1), metadata.size ?? '')];
  if (metadata.finish_reason === 'length') parts.push(words.cut);
  if (metadata.finish_reason === 'repetition') parts.push(words.repetition);
  return parts.join(' · ');
}

async function run() {
  if (!file || reading) return;
  const start = performance.now();
  const detail = details[find('task').value];
  answer = undefined;
  text = '';
  showError();
  say(words.reading);
  find('boxes').replaceChildren();
  find('view-markdown').replaceChildren();
  setReading(new AbortController());
  try {
    answer = await readPage({
      file,
      key: find('key').value,
      signal: reading.signal,
      fields: {
        mode: find('task').value,
        size: find('mode').value,
        ...(detail && { [detail.field]: find('detail').value }),
      },
      onText: (piece) => {
        text += piece;
        drawSoon();
      },
    });
    setReading(undefined);
    showAnswer();
    say(summary((performance.now() - start) / 1000));
  } catch (error) {
    setReading(undefined);
    if (error.status === 401) find('key-label').hidden = false;
    if (error.name === 'AbortError') say(words.stopped);
    else {
      say('');
      showError(error.message);
    }
  }
}

function select(name, focus) {
  view = name;
  for (const each of views) {
    const tab = find(`tab-${each}`);
    tab.setAttribute('aria-selected', String(each === name));
    tab.tabIndex = each === name ? 0 : -1;
    find(`view-${each}`).hidden = each !== name;
    if (focus && each === name) tab.focus();
  }
}

// What the open view shows, and the name of a file for it.
function content() {
  const name = (file.name ?? 'page').replace(/\.[^.]*$/, '');
  if (view === 'json' || view === 'blocks') {
    return { name: `${name}.json`, type: 'application/json', data: find('view-json').textContent };
  }
  const extension = find('task').value === 'tables_csv' ? 'csv' : 'md';
  return { name: `${name}.${extension}`, type: 'text/plain', data: answer.text };
}

function download() {
  const { name, type, data } = content();
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([data], { type: `${type};charset=utf-8` }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

async function copy() {
  await navigator.clipboard.writeText(content().data);
  say(words.copied);
}

function light(event) {
  const block = event.target.closest('[data-block]')?.dataset.block;
  for (const element of document.querySelectorAll('[data-block]')) {
    element.classList.toggle('lit', element.dataset.block === block);
  }
}

async function watchHealth() {
  let wait = 1000;
  try {
    const now = await health();
    if (now.status === 'healthy') {
      model ??= await modelName();
      find('state').textContent = words.healthy(model ?? 'MaoOCR');
      wait = 15000;
    } else {
      find('state').textContent = now.status === 'starting' ? words.starting : words.unhealthy(now.reason);
    }
  } catch {
    find('state').textContent = words.offline;
  }
  setTimeout(watchHealth, wait);
}

function listen() {
  const drop = find('drop');
  const choose = () => find('file').click();
  find('choose').addEventListener('click', choose);
  find('file').addEventListener('change', () => setFile(find('file').files[0]));
  drop.addEventListener('click', () => file || choose());
  drop.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' && event.key !== ' ') return;
    event.preventDefault();
    choose();
  });
  for (const type of ['dragenter', 'dragover', 'dragleave', 'drop']) {
    document.addEventListener(type, (event) => {
      event.preventDefault();
      drop.classList.toggle('over', type === 'dragenter' || type === 'dragover');
      if (type === 'drop') setFile(event.dataTransfer.files[0]);
    });
  }
  document.addEventListener('paste', (event) => setFile(event.clipboardData.files[0]));
  find('task').addEventListener('change', showDetail);
  find('controls').addEventListener('submit', (event) => {
    event.preventDefault();
    run();
  });
  find('stop').addEventListener('click', () => reading?.abort());
  find('copy').addEventListener('click', copy);
  find('download').addEventListener('click', download);
  find('language').addEventListener('click', () => {
    language = languages[(languages.indexOf(language) + 1) % languages.length];
    showWords();
    watchHealthWords();
  });
  for (const name of views) find(`tab-${name}`).addEventListener('click', () => select(name));
  find('tabs').addEventListener('keydown', (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step) select(views[(views.indexOf(view) + step + views.length) % views.length], true);
  });
  for (const id of ['boxes', 'view-blocks']) find(id).addEventListener('mouseover', light);
}

function watchHealthWords() {
  if (model) find('state').textContent = words.healthy(model);
}

showWords();
listen();
watchHealth();
