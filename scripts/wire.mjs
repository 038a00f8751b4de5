// Writes what is derived from the tables of topics and payloads (agent/values/topics.ts, agent/wire/): docs/asyncapi.yaml and
// docs/schemas/. `--check` only says whether all is current (exit 1 if not).
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { stringify } from 'yaml';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const SCHEMAS = 'docs/schemas';

/** The tables, bundled: they import nothing but other tables. */
async function tables() {
  const contents = `
    export { PAYLOADS } from './agent/wire/payloads.ts';
    export { ROLLOUT_PAYLOADS } from './agent/wire/rollout.ts';
    export { GROWS, NAME_SCHEMA, LAYER_SCHEMA } from './agent/wire/words.ts';
    export { GENERAL_JWS_SCHEMA } from './agent/wire/trust.ts';
    export { TOPICS, ROLLOUT_TOPICS } from './agent/values/topics.ts';
    export { COMMANDS } from './agent/values/command.ts';
    export { DOCUMENT_MAX_BYTES } from './agent/values/update.ts';`;
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: ROOT, loader: 'ts' },
    ...{ bundle: true, format: 'esm', platform: 'neutral', write: false },
  });
  return await import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`);
}
const made = await tables();
const { GROWS, NAME_SCHEMA, LAYER_SCHEMA, GENERAL_JWS_SCHEMA, COMMANDS, DOCUMENT_MAX_BYTES } = made;
/** With the topics that operators keep for each other. */
const TOPICS = {
  ...made.TOPICS,
  ...Object.fromEntries(
    Object.entries(made.ROLLOUT_TOPICS).map(([kind, pattern]) => [
      `rollout-${kind}`,
      { pattern, direction: 'operators', qos: 1, retained: true },
    ]),
  ),
};
const PAYLOADS = {
  ...made.PAYLOADS,
  ...Object.fromEntries(Object.entries(made.ROLLOUT_PAYLOADS).map(([kind, row]) => [`rollout-${kind}`, row])),
};
/** What a device does with a topic, and the word for it. */
const DOES = {
  'from-device': { action: 'send', verb: 'say' },
  'to-device': { action: 'receive', verb: 'take' },
  // No device does: an operator publishes it, and another one reads it.
  operators: { action: 'send', verb: 'keep' },
};

/** What a device says may gain members and words: whoever reads it must not break on those. What it is told may not. */
function opened(schema) {
  return JSON.parse(JSON.stringify(schema), function open(key, value) {
    if (key === 'additionalProperties' && value === false) return undefined;
    if (value?.$comment === GROWS && Array.isArray(value.enum)) {
      const { enum: examples, $comment, ...rest } = value;
      return { type: examples.includes(null) ? ['string', 'null'] : 'string', ...rest, $comment, examples };
    }
    return value;
  });
}

function published(kind) {
  const { name, title, summary, schema, signed } = PAYLOADS[kind];
  const isClosed = TOPICS[kind].direction === 'to-device';
  const how = signed === null ? '' : ` This is the payload of the JWS with typ ${signed.typ}.`;
  const body = isClosed ? schema : opened(schema);
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: `Locksmith: ${title} (${name})`,
    ...body,
    description: `${summary}${how}${body.description === undefined ? '' : ` ${body.description}`}`,
  };
}

/** An address is one of three: each makes a channel, for a parameter has no slash in it. */
function channelsOf(kind) {
  const { pattern } = TOPICS[kind];
  if (!pattern.includes('{address}')) return [[kind, pattern]];
  return [
    [`${kind}Device`, pattern.replace('{address}', 'dev/{id}')],
    [`${kind}Group`, pattern.replace('{address}', 'grp/{group}')],
    [`${kind}All`, pattern.replace('{address}', 'all')],
  ];
}

const PARAMETERS = {
  root: { description: '`broker.root` of the settings, one level', default: 'fleet' },
  id: { description: `The device: ${NAME_SCHEMA.pattern}` },
  rollout: { description: `The name of a roll-out: ${NAME_SCHEMA.pattern}` },
  group: { description: `A group: ${NAME_SCHEMA.pattern}` },
  config: { description: `A config of the device: ${NAME_SCHEMA.pattern}` },
  layer: { description: 'The layer', enum: [...LAYER_SCHEMA.enum] },
  name: { description: 'The command', enum: [...COMMANDS] },
};
const ref = ($ref) => ({ $ref });

function message(kind) {
  const { name, title, summary, signed } = PAYLOADS[kind];
  const own = ref(`./schemas/${name}.schema.json`);
  if (signed === null) return { name, title, summary, contentType: 'application/json', payload: own };
  const compact = {
    type: 'string',
    pattern: '^[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+$',
    maxLength: DOCUMENT_MAX_BYTES,
  };
  return {
    ...{ name, title },
    summary: `${summary} Signed: \`x-jws-payload\` is the schema of what the JWS carries, alg EdDSA, typ ${signed.typ}.`,
    contentType: signed.form === 'compact' ? 'application/jose' : 'application/jose+json',
    payload: signed.form === 'compact' ? compact : GENERAL_JWS_SCHEMA,
    'x-jws-typ': signed.typ,
    'x-jws-payload': own,
  };
}

function asyncapi() {
  const kinds = Object.keys(TOPICS);
  const channels = {};
  const operations = {};
  for (const kind of kinds) {
    const { direction, qos, retained } = TOPICS[kind];
    const { name, summary } = PAYLOADS[kind];
    for (const [channel, address] of channelsOf(kind)) {
      const parameters = [...address.matchAll(/\{(\w+)\}/g)].map(([, one]) => [one, PARAMETERS[one]]);
      channels[channel] = {
        address,
        messages: { [name]: ref(`#/components/messages/${name}`) },
        parameters: Object.fromEntries(parameters),
      };
      operations[`${DOES[direction].verb}-${channel}`] = {
        action: DOES[direction].action,
        channel: ref(`#/channels/${channel}`),
        summary,
        messages: [ref(`#/channels/${channel}/messages/${name}`)],
        bindings: { mqtt: { qos, retain: retained, bindingVersion: '0.2.0' } },
      };
    }
  }
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Locksmith',
      version: '1',
      description:
        'The wire between a fleet and its devices, as the agent on a device sees it: it receives what the fleet signs, ' +
        'and sends what it says; and what operators keep for each other, of which no device knows. In words: protocol.md.',
      license: { name: 'Apache-2.0' },
    },
    defaultContentType: 'application/json',
    servers: {
      broker: {
        host: '{host}:{port}',
        protocol: 'secure-mqtt',
        description: 'Any MQTT 3.1.1 broker with QoS 1, retained messages and a last will.',
        variables: { host: { default: 'localhost' }, port: { default: '8883' } },
        bindings: {
          mqtt: {
            clientId: '{id}',
            cleanSession: true,
            lastWill: {
              topic: TOPICS.status.pattern,
              qos: TOPICS.status.qos,
              message: '{"state":"offline","boot":"…","at":"…","reason":"…"}',
              retain: TOPICS.status.retained,
            },
            bindingVersion: '0.2.0',
          },
        },
      },
    },
    channels,
    operations,
    components: { messages: Object.fromEntries(kinds.map((kind) => [PAYLOADS[kind].name, message(kind)])) },
  };
}

const MADE = 'Generated by scripts/wire.mjs from agent/values/topics.ts and agent/wire/. Do not edit.';
const outputs = new Map(
  Object.keys(TOPICS).map((kind) => [
    `${SCHEMAS}/${PAYLOADS[kind].name}.schema.json`,
    `${JSON.stringify(published(kind), null, 2)}\n`,
  ]),
);
outputs.set(
  'docs/asyncapi.yaml',
  `# ${MADE}\n${stringify(asyncapi(), { lineWidth: 140, aliasDuplicateObjects: false })}`,
);

const read = (path) => {
  try {
    return readFileSync(join(ROOT, path), 'utf8');
  } catch {
    return null;
  }
};
mkdirSync(join(ROOT, SCHEMAS), { recursive: true });
const over = readdirSync(join(ROOT, SCHEMAS)).map((name) => `${SCHEMAS}/${name}`);
const stale = over.filter((path) => !outputs.has(path));
const old = [...outputs].filter(([path, text]) => read(path) !== text);
if (process.argv.includes('--check')) {
  for (const path of [...old.map(([path]) => path), ...stale]) {
    console.error(`${path}: not current. Run: node scripts/wire.mjs`);
    process.exitCode = 1;
  }
} else {
  for (const path of stale) rmSync(join(ROOT, path));
  for (const [path, text] of old) {
    writeFileSync(join(ROOT, path), text);
    console.log(`wrote ${path}`);
  }
}
