// The server's interfaces as this page uses them.

// Asks for a file; calls onText with each piece, and for a PDF onProgress and, page after page, onPage.
// Resolves to the answers of /api/ocr for its pages; a picture is one.
export async function readFile({ file, fields, key, signal, onText, onProgress, onPage }) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) if (value) form.append(name, value);
  form.append('image', file, file.name || 'page.png');
  const response = await fetch('api/ocr', {
    method: 'POST',
    body: form,
    signal,
    headers: { Accept: 'text/event-stream', ...(key && { Authorization: `Bearer ${key}` }) },
  });
  if (!response.headers.get('Content-Type')?.startsWith('text/event-stream')) {
    throw await errorOf(response);
  }
  const pages = [];
  let isWhole = false;
  for await (const { event, data } of events(response.body)) {
    const value = data === '[DONE]' ? {} : JSON.parse(data);
    if (event === 'text') onText(value.text);
    if (event === 'progress') onProgress(value.pages_done, value.pages_total);
    if (event === 'page') {
      pages.push(value);
      if (value.page) onPage(value);
    }
    if (event === 'page' ? !value.page : event === 'done') isWhole = true;
    if (event === 'error') throw new Error(value.error.message);
  }
  if (!isWhole) throw new Error('the answer broke off');
  return pages;
}

async function errorOf(response) {
  const text = await response.text();
  let message = text;
  try {
    const { error } = JSON.parse(text);
    message = error.message ?? error;
  } catch {
    // not JSON: the text itself
  }
  return Object.assign(new Error(message || response.statusText), { status: response.status });
}

// Server-sent events (WHATWG HTML 9.2), as far as the server uses them.
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    rest += value;
    const blocks = rest.split('\n\n');
    rest = blocks.pop();
    for (const block of blocks) {
      let event = 'message';
      const data = [];
      for (const line of block.split('\n')) {
        if (line.startsWith('event:')) event = line.slice(6).trim();
        if (line.startsWith('data:')) data.push(line.slice(5).trimStart());
      }
      if (data.length) yield { event, data: data.join('\n') };
    }
  }
}

export async function health() {
  const response = await fetch('health');
  return response.json();
}

export async function modelName() {
  const response = await fetch('v1/models');
  if (response.status === 401) return undefined;
  return (await response.json()).data[0]?.id;
}
