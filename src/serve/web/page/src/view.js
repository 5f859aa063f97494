// From an answer to what people see.
import DOMPurify from 'dompurify';
import { marked } from 'marked';

const colours = {
  title: '#b3261e',
  sub_title: '#c2571a',
  text: '#2f6f5e',
  table: '#1f5fa8',
  image: '#7a3fa0',
  figure: '#7a3fa0',
  equation: '#946200',
};

export function colourOf(label) {
  return colours[label] ?? '#55636e';
}

// While it is written the model's text has its tags; people need not see them.
export function withoutTags(text) {
  return text
    .replace(/<\|ref\|>.*?<\|\/ref\|>(<\|det\|>.*?<\|\/det\|>)?\n?/gs, '')
    .replace(/<\|(ref|det)\|>[^]*$/, '');
}

// Markdown of strangers: rendered, and then stripped of everything that acts or loads.
export function renderMarkdown(markdown, pictures) {
  const html = marked.parse(markdown, { async: false, gfm: true });
  const fragment = DOMPurify.sanitize(html, {
    RETURN_DOM_FRAGMENT: true,
    FORBID_TAGS: ['style', 'form', 'input', 'button', 'svg', 'math', 'iframe', 'video', 'audio'],
    FORBID_ATTR: ['style', 'class', 'id', 'name'],
  });
  for (const image of fragment.querySelectorAll('img')) {
    const picture = pictures.get(image.getAttribute('src'));
    if (picture) image.src = picture;
    else image.replaceWith(image.alt);
  }
  for (const link of fragment.querySelectorAll('a')) {
    link.rel = 'noopener noreferrer nofollow';
    link.target = '_blank';
  }
  return fragment;
}

// The pictures that the Markdown links, cut out of the page: images/0.jpg is the first image block, and
// images/4_0.jpg that of the fifth page of a document.
export function cutPictures({ boxes = [], page }, picture) {
  const prefix = page ? `${page - 1}_` : '';
  const pictures = new Map();
  for (const { label, box } of boxes) {
    if (label !== 'image') continue;
    const [x1, y1, x2, y2] = box;
    const canvas = document.createElement('canvas');
    canvas.width = Math.max(1, x2 - x1);
    canvas.height = Math.max(1, y2 - y1);
    const context = canvas.getContext('2d');
    context.drawImage(picture, x1, y1, canvas.width, canvas.height, 0, 0, canvas.width, canvas.height);
    pictures.set(`images/${prefix}${pictures.size}.jpg`, canvas.toDataURL('image/jpeg', 0.9));
  }
  return pictures;
}

export function drawBoxes(svg, boxes, dims) {
  svg.setAttribute('viewBox', `0 0 ${dims.w} ${dims.h}`);
  svg.replaceChildren(
    ...boxes.map(({ label, box: [x1, y1, x2, y2] }, index) => {
      const rect = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
      const attributes = { x: x1, y: y1, width: x2 - x1, height: y2 - y1, 'data-block': index };
      for (const [name, value] of Object.entries(attributes)) rect.setAttribute(name, value);
      rect.style.setProperty('--color', colourOf(label));
      const title = document.createElementNS('http://www.w3.org/2000/svg', 'title');
      title.textContent = label;
      rect.append(title);
      return rect;
    }),
  );
}

export function listBlocks(list, boxes) {
  list.replaceChildren(
    ...boxes.map(({ label, text, box }, index) => {
      const item = document.createElement('li');
      item.dataset.block = index;
      item.style.setProperty('--color', colourOf(label));
      const name = document.createElement('b');
      name.textContent = `${label} [${box.join(', ')}]`;
      item.append(name, document.createElement('br'), text ?? '');
      return item;
    }),
  );
}
