// Documents made by chance, the same ones in every run.

// xorshift32
export function makeRandom(seed) {
  let state = seed;
  return (bound) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % bound;
  };
}

const TOKENS = /"""[^]*?"""|"(?:\\.|[^"\\\n])*"|\.\.\.|[A-Za-z_]\w*|-?\d+(?:\.\d+)?|[^\s,]/gu;
const SPARE = ['{', '}', '(', ')', '[', ']', ':', '!', '$', '@', '...', '|', '&', '=', 'on', 'a', 'id', '1', '1.5',
               '"s"', 'null', 'true', 'PLAIN', 'fragment', 'query', '""" b """', '$i', '#\n', '"', '\\u0041'];

// One document with tokens dropped, doubled, swapped or replaced.
export function mutate(source, random) {
  const tokens = source.match(TOKENS) ?? [];
  for (let edits = 1 + random(3); edits > 0; --edits) {
    const at = random(tokens.length + 1);
    switch (random(4)) {
      case 0: tokens.splice(at, 1); break;
      case 1: tokens.splice(at, 0, tokens[random(Math.max(tokens.length, 1))] ?? 'x'); break;
      case 2: tokens.splice(at, 1, SPARE[random(SPARE.length)]); break;
      case 3: tokens.splice(at, 0, SPARE[random(SPARE.length)]); break;
    }
  }
  return tokens.join(random(2) ? ' ' : '\n');
}

const VALUES = {
  Int: ['1', '-7', '2147483647', '$i'], Float: ['1.5', '2'], String: ['"s"', '"""b"""', '""'], Boolean: ['true', 'false', '$b'],
  ID: ['"1"', '2'], Mode: ['PLAIN', 'LAYOUT'], Long: ['12345678901'], Base64: ['"YWJj"'], JSON: ['{a: [1]}', '"x"', 'null', '$i'],
  PageInput: ['{title: "t"}', '{title: "t", boxes: [{x2: 1, y2: $i}]}', '{title: "t", within: {title: "u", tags: ["x"]}}'],
};

// A document that mostly fits the schema: about one thing in thirty is wrong.
export function generate(schema, random) {
  const fragments = [];
  const typeNames = ['Page', 'Block', 'Figure', 'Element', 'Tree', 'Query', 'Box'];
  const wrong = () => random(30) === 0;
  const named = (type) => (type.ofType ? named(type.ofType) : type);

  const value = (type) => {
    if (wrong()) return VALUES[Object.keys(VALUES)[random(10)]][0];
    const text = type.toString();
    if (text.endsWith('!')) return value(type.ofType).replace(/^null$/, '1');
    if (text.startsWith('[')) return random(4) ? `[${value(type.ofType)}, ${value(type.ofType)}]` : value(type.ofType);
    const choices = VALUES[text];
    return choices[random(choices.length)];
  };

  const args = (definitions) => {
    const chosen = definitions.filter((d) => (d.type.toString().endsWith('!') && d.defaultValue === undefined ? !wrong() : random(3) === 0));
    return chosen.length ? `(${chosen.map((d) => `${wrong() ? d.name + 'x' : d.name}: ${value(d.type)}`).join(', ')})` : '';
  };

  const directives = () =>
    random(12) ? '' : [' @skip(if: $b)', ' @include(if: true)', ' @skip(if: false)', ' @internal', ' @include'][random(wrong() ? 5 : 4)];

  const selections = (type, depth) => {
    const parts = [];
    for (let count = 1 + random(4); count > 0; --count) {
      if (random(8) === 0) parts.push(fragment(type, depth));
      else parts.push(field(type, depth));
    }
    return `{ ${parts.join(' ')} }`;
  };

  const fragment = (type, depth) => {
    const members = type.getTypes ? type.getTypes() : [type];
    const target = wrong() ? schema.getType(typeNames[random(typeNames.length)]) : members[random(members.length)];
    if (random(2) || depth <= 0) return `... on ${target.name}${directives()} ${depth <= 0 ? '{ __typename }' : selections(target, depth - 1)}`;
    if (fragments.length > 0 && random(3) === 0) {
      const known = fragments.find((f) => f.type === target.name);
      if (known) return `...${known.name}`;
    }
    const made = { name: `F${fragments.length}`, type: target.name, text: '' };
    fragments.push(made);
    made.text = `fragment ${made.name} on ${made.type} ${selections(target, depth - 1)}`;
    return `...${made.name}${directives()}`;
  };

  const field = (type, depth) => {
    if (random(12) === 0 || (type.getTypes && !wrong())) return '__typename';
    const fields = type.getFields ? Object.values(type.getFields()) : [];
    const leaves = fields.filter((f) => !named(f.type).getFields && !named(f.type).getTypes);
    const choices = depth <= 0 && leaves.length ? leaves : fields;
    if (choices.length === 0) return 'nothing';
    const chosen = choices[random(choices.length)];
    const alias = random(6) ? '' : `${'abc'[random(3)]}: `;
    const inner = named(chosen.type);
    const composite = inner.getFields || inner.getTypes;
    const below = (composite ? !wrong() : wrong()) ? ` ${depth <= 0 && composite ? '{ __typename }' : selections(inner.getFields || inner.getTypes ? inner : type, depth - 1)}` : '';
    return `${alias}${wrong() ? chosen.name + 'y' : chosen.name}${args(chosen.args)}${directives()}${below}`;
  };

  const root = random(6) ? schema.getQueryType() : schema.getMutationType();
  const body = selections(root, 3);
  const text = [body, ...fragments.map((f) => f.text)].join('\n');
  const variables = [];
  if (text.includes('$i') !== wrong()) variables.push(random(2) ? '$i: Int!' : '$i: Int = 1');
  if (text.includes('$b') !== wrong()) variables.push(random(2) ? '$b: Boolean!' : '$b: Boolean = false');
  return `${root === schema.getQueryType() ? 'query' : 'mutation'} Q${variables.length ? `(${variables.join(', ')})` : ''} ${text}`;
}
