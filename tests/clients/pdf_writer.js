// PDF files whose pages are PNG pictures.

// The parts of an 8-bit RGB PNG that is not interlaced.
function readPng(png) {
  const data = [];
  for (let at = 8; at < png.length; ) {
    const size = png.readUInt32BE(at);
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT') data.push(png.subarray(at + 8, at + 8 + size));
    at += size + 12;
  }
  return { width: png.readUInt32BE(16), height: png.readUInt32BE(20), data: Buffer.concat(data) };
}

// One page for each picture, a pixel at 144 dpi being a pixel of it.
export function pdfOfPngs(pngs) {
  const parts = [Buffer.from('%PDF-1.4\n')];
  const offsets = [];
  const length = () => parts.reduce((sum, part) => sum + part.length, 0);
  const add = (head, stream) => {
    offsets.push(length());
    parts.push(Buffer.from(`${offsets.length} 0 obj\n${head}\n`));
    if (stream) parts.push(Buffer.from('stream\n'), stream, Buffer.from('\nendstream\n'));
    parts.push(Buffer.from('endobj\n'));
  };
  const pictures = pngs.map(readPng);
  add('<</Type/Catalog/Pages 2 0 R>>');
  add(`<</Type/Pages/Count ${pictures.length}/Kids[${pictures.map((_, i) => `${3 + 3 * i} 0 R`).join(' ')}]>>`);
  pictures.forEach(({ width, height, data }, i) => {
    const [w, h] = [width / 2, height / 2];
    const content = Buffer.from(`${w} 0 0 ${h} 0 0 cm /I Do`);
    add(`<</Type/Page/Parent 2 0 R/MediaBox[0 0 ${w} ${h}]/Contents ${4 + 3 * i} 0 R/Resources<</XObject<</I ${5 + 3 * i} 0 R>>>>>>`);
    add(`<</Length ${content.length}>>`, content);
    add(
      `<</Type/XObject/Subtype/Image/ColorSpace/DeviceRGB/BitsPerComponent 8/Width ${width}/Height ${height}` +
        `/Filter/FlateDecode/DecodeParms<</Predictor 15/Colors 3/Columns ${width}>>/Length ${data.length}>>`,
      data,
    );
  });
  const start = length();
  const rows = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('');
  parts.push(
    Buffer.from(
      `xref\n0 ${offsets.length + 1}\n0000000000 65535 f \n${rows}trailer\n<</Size ${offsets.length + 1}/Root 1 0 R>>\n` +
        `startxref\n${start}\n%%EOF\n`,
    ),
  );
  return Buffer.concat(parts);
}
