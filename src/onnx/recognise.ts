/** What a file that is not an ONNX model looks like, and how a model is made of it. */
export interface ForeignFormat {
  readonly name: string;
  readonly fix: string;
}

const exportIt = 'export the model to ONNX and give the .onnx file';
const pytorch = 'export it with torch.onnx.export(model, example_inputs, "model.onnx")';
const download = 'download the model file itself (a link to its page gives HTML)';

interface Signature extends ForeignFormat {
  readonly offset?: number;
  readonly bytes: string | readonly number[];
}

const signatures: readonly Signature[] = [
  {
    name: 'a zip archive (as PyTorch .pt/.pth and .npz files are)',
    bytes: 'PK\x03\x04',
    fix: `if it is PyTorch, ${pytorch}; else unpack it`,
  },
  { name: 'a Python pickle (as old PyTorch files are)', bytes: [0x80, 0x02], fix: pytorch },
  { name: 'a Python pickle', bytes: [0x80, 0x04], fix: pytorch },
  {
    name: 'a TensorFlow Lite model',
    offset: 4,
    bytes: 'TFL3',
    fix: 'convert it with tf2onnx: python -m tf2onnx.convert --tflite',
  },
  {
    name: "a model in ONNX Runtime's own .ort format",
    offset: 4,
    bytes: 'ORTM',
    fix: 'give the .onnx file that it was made from',
  },
  {
    name: 'an HDF5 file (as Keras .h5 files are)',
    bytes: '\x89HDF',
    fix: 'convert it with tf2onnx or model.export(…, format="onnx")',
  },
  { name: 'a GGUF file', bytes: 'GGUF', fix: exportIt },
  { name: 'a NumPy array', bytes: '\x93NUMPY', fix: 'give the .onnx file as the model and this file as an input' },
  { name: 'gzip-compressed', bytes: [0x1f, 0x8b], fix: 'unpack it first' },
  { name: 'a 7z archive', bytes: '7z\xbc\xaf', fix: 'unpack it first' },
  { name: 'a PNG image', bytes: '\x89PNG', fix: 'give the .onnx file as the model and this file as an input' },
  {
    name: 'a JPEG image',
    bytes: [0xff, 0xd8, 0xff],
    fix: 'give the .onnx file as the model and this file as an input',
  },
  {
    name: 'a Git LFS pointer, not the file that it stands for',
    bytes: 'version https://git-lfs',
    fix: 'run git lfs pull',
  },
];

/** Recognises common files that are given instead of an ONNX model; undefined when it could be one. */
export function recogniseForeign(bytes: Uint8Array): ForeignFormat | undefined {
  const found = signatures.find(({ bytes: magic, offset = 0 }) => {
    const codes = typeof magic === 'string' ? Array.from(magic, (letter) => letter.charCodeAt(0)) : magic;
    return codes.every((code, i) => bytes[offset + i] === code);
  });
  return (
    found ??
    (isSafetensors(bytes)
      ? { name: 'a safetensors file: weights without a graph', fix: exportIt }
      : recogniseText(bytes))
  );
}

/** An 8-byte little-endian header length, then a JSON object. */
function isSafetensors(bytes: Uint8Array): boolean {
  return bytes.length > 9 && bytes[8] === 0x7b && bytes[5] === 0 && bytes[6] === 0 && bytes[7] === 0;
}

function recogniseText(bytes: Uint8Array): ForeignFormat | undefined {
  const start = bytes.subarray(0, 512);
  // Every ONNX file has control characters among its first bytes: the tag of a field, the length of a string.
  if (start.some((byte) => byte < 9 || (byte > 13 && byte < 32))) return undefined;
  const text = new TextDecoder().decode(start).trimStart().toLowerCase();
  if (text.startsWith('<!doctype html') || text.startsWith('<html')) return { name: 'an HTML page', fix: download };
  if (text.startsWith('<')) return { name: 'an XML or HTML text', fix: download };
  if (text.startsWith('{') || text.startsWith('[')) return { name: 'a JSON text', fix: exportIt };
  return { name: 'a text', fix: exportIt };
}
