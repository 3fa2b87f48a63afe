// Published weights as an ONNX model (https://onnx.ai/onnx/intro/), for networks of 3 x 3 "same"
// convolutions with a batch norm before the ReLU, 2 x 2 poolings, and one linear layer.

const VARINT = 0;
const BYTES = 2;

function varint(value) {
  const bytes = [];
  let rest = BigInt(value);
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

const number = (field, value) => Buffer.concat([varint((field << 3) | VARINT), varint(value)]);
const bytes = (field, value) => {
  const buffer = Buffer.isBuffer(value) ? value : Buffer.from(value);
  return Buffer.concat([varint((field << 3) | BYTES), varint(buffer.length), buffer]);
};
const message = (...fields) => Buffer.concat(fields);

// Field numbers are those of onnx.proto.
const tensor = (name, dims, values) =>
  message(
    ...dims.map((dim) => number(1, dim)),
    number(2, 1),
    bytes(8, name),
    bytes(9, Buffer.from(Float32Array.from(values).buffer)),
  );
const integers = (name, values) =>
  bytes(5, message(bytes(1, name), ...values.map((value) => number(8, value)), number(20, 7)));
const integer = (name, value) => bytes(5, message(bytes(1, name), number(3, value), number(20, 2)));
const node = (operator, inputs, output, ...attributes) =>
  bytes(
    1,
    message(
      ...inputs.map((input) => bytes(1, input)),
      bytes(2, output),
      bytes(4, operator),
      ...attributes,
    ),
  );
const valueInfo = (field, name, dims) => {
  const shape = dims.map((dim) =>
    bytes(1, typeof dim === 'string' ? bytes(2, dim) : number(1, dim)),
  );
  return bytes(
    field,
    message(bytes(1, name), bytes(2, bytes(1, message(number(1, 1), bytes(2, message(...shape)))))),
  );
};

function half(bits) {
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  const size = exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024);
  return bits & 32768 ? -size : size;
}

/** A safetensors file's tensors by name. */
function tensorsOf(file) {
  const length = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.subarray(8, 8 + length).toString());
  const read = ({ dtype, shape, data_offsets: [start, end] }) => {
    const data = file.subarray(8 + length + start, 8 + length + end);
    const width = { F32: 4, F16: 2 }[dtype];
    if (!width) throw new Error(`numbers of type ${dtype} are not known here`);
    const value = (at) => (width === 4 ? data.readFloatLE(at) : half(data.readUInt16LE(at)));
    return { shape, values: Array.from({ length: data.length / width }, (_, i) => value(i * width)) };
  };
  const entries = Object.entries(header).filter(([name]) => name !== '__metadata__');
  return Object.fromEntries(entries.map(([name, entry]) => [name, read(entry)]));
}

/** The model of a weights file, for grey inputs of `side` pixels, any number at a time. */
export function onnxOf(file, side) {
  const tensors = tensorsOf(file);
  const stages = Object.keys(tensors).filter((name) => /^stages\.\d+\.conv\.weight$/.test(name)).length;
  if (tensors['linears.1.weight'] || !tensors['stages.0.norm.gamma']) {
    throw new Error('only networks with a batch norm a stage and one linear layer are known here');
  }
  const nodes = [];
  let below = 'input';
  for (let i = 0; i < stages; i += 1) {
    const of = (part) => `stages.${i}.${part}`;
    nodes.push(
      node('Conv', [below, of('conv.weight'), of('conv.bias')], `conv${i}`, integers('pads', [1, 1, 1, 1])),
      node(
        'BatchNormalization',
        [`conv${i}`, ...['gamma', 'beta', 'running_mean', 'running_var'].map((part) => of(`norm.${part}`))],
        `norm${i}`,
      ),
      node('Relu', [`norm${i}`], `relu${i}`),
      node('MaxPool', [`relu${i}`], `pool${i}`, integers('kernel_shape', [2, 2]), integers('strides', [2, 2])),
    );
    below = `pool${i}`;
  }
  nodes.push(
    node('Flatten', [below], 'features', integer('axis', 1)),
    node('Gemm', ['features', 'linears.0.weight', 'linears.0.bias'], 'logits'),
  );
  const graph = message(
    ...nodes,
    bytes(2, 'doorplate'),
    ...Object.entries(tensors).map(([name, { shape, values }]) => bytes(5, tensor(name, shape, values))),
    valueInfo(11, 'input', ['n', 1, side, side]),
    valueInfo(12, 'logits', ['n', 10]),
  );
  return message(number(1, 8), bytes(7, graph), bytes(8, message(bytes(1, ''), number(2, 15))));
}
