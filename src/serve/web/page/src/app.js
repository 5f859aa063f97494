// The page at /: a picture or a PDF in, Markdown out.
import { health, modelName, readFile } from './client.js';
import { languages, wordsOf } from './texts.js';
import { cutPictures, drawBoxes, listBlocks, renderMarkdown, withoutTags } from './view.js';

const find = (id) => document.getElementById(id);
const sizes = ['auto', 'tiny', 'small', 'base', 'large', 'gundam'];
// Tasks that ask for one more word, and the field of /api/ocr that takes it.
const details = { find_ref: { field: 'find_term', name: 'term' }, freeform: { field: 'prompt', name: 'prompt' } };
// What the server puts after every page of a document.
const pageSplit = '\n\n<--- Page Split --->\n';
const views = ['markdown', 'source', 'blocks', 'json'];

let language = languages.find((each) => navigator.language.startsWith(each)) ?? 'en';
let words = wordsOf(language);
let file; // the page to read
let answers = []; // of /api/ocr, one for each page
let shown = 0; // which of them
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
  find('hint').textContent = file && isPdf() ? words.pdfHint(file.name) : words.hint;
  for (const id of ['previous', 'next']) find(id).setAttribute('aria-label', words[id]);
  find('language').textContent = language === 'zh' ? 'English' : '中文';
  find('language').lang = language === 'zh' ? 'en' : 'zh';
  fillSelect(find('task'), Object.entries(words.tasks));
  fillSelect(find('mode'), sizes.map((size) => [size, size === 'auto' ? words.auto : size]));
  showDetail();
  showPager();
}

function isPdf() {
  return file.type === 'application/pdf' || /\.pdf$/i.test(file.name ?? '');
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
  find('pages-label').hidden = !isPdf();
  find('boxes').replaceChildren();
  find('sheet').hidden = isPdf();
  find('hint').hidden = !isPdf();
  if (isPdf()) find('hint').textContent = words.pdfHint(file.name);
  else picture.src = URL.createObjectURL(file);
  picture.alt = file.name ?? '';
  find('drop').classList.add('filled');
  answers = [];
  showPager();
  find('run').disabled = false;
  showError();
}

function setReading(controller) {
  reading = controller;
  find('run').hidden = Boolean(controller);
  find('stop').hidden = !controller;
  find('view-markdown').classList.toggle('busy', Boolean(controller));
  find('result').setAttribute('aria-busy', String(Boolean(controller)));
  const hasResult = !controller && answers.some((answer) => answer.success);
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
    if (reading && !answers.length) {
      find('view-markdown').replaceChildren(renderMarkdown(withoutTags(text), new Map()));
      find('view-source').textContent = text;
    }
  });
}

// Of the page with this index; what is not there yet or any more is left out.
async function showAnswer(index) {
  const answer = answers[index];
  if (!answer) return;
  shown = index;
  showPager();
  const picture = find('picture');
  const boxes = answer.boxes ?? [];
  find('boxes').replaceChildren();
  if (answer.page) {
    find('sheet').hidden = !answer.page_picture;
    find('hint').hidden = true;
    if (answer.page_picture) picture.src = answer.page_picture;
  }
  await picture.decode().catch(() => {}); // a format that only the server knows is not shown
  if (answers[shown] !== answer) return;
  showError(answer.error?.message);
  const pictures = cutPictures(answer, picture);
  find('view-markdown').replaceChildren(renderMarkdown(answer.text ?? '', pictures));
  find('view-source').textContent = answer.text ?? '';
  find('view-json').textContent = JSON.stringify(withoutPicture(answer), null, 2);
  if (answer.image_dims) drawBoxes(find('boxes'), boxes, answer.image_dims);
  listBlocks(find('view-blocks'), boxes);
  if (!boxes.length) find('view-blocks').textContent = words.noBlocks;
}

function withoutPicture({ page_picture: _, ...rest }) {
  return rest;
}

function showPager() {
  const isDocument = Boolean(answers[shown]?.page);
  find('pager').hidden = !isDocument;
  if (!isDocument) return;
  find('page-number').textContent = words.pageOf(answers[shown].page, shown + 1, answers.length);
  find('previous').disabled = shown === 0;
  find('next').disabled = shown === answers.length - 1;
}

function summary(seconds) {
  const tokens = answers.reduce((sum, { metadata }) => sum + (metadata?.tokens?.output ?? 0), 0);
  const failed = answers.filter((answer) => !answer.success).length;
  const parts = [
    answers[0].page
      ? words.donePages(answers.length, failed, tokens, seconds.toFixed(1))
      : words.done(tokens, seconds.toFixed(1), answers[0].metadata?.size ?? ''),
  ];
  const reasons = answers.map(({ metadata }) => metadata?.finish_reason);
  if (reasons.includes('length')) parts.push(words.cut);
  if (reasons.includes('repetition')) parts.push(words.repetition);
  return parts.join(' · ');
}

async function run() {
  if (!file || reading) return;
  const start = performance.now();
  const detail = details[find('task').value];
  answers = [];
  shown = 0;
  text = '';
  showError();
  showPager();
  say(words.reading);
  find('boxes').replaceChildren();
  find('view-markdown').replaceChildren();
  setReading(new AbortController());
  try {
    const pages = await readFile({
      file,
      key: find('key').value,
      signal: reading.signal,
      fields: {
        mode: find('task').value,
        size: find('mode').value,
        ...(detail && { [detail.field]: find('detail').value }),
        ...(isPdf() && { pages: find('pages').value, page_pictures: 'true' }),
      },
      onText: (piece) => {
        text += piece;
        drawSoon();
      },
      onProgress: (done, total) => say(words.progress(done, total)),
      onPage: (answer) => {
        // Whoever looks at the newest page goes on to the next.
        const follows = shown >= answers.length - 1;
        answers.push(answer);
        if (follows) showAnswer(answers.length - 1);
        else showPager();
      },
    });
    if (!answers.length) answers = pages;
    setReading(undefined);
    await showAnswer(answers[0].page ? shown : 0);
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

function wholeText() {
  if (!answers[0].page) return answers[0].text;
  return answers.map((answer) => (answer.text ?? '') + pageSplit).join('');
}

// What the open view shows, of all pages, and the name of a file for it.
function content() {
  const name = (file.name ?? 'page').replace(/\.[^.]*$/, '');
  if (view === 'json' || view === 'blocks') {
    const [first] = answers;
    const all = first.page ? { pages: answers.map(withoutPicture) } : first;
    return { name: `${name}.json`, type: 'application/json', data: JSON.stringify(all, null, 2) };
  }
  const extension = find('task').value === 'tables_csv' ? 'csv' : 'md';
  return { name: `${name}.${extension}`, type: 'text/plain', data: wholeText() };
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
  find('previous').addEventListener('click', () => showAnswer(shown - 1));
  find('next').addEventListener('click', () => showAnswer(shown + 1));
  document.addEventListener('keydown', (event) => {
    const step = { PageDown: 1, PageUp: -1 }[event.key];
    if (!step || find('pager').hidden || event.target.closest('input, select')) return;
    event.preventDefault();
    showAnswer(shown + step);
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
