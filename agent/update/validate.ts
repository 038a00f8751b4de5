import type { ValidateFunction } from 'ajv';
import type { Files } from '../ports/files.ts';
import type { Parsers } from '../ports/targets.ts';
import type { ConfigSettings } from '../settings-schema.ts';
import { type Refusal, refuse } from '../values/errors.ts';
import { harmless } from '../values/printable.ts';

type FileSettings = ConfigSettings['files'][number];

/** Largest schema file that is read. */
const SCHEMA_MAX_BYTES = 1024 * 1024;

/** Checks new contents against the format and the schema of their file. */
export interface Validator {
  /** Null if the content is fine. A schema that cannot be used refuses: what cannot be checked is not let through. */
  check(file: FileSettings, name: string, bytes: Uint8Array): Promise<Refusal | null>;
}

function firstLineOf(error: unknown): string {
  return harmless(error instanceof Error ? (error.message.split('\n')[0] ?? error.message) : String(error), 512);
}

/** Compiles a JSON Schema of edition 2020-12, or draft-07 if its `$schema` says so; the library is loaded only when a config has one. */
export async function compileSchema(text: string, coerce: boolean): Promise<ValidateFunction> {
  const schema: unknown = JSON.parse(text);
  if (typeof schema !== 'object' || schema === null) throw new Error('a schema is a JSON object');
  // Its answer would be a promise, which is true to whoever does not wait for it.
  if ('$async' in schema) throw new Error('$async: a check that waits is not taken');
  const options = { allErrors: false, strict: false, coerceTypes: coerce, validateFormats: false };
  // What a schema says about itself decides: the same words mean other things in another edition.
  const edition = '$schema' in schema ? String(schema.$schema) : '';
  if (/^https?:\/\/json-schema\.org\/draft-07\/schema#?$/.test(edition)) {
    const { default: ajv } = await import('ajv');
    return new ajv.Ajv(options).compile(schema);
  }
  const { default: ajv } = await import('ajv/dist/2020.js');
  return new ajv.Ajv2020(options).compile(schema);
}

/** Opens a validator that keeps each compiled schema until its file changes. */
export function openValidator(files: Files, parsers: Parsers): Validator {
  const compiled = new Map<string, { readonly stamp: string; readonly validate: ValidateFunction }>();

  const validatorOf = async (path: string, coerce: boolean): Promise<ValidateFunction> => {
    const stat = files.stat('stage.read', path);
    if (stat === null) throw new Error('the schema file does not exist');
    const stamp = `${stat.ino} ${stat.modifiedMs} ${stat.bytes}`;
    // An ini and a json file may share a schema, but not how it is read.
    const key = `${coerce} ${path}`;
    const known = compiled.get(key);
    // What a symlink leads to can change while the link stays as it is.
    if (known !== undefined && known.stamp === stamp && stat.kind === 'file') return known.validate;
    const text = new TextDecoder('utf-8', { fatal: true }).decode(
      files.read('stage.read', path, SCHEMA_MAX_BYTES) ?? new Uint8Array(),
    );
    const validate = await compileSchema(text, coerce);
    compiled.set(key, { stamp, validate });
    return validate;
  };

  return {
    async check(file, name, bytes) {
      if (file.format === 'text' && file.schema === undefined) return null;
      if (file.format === 'text') return refuse('schema', `${name}: a schema needs a format other than text`);
      let value: unknown;
      try {
        value = await parsers.parse(file.format, new TextDecoder('utf-8', { fatal: true }).decode(bytes));
      } catch (error) {
        return refuse('schema', `${name}: cannot be read as ${file.format}: ${firstLineOf(error)}`);
      }
      if (file.schema === undefined) return null;
      let validate: ValidateFunction;
      try {
        // Every value of an ini file is a string: `5` must count as a number there.
        validate = await validatorOf(file.schema, file.format === 'ini');
      } catch (error) {
        return refuse('schema', `${name}: schema ${file.schema} cannot be used: ${firstLineOf(error)}`);
      }
      if (validate(value)) return null;
      const first = validate.errors?.[0];
      const extra = first?.keyword === 'additionalProperties' ? ` ('${String(first.params.additionalProperty)}')` : '';
      const allowed = first?.keyword === 'enum' ? `: ${JSON.stringify(first.params.allowedValues)}` : '';
      // Names in a document can be as long and as strange as their sender likes.
      const where = harmless(first?.instancePath || '/', 256);
      const what = harmless(`${first?.message ?? 'does not fit'}${extra}${allowed}`, 512);
      return refuse('schema', `${name}: ${where} ${what}`);
    },
  };
}
